package upstream

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mirrornet/pkg/apispec"
)

// api is an HTTP API that says nothing of freshness, as Ensembl's does, and
// counts what it is asked.
type api struct {
	*httptest.Server
	asked atomic.Int32
	fail  atomic.Int32 // status to fail with; 0: none
	last  atomic.Pointer[http.Request]
}

func newAPI(t *testing.T) *api {
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.asked.Add(1)
		a.last.Store(r)
		if s := a.fail.Load(); s != 0 {
			w.WriteHeader(int(s))
			return
		}
		w.Header().Set("X-RateLimit-Limit", "55000")
		w.Header().Set("Set-Cookie", "a=b")
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "http://"+r.Host+"/new?x=1", http.StatusMovedPermanently)
			return
		}
		w.Header().Set("Content-Type", r.Header.Get("Accept"))
		fmt.Fprintf(w, `{"path":%q,"body":%q}`, r.URL.RequestURI(), body)
	}))
	t.Cleanup(a.Close)
	return a
}

func index(t *testing.T) *apispec.Index {
	t.Helper()
	fresh := apispec.Freshness{MaxAge: 60, StaleIfError: 3600, Negative: 5}
	ix, err := apispec.NewIndex(&apispec.Catalogue{Title: "t", Endpoints: []apispec.Endpoint{
		{ID: "thing", Method: "GET", Path: "/thing/{id}", Freshness: fresh, Formats: []string{apispec.JSON, apispec.JSONP, apispec.FASTA},
			Params: []apispec.Param{{Name: "id", In: apispec.InPath, Type: apispec.String}}},
		{ID: "things", Method: "POST", Path: "/thing", Freshness: fresh, Formats: []string{apispec.JSON},
			Body: &apispec.Body{ListOf: "ids", Safe: true, Fields: []apispec.Param{{Name: "ids", In: apispec.InQuery, Type: apispec.String, Repeated: true}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

type front struct {
	http.Handler
	clock atomic.Int64
}

func newFront(t *testing.T, a *api, ix *apispec.Index) *front {
	t.Helper()
	f := &front{}
	u, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	tr := New(Config{Catalogue: ix, Now: func() time.Time { return time.Now().Add(time.Duration(f.clock.Load())) }})
	f.Handler = NewHandler(HandlerConfig{URL: u, Transport: tr})
	return f
}

func (f *front) ask(method, target, body string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

func TestOneRequestWhileFresh(t *testing.T) {
	a := newAPI(t)
	f := newFront(t, a, index(t))
	first := f.ask("GET", "/thing/x", "", "Cookie", "secret=1")
	if first.Code != 200 || !strings.Contains(first.Header().Get("Cache-Control"), "max-age=60") || first.Header().Get("ETag") == "" ||
		!strings.Contains(first.Header().Get("Vary"), "Accept") || first.Header().Get("X-RateLimit-Limit") != "" || first.Header().Get("Set-Cookie") != "" {
		t.Fatalf("%d %v", first.Code, first.Header())
	}
	if r := a.last.Load(); r.Header.Get("Cookie") != "" || r.Header.Get("Accept") != apispec.JSON || r.Host != strings.TrimPrefix(a.URL, "http://") {
		t.Errorf("the API got Host %s, %v", r.Host, r.Header)
	}
	for _, same := range []string{"/thing/x", "/thing/x.json", "/thing/x?content-type=application/json"} {
		if w := f.ask("GET", same, ""); w.Body.String() != first.Body.String() || !strings.Contains(w.Header().Get("Cache-Status"), "hit") {
			t.Errorf("%s: %v", same, w.Header())
		}
	}
	if w := f.ask("GET", "/thing/x?callback=f;content-type=text/javascript", ""); !strings.HasPrefix(w.Body.String(), "f({") {
		t.Errorf("JSONP %s", w.Body)
	}
	if w := f.ask("GET", "/thing/x", "", "If-None-Match", first.Header().Get("ETag")); w.Code != 304 {
		t.Errorf("If-None-Match: %d", w.Code)
	}
	if w := f.ask("HEAD", "/thing/x", ""); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d %q", w.Code, w.Body)
	}
	if n := a.asked.Load(); n != 1 {
		t.Errorf("asked %d times, want 1", n)
	}
	if w := f.ask("GET", "/thing/x", "", "Accept", "text/x-fasta"); w.Header().Get("Content-Type") != apispec.FASTA {
		t.Errorf("FASTA: %v", w.Header())
	}
	f.clock.Store(int64(2 * time.Minute))
	f.ask("GET", "/thing/x", "")
	if n := a.asked.Load(); n != 3 {
		t.Errorf("asked %d times once stale, want 3", n)
	}
}

func TestSafePost(t *testing.T) {
	a := newAPI(t)
	f := newFront(t, a, index(t))
	x := f.ask("POST", "/thing", `{"ids":["a"]}`, "Content-Type", "application/json")
	y := f.ask("POST", "/thing", `{ "ids": ["a"] }`, "Content-Type", "application/json")
	if x.Code != 200 || x.Body.String() != y.Body.String() || a.asked.Load() != 1 {
		t.Errorf("%s %s, asked %d", x.Body, y.Body, a.asked.Load())
	}
	if f.ask("POST", "/other", "x"); a.asked.Load() != 2 {
		t.Error("an unsafe POST was not passed on")
	}
}

func TestAnswersGoOnWhenTheAPIDies(t *testing.T) {
	a := newAPI(t)
	f := newFront(t, a, index(t))
	first := f.ask("GET", "/thing/x", "")
	f.clock.Store(int64(10 * time.Minute))
	a.fail.Store(500)
	for _, how := range []string{"fails", "is gone"} {
		w := f.ask("GET", "/thing/x", "")
		if w.Code != 200 || w.Body.String() != first.Body.String() || !strings.Contains(w.Header().Get("Cache-Status"), "fwd=stale") || w.Header().Get("Age") != "600" {
			t.Errorf("%s: %d %v", how, w.Code, w.Header())
		}
		a.Close()
	}
	if w := f.ask("GET", "/thing/new", ""); w.Code != 503 || !strings.Contains(w.Body.String(), `"error"`) || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestCollapsed(t *testing.T) {
	a := newAPI(t)
	f := newFront(t, a, index(t))
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if w := f.ask("GET", "/thing/cold", ""); w.Code != 200 {
				t.Errorf("%d", w.Code)
			}
		})
	}
	wg.Wait()
	if n := a.asked.Load(); n != 1 {
		t.Errorf("asked %d times, want 1", n)
	}
}

func TestWithoutACatalogue(t *testing.T) {
	a := newAPI(t)
	f := newFront(t, a, nil)
	for range 2 {
		f.ask("GET", "/thing/x", "")
	}
	if n := a.asked.Load(); n != 2 { // nothing says how long it holds
		t.Errorf("asked %d times, want 2", n)
	}
	if w := f.ask("GET", "/old", ""); w.Code != 301 || w.Header().Get("Location") != "/new?x=1" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
}

// limited is an API with a rate limit of fixed windows.
type limited struct {
	limit  int
	period time.Duration
	window time.Time
	used   int
	total  int
	refuse int
	silent bool // it does not announce the limit
}

func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	now := time.Now()
	if w := now.Truncate(l.period); w != l.window {
		l.window, l.used = w, 0
	}
	l.used++
	reset := l.window.Add(l.period).Sub(now).Seconds()
	h := http.Header{"Content-Type": {"application/json"}}
	if !l.silent {
		h.Set("X-RateLimit-Limit", strconv.Itoa(l.limit))
		h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, l.limit-l.used)))
		h.Set("X-RateLimit-Reset", strconv.FormatFloat(reset, 'f', 3, 64))
		h.Set("X-RateLimit-Period", strconv.FormatFloat(l.period.Seconds(), 'f', 0, 64))
	}
	resp := &http.Response{StatusCode: 200, Header: h, Body: io.NopCloser(strings.NewReader("{}")), Request: r}
	if l.used > l.limit {
		l.refuse++
		resp.StatusCode = 429
		h.Set("Retry-After", strconv.Itoa(int(reset)+1))
		return resp, nil
	}
	l.total++
	return resp, nil
}

func get(t *testing.T, tr *Transport, target string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://api.test"+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

func TestPaceStaysUnderTheAnnouncedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &limited{limit: 10, period: 10 * time.Second}
		tr := New(Config{Base: api, Catalogue: index(t)})
		good, told := 0, 0
		for i := range 100 {
			switch resp := get(t, tr, "/thing/"+strconv.Itoa(i)); resp.StatusCode {
			case 200:
				good++
			case 503:
				told++
				if resp.Header.Get("Retry-After") == "" {
					t.Fatal("503 without Retry-After")
				}
				<-time.After(time.Second)
			default:
				t.Fatalf("a client got %d", resp.StatusCode)
			}
		}
		if api.refuse > 1 || good < 50 {
			t.Errorf("the API refused %d; %d good, %d told to wait", api.refuse, good, told)
		}
	})
}

