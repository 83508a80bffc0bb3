package browser

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	devpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp/kb"

	"mirrornet/pkg/mirrortest"
)

// form is a request as somebody fills it in.
type form struct {
	endpoint, format string
	fields           [][2]string // names and values
	method, target   string      // what an HTTP client asks for the same
	body             string
	status           int
	says             string // in the answer
}

var forms = []form{
	{endpoint: "lookup_id", format: "application/json", fields: [][2]string{{"id", "ENSG00000157764"}, {"expand", "1"}},
		method: "GET", target: "/lookup/id/ENSG00000157764?expand=1", status: 200, says: "ENST00000288602"},
	{endpoint: "sequence_id", format: "text/x-fasta", fields: [][2]string{{"id", "ENST00000288602"}, {"type", "cds"}},
		method: "GET", target: "/sequence/id/ENST00000288602?type=cds", status: 200, says: ">ENST00000288602"},
	{endpoint: "overlap_region", format: "text/x-gff3", fields: [][2]string{{"species", "human"}, {"region", "7:100000-131000"}, {"feature", "exon"}},
		method: "GET", target: "/overlap/region/human/7:100000-131000?feature=exon&feature=transcript&feature=cds&feature=exon", status: 200, says: "##gff-version 3"},
	{endpoint: "lookup_id_post", format: "application/json", fields: [][2]string{{"body.ids", "ENSG00000157764\rENST00000288602"}},
		method: "POST", target: "/lookup/id", body: `{"ids": ["ENSG00000157764", "ENST00000288602"]}`, status: 200, says: "ENST00000288602"},
	{endpoint: "xref_external", format: "text/xml", fields: [][2]string{{"species", "homo_sapiens"}, {"symbol", "BRCA2"}},
		method: "GET", target: "/xrefs/symbol/homo_sapiens/BRCA2", status: 200, says: "<opt>"},
	{endpoint: "lookup_id", format: "application/json", fields: [][2]string{{"id", "ENSG00000000000"}},
		method: "GET", target: "/lookup/id/ENSG00000000000", status: 400, says: "ID 'ENSG00000000000' not found"},
}

// write fills the form of the endpoint's page in.
func (f form) write(p *page) {
	p.Helper()
	for _, field := range f.fields {
		at := fmt.Sprintf(`#request [name="%s"]`, field[0])
		p.until("there is "+at, fmt.Sprintf(`document.readyState === 'complete' && document.querySelector(%s)`, quote(at)))
		if !eval[bool](p, fmt.Sprintf(`document.querySelector(%s).checkVisibility()`, quote(at))) {
			p.click("#request details > summary")
		}
		if eval[bool](p, fmt.Sprintf(`document.querySelector(%s).matches('select')`, quote(at))) {
			p.choose(at, field[1])
		} else {
			p.fill(at, field[1])
		}
	}
	p.choose(`#request [name="content-type"]`, f.format)
}

// client asks for the same without a browser.
func (f form) client(p *page, port int) *mirrortest.Reply {
	p.Helper()
	fields := []string{"Accept", f.format}
	if f.method == "POST" {
		fields = append(fields, "Content-Type", "application/json")
	}
	r, err := p.c.n.Ask(f.method, port, f.target, f.body, fields...)
	if err != nil {
		p.Fatal(err)
	}
	return r
}

// send presses Send, and gives the bytes that the page was sent.
func (p *page) send() string {
	p.Helper()
	before := p.count()
	p.click("#send")
	return p.got(before)
}

// try presses Send, and waits for what comes of it.
func (p *page) try() {
	p.Helper()
	before := p.count()
	p.click("#send")
	p.sent(before)
}

func (p *page) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.requests)
}

// got is the body of the first request of a script after the first n requests.
func (p *page) got(n int) string {
	p.Helper()
	return string(send(p, network.GetResponseBody, network.GetResponseBodyParams{RequestID: p.sent(n)}).Body)
}

// sent waits for that request, and for the page to show what it got.
func (p *page) sent(n int) (id network.RequestID) {
	p.Helper()
	p.poll("a request is sent", func() bool {
		at := slices.IndexFunc(p.requests[n:], func(r *request) bool { return r.kind == network.ResourceTypeFetch && r.method != "OPTIONS" })
		if at >= 0 {
			id = p.requests[n+at].id
		}
		return at >= 0
	})
	p.answered()
	return id
}

