package browser

import (
	"encoding/json"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"

	"mirrornet/pkg/status"
)

// promised is how soon a page must show that an edge ended.
const promised = 5 * time.Second

// gone are what a browser says of connections to a process that ended.
var gone = []string{`ERR_CONNECTION_REFUSED`, `ERR_CONNECTION_RESET`, `ERR_INCOMPLETE_CHUNKED_ENCODING`, `ERR_EMPTY_RESPONSE`, `ERR_SOCKET_NOT_CONNECTED`, `ERR_ABORTED`}

// testKilled: an edge ends without a word. Pages elsewhere show it in time, and so
// does its own, which says that it shows how others see it.
func testKilled(t *testing.T, c *chromium, v view) {
	port := map[view]int{desk: asia, phone: useast}[v]
	region := regionAt(port)
	p, own := c.open(t, v, ""), c.open(t, v, "")
	own.expect(gone...)
	p.visit(c.url(europe, "/network"))
	own.visit(c.url(port, "/network"))
	for _, q := range []*page{p, own} {
		q.until("it is live", `document.querySelector('#connection')?.dataset.connection === 'live'`)
		eval[bool](q, `window.same = true`) // until it is loaded again
		// Not just begun: news have come, and nothing was new.
		q.until("news come", `(window.times ??= new Set()).add(document.querySelector('#connection-time').dateTime).size > 2`)
	}
	state := fmt.Sprintf(`document.querySelector('#map [data-region="%s"]').dataset.state`, region)
	begin := time.Now()
	c.n.Signal("edge "+region, syscall.SIGKILL)
	known := make(chan time.Duration, 1)
	go func() { // for the log alone
		for {
			var now status.Report
			r, err := c.n.Ask("GET", europe, "/-/status.json", "")
			if err != nil || json.Unmarshal([]byte(r.Text), &now) != nil || time.Since(begin) > patience || slices.ContainsFunc(now.Regions, func(r status.Region) bool {
				return string(r.Name) == region && r.State == "unreachable"
			}) {
				known <- time.Since(begin)
				return
			}
		}
	}()
	p.until("the map shows it", state+` === 'unreachable' && document.querySelector('#regions tr[data-region="`+region+`"] .state').textContent.includes('unreachable')`)
	took := time.Since(begin)
	t.Logf("from the end of %s's edge to its sign on europe's page: %d ms; europe's node knew after %d ms", region, took.Milliseconds(), (<-known).Milliseconds())
	if took > promised {
		t.Errorf("an ended edge was shown after %s, want %s at most", took, promised)
	}
	p.until("it is an event", fmt.Sprintf(`document.querySelector('#events').innerText.includes('%s')`, region))
	own.until("its own page says that it is lost", `document.querySelector('#connection').dataset.connection === 'other'`)
	own.until("and shows it as others see it", state+` === 'unreachable'`)
	own.says("#connection", region+" does not answer")
	if v == desk { // once is enough of what takes long
		c.n.Edge(region)
		p.until("the map shows it again", state+` === 'serving'`)
		own.until("its own page is live again", `document.querySelector('#connection').dataset.connection === 'live'`)
	}
	for _, q := range []*page{p, own} {
		if !eval[bool](q, `window.same === true`) {
			t.Error("a page was loaded again")
		}
	}
}

// blocked is what a browser says of what it is kept from.
var blocked = []string{`ERR_BLOCKED_BY_CLIENT`, `failed: .*inspector`}

// keep keeps a page from paths on all hosts, as a proxy or a broken line does, from
// its next start on.
func (p *page) keep(from ...string) {
	p.Helper()
	var patterns []*network.BlockPattern
	for _, path := range from {
		patterns = append(patterns, &network.BlockPattern{URLPattern: "http://*:*" + path, Block: true})
	}
	send(p, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: patterns})
	eval[bool](p, `location.reload() ?? true`)
}

// testConnection: a page without a stream asks instead; one that hears from nobody
// says so, and goes on when it does again.
func testConnection(t *testing.T, c *chromium) {
	p := c.open(t, desk, "")
	p.expect(blocked...)
	p.visit(c.url(europe, "/network"))
	live(p)
	p.keep("/-/events")
	p.until("it asks", `document.querySelector('#connection')?.dataset.connection === 'polling'`)
	p.until("again and again", `(window.times ??= new Set()).add(document.querySelector('#connection-time').dateTime).size > 2`)
	p.keep("/-/events", "/-/status.json")
	p.until("it says so", `document.querySelector('#connection')?.dataset.connection === 'lost'`)
	p.says("#connection", "last known")
	send(p, network.SetBlockedURLs, network.SetBlockedURLsParams{})
	p.until("it hears again", `['live', 'polling'].includes(document.querySelector('#connection').dataset.connection)`)
}

// testAPIDown: without the API pages load and say what is wrong, and what is
// stored is answered.
func testAPIDown(t *testing.T, c *chromium, v view) {
	p := c.open(t, v, "")
	p.expect(`status of 50\d`)
	for _, target := range []string{"/", "/network", "/?endpoint=lookup_id"} {
		p.visit(c.url(europe, target))
		p.says("#problems", "API")
		p.until("the page is whole", `document.querySelectorAll('a[data-endpoint]').length >= 45 || document.querySelector('#map [data-region]')`)
	}
	p.visit(c.url(europe, stored))
	p.try()
	p.says("#answer-body", "ENSG00000157764")
	p.visit(c.url(europe, fmt.Sprintf("/?endpoint=lookup_id&id=ENSG00000139618&expand=1&db_type=%s", v.name))) // which nobody has
	p.try()
	p.says("#answer-body", "no fault of the request")
	p.visit(c.url(europe, "/network"))
	p.says("#origins", "unreachable")
}
