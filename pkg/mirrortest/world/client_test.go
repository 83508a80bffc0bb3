//go:build linux

package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	connectTime = 1500 * time.Millisecond // for one address, then the next is tried; a lost SYN is sent again after a second
	answerTime  = 5 * time.Second         // for one request to one host
	pace        = 333 * time.Millisecond  // between the requests of one loop
)

// The kinds of requests that each client makes.
const (
	regional = "regional"   // an API call on the hostname of the nearest region
	api      = "api"        // an API call on the canonical name, at the address that resolving it gave
	navigate = "navigation" // a page load on the canonical name, resolved far away, and its redirect followed
)

// An outcome is what became of one request.
type outcome struct {
	client, kind string
	begin, end   time.Time
	// entry is the region that was asked first: whose client this was.
	entry    string
	nearest  string // region to this client when all serve
	served   string // Mirror-Region of the answer
	named    string // the region that the network calls nearest: Mirror-Nearest, or where a redirect went
	expected []string
	err      error
	// lost is why asking another region failed too, after err.
	lost error
}

func failed(o outcome) bool { return o.err != nil }
func lost(o outcome) bool   { return o.lost != nil }
func wrong(o outcome) bool  { return o.err == nil && !slices.Contains(o.expected, o.named) }
func bad(o outcome) bool    { return failed(o) || wrong(o) }

// traffic is all clients at work.
type traffic struct {
	w      *World
	expect atomic.Pointer[func(home) []string]
	// side is one side of a partition: nobody asks a resolver on the other.
	side atomic.Pointer[set]
	hits atomic.Bool // ask only for what is stored everywhere

	mu      sync.Mutex // guards what follows
	outs    []outcome
	pending map[*outcome]time.Time // when the requests under way began

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// startTraffic lets all clients send requests until end.
func (w *World) startTraffic() *traffic {
	ctx, stop := context.WithCancel(context.Background())
	t := &traffic{w: w, stop: stop, pending: map[*outcome]time.Time{}}
	t.expecting(func(h home) []string { return nearest(h, sites)[:1] })
	resolvers := make([]*resolver, len(homes))
	for i := range homes {
		resolvers[i] = &resolver{w: w, at: w.clients[i], kept: map[string]kept{}}
	}
	for i, h := range homes {
		for j, kind := range []string{regional, api, navigate} {
			c := &client{t: t, home: h, host: w.clients[i], kind: kind, number: 3*i + j, near: resolvers[i], far: resolvers[(i+1)%len(homes)]}
			limit := answerTime
			if !*strict {
				limit *= patience
			}
			c.http = &http.Client{Timeout: limit, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
				Transport: &http.Transport{DialContext: c.dial, DisableKeepAlives: kind == navigate, MaxIdleConnsPerHost: 2}}
			t.wg.Go(func() { c.loop(ctx, time.Duration(3*i+j)*pace/18) })
		}
	}
	return t
}

// end ends all loops, and waits for them.
func (t *traffic) end() {
	t.stop()
	t.wg.Wait()
}

// expecting says which regions are right from now on.
func (t *traffic) expecting(f func(home) []string) { t.expect.Store(&f) }

// take returns the outcomes since the last take.
func (t *traffic) take() []outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	outs := t.outs
	t.outs = nil
	return outs
}

// ended waits until all requests that began before then have their outcome.
func (t *traffic) ended(then time.Time) {
	until(time.Minute, func() error {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, begin := range t.pending {
			if begin.Before(then) {
				return errors.New("one is under way")
			}
		}
		return nil
	})
}

// A client makes requests of one kind, each beside those that still wait.
type client struct {
	t      *traffic
	home   home
	host   *host
	near   *resolver
	far    *resolver // of its page loads: the network takes the client for one from there
	kind   string
	http   *http.Client
	number int // among all loops
}

// dialedKey is where a request's context keeps which region was dialed first.
type dialedKey struct{}

func (c *client) loop(ctx context.Context, first time.Duration) {
	defer c.http.CloseIdleConnections()
	var wg sync.WaitGroup
	defer wg.Wait()
	timer := time.NewTimer(first)
	defer timer.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(pace)
		if n%20 == 19 {
			c.http.CloseIdleConnections() // so that names are resolved now and then
		}
		wg.Go(func() {
			o, begin := new(outcome), time.Now()
			c.t.mu.Lock()
			c.t.pending[o] = begin
			c.t.mu.Unlock()
			*o = c.request(n)
			o.client, o.kind, o.begin, o.end = c.home.continent, c.kind, begin, time.Now()
			c.t.mu.Lock()
			delete(c.t.pending, o)
			c.t.outs = append(c.t.outs, *o)
			c.t.mu.Unlock()
		})
	}
}

