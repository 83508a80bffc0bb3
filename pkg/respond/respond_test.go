package respond

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"mirrornet/pkg/store"
)

var (
	t0    = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	large = []byte(`{"seq":"` + strings.Repeat("ACGTACGTTTGA", 100) + `"}`)
)

func at(seconds int) string {
	return t0.Add(time.Duration(seconds) * time.Second).Format(http.TimeFormat)
}

// hdr makes a header of "Name: value" lines.
func hdr(lines ...string) http.Header {
	h := http.Header{}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ":")
		h.Add(name, strings.TrimSpace(value))
	}
	return h
}

// stored is a JSON source with validators.
func stored(body []byte, more ...string) Source {
	h := hdr("Content-Type: application/json", `ETag: "abc"`, "Last-Modified: "+at(-3600), "Date: "+at(0), "Cache-Control: max-age=60", "Age: 5")
	for name, values := range hdr(more...) {
		h[name] = values
	}
	return Source{Status: 200, Header: h, Body: store.NewBody(body)}
}

func request(method string, lines ...string) *http.Request {
	r := httptest.NewRequest(method, "/sequence/id/x", nil)
	r.Header = hdr(lines...)
	return r
}

// write answers and checks what holds for every answer.
func write(t *testing.T, r *http.Request, s Source, extra http.Header, o Options) *httptest.ResponseRecorder {
	t.Helper()
	before := s.Header.Clone()
	w := httptest.NewRecorder()
	status, n, err := Write(w, r, s, extra, o)
	if err != nil {
		t.Fatal(err)
	}
	if status != w.Code || n != int64(w.Body.Len()) {
		t.Errorf("says %d and %d bytes, wrote %d and %d", status, n, w.Code, w.Body.Len())
	}
	if !cmp.Equal(before, s.Header) {
		t.Error("the source's header changed")
	}
	length := w.Header().Get("Content-Length")
	switch {
	case status == 204 || status == 304:
		if n != 0 || length != "" {
			t.Errorf("%d with %d bytes, Content-Length %q", status, n, length)
		}
	case r.Method == http.MethodHead:
		if n != 0 {
			t.Errorf("HEAD with %d bytes", n)
		}
	case length != strconv.FormatInt(n, 10):
		t.Errorf("Content-Length %q of %d bytes", length, n)
	}
	kept := s
	kept.Body = keptBody(t, s)
	again := httptest.NewRecorder()
	if _, _, err := Write(again, r, kept, extra, o); err != nil {
		t.Fatalf("from store: %v", err)
	}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "multipart/") { // boundaries are random
		return w
	}
	if diff := cmp.Diff(w.Header(), again.Header()); diff != "" || again.Code != w.Code || !bytes.Equal(again.Body.Bytes(), w.Body.Bytes()) {
		t.Errorf("from store: %d and %d bytes, otherwise %d and %d: %s", again.Code, again.Body.Len(), w.Code, w.Body.Len(), diff)
	}
	return w
}

// keptBody is the body as it comes back from store.
func keptBody(t *testing.T, s Source) store.Body {
	m := store.NewMemory(store.MemoryConfig{})
	m.Put(t.Context(), &store.Response{Key: "k", Status: 200, Header: s.Header, Body: s.Body}, time.Hour)
	r, _, ok := m.Get(t.Context(), "k")
	if !ok || r.Body.Len() != s.Body.Len() {
		t.Fatal("not in store")
	}
	return r.Body
}

func decode(t *testing.T, coding string, body []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	var err error
	switch coding {
	case "zstd":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(r); err == nil {
			defer d.Close()
			r = d
		}
	case "br":
		r = brotli.NewReader(r)
	case "gzip":
		r, err = gzip.NewReader(r)
	case "":
	default:
		t.Fatalf("coding %q", coding)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPlain(t *testing.T) {
	s := stored(large, "Connection: close", "Keep-Alive: 5", "Content-Length: 3", "X-A: source", "X-B: source")
	w := write(t, request("GET"), s, http.Header{"X-A": {"extra"}, "X-B": nil, "Age": {"7"}, "ETag": {`"new"`}}, Options{})
	if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), large) {
		t.Errorf("%d %.40s", w.Code, w.Body)
	}
	want := hdr("Content-Type: application/json", `ETag: "new"`, "Last-Modified: "+at(-3600), "Date: "+at(0), "Cache-Control: max-age=60",
		"Age: 7", "X-A: extra", "Accept-Ranges: bytes", "Vary: Accept-Encoding", fmt.Sprint("Content-Length: ", len(large)))
	if diff := cmp.Diff(want, w.Header()); diff != "" {
		t.Error(diff)
	}
}

