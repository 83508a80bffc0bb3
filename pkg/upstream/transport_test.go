package upstream

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func reply200(r *http.Request) *http.Response {
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}
}

// An upstream below a path prefix is cached by the catalogue.
func TestPrefix(t *testing.T) {
	n, paths := 0, []string{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		paths = append(paths, r.URL.Path)
		io.WriteString(w, "{}")
	}))
	defer s.Close()
	u, _ := url.Parse(s.URL + "/rest")
	h := NewHandler(HandlerConfig{URL: u, Transport: New(Config{Catalogue: index(t), Prefix: u.Path})})
	for range 3 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/thing/x", nil))
	}
	if n != 1 || paths[0] != "/rest/thing/x" {
		t.Errorf("asked %d times: %q", n, paths)
	}
}

// A callback that is no identifier never becomes script.
func TestCallback(t *testing.T) {
	f := newFront(t, newAPI(t), index(t))
	w := f.ask("GET", "/thing/x?content-type=text/javascript&callback=alert(1)%2F%2F", "")
	if strings.HasPrefix(w.Body.String(), "alert(1)//") {
		t.Errorf("%d %s %q", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
}

// A hanging upstream does not keep a stored answer back for long.
func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := false
		tr := New(Config{Catalogue: index(t), Base: roundTrip(func(r *http.Request) (*http.Response, error) {
			if hang {
				<-r.Context().Done()
				return nil, context.Cause(r.Context())
			}
			return reply200(r), nil
		})})
		get(t, tr, "/thing/x")
		<-time.After(2 * time.Minute)
		hang = true
		begin := time.Now()
		resp := get(t, tr, "/thing/x")
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("status %d after %v", resp.StatusCode, d)
		}
		<-time.After(2 * fetchTime) // the fetch that goes on ends by itself
	})
}

// Ensembl's per-second limit: 429 with Retry-After: 2, after some latency.
func TestRetryAfterTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		tr := New(Config{Catalogue: index(t), Base: roundTrip(func(r *http.Request) (*http.Response, error) {
			n++
			<-time.After(50 * time.Millisecond)
			resp := reply200(r)
			if n == 1 {
				resp.StatusCode = 429
				resp.Header = http.Header{"Retry-After": {"2"}, "X-Ratelimit-Limit": {"55000"}, "X-Ratelimit-Remaining": {"54000"}, "X-Ratelimit-Reset": {"1800"}, "X-Ratelimit-Period": {"3600"}}
			}
			return resp, nil
		})})
		if resp := get(t, tr, "/thing/x"); resp.StatusCode != 200 {
			t.Errorf("%d, asked %d times", resp.StatusCode, n)
		}
	})
}

func TestVia(t *testing.T) {
	a := newAPI(t)
	w := newFront(t, a, index(t)).ask("GET", "/thing/x", "")
	if w.Header().Get("Via") == "" {
		t.Error("no Via")
	}
}

// A 304 that speaks of another representation is not taken for ours (§4.3.4).
func Test304OfAnother(t *testing.T) {
	n := 0
	var off time.Duration
	tr := New(Config{Now: func() time.Time { return time.Now().Add(off) }, Base: roundTrip(func(r *http.Request) (*http.Response, error) {
		n++
		resp := reply200(r)
		resp.Header.Set("Cache-Control", "max-age=1")
		resp.Header.Set("ETag", `"one"`)
		if r.Header.Get("If-None-Match") != "" {
			resp.StatusCode, resp.Body = 304, http.NoBody
			resp.Header.Set("ETag", `"two"`)
		} else if n > 1 {
			resp.Header.Set("ETag", `"two"`)
			resp.Body = io.NopCloser(strings.NewReader("new"))
		}
		return resp, nil
	})})
	get(t, tr, "/a")
	off = time.Minute
	r, _ := http.NewRequest("GET", "http://api.test/a", nil)
	resp, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	if string(b) != "new" {
		t.Errorf("%d %q %v", resp.StatusCode, b, resp.Header)
	}
}
