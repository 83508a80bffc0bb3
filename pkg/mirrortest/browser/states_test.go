package browser

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"mirrornet/pkg/mirrortest"
)

var screenshots = flag.String("screenshots", "", "folder for pictures of each page and state, which TestScreenshots takes")

// state is what a page can look like, and how somebody brings it about.
type state struct {
	name   string
	reach  func(*page)
	faults []string // that it brings about
}

func at(address func(*chromium) string, steps ...func(*page)) func(*page) {
	return func(p *page) {
		p.Helper()
		p.visit(address(p.c))
		for _, step := range steps {
			step(p)
		}
	}
}

func on(port int, target string) func(*chromium) string {
	return func(c *chromium) string { return c.url(port, target) }
}

func press(selector string) func(*page) { return func(p *page) { p.Helper(); p.click(selector) } }

func live(p *page) {
	p.Helper()
	p.until("it is live", `document.querySelector('#connection')?.dataset.connection === 'live'`)
}

func sent(p *page) { p.Helper(); p.try() }

// states are those that a network is in while nothing fails.
var states = []state{
	{name: "explorer", reach: at(on(europe, "/"))},
	{name: "explorer-search", reach: at(on(europe, "/"), func(p *page) { p.fill("#search", "exon") })},
	{name: "explorer-search-nothing", reach: at(on(europe, "/"), func(p *page) { p.fill("#search", "no such thing") })},
	{name: "explorer-endpoint", reach: at(on(europe, "/?endpoint=lookup_id"))},
	{name: "explorer-endpoint-all-parameters", reach: at(on(europe, "/?endpoint=sequence_id"), press("#request details > summary"))},
	{name: "explorer-endpoint-unknown", reach: at(on(europe, "/?endpoint=no_such")), faults: []string{"status of 404"}},
	{name: "explorer-json", reach: at(on(europe, "/?endpoint=lookup_id&id=ENSG00000157764&expand=1"), sent)},
	{name: "explorer-fasta", reach: at(on(europe, "/?endpoint=sequence_id&id=ENST00000288602&type=cdna&content-type=text/x-fasta"), sent)},
	{name: "explorer-gff3", reach: at(on(europe, "/?endpoint=overlap_region&species=human&region=7:100000-130000&feature=gene&feature=transcript&content-type=text/x-gff3"), sent)},
	{name: "explorer-post", reach: at(on(europe, "/?endpoint=lookup_id_post&body.ids=ENSG00000157764%0AENST00000288602"), sent)},
	{name: "explorer-error", reach: at(on(europe, "/?endpoint=lookup_id&id=ENSG00000000000"), sent), faults: []string{"status of 400"}},
	{name: "explorer-missing", reach: at(on(europe, "/?endpoint=lookup_id&id="), func(p *page) { p.fill(`#request [name="id"]`, "") }, press("#send"))},
	{name: "explorer-compare", reach: at(on(europe, "/?endpoint=lookup_id&id=ENSG00000157764"), press("#compare"), func(p *page) {
		p.until("all are compared", `document.querySelectorAll('#compare-table td[data-same="same"]').length === 2`)
	})},
	{name: "explorer-code", reach: at(on(europe, "/?endpoint=lookup_id_post&body.ids=ENSG00000157764%0AENST00000288602"), press(`#code [data-tab="python"]`))},
	{name: "explorer-canonical", reach: at(func(c *chromium) string { return c.canonical(europe, "/?redirect=no") })},
	{name: "network", reach: at(on(europe, "/network"), live)},
	{name: "network-region", reach: at(on(europe, "/network?region=asia"), live)},
	{name: "network-question", reach: at(on(europe, "/network?addr="+tokyo), live)},
	{name: "network-question-error", reach: at(on(europe, "/network?addr=nonsense"), live)},
	{name: "network-polling", reach: at(on(europe, "/network"), live, func(p *page) {
		p.keep("/-/events")
		p.until("it asks", `document.querySelector('#connection')?.dataset.connection === 'polling'`)
	}), faults: blocked},
	{name: "network-lost", reach: at(on(europe, "/network"), live, func(p *page) {
		p.keep("/-/events", "/-/status.json")
		p.until("it says so", `document.querySelector('#connection')?.dataset.connection === 'lost'`)
	}), faults: blocked},
	{name: "documentation", reach: at(on(europe, "/documentation"))},
	{name: "documentation-endpoint", reach: at(on(europe, "/documentation/info/sequence_id"))},
	{name: "documentation-unknown", reach: at(on(europe, "/documentation/info/no_such")), faults: []string{"status of 404"}},
	{name: "operators", reach: at(func(c *chromium) string { return c.admin(europe, "/network") }, live)},
	{name: "operators-drain", reach: at(func(c *chromium) string { return c.admin(europe, "/network") }, live, press(`#regions [data-drain="asia"]`), func(p *page) {
		p.until("it asks", `document.querySelector('dialog#drain').open`)
	})},
}

