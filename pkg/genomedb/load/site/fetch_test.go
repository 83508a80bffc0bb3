package site

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// moody serves one file and breaks off, in ways that its answers say.
type moody struct {
	mu      sync.Mutex
	data    []byte
	etag    string
	answers []string // what to do with the next requests: "cut", "503", "stall", "404"; then as it should be
	asked   []string // Range of each request
}

func (m *moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	answer, data, etag := "", m.data, m.etag
	if len(m.answers) > 0 {
		answer, m.answers = m.answers[0], m.answers[1:]
	}
	m.asked = append(m.asked, r.Header.Get("Range"))
	m.mu.Unlock()
	if etag != "" {
		w.Header().Set("ETag", etag)
	}
	switch answer {
	case "503", "404":
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(map[string]int{"503": 503, "404": 404}[answer])
		return
	case "cut", "stall":
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		w.Write(data[:len(data)/2])
		w.(http.Flusher).Flush()
		if answer == "stall" {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	}
	modified := time.Time{}
	if etag == "" {
		modified = time.Unix(1e9, 0)
	}
	http.ServeContent(w, r, "f", modified, bytes.NewReader(data))
}

func serve(t *testing.T, h http.Handler) *url.URL {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL + "/f.gz")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestFetch(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 50_000)
	half := fmt.Sprintf("bytes=%d-", len(data)/2)
	for name, tt := range map[string]struct {
		etag    string
		answers []string
		asked   []string
	}{
		"at once":         {`"1"`, nil, []string{""}},
		"cut off":         {`"1"`, []string{"cut"}, []string{"", half}},
		"stands still":    {`"1"`, []string{"stall"}, []string{"", half}},
		"overloaded":      {`"1"`, []string{"503", "503", "cut", "503"}, []string{"", "", "", half, half}},
		"weak validators": {`W/"1"`, []string{"cut"}, []string{"", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			m := &moody{data: data, etag: tt.etag, answers: tt.answers}
			at := serve(t, m)
			path := filepath.Join(t.TempDir(), "f")
			c := &Client{Idle: 300 * time.Millisecond, Backoff: time.Millisecond}
			v, err := c.Fetch(t.Context(), at, path, nil)
			if err != nil || v.Size != int64(len(data)) {
				t.Fatalf("%+v, %v", v, err)
			}
			if got, _ := os.ReadFile(path); !bytes.Equal(got, data) {
				t.Errorf("%d bytes differ", len(got))
			}
			if strings.Join(m.asked, ",") != strings.Join(tt.asked, ",") {
				t.Errorf("asked for %q, want %q", m.asked, tt.asked)
			}
			if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestFetchChanged has the file change between two attempts, and two processes.
func TestFetchChanged(t *testing.T) {
	old, fresh := bytes.Repeat([]byte("old "), 50_000), bytes.Repeat([]byte("fresh"), 30_000)
	for _, etags := range [][2]string{{`"1"`, `"2"`}, {"", `"2"`}} {
		m := &moody{data: old, etag: etags[0], answers: []string{"cut"}}
		at := serve(t, m)
		path := filepath.Join(t.TempDir(), "f")
		c := &Client{Backoff: time.Millisecond, Attempts: 1}
		if _, err := c.Fetch(t.Context(), at, path, nil); err == nil || !strings.Contains(err.Error(), "run the same command again") {
			t.Fatalf("cut off: %v", err)
		}
		m.mu.Lock()
		m.data, m.etag = fresh, etags[1]
		m.mu.Unlock()
		if _, err := c.Fetch(t.Context(), at, path, nil); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); !bytes.Equal(got, fresh) {
			t.Errorf("%d bytes, %.20q…, are not the fresh file's", len(got), got)
		}
	}
}

func TestFetchGoesOnInAnotherProcess(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 50_000)
	m := &moody{data: data, etag: `"1"`, answers: []string{"cut"}}
	at := serve(t, m)
	path := filepath.Join(t.TempDir(), "f")
	if _, err := (&Client{Backoff: time.Millisecond, Attempts: 1}).Fetch(t.Context(), at, path, nil); err == nil {
		t.Fatal("no error")
	}
	if _, err := new(Client).Fetch(t.Context(), at, path, nil); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, data) || m.asked[1] != fmt.Sprintf("bytes=%d-", len(data)/2) {
		t.Errorf("%d bytes, asked for %q", len(got), m.asked)
	}
	// All came, but the process ended before it said so.
	if err := errors.Join(os.Rename(path, path+".part"), os.WriteFile(path+".part.json", fmt.Appendf(nil, `{"etag":"\"1\"","size":%d}`, len(data)), 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, err := new(Client).Fetch(t.Context(), at, path, nil); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, data) {
		t.Errorf("%d bytes", len(got))
	}
}

func TestRefusals(t *testing.T) {
	m := &moody{data: []byte("x"), answers: []string{"404"}}
	at := serve(t, m)
	c := &Client{Backoff: time.Millisecond, Attempts: 3}
	if _, _, err := c.Get(t.Context(), at, 10); err == nil || len(m.asked) != 1 || !strings.Contains(err.Error(), at.String()+": the server answers 404") {
		t.Errorf("404: %v after %d requests", err, len(m.asked))
	}
	m.answers = []string{"503", "503", "503", "503"}
	told := 0
	c.Retrying = func(string, error, time.Duration) { told++ }
	if _, err := c.Head(t.Context(), at); err == nil || !strings.Contains(err.Error(), "503") || told != 2 {
		t.Errorf("503: %v, told %d times", err, told)
	}
	m.answers, m.data = nil, make([]byte, 100)
	if _, _, err := c.Get(t.Context(), at, 10); err == nil || !strings.Contains(err.Error(), "more than 10 bytes") {
		t.Errorf("a long answer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	m.answers = []string{"503", "503", "503", "503"}
	c.Backoff, c.Retrying = time.Hour, func(string, error, time.Duration) { cancel() }
	if _, err := c.Head(ctx, at); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while it waits: %v", err)
	}
	if _, err := c.Fetch(t.Context(), at, filepath.Join(t.TempDir(), "none", "f"), nil); err == nil || !errors.Is(err, errLocal) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
