package keys

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/cachekey"
	"mirrornet/pkg/edge"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/all"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load"
	"mirrornet/pkg/genomedb/sample"
	"mirrornet/pkg/geo"
	"mirrornet/pkg/health"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/origin"
	"mirrornet/pkg/region"
	"mirrornet/pkg/store"
)

// world is an origin over real databases, and an edge that has no other way to
// it than this process. Nothing in it waits for the clock: what is stored stays
// fresh.
type world struct {
	genome *genomedb.Registry
	origin *origin.Handler
	keys   *cachekey.Keys
	text   []byte // the catalogue, as published
	index  *apispec.Index
	state  string // folder with text, where edges find it

	edge  *edge.Edge
	said  memo[answer]
	made  memo[made]
	meant meanings
	// forgetful has every call worked out anew.
	forgetful atomic.Bool
}

func newWorld(t testing.TB) *world {
	w := &world{genome: genome(t), state: t.TempDir()}
	t.Cleanup(func() { w.genome.Close() })
	var err error
	if w.origin, err = origin.New(origin.Config{Modules: w.remembering(all.Modules()), Genome: w.genome}); err != nil {
		t.Fatal(err)
	}
	r, _ := ask{method: "GET", path: apispec.WellKnown}.request()
	rec := serve(w.origin, r)
	w.text = rec.body.Bytes()
	c, err := apispec.Decode(bytes.NewReader(w.text))
	if err != nil || rec.status != http.StatusOK {
		t.Fatalf("catalogue: %d %v", rec.status, err)
	}
	if w.index, err = apispec.NewIndex(c); err != nil {
		t.Fatal(err)
	}
	w.keys = cachekey.New(w.index)
	if err := os.WriteFile(filepath.Join(w.state, "catalogue.json"), w.text, 0o600); err != nil {
		t.Fatal(err)
	}
	w.renew(t)
	return w
}