func TestHead(t *testing.T) {
	for _, ae := range []string{"", "gzip", "zstd"} {
		get := write(t, request("GET", "Accept-Encoding: "+ae), stored(large), nil, Options{})
		head := write(t, request("HEAD", "Accept-Encoding: "+ae), stored(large), nil, Options{})
		if diff := cmp.Diff(get.Header(), head.Header()); diff != "" || get.Code != head.Code {
			t.Error(ae, diff)
		}
	}
	if w := write(t, request("HEAD", "Range: bytes=0-1"), stored(large), nil, Options{}); w.Code != 200 {
		t.Errorf("HEAD with Range: %d, want 200 (RFC 9110 §14.2)", w.Code)
	}
}

func TestNoBodyStatuses(t *testing.T) {
	for _, status := range []int{204, 304} {
		w := write(t, request("GET"), Source{Status: status, Header: hdr("Content-Length: 5"), Body: store.NewBody([]byte("hello"))}, nil, Options{})
		if w.Code != status {
			t.Errorf("%d: got %d", status, w.Code)
		}
	}
	if w := write(t, request("GET"), Source{Status: 205, Body: store.NewBody([]byte("hello"))}, nil, Options{}); w.Body.Len() != 0 {
		t.Errorf("205 with a body")
	}
	for _, status := range []int{100, 103, 199, 1000, -1} {
		w := httptest.NewRecorder()
		if got, _, err := Write(w, request("GET"), Source{Status: status}, nil, Options{}); err == nil || got != 0 || len(w.Header()) > 0 {
			t.Errorf("%d: %d %v", status, got, err)
		}
	}
	if w := write(t, request("GET"), Source{Body: store.NewBody([]byte("<html>"))}, nil, Options{Now: t0}); w.Code != 200 || w.Header().Get("Content-Type") != "" || w.Header().Get("Date") != at(0) {
		t.Errorf("zero status: %d %v", w.Code, w.Header())
	}
}

func TestVaryIsJoined(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Vary", "Origin")
	s := stored(large, "Vary: accept, ACCEPT-ENCODING")
	if _, _, err := Write(w, request("GET"), s, nil, Options{}); err != nil {
		t.Fatal(err)
	}
	if got := w.Header()["Vary"]; len(got) != 1 || got[0] != "accept, ACCEPT-ENCODING, Origin" {
		t.Errorf("Vary %q", got)
	}
	if got := write(t, request("GET"), stored(large, "Vary: *"), nil, Options{}).Header().Get("Vary"); got != "*" {
		t.Errorf("Vary %q", got)
	}
}

