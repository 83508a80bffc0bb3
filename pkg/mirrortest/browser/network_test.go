package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// testNetwork: the map and the tables say the same, and answer questions.
func testNetwork(t *testing.T, c *chromium, v view) {
	p := c.open(t, v, bethesda)
	p.visit(c.url(europe, "/network"))
	for _, port := range []int{europe, asia, useast} {
		r := regionAt(port)
		p.until(r+" serves", fmt.Sprintf(`document.querySelector('#map [data-region="%s"]')?.dataset.state === 'serving' && document.querySelector('#regions tr[data-region="%s"] .state').textContent.includes('serving')`, r, r))
	}
	p.until("it is live", `document.querySelector('#connection')?.dataset.connection === 'live'`)

	// A region, from the table and from the map.
	p.click(`#regions tr[data-region="asia"] a[data-select]`)
	p.until("asia is selected", `document.querySelector('#region-detail').dataset.region === 'asia'`)
	p.says("#region-detail", "asia-1")
	p.click(`#map [data-region="useast"] .sign`)
	p.until("useast is selected", `document.querySelector('#region-detail').dataset.region === 'useast' && location.search.includes('region=useast')`)
	p.back()
	p.until("Back leads to asia", `document.querySelector('#region-detail').dataset.region === 'asia'`)

	// An address.
	p.fill(`#ask [name="addr"]`, tokyo)
	p.click("#ask button.main")
	p.until("asia would be chosen", `document.querySelector('#answer-route tr[data-candidate="asia"][data-chosen]')`)
	p.says("#answer-route", "Tokyo")
	if n := eval[int](p, `document.querySelectorAll('#answer-route tr[data-candidate]').length`); n != 3 {
		t.Errorf("%d candidates", n)
	}
	for _, reason := range eval[[]string](p, `[...document.querySelectorAll('#answer-route tr[data-candidate]')].map((r) => r.cells[r.cells.length - 1].innerText)`) {
		if strings.TrimSpace(reason) == "" {
			t.Error("a candidate without a reason")
		}
	}
	p.fill(`#ask [name="addr"]`, "nonsense")
	p.click("#ask button.main")
	p.until("it says what is wrong", `document.querySelector('#ask-error').textContent.length > 10`)

	// A place on the map: in the middle of Brazil.
	p.clickMap(-10, -52)
	p.until("useast would be chosen", `document.querySelector('#answer-route tr[data-candidate="useast"][data-chosen]')`)
	p.clickMap(24, 78) // India
	p.until("asia would be chosen", `document.querySelector('#answer-route tr[data-candidate="asia"][data-chosen]')`)

	// Sorting.
	p.click(`#regions th:first-child button`)
	p.click(`#regions th:first-child button`)
	p.until("the table is sorted", `[...document.querySelectorAll('#regions tr[data-region]')].map((r) => r.dataset.region).join() === 'useast,europe,asia'`)
}

// clickMap presses a place on the map.
func (p *page) clickMap(lat, lon float64) {
	p.Helper()
	p.middle("#map")
	at := eval[[]float64](p, fmt.Sprintf(`(() => {
		const map = document.querySelector('#map');
		map.scrollIntoView({block: 'center', behavior: 'instant'});
		const r = 1000 * Math.SQRT2 / (2 * Math.PI), stretch = r * (1 + Math.SQRT1_2);
		const at = new DOMPoint(500 + r * %g * Math.PI / 180 / Math.SQRT2, stretch * (Math.tan(84 * Math.PI / 360) - Math.tan(%g * Math.PI / 360))).matrixTransform(map.getScreenCTM());
		return [at.x, at.y];
	})()`, lon, lat))
	p.press(at[0], at[1])
}

