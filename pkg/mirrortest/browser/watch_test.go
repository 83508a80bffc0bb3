package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// testWatch: what the tests watch for is seen, on a page that does it all.
func testWatch(t *testing.T, c *chromium) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "img-src 'self' http://elsewhere.example")
		fmt.Fprint(w, `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Bad</title><link rel="icon" href="data:,"><h1>Bad</h1>
<p style="color:#999;background:#fff">pale</p><div style="width:3000px">wide</div>
<p style="width:50px;overflow:hidden;white-space:nowrap;text-overflow:ellipsis">much too long a text</p><div id="moves" style="height:10px"></div><p>below</p>
<img src="http://elsewhere.example/x.png" alt="x"><img src="/missing.png" alt="y"><img src="http://policy.example/z.png" alt="z">
<script>console.error('I say', 'so');
setTimeout(() => { throw new Error('thrown late'); });
Promise.reject(new Error('nobody caught it'));
requestAnimationFrame(() => requestAnimationFrame(() => { document.getElementById('moves').style.height = '300px'; }));</script>`)
	}))
	defer site.Close()
	p := c.open(t, desk, "")
	p.visit(site.URL)
	p.until("it moved", `shifts.length > 0`)
	wrongs := strings.Join(p.wrongs(), "\n")
	for _, want := range []string{`console: I say`, `exception: .*thrown late`, `exception: .*nobody caught it`, `elsewhere\.example/x\.png failed`, `a request went to elsewhere\.example`, `status of 404 .*/missing\.png`,
		`policy\.example.*Content Security Policy`, `a request went to 127\.0\.0\.1:\d+,`} {
		if !regexp.MustCompile(want).MatchString(wrongs) {
			t.Errorf("%s is not seen in\n%s", want, wrongs)
		}
	}
	if wide, cut := eval[[]string](p, wider), eval[[]string](p, cutOff); len(wide) == 0 || len(cut) != 1 {
		t.Errorf("wider than the page: %q; cut off: %q", wide, cut)
	}
	if axe := rules(t); axe != "" {
		if broken := strings.Join(p.axe(axe, 0), "\n"); !strings.Contains(broken, "color-contrast") {
			t.Errorf("rules broken: %s", broken)
		}
	}
	p.wrongs()
}