func TestPreconditions_RFC9110_13(t *testing.T) {
	weak := stored(large, `ETag: W/"abc"`)
	bare := stored(large)
	bare.Header.Del("Etag")
	bare.Header.Del("Last-Modified")
	for _, c := range []struct {
		name string
		s    Source
		req  []string
		want int
		tag  string // of a 304
	}{
		{"INM equal", stored(large), []string{`If-None-Match: "abc"`}, 304, `"abc"`},
		{"INM weak form of it", stored(large), []string{`If-None-Match: W/"abc"`}, 304, `"abc"`},
		{"INM in a list", stored(large), []string{`If-None-Match: "x,y", "abc"`}, 304, `"abc"`},
		{"INM on the second line", stored(large), []string{`If-None-Match: "x"`, `If-None-Match: "abc"`}, 304, `"abc"`},
		{"INM *", stored(large), []string{"If-None-Match: *"}, 304, `"abc"`},
		{"INM another", stored(large), []string{`If-None-Match: "abd"`}, 200, ""},
		{"INM unquoted", stored(large), []string{"If-None-Match: abc"}, 200, ""},
		{"INM coded form", stored(large), []string{`If-None-Match: "abc-gzip"`}, 304, `"abc-gzip"`},
		{"INM weak coded form, as some proxies send", stored(large), []string{`If-None-Match: W/"abc-br"`}, 304, `"abc-br"`},
		{"INM all forms: the one that would be sent", stored(large), []string{`If-None-Match: "abc", "abc-gzip", "abc-zstd"`, "Accept-Encoding: zstd"}, 304, `"abc-zstd"`},
		{"INM the identity form is kept", stored(large), []string{`If-None-Match: "abc"`, "Accept-Encoding: zstd"}, 304, `"abc"`},
		{"INM no coding of ours", stored(large), []string{`If-None-Match: "abc-def"`}, 200, ""},
		{"INM weak stored", weak, []string{`If-None-Match: "abc"`}, 304, `W/"abc"`},
		{"INM weak stored has no forms", weak, []string{`If-None-Match: "abc-gzip"`}, 200, ""},
		{"INM wins over IMS", stored(large), []string{`If-None-Match: "x"`, "If-Modified-Since: " + at(0)}, 200, ""},
		{"IMS not modified", stored(large), []string{"If-Modified-Since: " + at(-3600)}, 304, `"abc"`},
		{"IMS modified", stored(large), []string{"If-Modified-Since: " + at(-3601)}, 200, ""},
		{"IMS invalid", stored(large), []string{"If-Modified-Since: today"}, 200, ""},
		{"IMS twice", stored(large), []string{"If-Modified-Since: " + at(0), "If-Modified-Since: " + at(0)}, 200, ""},
		{"IMS against Date", bare, []string{"If-Modified-Since: " + at(0)}, 304, ""},
		{"IMS before Date", bare, []string{"If-Modified-Since: " + at(-1)}, 200, ""},
		{"IM equal", stored(large), []string{`If-Match: "abc"`}, 200, ""},
		{"IM coded form", stored(large), []string{`If-Match: "x", "abc-br"`}, 200, ""},
		{"IM *", stored(large), []string{"If-Match: *"}, 200, ""},
		{"IM another", stored(large), []string{`If-Match: "x"`}, 412, ""},
		{"IM weak", stored(large), []string{`If-Match: W/"abc"`}, 412, ""},
		{"IM weak stored", weak, []string{`If-Match: W/"abc"`}, 412, ""},
		{"IM before INM", stored(large), []string{`If-Match: "x"`, `If-None-Match: "abc"`}, 412, ""},
		{"IM then INM", stored(large), []string{`If-Match: "abc"`, `If-None-Match: "abc"`}, 304, `"abc"`},
		{"IUS unmodified", stored(large), []string{"If-Unmodified-Since: " + at(-3600)}, 200, ""},
		{"IUS modified", stored(large), []string{"If-Unmodified-Since: " + at(-3601)}, 412, ""},
		{"IUS without Last-Modified", bare, []string{"If-Unmodified-Since: " + at(-9999)}, 200, ""},
		{"IM wins over IUS", stored(large), []string{`If-Match: "abc"`, "If-Unmodified-Since: " + at(-3601)}, 200, ""},
		{"412 before Range", stored(large), []string{`If-Match: "x"`, "Range: bytes=0-1"}, 412, ""},
		{"304 before Range", stored(large), []string{`If-None-Match: "abc"`, "Range: bytes=0-1"}, 304, `"abc"`},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			t.Run(c.name+" "+method, func(t *testing.T) {
				w := write(t, request(method, c.req...), c.s, hdr("Cache-Status: e; hit"), Options{})
				if w.Code != c.want {
					t.Fatalf("got %d, want %d", w.Code, c.want)
				}
				h := w.Header()
				if h.Get("Cache-Status") == "" || w.Code < 400 && h.Get("Cache-Control") != "max-age=60" {
					t.Errorf("fields are missing: %v", h)
				}
				switch w.Code {
				case 304:
					if h.Get("ETag") != c.tag {
						t.Errorf("tag %s, want %s", h.Get("ETag"), c.tag)
					}
					for _, name := range []string{"Content-Type", "Last-Modified", "Content-Length", "Content-Encoding"} {
						if h.Get(name) != "" && c.tag != "" {
							t.Errorf("304 with %s", name)
						}
					}
					if h.Get("Vary") != "Accept-Encoding" {
						t.Errorf("Vary %q: a 304 has that of the 200 (§15.4.5)", h.Get("Vary"))
					}
				case 412:
					if h.Get("Cache-Control") != "no-store" || h.Get("Age") != "" {
						t.Errorf("412 looks like the content: %v", h)
					}
				}
			})
		}
	}
	if w := write(t, request("POST", `If-None-Match: "abc"`, "Range: bytes=0-1"), stored(large), nil, Options{}); w.Code != 200 {
		t.Errorf("POST: %d", w.Code)
	}
	s := stored(large)
	s.Status = 404
	if w := write(t, request("GET", `If-None-Match: "abc"`, `If-Match: "x"`, "Range: bytes=0-1"), s, nil, Options{}); w.Code != 404 {
		t.Errorf("404: %d (§13.2.1)", w.Code)
	}
}

