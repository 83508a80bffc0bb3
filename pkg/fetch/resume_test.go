package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestResume(t *testing.T) {
	const content = "0123456789"
	serve := func(tag, content string) Source {
		return source(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", tag)
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
		})
	}
	fixed := func(status int, fields ...string) Source {
		return source(t, func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(fields)-1; i += 2 {
				w.Header().Set(fields[i], fields[i+1])
			}
			w.WriteHeader(status)
			io.WriteString(w, fields[len(fields)-1])
		})
	}
	good := serve(`"v1"`, content)
	for name, tc := range map[string]struct {
		source Source
		ok     bool
	}{
		"a part":                  {good, true},
		"the whole again":         {fixed(200, "ETag", `"v1"`, content), true},
		"another representation":  {serve(`"v2"`, content), false},
		"a weak tag":              {fixed(200, "ETag", `W/"v1"`, content), false},
		"no tag on the whole":     {fixed(200, content), false},
		"a part without a tag":    {fixed(206, "Content-Range", "bytes 4-9/10", content[4:]), true},
		"a part of another":       {fixed(206, "ETag", `"v2"`, "Content-Range", "bytes 4-9/10", content[4:]), false},
		"another part":            {fixed(206, "Content-Range", "bytes 5-9/10", content[5:]), false},
		"another length":          {fixed(206, "Content-Range", "bytes 4-10/11", content[4:]), false},
		"not to the end":          {fixed(206, "Content-Range", "bytes 4-8/10", content[4:]), false},
		"a part of unknown total": {fixed(206, "Content-Range", "bytes 4-9/*", content[4:]), true},
		"no Content-Range":        {fixed(206, content[4:]), false},
		"an error":                {fixed(500, "broken"), false},
		"a whole that is shorter": {fixed(200, "ETag", `"v1"`, "012"), false},
		"nobody there":            {closed(t), false},
	} {
		t.Run(name, func(t *testing.T) {
			c := New(Config{})
			req := Request{Method: "GET", Target: "/", Header: http.Header{"If-None-Match": {`"old"`}}, Repeatable: true}
			a, err := c.Resume(context.Background(), []Source{tc.source}, req, 4, `"v1"`, 10)
			if tc.ok != (err == nil) {
				t.Fatalf("%v", err)
			}
			if err != nil {
				var fe *Error
				if !errors.As(err, &fe) {
					t.Errorf("%v is no Error", err)
				}
				a, err = c.Resume(context.Background(), []Source{tc.source, good}, req, 4, `"v1"`, 10)
				if err != nil {
					t.Fatalf("with a good source after it: %v", err)
				}
			}
			defer a.Response.Body.Close()
			if b, err := io.ReadAll(a.Response.Body); err != nil || string(b) != content[4:] {
				t.Errorf("%q %v", b, err)
			}
			if req.Header.Get("Range") != "" {
				t.Error("the caller's header was changed")
			}
		})
	}
}

// A source that stalls before the place is reached takes no longer than any.
func TestResumeFromAStalledWhole(t *testing.T) {
	stalled := source(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		io.WriteString(w, "01")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req := Request{Method: "GET", Target: "/", Repeatable: true, Total: 100 * time.Millisecond}
	if _, err := New(Config{}).Resume(ctx, []Source{stalled}, req, 4, `"v1"`, 10); err == nil || ctx.Err() != nil {
		t.Errorf("%v, %v", err, ctx.Err())
	}
}

// A rest is what its head says, or cut.
func TestResumedLength(t *testing.T) {
	for _, sent := range []string{"45", "456789more"} {
		s := source(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 4-9/10")
			w.WriteHeader(http.StatusPartialContent)
			http.NewResponseController(w).Flush()
			io.WriteString(w, sent)
		})
		a, err := New(Config{}).Resume(t.Context(), []Source{s}, Request{Method: "GET", Target: "/", Repeatable: true}, 4, `"v1"`, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Response.Body.Close()
		if b, err := io.ReadAll(a.Response.Body); err == nil && string(b) != "456789" {
			t.Errorf("%q looks whole", b)
		}
	}
}

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-9/10", "bytes 4-9/*", "bytes */10", "bytes 9-0/10", "bytes -1-9/10", "bytes 0-9/99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		from, total, ok := contentRange(s)
		if ok && (from < 0 || total >= 0 && from >= total || total < -1) {
			t.Errorf("%q: %d of %d", s, from, total)
		}
	})
}