// broken are those while a region and the API fail.
var broken = []state{
	{name: "network-unreachable", reach: at(on(europe, "/network?region=useast"), live)},
	{name: "operators-unreachable", reach: at(func(c *chromium) string { return c.admin(europe, "/network") }, live)},
	{name: "explorer-api-down", reach: at(on(europe, "/"))},
	{name: "explorer-api-down-failed", reach: at(on(europe, "/?endpoint=lookup_id&id=ENSG00000157764&utr=1&mane=1"), sent), faults: []string{"status of 50"}},
	{name: "explorer-compare-unreachable", reach: at(on(europe, "/?endpoint=info_rest"), press("#compare"), func(p *page) {
		p.until("all are compared", `document.querySelectorAll('#compare-table td[data-same]:not([data-same=waiting])').length === 3`)
	}), faults: append([]string{"status of 50"}, gone...)},
}

// stored is a request whose answer europe has before that.
const stored = "/?endpoint=lookup_id&id=ENSG00000157764"

// breakdown brings the latter about.
func breakdown(t *testing.T, c *chromium) {
	t.Helper()
	p := c.open(t, desk, "")
	p.expect(gone...)
	p.visit(c.url(europe, stored))
	p.send()
	if !eval[bool](p, `fetch('/-/status.json').then((r) => r.json()).then((s) => s.regions.some((r) => r.state === 'unreachable'))`) {
		c.n.Signal("edge useast", syscall.SIGKILL)
	}
	c.n.Signal("origin", syscall.SIGKILL)
	p.visit(c.url(europe, "/network"))
	p.until("the node knows", `fetch('/-/status.json').then((r) => r.json()).then((s) => s.origins.every((o) => o.state === 'unreachable') && s.regions.some((r) => r.state === 'unreachable'))`)
}

// looks are the widths and themes that everything is looked at in.
var looks = []view{
	{name: "light-1280", width: 1280, height: 900},
	{name: "dark-1280", width: 1280, height: 900, dark: true},
	{name: "light-390", width: 390, height: 844, touch: true},
	{name: "dark-390", width: 390, height: 844, touch: true, dark: true},
}

// testStates: in every state, width and theme no rule of accessibility is
// broken, nothing is wider than the page, and nothing moved by itself.
func testStates(t *testing.T, c *chromium, list []state) {
	axe := rules(t)
	for _, s := range list {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			p := c.open(t, looks[0], tokyo)
			p.expect(s.faults...)
			s.reach(p)
			for _, v := range looks {
				p.look(v)
				p.settle()
				if wide := eval[[]string](p, wider); len(wide) > 0 {
					t.Errorf("%s: wider than the page: %s", v.name, strings.Join(wide, "\n"))
				}
				if cut := eval[[]string](p, cutOff); len(cut) > 0 {
					t.Errorf("%s: cut off, without a title: %s", v.name, strings.Join(cut, "\n"))
				}
				if axe == "" {
					continue
				}
				for _, violation := range p.axe(axe, 10) {
					t.Errorf("%s: %s", v.name, violation)
				}
			}
		})
	}
}

// wider are elements that make the page scroll sideways.
const wider = `(() => {
	const room = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth <= room) return [];
	return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > room + 1 && e.checkVisibility()).slice(-5).map((e) => e.outerHTML.slice(0, 200)).concat('the page is ' + document.documentElement.scrollWidth + ' wide, the window ' + room);
})()`

// cutOff are texts that end in dots, and do not say the rest in a title.
const cutOff = `[...document.querySelectorAll('body *')].filter((e) => {
	const s = getComputedStyle(e);
	return s.textOverflow === 'ellipsis' && e.scrollWidth > e.clientWidth + 1 && e.checkVisibility() && !e.closest('[title]');
}).map((e) => e.outerHTML.slice(0, 200))`

// settle waits until nothing moves any more.
func (p *page) settle() {
	p.Helper()
	p.until("the page has settled", `document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(
		document.readyState === 'complete' && document.getAnimations().every((a) => a.playState !== 'running' || a.effect.getComputedTiming().iterations === Infinity)
	)))))`)
}