func TestRanges_RFC9110_14(t *testing.T) {
	body := []byte("0123456789")
	many := strings.Repeat("0-0,", maxRanges)
	for _, c := range []struct {
		name, spec string
		req        []string
		want       int
		body       string // "" for 200: the whole; for several parts joined by |
	}{
		{"first", "bytes=0-3", nil, 206, "0123"},
		{"unit in capitals", "Bytes=0-3", nil, 206, "0123"},
		{"open", "bytes=7-", nil, 206, "789"},
		{"suffix", "bytes=-2", nil, 206, "89"},
		{"long suffix", "bytes=-200", nil, 206, "0123456789"},
		{"beyond the end", "bytes=8-99999999999999999999999", nil, 206, "89"},
		{"outside", "bytes=10-", nil, 416, ""},
		{"far outside", "bytes=99999999999999999999999-", nil, 416, ""},
		{"empty suffix", "bytes=-0", nil, 416, ""},
		{"one of two is outside", "bytes=20-30, 1-2", nil, 206, "12"},
		{"two", "bytes=0-1, 8-9", nil, 206, "01|89"},
		{"two in reverse, blanks", "bytes= 8-9 ,, 0-1 ", nil, 206, "89|01"},
		{"more than the whole", "bytes=0-, 0-", nil, 200, ""},
		{"three overlaps", "bytes=0-1,0-1,0-1", nil, 200, ""},
		{"too many", "bytes=" + many + "1-1", nil, 200, ""},
		{"unknown unit", "chapters=1-2", nil, 200, ""},
		{"last before first", "bytes=5-3", nil, 200, ""},
		{"nonsense", "bytes=a-b", nil, 200, ""},
		{"nothing", "bytes=", nil, 200, ""},
		{"no dash", "bytes=5", nil, 200, ""},
		{"signs", "bytes=+1-2", nil, 200, ""},
		{"If-Range tag", "bytes=0-1", []string{`If-Range: "abc"`}, 206, "01"},
		{"If-Range another tag", "bytes=0-1", []string{`If-Range: "x"`}, 200, ""},
		{"If-Range weak tag", "bytes=0-1", []string{`If-Range: W/"abc"`}, 200, ""},
		{"If-Range tag of a coding", "bytes=0-1", []string{`If-Range: "abc-gzip"`}, 200, ""},
		{"If-Range date", "bytes=0-1", []string{"If-Range: " + at(-3600)}, 206, "01"},
		{"If-Range later date", "bytes=0-1", []string{"If-Range: " + at(0)}, 200, ""},
		{"If-Range nonsense", "bytes=0-1", []string{"If-Range: abc"}, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := write(t, request("GET", append(c.req, "Range: "+c.spec)...), stored(body), nil, Options{})
			if w.Code != c.want {
				t.Fatalf("got %d, want %d", w.Code, c.want)
			}
			switch w.Code {
			case 200:
				if w.Body.String() != string(body) || w.Header().Get("Content-Range") != "" {
					t.Errorf("got %q, %v", w.Body, w.Header())
				}
			case 416:
				if got := w.Header().Get("Content-Range"); got != "bytes */10" {
					t.Errorf("Content-Range %q", got)
				}
			case 206:
				if got := partsOf(t, w); got != c.body {
					t.Errorf("got %q, want %q", got, c.body)
				}
			}
		})
	}
	r := request("GET", "Range: bytes=0-1", "Range: bytes=3-4")
	if w := write(t, r, stored(body), nil, Options{}); w.Code != 200 {
		t.Errorf("two Range lines: %d", w.Code)
	}
	if w := write(t, request("GET", "Range: bytes=0-1"), stored(nil), nil, Options{}); w.Code != 200 {
		t.Errorf("of nothing: %d", w.Code)
	}
	weakDate := stored(body, "Last-Modified: "+at(0))
	if w := write(t, request("GET", "Range: bytes=0-1", "If-Range: "+at(0)), weakDate, nil, Options{}); w.Code != 200 {
		t.Errorf("a date within the second of Date is weak: %d (§8.8.2.2)", w.Code)
	}
	w := write(t, request("GET", "Range: bytes=0-1", "Accept-Encoding: zstd, gzip"), stored(large, "Content-MD5: x"), nil, Options{})
	if h := w.Header(); w.Code != 206 || h.Get("Content-Encoding") != "" || h.Get("ETag") != `"abc"` || h.Get("Vary") != "Accept-Encoding" || h.Get("Content-MD5") != "" {
		t.Errorf("a range of a compressible body: %d %v", w.Code, h)
	}
}