func (p *page) answered() {
	p.Helper()
	p.until("the answer is there", `!document.querySelector('#answer').hasAttribute('aria-busy') && document.querySelector('#answer [data-status]').dataset.status`)
}

// testRequests: requests of several kinds and formats, by the page and by an
// HTTP client.
func testRequests(t *testing.T, c *chromium, v view) {
	for _, f := range forms {
		t.Run(strings.Trim(f.method+f.target, "/"), func(t *testing.T) {
			p := c.open(t, v, "")
			if f.status >= 400 {
				p.expect(fmt.Sprintf(`status of %d`, f.status))
			}
			p.visit(c.url(europe, "/?endpoint="+f.endpoint))
			f.write(p)
			want := f.client(p, europe)
			if want.StatusCode != f.status || !strings.Contains(want.Text, f.says) {
				t.Fatalf("an HTTP client gets %d %.300s", want.StatusCode, want.Text)
			}
			body := p.send()
			if body != want.Text {
				t.Errorf("the page %s was sent\n%.300s\nand an HTTP client\n%.300s", p.text("#url"), body, want.Text)
			}
			if got := eval[string](p, `document.querySelector('#answer [data-status]').dataset.status`); got != fmt.Sprint(f.status) || !strings.HasPrefix(p.text("#answer [data-status]"), got) {
				t.Errorf("status %q, shown as %q; want %d", got, p.text("#answer [data-status]"), f.status)
			}
			if got := eval[string](p, `document.querySelector('#answer [data-size]').dataset.size`); got != fmt.Sprint(len(want.Text)) || p.text("#answer [data-size]") == "" {
				t.Errorf("size %q, shown as %q; want %d", got, p.text("#answer [data-size]"), len(want.Text))
			}
			if p.text("#answer [data-ttfb]") == "" || p.text("#answer [data-sentence]") == "" {
				t.Errorf("time %q, sentence %q", p.text("#answer [data-ttfb]"), p.text("#answer [data-sentence]"))
			}
			p.says("#answer-body", f.says)
			if f.status == 200 && f.format == "application/json" {
				for _, leaf := range leaves(t, want.Text) {
					if !eval[bool](p, `document.querySelector('#answer-body').textContent.includes(`+quote(leaf)+`)`) {
						t.Errorf("the tree does not show %s", leaf)
					}
				}
				p.click("#raw")
			}
			if f.status == 200 {
				p.until("it is shown as text", `document.querySelector('#answer-body pre')`)
				if shown := eval[string](p, `document.querySelector('#answer-body pre').textContent`); shown != want.Text {
					t.Errorf("shown as text:\n%.300s\nwant\n%.300s", shown, want.Text)
				}
				p.send() // which the edge has now
				p.says("#answer [data-sentence]", "From europe’s ")
			} else {
				p.says("#answer-body", "id") // what to change
			}
		})
	}
}

// leaves are the scalars in the outermost object of a JSON text, as they are
// shown: those deeper down may be folded.
func leaves(t *testing.T, text string) (list []string) {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	for k, v := range object {
		list = append(list, quote(k))
		if v[0] != '[' && v[0] != '{' {
			list = append(list, string(v))
		}
	}
	return list
}

// testExample: one click runs an example.
func testExample(t *testing.T, c *chromium, v view) {
	p := c.open(t, v, "")
	p.visit(c.url(useast, "/?endpoint=lookup_symbol"))
	p.click("[data-example]:not(:first-of-type), li:nth-child(2) > [data-example]")
	p.answered()
	p.says("#answer-body", "ENSG00000157764")
	p.until("the address is that of the example", `location.search.includes('format=condensed')`)
	p.back()
	p.until("Back leads to the request before", `location.search.startsWith('?endpoint=lookup_symbol') && !location.search.includes('condensed') && document.querySelector('#request [name=format]').value !== 'condensed'`)
}

