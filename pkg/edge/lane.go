package edge

import (
	"bytes"
	"context"
	"hash/maphash"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"mirrornet/pkg/lane"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/rfc9111"
	"mirrornet/pkg/route"
	"mirrornet/pkg/store"
)

// aliases is what this package keeps for the hit path below net/http: the
// ordinary path leaves an alias when it answers the same bytes from store for
// the second time, and whatever could change that answer makes it void.
type aliases struct {
	table *lane.Table // nil: no lane
	// generation is raised, after the change is in place, by all that may change
	// a decision or an answer: map, health, catalogue.
	generation atomic.Uint64
	writes     writes
	now        func() time.Time // nil: time.Now, of which the lane has one at hand
}

// writes counts what is stored or deleted, by key. Keys share counters: a count
// that another key raised costs an alias, and is never wrong.
type writes struct {
	seed   maphash.Seed
	counts [1 << 16]atomic.Uint64
}

// of is the counter of a key, its variants included.
func (c *writes) of(key string) *atomic.Uint64 {
	key, _, _ = strings.Cut(key, "\n")
	return &c.counts[maphash.String(c.seed, key)%uint64(len(c.counts))]
}

// noting is a Store that counts what is written to it.
type noting struct {
	store.Store
	writes *writes
}

func (n noting) Put(ctx context.Context, r *store.Response, keep time.Duration) {
	n.Store.Put(ctx, r, keep)
	n.writes.of(r.Key).Add(1)
}

func (n noting) Delete(ctx context.Context, key string) {
	n.Store.Delete(ctx, key)
	n.writes.of(key).Add(1)
}

// laneTiming is the Server-Timing of the lane, whose times are less than can be
// written.
const laneTiming = `route;dur=0.00, cache;desc="hit";dur=0.00, lane`

// told is what an alias knows of its answer, for counting and logging.
type told struct {
	series  *observe.Series
	outcome *observe.Outcome // without what each answer has of its own; nil: no access log
}

// Lane is how the hit path below net/http works for this Edge. The zero Table
// in it says that none is configured.
func (e *Edge) Lane() lane.Config {
	return lane.Config{Table: e.aliases.table, Generation: &e.aliases.generation, Class: e.laneClass, Hit: e.laneHit, Closing: e.Closing, Now: e.aliases.now}
}

// Relocated says that clients may be in other places than before, by another
// database. Nothing that was decided for their connections holds any more.
func (e *Edge) Relocated() { e.aliases.generation.Add(1) }

// laneClass is the routing class of a client without wishes of its own: by which
// way the region nearest to it is found.
func (e *Edge) laneClass(peer netip.AddrPort) (class uint32, generation uint64, ok bool) {
	generation = e.aliases.generation.Load()
	w := e.world.Load()
	client := e.clientAt(peer)
	d := w.router.Decide(route.Query{Client: client, Place: e.Locator.Locate(client), Method: http.MethodGet})
	return d.Way(), generation, true
}

// laneHit counts and logs what the lane answered.
func (e *Edge) laneHit(peer netip.AddrPort, a *lane.Alias, target []byte, sent int64) {
	t := a.Data.(*told)
	if e.AccessLog != nil {
		o := *t.outcome
		o.Start, o.Client, o.Bytes = e.Now(), e.clientAt(peer), sent
		if target != nil {
			o.Target = string(target)
		}
		o.Country = e.Locator.Locate(o.Client).Country
		observe.LogAccess(e.AccessLog, o)
	}
	t.series.Add(0, sent)
}

// aliasKey is the key under which this answer may be repeated, or nil: it must
// come from store and be fresh, depend on nothing but the bytes that the lane
// compares, and be asked for once more.
func (e *Edge) aliasKey(r *http.Request, x *exchange, p *plan, f *fetched) []byte {
	table := e.aliases.table
	switch {
	case table == nil, r.TLS != nil, !f.hit, f.reuse.Verdict != rfc9111.Fresh, f.reuse.TTL < time.Second:
		return nil
	case !e.AliasHeads && !table.Fits(int64(f.response.Body.Len())):
		return nil
	case x.decision.Action != route.Serve, x.query != r.URL.RawQuery, x.hops > 0:
		return nil
	}
	vary, any := rfc9111.VaryFields(f.response.Header)
	if any || slices.ContainsFunc(vary, func(name string) bool { return !lane.Decides(name) }) {
		return nil
	}
	key, ok := lane.AppendKey(make([]byte, 0, 256), r)
	if !ok || !table.Again(key, x.decision.Way()) {
		return nil
	}
	return key
}

