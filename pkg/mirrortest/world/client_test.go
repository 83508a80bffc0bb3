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
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	connectTime = time.Second            // for one address, then the next is tried
	answerTime  = 3 * time.Second        // for one request to one host
	pace        = 333 * time.Millisecond // between the requests of one loop
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
	retried  bool
	err      error
}

func (o outcome) wrong() bool { return o.err == nil && !slices.Contains(o.expected, o.named) }
func (o outcome) bad() bool   { return o.err != nil || o.wrong() }

// traffic is all clients at work.
type traffic struct {
	w      *World
	expect atomic.Pointer[func(home) []string]
	// side is one side of a partition: nobody asks a resolver on the other.
	side atomic.Pointer[set]
	hits atomic.Bool // ask only for what is stored everywhere

	mu   sync.Mutex // guards outcomes
	outs []outcome

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// startTraffic lets all clients send requests until end.
func (w *World) startTraffic() *traffic {
	ctx, stop := context.WithCancel(context.Background())
	t := &traffic{w: w, stop: stop}
	t.expecting(func(h home) []string { return nearest(h, sites)[:1] })
	for i, h := range homes {
		for j, kind := range []string{regional, api, navigate} {
			c := &client{t: t, home: h, host: w.clients[i], kind: kind, resolver: w.clients[(i+1)%len(homes)]}
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

// A client makes requests of one kind, each beside those that still wait.
type client struct {
	t        *traffic
	home     home
	host     *host
	resolver *host // whose place the resolver of its page loads has
	kind     string
	http     *http.Client
	last     atomic.Pointer[string] // region that was last dialed
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
		wg.Go(func() {
			begin := time.Now()
			o := c.request(n)
			o.client, o.kind, o.begin, o.end = c.home.continent, c.kind, begin, time.Now()
			c.t.mu.Lock()
			c.t.outs = append(c.t.outs, o)
			c.t.mu.Unlock()
		})
	}
}

// request makes one request, and where that fails asks the canonical name once
// more, as whoever got no answer does.
func (c *client) request(n int) (o outcome) {
	o.nearest = nearest(c.home, sites)[0]
	o.expected = (*c.t.expect.Load())(c.home)
	var dialed atomic.Pointer[string]
	ctx := context.WithValue(context.Background(), dialedKey{}, &dialed)
	name := canonical
	if c.kind == regional {
		o.entry = o.nearest
		name = siteOf(o.entry).host()
	}
	o.served, o.named, o.err = c.exchange(ctx, name, n)
	switch {
	case o.entry != "":
	case dialed.Load() != nil:
		o.entry = *dialed.Load()
	case o.err == nil:
		o.entry = o.served // on a connection that was there
	case c.last.Load() != nil:
		o.entry = *c.last.Load()
	}
	if o.err != nil {
		first := o.err
		o.retried = true
		if o.served, o.named, o.err = c.exchange(ctx, canonical, n); o.err != nil {
			o.err = fmt.Errorf("%w; before: %w", o.err, first)
		}
	} else if c.kind == regional {
		// The name was the user's choice; whom the network calls nearest is
		// advice, and no wrong answer.
		o.named = o.expected[0]
	}
	return o
}

var targets = []string{"/lookup/id/ENSG00000157764", "/info/species", "/sequence/id/ENST00000288602?type=protein", "/info/assembly/homo_sapiens"}

// missed is a target that nobody has stored.
func missed(n int) string {
	return fmt.Sprintf("/sequence/id/ENST00000288602?type=cdna&start=%d", 1+n%900)
}

// exchange asks a host, and follows one redirect.
func (c *client) exchange(ctx context.Context, name string, n int) (served, named string, err error) {
	fields := []string{"Accept", "application/json"}
	target := targets[n%len(targets)]
	if n%5 == 4 && !c.t.hits.Load() {
		target = missed(n)
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
	c.last.Store(&region)
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

// resolve gives the addresses of a name, in an order of chance within a
// region. A regional name has those of its nodes. The canonical name is
// resolved by asking the network's own nodes, until one answers.
func (c *client) resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	if region, ok := strings.CutSuffix(name, ".mirror.example"); ok && name != canonical {
		return addresses(region), nil
	}
	from := c.host
	if side := c.t.side.Load(); c.kind == navigate && (side == nil || side.has(c.host.endpoint) == side.has(c.resolver.endpoint)) {
		from = c.resolver
	}
	region, err := c.t.w.directory(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("resolving %s: %w", name, err)
	}
	return addresses(region), nil
}

func addresses(region string) (list []netip.Addr) {
	for _, a := range siteOf(region).nodes {
		if a != "" {
			list = append(list, netip.MustParseAddr(a))
		}
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}