// partsOf reads a 206: the parts joined by "|", checked against Content-Range.
func partsOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	check := func(contentRange string, part []byte) {
		var first, last, size int
		if n, err := fmt.Sscanf(contentRange, "bytes %d-%d/%d", &first, &last, &size); n != 3 || last-first+1 != len(part) {
			t.Errorf("Content-Range %q of %q: %v", contentRange, part, err)
		}
	}
	typ, params, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if typ != "multipart/byteranges" {
		check(w.Header().Get("Content-Range"), w.Body.Bytes())
		return w.Body.String()
	}
	if w.Header().Get("Content-Range") != "" {
		t.Error("Content-Range on the whole of several parts")
	}
	var parts []string
	for mr := multipart.NewReader(w.Body, params["boundary"]); ; {
		p, err := mr.NextPart()
		if err == io.EOF {
			return strings.Join(parts, "|")
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(p)
		if err != nil || p.Header.Get("Content-Type") != "application/json" {
			t.Errorf("part %v: %v", p.Header, err)
		}
		check(p.Header.Get("Content-Range"), b)
		parts = append(parts, string(b))
	}
}

func TestCodings_RFC9110_12_5_3(t *testing.T) {
	for ae, want := range map[string]string{
		"zstd, br, gzip": "zstd", "gzip, br": "br", "gzip": "gzip", "GZIP": "gzip", "x-gzip": "gzip",
		"": "", "deflate": "", "identity": "", "*": "gzip", "br;q=0.1, *": "gzip", "*;q=0": "",
		"zstd;q=0.5, gzip": "gzip", "zstd;q=0.5, gzip;q=0.5": "zstd", "zstd;q=0": "", "zstd;q=0.000, br;q=0.001": "br",
		"gzip;q=0.5, identity": "", "gzip;q=0.5, identity;q=0.5": "gzip", "identity;q=0": "", "identity;q=0, gzip;q=0.1": "gzip",
		"gzip;q=2": "", "gzip;q=x, br;q=0.2": "br", "gzip;q=0.1234": "", "gzip;q=1.001": "", "gzip ; Q=1.000": "gzip", "gzip;a=b;q=0": "",
	} {
		w := write(t, request("GET", "Accept-Encoding: "+ae), stored(large, "Content-MD5: x", "Repr-Digest: y"), nil, Options{})
		h := w.Header()
		if got := h.Get("Content-Encoding"); got != want {
			t.Errorf("%q: got %q, want %q", ae, got, want)
			continue
		}
		wantTag := `"abc"`
		if want != "" {
			wantTag = `"abc-` + want + `"`
		}
		if h.Get("ETag") != wantTag || h.Get("Vary") != "Accept-Encoding" || (h.Get("Content-MD5") == "") != (want != "") || (h.Get("Repr-Digest") == "") != (want != "") {
			t.Errorf("%q: %v", ae, h)
		}
		if !bytes.Equal(decode(t, want, w.Body.Bytes()), large) {
			t.Errorf("%q: another body", ae)
		}
	}
	if w := write(t, request("GET", "Accept-Encoding: gzip;q=0.2", "Accept-Encoding: br"), stored(large), nil, Options{}); w.Header().Get("Content-Encoding") != "br" {
		t.Error("lines are not joined")
	}
}

