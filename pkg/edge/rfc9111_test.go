package edge

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Plain RFC 9111: what the data path adds to the rules of pkg/rfc9111.

// partsOf answers with the parts of content that are asked for, and notes
// Range and If-Range.
func partsOf(content *string, etag *string, asked *[]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, strings.TrimSpace(r.Header.Get("Range")+" "+r.Header.Get("If-Range")))
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("ETag", *etag)
		http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader(*content))
	}
}

func TestParts_RFC9111_3_3(t *testing.T) {
	content, etag, asked := "0123456789", `"v1"`, []string(nil)
	s := newEdge(t, plainMode)
	s.origin.set(partsOf(&content, &etag, &asked))
	step := func(name string, status int, body, cacheStatus string, origin []string, fields ...string) {
		t.Helper()
		asked = nil
		w := s.ask("GET", "/a", "", fields...)
		if w.Code != status || w.Body.String() != body || !strings.HasPrefix(w.Header().Get("Cache-Status"), "europe-1; "+cacheStatus) {
			t.Errorf("%s: %d %q %s", name, w.Code, w.Body, w.Header().Get("Cache-Status"))
		}
		if fmt.Sprint(asked) != fmt.Sprint(origin) {
			t.Errorf("%s: the origin was asked %q, want %q", name, asked, origin)
		}
		if w.Header().Get("Range") != "" {
			t.Errorf("%s: Range in the answer", name)
		}
	}
	step("a miss is passed on", 206, "0123", "fwd=uri-miss; fwd-status=206; stored", []string{"bytes=0-3"}, "Range", "bytes=0-3")
	step("within", 206, "12", "hit", nil, "Range", "bytes=1-2")
	step("within, in the same state", 206, "12", "hit", nil, "Range", "bytes=1-2", "If-Range", `"v1"`)
	step("in another state", 200, content, "fwd=partial", []string{`bytes=1-2 "v0"`}, "Range", "bytes=1-2", "If-Range", `"v0"`)
	step("that was the whole", 206, "89", "hit", nil, "Range", "bytes=-2")

	s = newEdge(t, plainMode)
	s.origin.set(partsOf(&content, &etag, &asked))
	step("first part", 206, "0123", "fwd=uri-miss", []string{"bytes=0-3"}, "Range", "bytes=0-3")
	step("second part", 206, "678", "fwd=partial; fwd-status=206; stored", []string{"bytes=6-8"}, "Range", "bytes=6-8")
	step("the first still", 206, "23", "hit", nil, "Range", "bytes=2-3")
	step("between them", 206, "45", "fwd=partial", []string{"bytes=4-5"}, "Range", "bytes=4-5")
	step("now one", 206, "345678", "hit", nil, "Range", "bytes=3-8")
	step("the whole: only the rest is asked for", 200, content, "fwd=partial; fwd-status=206; ttl=", []string{`bytes=9- "v1"`})
	step("and is stored", 200, content, "hit", nil)
	step("a range of it", 206, "9", "hit", nil, "Range", "bytes=9-")

	s = newEdge(t, plainMode)
	s.origin.set(partsOf(&content, &etag, &asked))
	step("a part", 206, "0123", "fwd=uri-miss", []string{"bytes=0-3"}, "Range", "bytes=0-3")
	content, etag = "abcdefghij", `"v2"`
	step("the whole has changed", 200, content, "fwd=partial; fwd-status=200; stored", []string{`bytes=4- "v1"`})
	step("it is stored", 200, content, "hit", nil)
	s.clock.Add(int64(2 * time.Minute))
	step("stale: validated as a whole", 206, "bc", "fwd=stale; fwd-status=304", []string{""}, "Range", "bytes=1-2")

	s = newEdge(t, plainMode)
	s.origin.set(partsOf(&content, &etag, &asked))
	step("a part", 206, "abcd", "fwd=uri-miss", []string{"bytes=0-3"}, "Range", "bytes=0-3")
	s.ask("POST", "/a", "")
	step("is invalidated", 206, "bc", "fwd=uri-miss", []string{"bytes=1-2"}, "Range", "bytes=1-2")
	if w := s.ask("GET", "/a", "", "Range", "bytes=0-0,2-2"); w.Code != 206 || strings.Contains(w.Header().Get("Cache-Status"), "stored") ||
		!strings.HasPrefix(w.Header().Get("Content-Type"), "multipart/byteranges") {
		t.Errorf("several ranges are passed on: %d %v", w.Code, w.Header())
	}
}

