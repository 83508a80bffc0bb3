package fetch

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func sourceOf(t *testing.T, kind Kind, name string, base string) Source {
	t.Helper()
	s := at(t, base)
	s.Kind, s.Name = kind, name
	return s
}

// reports remembers what health is told.
type reports struct {
	mu   sync.Mutex // guards list
	list []string
}

func (r *reports) add(a Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, fmt.Sprint(a.Source.Name, " ", a.Status, " ", a.Err))
}

// Of one that says nothing its time is short; one that shows that it lives has the usual time, and is not blamed
// where that is not enough.
func TestLife(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	node := func(signs bool, answersAfter time.Duration) *httptest.Server {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if signs {
				w.WriteHeader(http.StatusProcessing)
			}
			select {
			case <-time.After(answersAfter):
				io.WriteString(w, "late")
			case <-release:
			case <-r.Context().Done():
			}
		}))
		t.Cleanup(srv.Close)
		return srv
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "origin") }))
	defer origin.Close()
	for _, tt := range []struct {
		name         string
		node         *httptest.Server
		wait         time.Duration
		want, report string
	}{
		{"silent", node(false, time.Hour), time.Minute, "origin", "sibling 0 fetch: no sign of life in time"},
		{"late without a sign", node(false, time.Second), time.Minute, "origin", "sibling 0 fetch: no sign of life in time"},
		{"late, with a sign", node(true, 600*time.Millisecond), time.Minute, "late", ""},
		{"with a sign, and then too late", node(true, time.Hour), 400 * time.Millisecond, "origin", ""},
	} {
		var told reports
		var interim []int
		c := New(Config{Node: "x", Report: told.add})
		s := sourceOf(t, Sibling, "sibling", tt.node.URL)
		s.Life = 200 * time.Millisecond
		a, err := c.Do(t.Context(), []Source{s, sourceOf(t, Origin, "origin", origin.URL)}, Request{Method: "GET", Target: "/", Repeatable: true, Wait: tt.wait,
			Interim: func(status int, _ http.Header) { interim = append(interim, status) }})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		body, _ := io.ReadAll(a.Response.Body)
		a.Response.Body.Close()
		first := ""
		if told.list[0] != "origin 200 <nil>" && told.list[0] != "sibling 200 <nil>" {
			first = told.list[0]
		}
		if string(body) != tt.want || first != tt.report {
			t.Errorf("%s: %s, health was told %q", tt.name, body, told.list)
		}
		if len(interim) > 0 {
			t.Errorf("%s: a client would get %v, which was for us", tt.name, interim)
		}
	}
}

// A connection that does not come about (here: a certificate that nobody knows) carried nothing, so even what must
// not be repeated goes to the next.
func TestUnsent(t *testing.T) {
	var asked int
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer secure.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer broken.Close()
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }))
	defer good.Close()
	for _, tt := range []struct {
		name    string
		sources []string
		unsent  bool
		want    string
	}{
		{"unknown certificate, then a good one", []string{secure.URL, good.URL}, false, "content"},
		{"unknown certificate alone", []string{secure.URL}, true, ""},
		{"one that takes it and breaks off", []string{broken.URL, good.URL}, false, ""},
	} {
		var sources []Source
		for i, s := range tt.sources {
			sources = append(sources, sourceOf(t, Region, fmt.Sprint(i), s))
		}
		a, err := New(Config{}).Do(t.Context(), sources, Request{Method: "PUT", Target: "/", Body: struct{ io.Reader }{strings.NewReader("content")}, ContentLength: -1})
		var none *Error
		if err != nil && (!errors.As(err, &none) || none.Unsent != tt.unsent) || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err == nil {
			if body, _ := io.ReadAll(a.Response.Body); string(body) != tt.want {
				t.Errorf("%s: %s", tt.name, body)
			}
			a.Response.Body.Close()
		}
	}
	if asked > 0 {
		t.Error("it was asked")
	}
}