// A limit that is not announced is met with 429: the request waits if that is
// short, and no client ever sees it.
func TestUnannouncedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &limited{limit: 2, period: time.Second, silent: true}
		tr := New(Config{Base: api, Catalogue: index(t)})
		for i := range 20 {
			if resp := get(t, tr, "/thing/"+strconv.Itoa(i)); resp.StatusCode != 200 {
				t.Errorf("request %d: %d", i, resp.StatusCode)
			}
		}
	})
}

func TestLongLimitGivesStaleOr503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &limited{limit: 1, period: time.Hour, silent: true}
		tr := New(Config{Base: api, Catalogue: index(t)})
		get(t, tr, "/thing/kept")
		<-time.After(2 * time.Minute) // past its freshness
		if resp := get(t, tr, "/thing/kept"); resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Cache-Status"), "fwd=stale") {
			t.Errorf("kept: %d %v", resp.StatusCode, resp.Header)
		}
		begin := time.Now()
		resp := get(t, tr, "/thing/new")
		after, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		if resp.StatusCode != 503 || after < 3000 || time.Since(begin) > 2*time.Second {
			t.Errorf("new: %d after %s, Retry-After %d", resp.StatusCode, time.Since(begin), after)
		}
		if api.refuse != 1 {
			t.Errorf("the API was asked %d times beyond its limit, want once", api.refuse)
		}
	})
}

func FuzzPace(f *testing.F) {
	f.Add("55000", "54999", "1800.5", "3600", "2", 200)
	f.Add("-1", "NaN", "1e999", "0", "99999999999999999999", 429)
	f.Fuzz(func(t *testing.T, limit, remaining, reset, period, after string, status int) {
		p := newPacer()
		now := time.Now()
		p.observe(&http.Response{StatusCode: status, Header: http.Header{"X-Ratelimit-Limit": {limit}, "X-Ratelimit-Remaining": {remaining},
			"X-Ratelimit-Reset": {reset}, "X-Ratelimit-Period": {period}, "Retry-After": {after}}}, now)
		err := p.acquire(t.Context(), func() time.Time { return now }, now)
		var b *busy
		if err != nil && !errors.As(err, &b) {
			t.Fatal(err)
		}
	})
}
