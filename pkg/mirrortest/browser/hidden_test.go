package browser

import (
	"strings"
	"testing"
)

// testHidden: a page that nobody sees keeps no connection, and is live again when
// it is seen.
func testHidden(t *testing.T, c *chromium, v view) {
	p := c.open(t, v, "")
	p.visit(c.url(europe, "/network"))
	p.until("it is live", `document.querySelector('#connection').dataset.connection === 'live'`)
	streams := func() (open, all int) {
		for _, r := range p.requests {
			if strings.HasSuffix(r.url, "/-/events") {
				if all++; !r.done {
					open++
				}
			}
		}
		return open, all
	}
	p.poll("one stream is open", func() bool { open, all := streams(); return open == 1 && all == 1 })
	turn := func(hidden string) {
		eval[bool](p, `(() => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => `+hidden+`}); document.dispatchEvent(new Event('visibilitychange')); return true; })()`)
	}
	turn("true")
	p.poll("the stream is closed", func() bool { open, _ := streams(); return open == 0 })
	turn("false")
	p.poll("the stream is open again", func() bool { open, all := streams(); return open == 1 && all == 2 })
	before := eval[string](p, `document.querySelector('#connection-time').textContent`)
	p.until("there are news", `document.querySelector('#connection').dataset.connection === 'live' && document.querySelector('#connection-time').textContent !== `+quote(before))
}