// rules is axe-core's source; "" where npm cannot install it.
func rules(t *testing.T) string {
	t.Helper()
	file := filepath.Join("node_modules", "axe-core", "axe.min.js")
	lock, err := os.Stat("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if have, err := os.Stat(filepath.Join("node_modules", ".package-lock.json")); err != nil || have.ModTime().Before(lock.ModTime()) {
		if out, err := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund").CombinedOutput(); err != nil {
			os.RemoveAll("node_modules")
			t.Logf("without the rules of accessibility: npm ci: %v: %s", err, out)
			return ""
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// axe says which rules are broken; at least so many hold.
func (p *page) axe(source string, least int) []string {
	p.Helper()
	if !eval[bool](p, `'axe' in window`) {
		eval[bool](p, source+"\n;true")
	}
	var found struct {
		Held       int
		Violations []string
	}
	text := eval[string](p, `axe.run(document, {preload: false, runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}}).then((r) => JSON.stringify({
		held: r.passes.length, violations: r.violations.map((v) => v.id + ': ' + v.help + ': ' + v.nodes.slice(0, 3).map((n) => n.target.join(' ') + ' ' + n.html.slice(0, 160) + ' ' + (n.any[0] ?? n.all[0] ?? n.none[0])?.message).join(' | '))}))`)
	if err := json.Unmarshal([]byte(text), &found); err != nil || found.Held < least {
		p.Fatalf("%d rules held (%v)", found.Held, err)
	}
	return found.Violations
}

// testLoading: what a page loads is small, nothing moves while it loads, and an
// asset that is kept is not asked for again.
func testLoading(t *testing.T, c *chromium, v view) {
	for _, target := range []string{"/", "/?endpoint=lookup_id&id=ENSG00000157764", "/network"} {
		p := c.open(t, v, tokyo)
		p.visit(c.url(asia, target)) // the edge and the browser are warm then; the page is loaded without either's help
		cold := p.weight()
		p.settle()
		paint := eval[float64](p, firstPaint)
		moved := eval[float64](p, `shifts.reduce((n, s) => n + s.value, 0)`)
		t.Logf("%s: %.1f kB in all; first paint after %.0f ms; moved by %.4f", target, cold/1000, paint, moved)
		if cold == 0 || cold > 150_000 {
			t.Errorf("%s: %.0f bytes, want at most 150,000", target, cold)
		}
		if moved > 0.01 {
			t.Errorf("%s: moved while loading: %s", target, eval[string](p, `JSON.stringify(shifts)`))
		}
		p.mu.Lock()
		p.requests = nil
		p.mu.Unlock()
		p.visit(c.url(asia, target))
		paint = eval[float64](p, firstPaint)
		warm := p.weight()
		t.Logf("%s again: %.1f kB; first paint after %.0f ms", target, warm/1000, paint)
		if warm > cold {
			t.Errorf("%s: %.0f bytes when it was loaded again, %.0f at first", target, warm, cold)
		}
	}
}

// firstPaint is when something could be seen, in milliseconds.
const firstPaint = `new Promise((done) => {
	const look = () => {
		const e = performance.getEntriesByName('first-contentful-paint')[0];
		e ? done(e.startTime) : requestAnimationFrame(look);
	};
	look();
})`

// weight is how many bytes the page and what it loads were, as they were sent.
func (p *page) weight() (n float64) {
	p.Helper()
	kinds := map[network.ResourceType]bool{network.ResourceTypeDocument: true, network.ResourceTypeStylesheet: true, network.ResourceTypeScript: true, network.ResourceTypeImage: true, network.ResourceTypeFont: true}
	p.poll("everything is loaded", func() bool {
		n = 0
		for _, r := range p.requests {
			if kinds[r.kind] {
				if !r.done {
					return false
				}
				n += r.bytes
			}
		}
		return len(p.requests) > 0
	})
	return n
}

// TestScreenshots takes pictures for people to look at.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("-screenshots DIR is not given")
	}
	if err := os.MkdirAll(*screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	c := launch(t, mirrortest.Start(t))
	take := func(list []state) func(*testing.T) {
		return func(t *testing.T) {
			for _, s := range list {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					for _, v := range looks {
						p := c.open(t, v, tokyo)
						p.expect(s.faults...)
						s.reach(p)
						p.settle()
						p.picture(filepath.Join(*screenshots, s.name+"-"+v.name+".png"))
					}
				})
			}
		}
	}
	t.Run("states", take(states))
	breakdown(t, c)
	t.Run("broken states", take(broken))
}

// picture writes a picture of the whole page, or of the window while a dialog
// covers it.
func (p *page) picture(file string) {
	p.Helper()
	take := chromedp.FullScreenshot(100)
	if eval[bool](p, `(() => { scrollTo({top: 0, behavior: 'instant'}); return document.querySelector('dialog[open]') !== null; })()`) {
		take = chromedp.CaptureScreenshot()
	}
	ctx, cancel := p.within()
	defer cancel()
	picture, err := chromedp.Run(ctx, take)
	if err == nil {
		err = os.WriteFile(file, picture, 0o644)
	}
	if err != nil {
		p.Fatal(err)
	}
}