// recorder passes an answer on and keeps it for an alias.
type recorder struct {
	http.ResponseWriter
	head   http.Header
	status int
	body   []byte
}

func (c *recorder) WriteHeader(status int) {
	if c.status == 0 && status >= 200 {
		c.status, c.head = status, c.Header().Clone()
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *recorder) Write(b []byte) (int, error) {
	c.body = append(c.body, b...)
	return c.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (c *recorder) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// leaveAlias makes an alias of the answer that c recorded at the time now.
func (e *Edge) leaveAlias(c *recorder, x *exchange, p *plan, f *fetched, key []byte, now time.Time) {
	cacheStatus, detail, ok := strings.Cut(c.head.Get("Cache-Status"), "; ttl=")
	if !ok || len(c.head["Cache-Status"]) != 1 || len(c.head["Set-Cookie"]) > 0 {
		return
	}
	detail = strings.TrimLeft(detail, "0123456789")
	head := append(make([]byte, 0, 1024), "HTTP/1.1 "+strconv.Itoa(c.status)+" "+http.StatusText(c.status)+"\r\n"...)
	for _, name := range slices.Sorted(maps.Keys(c.head)) {
		switch name {
		case "Age", "Cache-Status", "Server-Timing":
			continue
		}
		for _, value := range c.head[name] {
			if !plainField(name, value) {
				return // net/http would have mended it
			}
			head = append(append(append(append(head, name...), ": "...), value...), "\r\n"...)
		}
	}
	body, fetch := c.body, (func() ([]byte, bool))(nil)
	if e.AliasHeads && len(body) > 0 {
		if len(body) != f.response.Body.Len() || c.head.Get("Content-Encoding") != "" || p.callback != "" {
			return // not as it is stored
		}
		body, fetch = nil, e.storedBody(f.response)
	}
	o := x.outcome
	o.Tier, o.Status = "lane", c.status
	t, size := &told{series: e.Metrics.Series(o)}, int64(unsafe.Sizeof(told{}))
	if e.AccessLog != nil {
		t.outcome = &o
		size += int64(unsafe.Sizeof(o)) + int64(len(o.Target)+len(o.Host)+len(o.Reason))
	}
	e.aliases.table.Put(&lane.Alias{
		Key: key, Class: x.decision.Way(), Generation: x.generation,
		Version: x.version, Current: e.aliases.writes.of(p.key),
		Head: [3][]byte{
			bytes.Clone(append(head, "Age: "...)),
			[]byte("\r\nCache-Status: " + cacheStatus + "; ttl="),
			[]byte(detail + "\r\nServer-Timing: " + laneTiming + "\r\n\r\n"),
		},
		Body: body, Fetch: fetch, Status: c.status,
		At: now, Age: rfc9111.CurrentAge(ruled(f.response), now), TTL: f.reuse.TTL, Until: now.Add(f.reuse.TTL),
		Data: t, DataBytes: size,
	})
}

// storedBody reads the body of a response anew for each answer, from the store.
func (e *Edge) storedBody(was *store.Response) func() ([]byte, bool) {
	key, at, length := strings.Clone(was.Key), was.ResponseTime, was.Body.Len()
	return func() ([]byte, bool) {
		r, _, ok := e.Store.Get(context.Background(), key)
		if !ok || !r.ResponseTime.Equal(at) || r.Body.Len() != length {
			return nil, false
		}
		body, err := r.Body.Identity()
		return body, err == nil
	}
}

// plainField reports whether net/http writes the field as it is.
func plainField(name, value string) bool {
	control := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' }) &&
		!strings.ContainsFunc(value, control) && value == strings.Trim(value, " \t")
}
