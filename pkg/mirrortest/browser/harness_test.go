package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	devpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"mirrornet/pkg/mirrortest"
)

// patience is for what a loaded machine may take long to do; what has to be
// quick is measured by itself.
const patience = 40 * time.Second

// chromium is one running browser. Each page has a profile of its own in it.
type chromium struct {
	ctx context.Context
	n   *mirrortest.Network
	// hosts are those of the network's map: pages ask no other.
	hosts map[string]bool
}

// launch starts Chromium, which knows no host but this machine's.
func launch(t *testing.T, n *mirrortest.Network) *chromium {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skipf("%v; on Debian: sudo apt-get install chromium", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1"))
	ctx, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	c := &chromium{ctx: ctx, n: n, hosts: map[string]bool{}}
	for _, port := range []int{europe, asia, useast} {
		for _, name := range []string{"rest", regionAt(port)} {
			c.hosts[fmt.Sprintf("%s.localhost:%d", name, n.Port(port))] = true
		}
		c.hosts[fmt.Sprintf("127.0.0.1:%d", n.Port(port+1000))] = true // the operators'
	}
	return c
}

// view is how somebody looks at pages.
type view struct {
	name          string
	width, height int64
	touch, dark   bool
}

var (
	desk  = view{name: "desk", width: 1280, height: 900}
	phone = view{name: "phone", width: 390, height: 844, touch: true, dark: true}
)

// page is a tab in a profile of its own. What goes wrong in it fails the test
// at its end.
type page struct {
	*testing.T
	c    *chromium
	ctx  context.Context
	view view

	mu       sync.Mutex // guards the fields below
	faults   []string
	expected []*regexp.Regexp
	hosts    map[string]bool
	requests []*request
}

// request is one that the page made.
type request struct {
	id     network.RequestID
	method string
	url    string
	kind   network.ResourceType
	status int64
	bytes  float64 // as they were sent
	done   bool
	failed string
}

// open opens a tab. as is a client's address whose place is played; "": this
// machine's, of which none is known.
func (c *chromium) open(t *testing.T, v view, as string) *page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(c.ctx, chromedp.WithNewBrowserContext())
	p := &page{T: t, c: c, ctx: ctx, view: v, hosts: map[string]bool{}}
	t.Cleanup(func() {
		p.report()
		cancel()
	})
	if err := chromedp.Listen(ctx, p.listen); err != nil {
		t.Fatal(err)
	}
	p.look(v)
	if as != "" {
		send(p, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"X-Forwarded-For": as}})
	}
	send(p, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		if _, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: name},
			Setting: browser.PermissionSettingGranted, BrowserContextID: chromedp.FromContext(ctx).BrowserContextID}); err != nil {
			t.Fatal(err)
		}
	}
	// What moves after it was drawn, and not because somebody acted.
	send(p, devpage.AddScriptToEvaluateOnNewDocument, devpage.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.shifts = [];
		new PerformanceObserver((list) => {
			for (const e of list.getEntries()) if (!e.hadRecentInput) shifts.push({value: e.value, what: e.sources.map((s) => s.node?.outerHTML?.slice(0, 120) ?? s.node?.textContent)});
		}).observe({type: 'layout-shift', buffered: true});`})
	return p
}

// look sets width, theme and finger or mouse.
func (p *page) look(v view) {
	p.Helper()
	p.view = v
	p.do(chromedp.EmulateViewport(v.width, v.height, func(m *emulation.SetDeviceMetricsOverrideParams, touch *emulation.SetTouchEmulationEnabledParams) {
		m.Mobile, touch.Enabled = v.touch, v.touch
	}))
	theme := "light"
	if v.dark {
		theme = "dark"
	}
	send(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
}

// listen notes what happens in the tab.
func (p *page) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.hosts[hostOf(e.Request.URL)] = true
		p.requests = append(p.requests, &request{id: e.RequestID, method: e.Request.Method, url: e.Request.URL, kind: e.Type})
	case *network.EventResponseReceived:
		if r := p.find(e.RequestID); r != nil {
			r.status = e.Response.Status
		}
	case *network.EventLoadingFinished:
		if r := p.find(e.RequestID); r != nil {
			r.done, r.bytes = true, e.EncodedDataLength
		}
	case *network.EventLoadingFailed:
		r := p.find(e.RequestID)
		if r == nil {
			return
		}
		r.done, r.failed = true, e.ErrorText
		if !e.Canceled {
			p.faults = append(p.faults, fmt.Sprintf("%s %s failed: %s %s", r.method, r.url, e.ErrorText, e.BlockedReason))
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			p.faults = append(p.faults, fmt.Sprintf("console: %s", said(e.Args)))
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		p.faults = append(p.faults, fmt.Sprintf("exception: %s (%s:%d)", text, e.ExceptionDetails.URL, e.ExceptionDetails.LineNumber))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			p.faults = append(p.faults, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	}
}

func (p *page) find(id network.RequestID) *request {
	for i := len(p.requests) - 1; i >= 0; i-- {
		if p.requests[i].id == id {
			return p.requests[i]
		}
	}
	return nil
}

func said(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		words = append(words, strings.Trim(string(a.Value), `"`)+a.Description)
	}
	return strings.Join(words, " ")
}