// request makes one request, and where that fails another one to the next
// region that the client knows, from a directory that it once read.
func (c *client) request(n int) (o outcome) {
	order := nearest(c.home, sites)
	o.nearest = order[0]
	o.expected = (*c.t.expect.Load())(c.home)
	var dialed atomic.Pointer[string]
	var used atomic.Pointer[string] // region at the other end of the first connection
	ctx := context.WithValue(context.Background(), dialedKey{}, &dialed)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if a, ok := i.Conn.RemoteAddr().(*net.TCPAddr); ok {
			region := c.t.w.regionOf(a.AddrPort().Addr().Unmap())
			used.CompareAndSwap(nil, &region)
		}
	}})
	name := canonical
	if c.kind == regional {
		name = siteOf(order[0]).host()
	}
	o.served, o.named, o.err = c.exchange(ctx, name, n)
	for _, p := range []*string{used.Load(), dialed.Load()} {
		if p != nil && o.entry == "" {
			o.entry = *p
		}
	}
	switch {
	case o.err == nil && c.kind == regional && o.served == order[0]:
		// The name was the user's choice; whom the network calls nearest is
		// advice, and no wrong answer.
		o.named = o.expected[0]
	case o.err != nil:
		for _, other := range order[1:] {
			if _, _, o.lost = c.exchange(ctx, siteOf(other).host(), n); o.lost == nil {
				break
			}
		}
	}
	return o
}

var targets = []string{"/lookup/id/ENSG00000157764", "/info/species", "/sequence/id/ENST00000288602?type=protein", "/info/assembly/homo_sapiens"}

// missed is a target that nobody has stored: no other loop asks for it, and
// this one does not for half an hour.
func (c *client) missed(n int) string {
	return fmt.Sprintf("/sequence/id/ENST00000288602?type=cdna&start=%d&end=%d", 1+n/5%900, 1000+c.number*2+n/4500%2)
}

// exchange asks a host, and follows one redirect.
func (c *client) exchange(ctx context.Context, name string, n int) (served, named string, err error) {
	fields := []string{"Accept", "application/json"}
	target := targets[n%len(targets)]
	if n%5 == 4 && !c.t.hits.Load() {
		target = c.missed(n)
	}
	if c.kind == navigate {
		target, fields = "/", []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate"}
	}
	resp, err := c.get(ctx, "http://"+name+target, fields)
	if err != nil {
		return "", "", err
	}
	if resp.StatusCode == http.StatusTemporaryRedirect {
		to := resp.Header.Get("Location")
		if resp, err = c.get(ctx, to, fields); err != nil {
			return "", "", fmt.Errorf("after a redirect to %s: %w", to, err)
		}
	}
	if resp.StatusCode != http.StatusOK {
		return "", "", fmt.Errorf("%s%s: %s from %s (Cache-Status %q)", name, target, resp.Status, resp.Header.Get("Mirror-Region"), resp.Header.Get("Cache-Status"))
	}
	served = resp.Header.Get("Mirror-Region")
	if named = resp.Header.Get("Mirror-Nearest"); named == "" {
		named = served
	}
	if c.kind == navigate {
		named = served
	}
	return served, named, nil
}

func (c *client) get(ctx context.Context, url string, fields []string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp, err
}

// dial resolves a name and tries its addresses in turn.
func (c *client) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	addrs, err := c.resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	var errs []error
	region := c.t.w.regionOf(addrs[0])
	if dialed, ok := ctx.Value(dialedKey{}).(*atomic.Pointer[string]); ok {
		dialed.CompareAndSwap(nil, &region)
	}
	for _, a := range addrs {
		one, cancel := context.WithTimeout(ctx, connectTime)
		conn, err := c.host.ns.dial(one, network, net.JoinHostPort(a.String(), port))
		cancel()
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (w *World) regionOf(a netip.Addr) string {
	for _, h := range append(w.nodes[:len(w.nodes):len(w.nodes)], w.added) {
		if h.addr == a {
			return h.region
		}
	}
	return ""
}

// resolve asks the client's resolver, in an order of chance.
func (c *client) resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	r := c.near
	if side := c.t.side.Load(); c.kind == navigate && (side == nil || side.has(r.at.endpoint) == side.has(c.far.at.endpoint)) {
		r = c.far
	}
	addrs, err := r.resolve(ctx, name)
	addrs = slices.Clone(addrs)
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	return addrs, err
}
