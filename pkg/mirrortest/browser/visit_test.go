package browser

import (
	"strings"
	"testing"
)

// testPlaces: the canonical name leads visitors from three places to three
// regions, with path and query.
func testPlaces(t *testing.T, c *chromium, v view) {
	const deep = "/?endpoint=lookup_id&id=ENSG00000157764&expand=1"
	for place, end := range map[string]struct {
		address      string
		asked, there int // the edge that is asked, and the nearest
		says         string
	}{
		"Tokyo":    {tokyo, europe, asia, "You are on asia, the nearest to Tokyo, Japan."},
		"Hinxton":  {hinxton, useast, europe, "You are on europe, the nearest to Hinxton, United Kingdom."},
		"Bethesda": {bethesda, asia, useast, "You are on useast, the nearest to Bethesda, United States."},
	} {
		t.Run(place, func(t *testing.T) {
			p := c.open(t, v, end.address)
			for _, target := range []string{deep, "/network"} {
				p.visit(c.canonical(end.asked, target))
				p.is(c.url(end.there, target))
				p.says(".note", end.says)
				p.visit(c.canonical(end.there, target)) // which need not lead elsewhere
				p.is(c.canonical(end.there, target))
				p.says(".note", end.says)
			}
		})
	}
}

// testNote: who was sent elsewhere goes back and stays there; who hides the
// note does not see it again.
func testNote(t *testing.T, c *chromium, v view) {
	p := c.open(t, v, tokyo)
	p.visit(c.canonical(europe, "/network"))
	p.is(c.url(asia, "/network"))
	p.click(`.note a[href*="redirect=no"]`)
	p.until("the canonical name is there", `location.host.startsWith('rest.') && document.readyState === 'complete'`)
	p.says(".note", "Let rest.localhost")
	if at := eval[string](p, `location.pathname`); at != "/network" {
		t.Errorf("the way back led to %s", at)
	}
	p.visit(c.canonical(europe, "/network")) // the cookie remembers
	p.is(c.canonical(europe, "/network"))
	p.back()
	p.until("Back leads to the page before", `location.host.startsWith('rest.') && location.search.includes('redirect=no')`)
	p.click(`.note a[href*="redirect=force"]`)
	p.until("the network chooses again", `location.host.startsWith('asia.') && document.readyState === 'complete'`)

	// Elsewhere than at the nearest: the page offers that, and nothing moves the visitor.
	p.visit(c.url(europe, "/"))
	p.says(".note", "nearer to Tokyo")
	before := eval[string](p, `location.href`)
	p.click("[data-hide-note]")
	p.until("the note is gone", `!document.querySelector('.note')`)
	p.visit(before)
	p.visit(c.url(europe, "/network"))
	if p.text(".note") != "" {
		t.Errorf("the hidden note is back: %s", p.text(".note"))
	}
	p.visit(c.url(asia, "/")) // which would say something else
	p.says(".note", "You are on asia")
	if links := eval[[]string](p, `[...document.querySelectorAll('.note a')].map((a) => a.href)`); strings.Contains(strings.Join(links, " "), "/network") {
		t.Errorf("links of the note: %q", links)
	}
}