// hostOf is the host that a URL asks; "" for those that ask none.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	switch u.Scheme {
	case "data", "blob", "about":
		return ""
	case "http", "https", "ws", "wss":
		return u.Host
	}
	return raw
}

// expect says which faults this test brings about itself.
func (p *page) expect(faults ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range faults {
		p.expected = append(p.expected, regexp.MustCompile(f))
	}
}

// report fails the test for what went wrong in the tab.
func (p *page) report() {
	p.Helper()
	for _, w := range p.wrongs() {
		p.Errorf("in the browser: %s", w)
	}
}

// wrongs are what nobody expected, and each host that is not on the map and was
// asked.
func (p *page) wrongs() (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		if !slices.ContainsFunc(p.expected, func(e *regexp.Regexp) bool { return e.MatchString(f) }) {
			list = append(list, f)
		}
	}
	for h := range p.hosts {
		if h != "" && !p.c.hosts[h] {
			list = append(list, "a request went to "+h+", which is not on the map")
		}
	}
	p.faults, p.hosts = nil, map[string]bool{}
	return list
}

// within bounds one thing that the browser is told.
func (p *page) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(p.ctx, patience)
}

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := p.within()
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.fatal("%v", err)
	}
}

// fatal ends the test, with what can be seen.
func (p *page) fatal(format string, args ...any) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	at, _ := chromedp.Run(ctx, chromedp.Location())
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`(document.querySelector('#problems')?.innerText ?? '') + '\n' + ['#answer', '#main', 'body'].map((s) => document.querySelector(s)?.innerText.replace(/\s*\n\s*/g, '\n').trim()).find(Boolean)`))
	p.Fatalf("%s\nat %s, which says:\n%.2500s", fmt.Sprintf(format, args...), at, text)
}

// send gives the tab a command of the DevTools protocol.
func send[P, R any](p *page, command cdp.Command[P, R], params P) R {
	p.Helper()
	ctx, cancel := p.within()
	defer cancel()
	r, err := chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, command, params) })
	if err != nil {
		p.fatal("%s: %v", command.Method, err)
	}
	return r
}

// eval gives the value of an expression, awaited.
func eval[T any](p *page, expression string) T {
	p.Helper()
	ctx, cancel := p.within()
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.fatal("%s: %v", expression, err)
	}
	return v
}

// visit goes to an address, and is there when the page has loaded.
func (p *page) visit(address string) {
	p.Helper()
	p.do(chromedp.Navigate(address))
}

// until waits for an expression to be true, and gives how long that took. A page
// that is being left counts as one that it is not true of.
func (p *page) until(what, expression string) time.Duration {
	p.Helper()
	begin := time.Now()
	ctx, cancel := p.within()
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`(async () => Boolean(await (`+expression+`)))()`, chromedp.EvalAwaitPromise))
		if ok {
			return time.Since(begin)
		}
		if ctx.Err() != nil {
			p.fatal("%s: not within %s (%v): %s", what, patience, err, expression)
		}
		<-tick.C
	}
}

// poll waits for what the tab was seen to do.
func (p *page) poll(what string, seen func() bool) {
	p.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		p.mu.Lock()
		ok := seen()
		p.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(end) {
			p.fatal("%s: not within %s", what, patience)
		}
	}
}

// click presses what a selector finds, with mouse or finger, where somebody would:
// in its middle, which nothing may cover.
func (p *page) click(selector string) {
	p.Helper()
	at := p.middle(selector)
	p.press(at[0], at[1])
}

// press presses a point of the window.
func (p *page) press(x, y float64) {
	p.Helper()
	if p.view.touch {
		p.do(chromedp.TapXY(x, y))
	} else {
		p.do(chromedp.MouseClickXY(x, y))
	}
}

// middle scrolls to an element and gives where it is in the window, when it stands
// still there.
func (p *page) middle(selector string) (at [2]float64) {
	p.Helper()
	expression := fmt.Sprintf(`(() => {
		const e = document.querySelector(%s);
		if (!e?.checkVisibility({visibilityProperty: true}) || document.readyState === 'loading') return [];
		const seen = () => {
			const r = e.getClientRects()[0];
			const x = r.x + r.width / 2, y = r.y + r.height / 2;
			const top = document.elementFromPoint(x, y);
			return top && (e.contains(top) || top.contains(e) && top.matches('a, button, label')) ? [x, y] : null;
		};
		if (!seen()) e.scrollIntoView({block: 'center', behavior: 'instant'});
		return seen() ?? [];
	})()`, quote(selector))
	ctx, cancel := p.within()
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for still := 0; still < 3; <-tick.C {
		now, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](expression))
		switch {
		case ctx.Err() != nil:
			p.fatal("%s cannot be seen, or something covers it (%v)", selector, err)
		case len(now) != 2 || err != nil:
			still = 0
		case [2]float64(now) == at:
			still++
		default:
			at, still = [2]float64(now), 0
		}
	}
	return at
}