// testCopied: what the button copies runs in a shell, and gives the bytes that
// the page got.
func testCopied(t *testing.T, c *chromium, v view) {
	for i, f := range []form{forms[0], forms[1], forms[3]} {
		p := c.open(t, v, "")
		if i == 1 { // as under plain HTTP, where scripts get no clipboard
			send(p, devpage.AddScriptToEvaluateOnNewDocument, devpage.AddScriptToEvaluateOnNewDocumentParams{
				Source: `window.clipboard = navigator.clipboard; Object.defineProperty(navigator, 'clipboard', {value: undefined});`})
		}
		p.visit(c.url(asia, "/?endpoint="+f.endpoint))
		f.write(p)
		want := p.send()
		p.click(`#code [data-tab="curl"]`)
		p.click(`#code [data-language="curl"] [data-copy]`)
		p.says(`#code [data-language="curl"] [data-copy]`, "Copied")
		line := eval[string](p, `(window.clipboard ?? navigator.clipboard).readText()`)
		if shown := eval[string](p, `document.querySelector('#code [data-language="curl"] pre').textContent`); line != shown {
			t.Errorf("on the clipboard is %q, the page shows %q", line, shown)
		}
		if !strings.Contains(line, c.url(asia, "/")) {
			t.Errorf("not against the regional name: %s", line)
		}
		cmd := exec.Command("sh", "-c", line)
		cmd.Env = append(cmd.Environ(), "no_proxy=*", "NO_PROXY=*")
		var said strings.Builder
		cmd.Stderr = &said
		if out, err := cmd.Output(); err != nil || string(out) != want {
			t.Errorf("%s\nprints %.300q (%v, %s), the page got %.300q", line, out, err, said.String(), want)
		}
	}
}

// testCompare: every region is asked, and has the same bytes.
func testCompare(t *testing.T, c *chromium, v view) {
	p := c.open(t, v, "")
	p.visit(c.url(europe, "/?endpoint=lookup_id&id=ENSG00000157764"))
	p.click("#compare")
	for region, same := range map[string]string{"europe": "reference", "asia": "same", "useast": "same"} {
		p.until(region+" is compared", fmt.Sprintf(`document.querySelector('#compare-table tr[data-region="%s"] td[data-same="%s"]')`, region, same))
	}
	p.says("#compared", "the same bytes")
	if rows := eval[int](p, `document.querySelectorAll('#compare-table tr[data-region]').length`); rows != 3 {
		t.Errorf("%d regions", rows)
	}
	for _, port := range []int{asia, useast} {
		if !p.asked(port) {
			t.Errorf("%s was not asked", regionAt(port))
		}
	}
}

// asked reports whether the page asked a region.
func (p *page) asked(port int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hosts[hostOf(p.c.url(port, "/"))]
}

// testSearch: endpoints are found by name, parameter and description.
func testSearch(t *testing.T, c *chromium, v view) {
	p := c.open(t, v, "")
	p.visit(c.url(europe, "/"))
	all := eval[int](p, `document.querySelectorAll('a[data-endpoint]').length`)
	if all < 45 {
		t.Fatalf("%d endpoints", all)
	}
	visible := func() []string {
		return eval[[]string](p, `[...document.querySelectorAll('a[data-endpoint]')].filter((a) => a.checkVisibility()).map((a) => a.dataset.endpoint)`)
	}
	for words, want := range map[string]string{"lookup symbol": "lookup_symbol", "expand_5prime": "sequence_id", "karyotype": "info_assembly", "XREFS": "xref_id"} {
		p.fill("#search", words)
		p.until("fewer are shown for "+words, fmt.Sprintf(`[...document.querySelectorAll('a[data-endpoint]')].filter((a) => a.checkVisibility()).length < %d`, all/2))
		if got := visible(); !slices.Contains(got, want) {
			t.Errorf("%q finds %q, not %s", words, got, want)
		}
	}
	p.fill("#search", "no such thing")
	p.until("nothing is shown", `[...document.querySelectorAll('a[data-endpoint]')].every((a) => !a.checkVisibility())`)
	p.says("main", "no such thing")
	p.fill("#search", "lookup symbol homo")
	p.fill("#search", "taxonomy classification")
	p.keys(kb.Enter)
	p.until("Enter opens the first", `location.search.includes('endpoint=taxonomy_classification')`)
	p.says("h1", "taxonomy/classification")
}

