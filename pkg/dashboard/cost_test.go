package dashboard

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/status"
)

// Whoever asks for much of no use gets little.
func TestAskedForMuch(t *testing.T) {
	p, v := pages(t), full()
	v.Catalogue = catalogue(t)
	const long = 60_000
	plain, _ := visited(t, p, v, "q=none-is-so-called")
	for name, query := range map[string]string{
		"a long word": "q=" + strings.Repeat("x", long), "many words": "q=" + strings.Repeat("e+", long/2),
		"an endpoint": "endpoint=" + strings.Repeat("x", long), "something else": "addr=" + strings.Repeat("x", long),
	} {
		if page, _ := visited(t, p, v, query); len(page) > len(plain)+1000 {
			t.Errorf("%s: %d bytes, where one word gets %d", name, len(page), len(plain))
		}
	}
	if n := len(search(p.endpoints(v.Catalogue), nil)); n == 0 || p.list.Load() == nil {
		t.Error("the list is not kept")
	}
	ask := func(a status.Asked) int {
		w, v := httptest.NewRecorder(), world()
		v.Asked = &a
		p.Network(w, httptest.NewRequest(http.MethodGet, "/network", nil), v)
		return w.Body.Len()
	}
	few := ask(status.Asked{Addr: "x", Error: "wrong"})
	much := strings.Repeat("x", long)
	for _, a := range []status.Asked{{Addr: much, Error: "wrong"}, {Addr: "x", Country: much, Error: "wrong"}} {
		if n := ask(a); n > few+1000 {
			t.Errorf("%.10s: %d bytes, where a letter gets %d", a.Addr, n, few)
		}
	}
}

// A list that is searched stays as it is for the next visitor.
func TestSearchApart(t *testing.T) {
	p, v := pages(t), full()
	v.Catalogue = catalogue(t)
	before, _ := visited(t, p, v, "")
	visited(t, p, v, "q=sequence")
	if after, _ := visited(t, p, v, ""); after != before {
		t.Error("the next visitor gets another page")
	}
	other := *v.Catalogue
	other.Endpoints = other.Endpoints[:1]
	v.Catalogue = &other
	if page, _ := visited(t, p, v, ""); strings.Count(page, "data-endpoint") != 1 {
		t.Error("the list is that of another catalogue")
	}
}

// Pages wait for their turn, and not for those who went away or read slowly.
func TestTurns(t *testing.T) {
	p, v := pages(t), full()
	for range cap(p.turns) {
		p.turns <- struct{}{}
	}
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan *httptest.ResponseRecorder)
	ask := func(ctx context.Context) {
		w := httptest.NewRecorder()
		p.Network(w, httptest.NewRequest(http.MethodGet, "/network", nil).WithContext(ctx), v)
		done <- w
	}
	go ask(ctx)
	leave()
	if w := <-done; w.Body.Len() > 0 {
		t.Errorf("%.100s", w.Body)
	}
	go ask(t.Context())
	select {
	case w := <-done:
		t.Errorf("a page out of turn: %.100s", w.Body)
	case <-time.After(20 * time.Millisecond):
	}
	<-p.turns
	if w := <-done; w.Body.Len() == 0 {
		t.Error("no page")
	}
	slow := &writer{ResponseRecorder: httptest.NewRecorder(), at: func() {
		if n := len(p.turns); n != cap(p.turns)-1 {
			t.Errorf("%d turns are taken while a page is written", n)
		}
	}}
	p.Network(slow, httptest.NewRequest(http.MethodGet, "/network", nil), v)
	if slow.Body.Len() == 0 {
		t.Error("no page")
	}
}

// writer does something as it is written to.
type writer struct {
	*httptest.ResponseRecorder
	at func()
}

func (w *writer) Write(b []byte) (int, error) {
	w.at()
	return w.ResponseRecorder.Write(b)
}

func BenchmarkPages(b *testing.B) {
	p, v := pages(b), world()
	v.Catalogue = catalogue(b)
	id := v.Catalogue.Endpoints[len(v.Catalogue.Endpoints)/2].ID
	for target, show := range map[string]func(http.ResponseWriter, *http.Request, status.Visit){
		"/": p.Explorer, "/?endpoint=" + id: p.Explorer, "/network": p.Network, "/network?part=live": p.Network,
	} {
		b.Run(target, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, target, nil)
			r.Header.Set("Accept-Encoding", "gzip")
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				show(w, r, v)
				b.ReportMetric(float64(w.Body.Len()), "bytes")
			}
		})
	}
}
