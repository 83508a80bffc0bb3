package respond

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mirrornet/pkg/store"
)

// TestAgainstServeContent compares preconditions and single ranges with
// http.ServeContent, over a real connection.
func TestAgainstServeContent(t *testing.T) {
	body := []byte("0123456789abcdefghij")
	modified := t0.Add(-time.Hour)
	header := hdr("Content-Type: text/plain", `ETag: "abc"`, "Date: "+at(0), "Last-Modified: "+modified.Format(http.TimeFormat))
	mux := http.NewServeMux()
	mux.HandleFunc("/ours", func(w http.ResponseWriter, r *http.Request) {
		if _, _, err := Write(w, r, Source{Status: 200, Header: header, Body: store.NewBody(body)}, nil, Options{}); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/oracle", func(w http.ResponseWriter, r *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		http.ServeContent(w, r, "", modified, bytes.NewReader(body))
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	type result struct {
		Status       int
		Body         string
		Length       int64
		Range, Tag   string
		Modified, Ct string
	}
	ask := func(rt rapid.TB, path, method string, h http.Header) result {
		req, err := http.NewRequest(method, server.URL+path, nil)
		if err != nil {
			rt.Fatal(err)
		}
		req.Header = h.Clone()
		resp, err := server.Client().Do(req)
		if err != nil {
			rt.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			rt.Fatal(err)
		}
		r := result{resp.StatusCode, string(b), resp.ContentLength, resp.Header.Get("Content-Range"), resp.Header.Get("ETag"), resp.Header.Get("Last-Modified"), resp.Header.Get("Content-Type")}
		if r.Status >= 400 { // errors have words and fields of their own
			r = result{Status: r.Status, Range: r.Range}
		}
		return r
	}
	tags := []string{`"abc"`, `W/"abc"`, `"x"`, `"x", "abc"`, "*", `W/"x"`, "abc"}
	dates := []string{at(-3601), at(-3600), at(-3599), at(0), "nonsense"}
	ranges := []string{"bytes=0-0", "bytes=0-", "bytes=5-9", "bytes=19-", "bytes=20-", "bytes=-1", "bytes=-20", "bytes=-21", "bytes=5-1000", "bytes=1000-2000", "bytes=0-1,30-"}
	compare := func(rt rapid.TB, method string, h http.Header) int {
		ours, theirs := ask(rt, "/ours", method, h), ask(rt, "/oracle", method, h)
		if diff := cmp.Diff(theirs, ours); diff != "" {
			rt.Fatalf("%s %v: (-ServeContent +ours)\n%s", method, h, diff)
		}
		return ours.Status
	}
	for status, line := range map[int]string{200: "Accept: */*", 206: "Range: bytes=1-2", 304: "If-None-Match: *", 412: `If-Match: "x"`, 416: "Range: bytes=20-"} {
		if got := compare(t, "GET", hdr("Accept-Encoding: identity", line)); got != status {
			t.Errorf("%s: both answer %d, want %d", line, got, status)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		h := http.Header{"Accept-Encoding": {"identity"}}
		method := rapid.SampledFrom([]string{"GET", "GET", "HEAD"}).Draw(rt, "method")
		set := func(name string, values []string) {
			if rapid.IntRange(0, 2).Draw(rt, name+"?") == 0 {
				h.Set(name, rapid.SampledFrom(values).Draw(rt, name))
			}
		}
		set("If-Match", tags)
		set("If-None-Match", tags)
		set("If-Modified-Since", dates)
		set("If-Unmodified-Since", dates)
		if method == "GET" { // ServeContent answers HEAD with 206, against §14.2
			set("Range", ranges)
			set("If-Range", slices.Concat(tags[:3], dates))
		}
		compare(rt, method, h)
	})
}

// FuzzRange looks for parts outside of the body, and for answers that grow
// beyond it.
func FuzzRange(f *testing.F) {
	for _, s := range []string{"bytes=0-0", "bytes=-5", "bytes=5-", "bytes=0-1,3-4", "bytes=9999999999999999999999-", "bytes=0-,0-", "bytes=--1", "bytes= , 1-2", "x=1-2"} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, size int) {
		if size < 1 || size > 1<<40 {
			return
		}
		spans, result := parseRange(s, size)
		if (result == rangePartial) != (len(spans) > 0) || len(spans) > maxRanges {
			t.Fatalf("%d spans, result %d", len(spans), result)
		}
		total := 0
		for _, p := range spans {
			if p.start < 0 || p.length < 1 || p.start > size-p.length {
				t.Errorf("span %+v of %d", p, size)
			}
			total += p.length
		}
		if total > size {
			t.Errorf("%d bytes of %d", total, size)
		}
		w := httptest.NewRecorder()
		r := request("GET")
		r.Header.Set("Range", s)
		body := bytes.Repeat([]byte("x"), min(size, 1000))
		if _, _, err := Write(w, r, stored(body), nil, Options{}); err != nil || w.Body.Len() > len(body)+(maxRanges+1)*200 {
			t.Errorf("%d bytes for %d: %v", w.Body.Len(), len(body), err)
		}
	})
}

// FuzzAcceptEncoding looks for a coding that the client did not name.
func FuzzAcceptEncoding(f *testing.F) {
	for _, s := range []string{"", "gzip", "zstd;q=0.5, br;q=1.0", "*", "identity;q=0", "gzip;q=", ";q=1", "gzip;;q=0.1,", "br;q=0,*;q=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := chooseCoding([]string{s})
		if c != "" && !isCoding(c) {
			t.Fatalf("coding %q", c)
		}
		if c != "" && !strings.Contains(strings.ToLower(s), c) && !(c == "gzip" && strings.Contains(s, "*")) {
			t.Errorf("%q: %s is not named", s, c)
		}
	})
}

// FuzzTags holds the tag scanner against what it prints.
func FuzzTags(f *testing.F) {
	for _, s := range []string{`"a"`, `W/"a", "b"`, `"`, `W/`, `*`, `"a"b"`, `,,"a"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, one := range parseTags([]string{s}).tags {
			again, rest, ok := scanTag(one.String())
			if !ok || rest != "" || again != one {
				t.Errorf("%q: %v reads back as %v", s, one, again)
			}
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	for _, ae := range []string{"identity", "zstd", "br", "gzip"} {
		b.Run(ae, func(b *testing.B) {
			r, s := request("GET", "Accept-Encoding: "+ae), stored(bytes.Repeat(large, 60))
			b.SetBytes(int64(s.Body.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Write(discard{http.Header{}}, r, s, nil, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header       { return d.h }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