func TestPostAnswersGet_RFC9110_9_3_3(t *testing.T) {
	for _, c := range []struct {
		name, location, cacheControl string
		status                       int
		want                         string // Cache-Status of the GET
	}{
		{"stored", "/a?x=1", "max-age=60", 200, "hit"},
		{"absolute", "http://europe.test/a?x=1", "max-age=60", 200, "hit"},
		{"another place", "/b", "max-age=60", 200, "fwd=uri-miss"},
		{"another host", "http://asia.test/a?x=1", "max-age=60", 200, "fwd=uri-miss"},
		{"without Content-Location", "", "max-age=60", 200, "fwd=uri-miss"},
		{"without freshness", "/a?x=1", "public", 200, "fwd=uri-miss"},
		{"private", "/a?x=1", "private, max-age=60", 200, "fwd=uri-miss"},
		{"not 200", "/a?x=1", "max-age=60", 201, "fwd=uri-miss"},
	} {
		s := newEdge(t, plainMode)
		s.origin.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", c.cacheControl)
			if r.Method == "POST" {
				if c.location != "" {
					w.Header().Set("Content-Location", c.location)
				}
				w.WriteHeader(c.status)
			}
			io.WriteString(w, r.Method)
		})
		s.ask("GET", "/a?x=1", "")
		s.ask("POST", "/a?x=1&redirect=no", "body")
		w := s.ask("GET", "/a?x=1", "")
		if got := w.Header().Get("Cache-Status"); !strings.HasPrefix(got, "europe-1; "+c.want) || (w.Body.String() == "POST") != (c.want == "hit") {
			t.Errorf("%s: %s %s", c.name, got, w.Body)
		}
		if w := s.ask("POST", "/a?x=1", "body"); w.Body.String() != "POST" || strings.Contains(w.Header().Get("Cache-Status"), "hit") {
			t.Errorf("%s: a POST is answered by %s %s", c.name, w.Header().Get("Cache-Status"), w.Body)
		}
	}
}

func TestHead_RFC9111_4_3_5(t *testing.T) {
	etag, length, x, cacheControl := `"v1"`, "5", "1", "max-age=60"
	s := newEdge(t, plainMode)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", s.edge.Now().UTC().Format(http.TimeFormat))
		w.Header().Set("ETag", etag)
		w.Header().Set("X", x)
		w.Header().Set("Content-Length", length)
		w.Header().Set("Cache-Control", cacheControl)
		if r.Method == "GET" {
			io.WriteString(w, "hello")
		}
	})
	s.ask("GET", "/a", "")
	s.clock.Add(int64(2 * time.Minute))
	x, cacheControl = "2", "max-age=3600"
	if w := s.ask("HEAD", "/a", ""); w.Header().Get("X") != "2" || s.origin.requests["HEAD /a"] != 1 {
		t.Errorf("a stale response: %v", w.Header())
	}
	if w := s.ask("GET", "/a", ""); !strings.Contains(w.Header().Get("Cache-Status"), "; hit; ttl=") || w.Header().Get("X") != "2" || w.Body.String() != "hello" {
		t.Errorf("updated: %v %s", w.Header(), w.Body)
	}
	if w := s.ask("HEAD", "/a", ""); !strings.Contains(w.Header().Get("Cache-Status"), "; hit") || w.Header().Get("Content-Length") != "5" || w.Body.Len() != 0 {
		t.Errorf("HEAD of a fresh one: %v", w.Header())
	}
	s.clock.Add(int64(2 * time.Hour))
	etag, length = `"v2"`, "6"
	s.ask("HEAD", "/a", "")
	length = "5"
	if w := s.ask("GET", "/a", ""); !strings.Contains(w.Header().Get("Cache-Status"), "fwd=uri-miss; fwd-status=200") {
		t.Errorf("after a HEAD that says it is another: %v", w.Header())
	}
}