// testPermalink: the link to a request opens it, filled in, wherever it is
// opened.
func testPermalink(t *testing.T, c *chromium, v view) {
	p := c.open(t, v, "")
	f := forms[2]
	p.visit(c.url(europe, "/?endpoint="+f.endpoint))
	f.write(p)
	p.until("the link follows", `document.querySelector('#permalink').href.includes('feature=exon&feature=transcript')`)
	link, err := url.Parse(eval[string](p, `document.querySelector('#permalink').href`))
	if err != nil {
		t.Fatal(err)
	}
	want := p.send()
	p.until("the address is the same request", `location.pathname + location.search === `+quote(link.RequestURI()))
	if host := link.Scheme + "://" + link.Host; host != strings.TrimSuffix(c.canonical(europe, ""), "/") {
		t.Errorf("the link leads to %s, which is not for everybody", host)
	}
	other := c.open(t, v, bethesda)
	other.visit(c.canonical(asia, link.RequestURI()))
	other.is(c.url(useast, link.RequestURI()))
	for _, field := range f.fields {
		if got := eval[string](other, fmt.Sprintf(`document.querySelector('#request [name="%s"]').value`, field[0])); got != field[1] {
			t.Errorf("%s is %q, want %q", field[0], got, field[1])
		}
	}
	if got := eval[string](other, `document.querySelector('#request [name="content-type"]').value`); got != f.format {
		t.Errorf("the format is %s", got)
	}
	if got := other.send(); got != want {
		t.Errorf("there the answer is %.300s", got)
	}
}

// testKeyboard: a whole request without mouse or finger.
func testKeyboard(t *testing.T, c *chromium, v view) {
	p := c.open(t, v, "")
	p.visit(c.url(europe, "/"))
	// tab presses Tab until the focus is there. Whatever has it on the way shows it.
	tab := func(what, selector string) {
		t.Helper()
		for range 150 {
			p.keys(kb.Tab)
			at := eval[struct {
				There, Shown bool
				What         string
			}](p, fmt.Sprintf(`(() => {
				const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
				return {There: e.matches(%s), What: e.outerHTML.slice(0, 200),
					Shown: e === document.body || e.matches(':focus-visible') && (parseFloat(s.outlineWidth) > 0 && s.outlineStyle !== 'none') && r.width > 0 && r.height > 0};
			})()`, quote(selector)))
			if !at.Shown {
				t.Errorf("the focus cannot be seen on %s", at.What)
			}
			if at.There {
				return
			}
		}
		p.fatal("Tab does not lead to %s (%s)", what, selector)
	}
	p.keys("/")
	p.until("the search has the focus", `document.activeElement.id === 'search'`)
	p.keys("what a stable id names and where")
	p.until("fewer are shown", `[...document.querySelectorAll('a[data-endpoint]')].filter((a) => a.checkVisibility()).length < 5`)
	p.keys(kb.ArrowDown)
	p.until("an endpoint has the focus", `document.activeElement.dataset.endpoint === 'lookup_id'`)
	p.keys(kb.Enter)
	p.until("it is open", `location.search.includes('endpoint=lookup_id') && document.readyState === 'complete'`)
	tab("the id", `#request [name="id"]`)
	p.keys("ENSG00000157764")
	before := p.count()
	p.keys(kb.Enter)
	want := p.got(before)
	tab("the answer's tree", "#answer-body summary")
	p.until("it is unfolded", `document.activeElement.parentElement.open`)
	p.keys(kb.Enter)
	p.until("it is folded", `!document.activeElement.parentElement.open`)
	tab("the languages", `#code [role="tab"][aria-selected="true"]`)
	p.keys(kb.ArrowRight)
	p.until("another language is shown", `document.activeElement.matches('[role="tab"][aria-selected="true"]:not([data-tab="curl"])')`)
	p.keys(kb.Home)
	p.until("curl is shown again", `document.activeElement.matches('[data-tab="curl"][aria-selected="true"]')`)
	tab("its copy button", `#code [data-language="curl"] [data-copy]`)
	p.keys(kb.Enter)
	p.says(`#code [data-language="curl"] [data-copy]`, "Copied")
	if line := eval[string](p, `navigator.clipboard.readText()`); !strings.Contains(line, "/lookup/id/ENSG00000157764") {
		t.Errorf("copied: %s", line)
	}
	if !strings.Contains(want, `"ENSG00000157764"`) {
		t.Errorf("the answer was %.300s", want)
	}
	// Tab leads out at the end, and the first thing it leads to skips to the content.
	tab("the end of the page", "body")
	p.visit(c.url(europe, "/network"))
	p.keys(kb.Tab)
	p.until("there is a way past the top", `document.activeElement.matches('a.skip')`)
	p.keys(kb.Enter)
	p.until("it leads to the content", `document.activeElement.id === 'main'`)
}
