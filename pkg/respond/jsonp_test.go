package respond

import (
	"bufio"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/store"
)

func TestJSONP(t *testing.T) {
	w := write(t, request("GET"), stored([]byte(" {\"ping\":1}\n"), "Cache-Control: no-transform", "Content-MD5: x"), nil, Options{Callback: "a.b_c"})
	h := w.Header()
	if w.Body.String() != `a.b_c({"ping":1});` {
		t.Errorf("got %q", w.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=UTF-8", "X-Content-Type-Options": "nosniff", "ETag": `"abc-jsonp-a.b_c"`,
		"Cache-Control": "no-transform", "Content-MD5": "", "Accept-Ranges": "bytes",
	} {
		if h.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, h.Get(name), want)
		}
	}
	if w := write(t, request("GET"), stored([]byte("[\"\u2028 \u2029 \u2027\"]")), nil, Options{Callback: "f"}); w.Body.String() != `f(["\u2028 \u2029 `+"\u2027"+`"]);` {
		t.Errorf("line ends: %q", w.Body)
	}
	// Another callback is another representation.
	if w := write(t, request("GET", `If-None-Match: "abc", "abc-jsonp-g"`), stored(large), nil, Options{Callback: "f"}); w.Code != 200 {
		t.Errorf("tag of another callback: %d", w.Code)
	}
	if w := write(t, request("GET", `If-None-Match: "abc-jsonp-f-gzip"`), stored(large), nil, Options{Callback: "f"}); w.Code != 304 {
		t.Errorf("tag of this callback: %d", w.Code)
	}
	w = write(t, request("GET", "Accept-Encoding: gzip"), stored(large), nil, Options{Callback: "f"})
	if got := string(decode(t, "gzip", w.Body.Bytes())); got != "f("+string(large)+");" || w.Header().Get("ETag") != `"abc-jsonp-f-gzip"` {
		t.Errorf("compressed: %.40s %v", got, w.Header())
	}
	if w := write(t, request("GET", "Range: bytes=0-3"), stored(large), nil, Options{Callback: "f"}); w.Code != 206 || w.Body.String() != `f({"` {
		t.Errorf("range: %d %q", w.Code, w.Body)
	}
}

func TestJSONPLeavesTheRest(t *testing.T) {
	failed := stored([]byte(`{"error":"ID 'x' not found"}`))
	failed.Status = 400
	for name, s := range map[string]Source{
		"an error, as the reference": failed,
		"another type":               stored([]byte(`{"a":1}`), "Content-Type: text/x-fasta"),
		"not JSON":                   stored([]byte(`alert(1)`), "Content-Type: text/javascript"),
		"two values":                 stored([]byte(`1);alert(1`)),
		"encoded":                    stored([]byte(`{"a":1}`), "Content-Encoding: br"),
		"empty":                      stored(nil),
	} {
		w := write(t, request("GET"), s, nil, Options{Callback: "f"})
		if w.Code != s.Status || !store.NewBody(w.Body.Bytes()).Equal(s.Body) || w.Header().Get("Content-Type") != s.Header.Get("Content-Type") || w.Header().Get("ETag") != `"abc"` {
			t.Errorf("%s: %d %q %v", name, w.Code, w.Body, w.Header())
		}
	}
	w := httptest.NewRecorder()
	if status, _, err := Write(w, request("GET"), stored(large), nil, Options{Callback: "a(b"}); err == nil || status != 0 || w.Body.Len() > 0 {
		t.Errorf("bad callback: %d %v", status, err)
	}
}

// TestJSONPGolden takes the reference's JSONP answers apart and puts them
// together again.
func TestJSONPGolden(t *testing.T) {
	f, err := os.Open(filepath.Join(shared(t), "ensembl", "golden.jsonl"))
	if err != nil {
		t.Skip("the recorded answers are not here: ", err)
	}
	defer f.Close()
	checked := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var g struct {
			ID, Path string
			Status   int
			Body     string            `json:"response_body"`
			Header   map[string]string `json:"response_headers"`
		}
		if err := json.Unmarshal(lines.Bytes(), &g); err != nil {
			t.Fatal(err)
		}
		_, callback, ok := strings.Cut(g.Path, "content-type=text/javascript;callback=")
		if !ok || !apispec.ValidCallback(callback) {
			continue
		}
		checked++
		body := strings.TrimSuffix(strings.TrimPrefix(g.Body, callback+"("), ");")
		w := write(t, request("GET"), Source{Status: g.Status, Header: hdr("Content-Type: application/json"), Body: store.NewBody([]byte(body))}, nil, Options{Callback: callback})
		if w.Body.String() != g.Body || w.Header().Get("Content-Type") != g.Header["content-type"] {
			t.Errorf("%s: got %.60q %s, want %.60q %s", g.ID, w.Body, w.Header().Get("Content-Type"), g.Body, g.Header["content-type"])
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if checked < 10 {
		t.Errorf("only %d records with a callback", checked)
	}
}

// shared is the folder of reference data.
func shared(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("MIRRORNET_SHARED"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(filepath.Dir(dir), "shared")
		}
		if dir == filepath.Dir(dir) {
			t.Skip("no go.mod above: the folder of reference data is not known; set MIRRORNET_SHARED")
		}
		dir = filepath.Dir(dir)
	}
}