func TestAuthorization_RFC9111_3_5(t *testing.T) {
	for cacheControl, want := range map[string]string{
		"max-age=60": "fwd=uri-miss", "max-age=60, public": "hit", "max-age=60, must-revalidate": "hit", "s-maxage=60": "hit",
	} {
		s := newEdge(t, plainMode)
		s.origin.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", cacheControl)
			io.WriteString(w, r.Header.Get("Authorization"))
		})
		if w := s.ask("GET", "/a", "", "Authorization", "Basic x"); w.Body.String() != "Basic x" {
			t.Errorf("%s: the origin saw Authorization %q", cacheControl, w.Body)
		}
		if w := s.ask("GET", "/a", ""); !strings.HasPrefix(w.Header().Get("Cache-Status"), "europe-1; "+want) {
			t.Errorf("%s: %s", cacheControl, w.Header().Get("Cache-Status"))
		}
	}
}

// Set-Cookie is stored where plain RFC 9111 is asked for, and only there.
func TestSetCookie(t *testing.T) {
	for _, c := range []struct {
		name string
		mode func(*Config)
		hit  bool
	}{{"none", plainMode, true}, {"auto", func(*Config) {}, false}} {
		s := newEdge(t, c.mode)
		s.origin.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			w.Header().Set("Set-Cookie", "a=b")
		})
		s.ask("GET", "/other", "")
		w := s.ask("GET", "/other", "")
		if hit := strings.Contains(w.Header().Get("Cache-Status"), "; hit"); hit != c.hit || w.Header().Get("Set-Cookie") != "a=b" {
			t.Errorf("%s: %v", c.name, w.Header())
		}
	}
}

// A GET with content may mean another thing: only its origin knows.
func TestGetWithContent(t *testing.T) {
	s := newEdge(t, plainMode)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		io.Copy(w, r.Body)
	})
	for _, body := range []string{"one", "two", "", "three"} {
		if w := s.ask("GET", "/a", body); w.Body.String() != body {
			t.Errorf("%q: %q (%s)", body, w.Body, w.Header().Get("Cache-Status"))
		}
	}
}

// Interim responses reach the client that they were made for, and are not
// part of what is stored (RFC 9110 §15.2).
func TestInterim_RFC9110_15_2(t *testing.T) {
	s := newEdge(t, plainMode)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusProcessing)
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.Header().Set("X-Early", "1")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Header().Del("X-Early")
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "x")
	})
	front := httptest.NewServer(s.edge)
	defer front.Close()
	ask := func(method, version string) (heads []string) {
		t.Helper()
		c, err := net.Dial("tcp", front.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "%s /a HTTP/%s\r\nHost: europe.test\r\nConnection: close\r\n\r\n", method, version)
		text, err := io.ReadAll(bufio.NewReader(c))
		if err != nil {
			t.Fatal(err)
		}
		for head := range strings.SplitSeq(string(text), "\r\n\r\n") {
			if strings.HasPrefix(head, "HTTP/") {
				heads = append(heads, head)
			}
		}
		return heads
	}
	first := ask("GET", "1.1")
	if len(first) != 3 || !strings.HasPrefix(first[0], "HTTP/1.1 102") || !strings.HasPrefix(first[1], "HTTP/1.1 103") ||
		!strings.Contains(first[1], "X-Early: 1") || !strings.Contains(first[1], "Link: </a.css>") || strings.Contains(first[2], "X-Early") {
		t.Errorf("the first: %q", first)
	}
	if hit := ask("GET", "1.1"); len(hit) != 1 || !strings.Contains(hit[0], "; hit") || strings.Contains(hit[0], "X-Early") {
		t.Errorf("from store: %q", hit)
	}
	if passed := ask("DELETE", "1.1"); len(passed) != 3 {
		t.Errorf("passed on: %q", passed)
	}
	if old := ask("GET", "1.0"); len(old) != 1 {
		t.Errorf("HTTP/1.0 knows none: %q", old)
	}
}