// A client that reads zstd gets what is stored, without work.
func TestStoredFormIsSent(t *testing.T) {
	s := stored(large)
	s.Body = keptBody(t, s)
	if _, plain := s.Body.Plain(); plain {
		t.Fatal("stored as it was")
	}
	frame, _ := s.Body.Zstd()
	w := write(t, request("GET", "Accept-Encoding: zstd"), s, nil, Options{})
	if !bytes.Equal(w.Body.Bytes(), frame) || w.Header().Get("ETag") != `"abc-zstd"` {
		t.Errorf("%v", w.Header())
	}
	var h zstd.Header
	if err := h.Decode(frame); err != nil || h.FrameContentSize != uint64(len(large)) || h.WindowSize > 8<<20 {
		t.Errorf("%+v %v", h, err)
	}
}

func TestNoCoding(t *testing.T) {
	encoded := stored([]byte("as stored"), "Content-Encoding: br")
	random := bytes.Repeat([]byte("x"), 300)
	for i := range random {
		random[i] = byte(i*i*i>>3) ^ byte(i*167)
	}
	for name, c := range map[string]struct {
		s    Source
		req  string
		o    Options
		vary string
	}{
		"small":                   {stored(large[:255]), "", Options{}, ""},
		"no-transform":            {stored(large, "Cache-Control: no-transform"), "", Options{}, ""},
		"request no-transform":    {stored(large), "Cache-Control: no-transform", Options{}, "Accept-Encoding"},
		"type":                    {stored(large, "Content-Type: image/png"), "", Options{}, ""},
		"encoded already":         {encoded, "", Options{}, ""},
		"not smaller in any form": {stored(random), "", Options{}, "Accept-Encoding"},
	} {
		w := write(t, request("GET", "Accept-Encoding: zstd", c.req), c.s, nil, c.o)
		if h := w.Header(); h.Get("ETag") != `"abc"` || h.Get("Content-Encoding") != c.s.Header.Get("Content-Encoding") || h.Get("Vary") != c.vary ||
			!store.NewBody(w.Body.Bytes()).Equal(c.s.Body) {
			t.Errorf("%s: %v", name, h)
		}
	}
	weak := write(t, request("GET", "Accept-Encoding: gzip"), stored(large, `ETag: W/"abc"`), nil, Options{})
	broken := write(t, request("GET", "Accept-Encoding: gzip"), stored(large, `ETag: abc`), nil, Options{})
	if weak.Header().Get("ETag") != `W/"abc"` || broken.Header().Get("ETag") != "" {
		t.Errorf("tags %v %v", weak.Header(), broken.Header())
	}
	s := stored(large)
	s.Status = 400
	if w := write(t, request("POST", "Accept-Encoding: gzip"), s, nil, Options{}); w.Code != 400 || w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Accept-Ranges") != "" {
		t.Errorf("an error is compressed too: %v", w.Header())
	}
}

func TestSharedSource(t *testing.T) {
	s := stored(large, "X-A: 1")
	s.Header["X-A"] = append(make([]string, 0, 8), "1") // room to write into
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for _, ae := range []string{"zstd", "br", "gzip", ""} {
				w := httptest.NewRecorder()
				if _, _, err := Write(w, request("GET", "Accept-Encoding: "+ae), s, nil, Options{}); err != nil {
					t.Error(err)
				}
				w.Header().Add("X-A", strconv.Itoa(i))
				if !bytes.Equal(decode(t, ae, w.Body.Bytes()), large) {
					t.Error("another body")
				}
			}
		})
	}
	wg.Wait()
	if got := s.Header["X-A"][:2]; got[1] != "" {
		t.Error("a later Add wrote into the stored header")
	}
}

type brokenWriter struct{ http.ResponseWriter }

func (brokenWriter) Write(p []byte) (int, error) { return 3, io.ErrClosedPipe }

func TestWriteError(t *testing.T) {
	status, n, err := Write(brokenWriter{httptest.NewRecorder()}, request("GET"), stored(large), nil, Options{})
	if status != 200 || n != 3 || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%d %d %v", status, n, err)
	}
}