// fill writes into a field in place of what is there.
func (p *page) fill(selector, text string) {
	p.Helper()
	p.click(selector)
	p.until(selector+" has the focus", fmt.Sprintf(`document.activeElement === document.querySelector(%s)`, quote(selector)))
	p.edit('a', "selectAll")
	p.edit('\b', "deleteBackward")
	p.keys(text)
}

// choose selects an option as its select's list would.
func (p *page) choose(selector, value string) {
	p.Helper()
	p.until("there is "+selector, fmt.Sprintf(`document.querySelector(%s)?.checkVisibility()`, quote(selector)))
	eval[bool](p, fmt.Sprintf(`(() => {
		const s = document.querySelector(%s);
		s.value = %s;
		s.dispatchEvent(new Event('input', {bubbles: true}));
		s.dispatchEvent(new Event('change', {bubbles: true}));
		return true;
	})()`, quote(selector), quote(value)))
}

// keys types. A key whose default is prevented writes nothing, as on a keyboard.
func (p *page) keys(text string) {
	p.Helper()
	for _, r := range text {
		written := ""
		for _, e := range kb.Encode(r) {
			switch e.Type {
			case kb.KeyChar:
				written = e.Text
			case kb.KeyUp:
				p.key(kb.Encode(r)[0], written)
			}
		}
	}
}

func (p *page) key(e *input.DispatchKeyEventParams, written string, commands ...string) {
	p.Helper()
	e.Type, e.Text, e.UnmodifiedText, e.Commands = input.DispatchKeyEventTypeKeyDown, written, written, commands
	if written == "" {
		e.Type = input.DispatchKeyEventTypeRawKeyDown
	}
	send(p, input.DispatchKeyEvent, *e)
	e.Type, e.Text, e.UnmodifiedText, e.Commands = input.DispatchKeyEventTypeKeyUp, "", "", nil
	send(p, input.DispatchKeyEvent, *e)
}

// edit presses a key that edits, as its keyboard shortcut would.
func (p *page) edit(key rune, command string) {
	p.Helper()
	p.key(kb.Encode(key)[0], "", command)
}

// text is what somebody reads there.
func (p *page) text(selector string) string {
	p.Helper()
	return eval[string](p, fmt.Sprintf(`document.querySelector(%s)?.innerText ?? ''`, quote(selector)))
}

// says waits for words to be there.
func (p *page) says(selector, words string) {
	p.Helper()
	p.until(fmt.Sprintf("%s says %q", selector, words), fmt.Sprintf(`(document.querySelector(%s)?.innerText ?? '').replace(/\s+/g, ' ').toLowerCase().includes(%s.toLowerCase())`, quote(selector), quote(words)))
}

// back presses the browser's button of that name.
func (p *page) back() {
	p.Helper()
	h := send(p, devpage.GetNavigationHistory, cdp.Empty{})
	if h.CurrentIndex == 0 {
		p.fatal("there is no page to go back to")
	}
	send(p, devpage.NavigateToHistoryEntry, devpage.NavigateToHistoryEntryParams{EntryID: h.Entries[h.CurrentIndex-1].ID})
}

// is waits for an address.
func (p *page) is(address string) {
	p.Helper()
	p.until("the page is "+address, `document.readyState === 'complete' && location.href === `+quote(address))
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// url is an address on a region's own name.
func (c *chromium) url(port int, target string) string {
	return fmt.Sprintf("http://%s.localhost:%d%s", regionAt(port), c.n.Port(port), target)
}

// canonical is an address on the network's name, of which a region's edge is
// asked.
func (c *chromium) canonical(port int, target string) string {
	return fmt.Sprintf("http://rest.localhost:%d%s", c.n.Port(port), target)
}

// admin is an address on a region's operators' listener.
func (c *chromium) admin(port int, target string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s", c.n.Port(port+1000), target)
}

const (
	origin = 8000
	europe = 8081
	asia   = 8082
	useast = 8083
)

func regionAt(port int) string {
	return map[int]string{europe: "europe", asia: "asia", useast: "useast"}[port]
}

// Places that are played.
const (
	tokyo    = "133.39.1.1"
	hinxton  = "193.62.192.10"
	bethesda = "130.14.29.110"
)