// §4.2.4: only an origin that was asked in vain is disconnected.
func TestDisconnected_RFC9111_4_2_4(t *testing.T) {
	s := newEdge(t, plainMode)
	answers := func(cacheControl, body string) {
		s.origin.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", cacheControl)
			io.WriteString(w, body)
		})
	}
	breaks := func() { s.origin.set(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }) }
	answers("max-age=60", "1")
	s.ask("GET", "/a", "")
	s.world.set(originID(s.edge.Origins[0]), "unreachable", s.edge)
	s.clock.Add(int64(2 * time.Minute))
	answers("max-age=60", "2")
	if w := s.ask("GET", "/a", ""); w.Body.String() != "2" {
		t.Errorf("the origin answers, and was not asked: %s", w.Header().Get("Cache-Status"))
	}
	s.clock.Add(int64(2 * time.Minute))
	breaks()
	if w := s.ask("GET", "/a", ""); w.Body.String() != "2" || !strings.Contains(w.Header().Get("Cache-Status"), "stale-if-error") {
		t.Errorf("disconnected: %d %s", w.Code, w.Header().Get("Cache-Status"))
	}
	for i, cacheControl := range []string{"max-age=60, must-revalidate", "max-age=60, proxy-revalidate", "s-maxage=60", "no-cache"} {
		answers(cacheControl, "x")
		s.ask("GET", fmt.Sprint("/", i), "")
		s.clock.Add(int64(2 * time.Minute))
		breaks()
		if w := s.ask("GET", fmt.Sprint("/", i), ""); w.Code < 500 {
			t.Errorf("%s: %d %s", cacheControl, w.Code, w.Header().Get("Cache-Status"))
		}
	}
}

// Trailer fields of what is passed on reach the clients that take them.
func TestTrailers_RFC9110_6_5(t *testing.T) {
	s := newEdge(t, plainMode)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "TE: "+r.Header.Get("TE"))
		w.Header().Set("X-Sum", "7")
	})
	front := httptest.NewServer(s.edge)
	defer front.Close()
	for te, want := range map[string]string{"": "", "trailers": "7", "gzip, Trailers": "7", "gzip": ""} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", front.URL+"/a", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("TE", te)
		resp, err := front.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		asked := map[bool]string{true: "TE: trailers", false: "TE: "}[want != ""]
		if err != nil || resp.Trailer.Get("X-Sum") != want || string(body) != asked {
			t.Errorf("TE %q: %q, trailer %v, %v", te, body, resp.Trailer, err)
		}
	}
}

// The rest of what is stored as a part is an answer like any other: it says
// whether the whole may be stored.
func TestCompletedIsStorable_RFC9111_3(t *testing.T) {
	for name, tc := range map[string]struct {
		rest   string // Cache-Control of the rest
		fields []string
	}{
		"no-store":           {"no-store", nil},
		"private":            {"private, max-age=60", nil},
		"Authorization":      {"max-age=60", []string{"Authorization", "Basic x"}},
		"no-store was asked": {"max-age=60", []string{"Cache-Control", "no-store"}},
	} {
		s := newEdge(t, plainMode)
		s.origin.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v1"`)
			w.Header().Set("Cache-Control", "max-age=60")
			if r.Header.Get("If-Range") != "" {
				w.Header().Set("Cache-Control", tc.rest)
			}
			http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader("0123456789"))
		})
		s.ask("GET", "/a", "", "Range", "bytes=0-3")
		w := s.ask("GET", "/a", "", tc.fields...)
		if cs := w.Header().Get("Cache-Status"); w.Body.String() != "0123456789" || strings.Contains(cs, "stored") {
			t.Errorf("%s: %s %s", name, w.Body, cs)
		}
		if w := s.ask("GET", "/a", "", "Range", "bytes=7-8"); strings.Contains(w.Header().Get("Cache-Status"), "hit") {
			t.Errorf("%s, afterwards: %s", name, w.Header().Get("Cache-Status"))
		}
	}
}