// testAdmin: an operator drains a region and resumes it; the public page says that
// it is drained, and neither by whom nor why.
func testAdmin(t *testing.T, c *chromium, v view) {
	p := c.open(t, v, "")
	p.visit(c.admin(europe, "/network"))
	p.says("#nodes", fmt.Sprintf("127.0.0.1:%d", c.n.Port(europe)))
	public := c.open(t, v, "")
	public.visit(c.url(asia, "/network"))
	if text := public.text("body"); strings.Contains(text, "127.0.0.1") || eval[int](public, `document.querySelectorAll('[data-drain]').length`) > 0 {
		t.Errorf("the public page has what is for operators: %s", text)
	}
	const drain, resume = `#regions [data-drain="useast"]`, `#regions [data-resume="useast"]`
	p.click(drain)
	p.until("it asks", `document.querySelector('dialog#drain').open`)
	p.click("#drain-cancel")
	p.until("it is not done", `!document.querySelector('dialog#drain').open`)
	p.click(drain)
	p.fill("#drain-why", "new disks")
	p.click("#drain-do")
	p.until("the operators' page says so", `document.querySelector('`+resume+`') && document.querySelector('#regions tr[data-region="useast"] .state').textContent.includes('draining')`)
	p.says("#ops", "new disks")
	public.until("the public page says so", `document.querySelector('#regions tr[data-region="useast"] .state').textContent.includes('draining') && document.querySelector('#map [data-region="useast"]').dataset.state === 'draining'`)
	public.until("it is an event", `document.querySelector('#events').innerText.includes('useast')`)
	if text := public.text("body"); strings.Contains(text, "new disks") {
		t.Error("the public page says why")
	}
	p.click(resume)
	p.until("it asks again", `document.querySelector('dialog#drain').open`)
	p.click("#drain-do")
	p.until("the operators' page says that it serves", `document.querySelector('`+drain+`') && document.querySelector('#regions tr[data-region="useast"] .state').textContent.includes('serving')`)
	public.until("the public page says that it serves", `document.querySelector('#regions tr[data-region="useast"] .state').textContent.includes('serving')`)
}

// testNoScript: pages are whole without scripts.
func testNoScript(t *testing.T, c *chromium, v view) {
	p := c.open(t, v, hinxton)
	send(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	p.expect(`\.js failed: +csp`) // so it calls scripts that it was to fetch early
	p.visit(c.url(europe, "/"))
	p.says(".note", "You are on europe")
	if n := eval[int](p, `document.querySelectorAll('a[data-endpoint]').length`); n < 45 {
		t.Errorf("%d endpoints", n)
	}
	p.click(`a[data-endpoint="lookup_id"]`)
	p.until("the endpoint's page is there", `location.search.includes('endpoint=lookup_id')`)
	p.fill(`#request [name="id"]`, "ENSG00000157764")
	p.click("#request .no-js.main")
	p.until("the request is shown", `location.search.includes('id=ENSG00000157764')`)
	p.says("#url", "/lookup/id/ENSG00000157764")
	for _, language := range []string{"curl", "python", "r"} {
		p.says(fmt.Sprintf(`#code [data-language="%s"]`, language), "/lookup/id/ENSG00000157764")
	}
	if odd := eval[[]string](p, `[...document.querySelectorAll('.js-only')].filter((e) => e.checkVisibility()).map((e) => e.outerHTML.slice(0, 100))`); len(odd) > 0 {
		t.Errorf("controls that do nothing without scripts: %q", odd)
	}
	p.visit(eval[string](p, `document.querySelector('#open').href`))
	p.says("body", "ENSG00000157764")
	p.visit(c.url(europe, "/?q=karyotype"))
	p.until("few are shown", `[...document.querySelectorAll('a[data-endpoint]')].filter((a) => a.checkVisibility()).length < 5`)
	p.visit(c.url(europe, "/network"))
	if n := eval[int](p, `document.querySelectorAll('#regions tr[data-region]').length`); n != 3 {
		t.Errorf("%d regions in the table", n)
	}
	if n := eval[int](p, `document.querySelectorAll('#map [data-region]').length`); n != 3 {
		t.Errorf("%d regions on the map", n)
	}
	p.fill(`#ask [name="addr"]`, tokyo)
	p.click("#ask button.main")
	p.until("it is answered", `document.querySelector('#answer-route tr[data-candidate="asia"][data-chosen]')`)
}