// renew makes another edge, with nothing stored. Its memory is more than one
// round fills: a stored answer that makes room for others would say nothing of
// keys.
func (w *world) renew(t testing.TB) {
	now := time.Now()
	w.meant.clear()
	static := &surroundings{region: europe(t)}
	var err error
	w.edge, err = edge.New(edge.Config{Node: "europe-1", Region: "europe", Origins: []*url.URL{{Scheme: "http", Host: "origin.test"}},
		Maps: static, Members: static, Health: static, Locator: static, State: w.state,
		Store:   store.NewMemory(store.MemoryConfig{Bytes: 4 << 30, Now: func() time.Time { return now }}),
		Metrics: observe.NewMetrics("europe-1", "europe"), Logger: slog.New(slog.DiscardHandler),
		Transport: w, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
}

// genome is the test databases of the reference, or where they are not to be
// had, the sample.
func genome(t testing.TB) *genomedb.Registry {
	shared := os.Getenv("MIRRORNET_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "..", "shared")
	}
	from := filepath.Join(shared, "ensembl", "test-genome-DBs")
	if _, err := os.Stat(from); err != nil {
		t.Log("the reference's test databases are missing: the sample genome stands in")
		g, err := sample.Open(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	db := filepath.Join(t.TempDir(), "genome.sqlite")
	if _, err := load.Run(t.Context(), load.Config{From: from, DB: db}); err != nil {
		t.Fatal(err)
	}
	g, err := genomedb.Open(t.Context(), genomedb.Config{SQLite: db})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func europe(t testing.TB) *region.Map {
	at, err := geo.At(52.1, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	m, err := region.NewMap(region.Network{Canonical: []string{"http://rest.test"}, Home: "europe", Navigation: "redirect", API: "serve"},
		region.Region{Name: "europe", Title: "Europe", URL: "http://europe.test", Host: "europe.test", Location: at, Country: "GB", State: region.Serving})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// surroundings are a network of one region and one node.
type surroundings struct{ region *region.Map }

func (s *surroundings) Map() *region.Map { return s.region }
func (s *surroundings) Members() []edge.Member {
	return []edge.Member{{Node: "europe-1", Region: "europe", State: "alive", Self: true}}
}
func (s *surroundings) View() *health.View              { return &health.View{} }
func (s *surroundings) ReportFailure(_ string, _ error) {}
func (s *surroundings) ReportSuccess(string)            {}
func (s *surroundings) Locate(netip.Addr) geo.Place     { return geo.Place{} }

// RoundTrip takes the edge's request to the origin as a connection would: its
// target is written and read again.
func (w *world) RoundTrip(out *http.Request) (*http.Response, error) {
	target := out.URL.RequestURI()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, err
	}
	r := &http.Request{Method: out.Method, URL: u, RequestURI: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: out.Header, Host: out.URL.Host, RemoteAddr: "127.0.0.1:6", Body: http.NoBody, ContentLength: out.ContentLength}
	if out.Body != nil {
		r.Body = out.Body
	}
	rec := serve(w.origin, r.WithContext(out.Context()))
	return &http.Response{StatusCode: rec.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: rec.header,
		Body: io.NopCloser(bytes.NewReader(rec.body.Bytes())), ContentLength: int64(rec.body.Len()), Request: out}, nil
}

// recorder is an answer as it was written.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}
func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

func serve(h http.Handler, r *http.Request) *recorder {
	rec := &recorder{header: make(http.Header, 16)}
	h.ServeHTTP(rec, r)
	r.Body.Close()
	return rec
}

// made is what a module's handler made of a call.
type made struct {
	answer ensembl.Answer
	err    error
}

// remembering has the handlers remember what they made of a call: the work in
// the databases is nine tenths of the time otherwise. All that a handler may
// look at is what it remembers by. That it would make the same again is tried.
func (w *world) remembering(modules []ensembl.Module) []ensembl.Module {
	for _, m := range modules {
		for i, e := range m.Endpoints {
			m.Endpoints[i].Handle = func(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
				if w.forgetful.Load() {
					return e.Handle(ctx, c)
				}
				name := fmt.Sprintf("%s %q %q %s %v %s %q %q", c.Endpoint.ID, c.Path, c.Query, c.Format, c.Unsupported, c.ErrorFormat, c.Callback, c.Body)
				v := w.made.get(name, func() (made, int) {
					a, err := e.Handle(context.WithoutCancel(ctx), c)
					return made{a, err}, 1<<14 + len(a.Text)
				})
				return v.answer, v.err
			}
		}
	}
	return modules
}

// memo remembers values by name.
type memo[T any] struct {
	mu     sync.Mutex
	values map[string]T
	size   int
}

// most bounds a memo's estimated size.
const most = 1 << 30

func (m *memo[T]) get(name string, fresh func() (v T, size int)) T {
	m.mu.Lock()
	v, ok := m.values[name]
	m.mu.Unlock()
	if ok {
		return v
	}
	v, size := fresh()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size += size + len(name); m.values == nil || m.size > most {
		m.values, m.size = map[string]T{}, 0
	}
	m.values[name] = v
	return v
}

// oracle is what the origin says to a, asked directly. An endpoint whose
// answers are for the moment alone would have to be passed over here; the
// catalogue knows them by a freshness of nothing. Today's one says the same at
// every moment, and so must all others.
func (w *world) oracle(a ask) answer {
	return w.said.get(a.String(), func() (answer, int) {
		r, _ := a.request()
		return answerOf(serve(w.origin, r), a), 150
	})
}

// meanings are what the origin says under each key that came up.
type meanings struct {
	mu sync.Mutex
	by map[string]meaning
}

type meaning struct {
	first ask
	answer
}

func (m *meanings) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.by = map[string]meaning{}
}

// agrees gives the first request of that key, if the origin says another thing
// to it than to a.
func (m *meanings) agrees(key string, a ask, v answer) (other meaning, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	other, known := m.by[key]
	if !known {
		m.by[key] = meaning{a, v}
		return other, true
	}
	return other, v.status == other.status && v.kind == other.kind && v.data == other.data
}