// A HEAD is answered by a stale response when the origin fails, as the GET is.
func TestHeadWhileDisconnected_RFC9111_4_2_4(t *testing.T) {
	for name, fail := range map[string]http.HandlerFunc{
		"an error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"nothing":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		for _, method := range []string{"GET", "HEAD"} {
			s := newEdge(t, plainMode)
			s.origin.set(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				io.WriteString(w, "hello")
			})
			s.ask("GET", "/a", "")
			s.clock.Add(int64(2 * time.Minute))
			s.origin.set(fail)
			if w := s.ask(method, "/a", ""); w.Code != 200 || w.Header().Get("Content-Length") != "5" || w.Header().Get("Age") == "" ||
				!strings.Contains(w.Header().Get("Cache-Status"), "fwd=stale") {
				t.Errorf("%s, %s: %d %v", name, method, w.Code, w.Header())
			}
		}
	}
}

// A digest of content that came in other bytes than are sent says nothing.
func TestDigestsOfParts_RFC9530(t *testing.T) {
	s := newEdge(t, plainMode)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Cache-Control", "max-age=60")
		if r.Header.Get("Range") == "bytes=0-3" {
			w.Header().Set("Content-Digest", "sha-256=:part:")
			w.Header().Set("Content-Md5", "part")
		}
		w.Header().Set("Repr-Digest", "sha-256=:whole:")
		http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader("0123456789"))
	})
	for _, step := range []struct{ fields, digest string }{{"bytes=0-3", "sha-256=:part:"}, {"bytes=0-3", "sha-256=:part:"}, {"bytes=1-2", ""}, {"", ""}} {
		fields := []string{"Range", step.fields}
		if step.fields == "" {
			fields = nil
		}
		w := s.ask("GET", "/a", "", fields...)
		h := w.Header()
		if h.Get("Content-Digest") != step.digest || (h.Get("Content-Md5") == "") != (step.digest == "") || h.Get("Repr-Digest") == "" {
			t.Errorf("%q: %s %v", step.fields, w.Body, h)
		}
	}
}

// Fwd says that a request went on (RFC 9211 §2.2): not where none did.
func TestNotForwarded_RFC9211_2_2(t *testing.T) {
	s := newEdge(t)
	for _, tc := range [][]string{
		{"GET", "/thing/x", "Cache-Control", "only-if-cached"},
		{"GET", "/thing/x?callback=1;content-type=text/javascript"},
		{"TRACE", "/thing/x"},
		{"GET", "/thing/x", "Authorization", "Basic x", "Cache-Control", "only-if-cached"},
	} {
		w := s.ask(tc[0], tc[1], "", tc[2:]...)
		if cs := w.Header().Get("Cache-Status"); w.Code < 400 || s.origin.total() != 0 || strings.Contains(cs, "fwd") || !strings.Contains(cs, "europe-1") {
			t.Errorf("%v: %d %s", tc, w.Code, cs)
		}
	}
	s.origin.set(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	if w := s.ask("GET", "/thing/x", ""); w.Code != 503 || !strings.Contains(w.Header().Get("Cache-Status"), "fwd=uri-miss") {
		t.Errorf("forwarded: %d %v", w.Code, w.Header())
	}
}
