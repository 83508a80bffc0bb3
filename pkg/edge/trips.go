package edge

import (
	"bytes"
	"hash/maphash"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mirrornet/pkg/region"
	"mirrornet/pkg/rtt"
)

const (
	tripTopic = "rtt"
	// sayTripsEvery is how often digests that changed are given to others, and
	// mergeTripsEvery how often what all say is put together anew: that ends
	// what the lane has.
	sayTripsEvery   = 5 * time.Minute
	mergeTripsEvery = time.Minute
)

// trips are the round trips of clients: what this node measures, and what all
// know.
type trips struct {
	own   *rtt.Table
	known atomic.Pointer[rtt.Map]
	seed  maphash.Seed

	mu           sync.Mutex // guards the fields below
	said         [rtt.Parts][]byte
	told, merged time.Time
	hash         uint64 // of what was merged
}

// Closing notes the round trip of a client's connection that is about to be
// closed. Proxies speak for others, and are not measured; nor are private
// addresses, which mean something else elsewhere.
func (e *Edge) Closing(c *net.TCPConn) {
	peer, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return
	}
	client := plain(peer.AddrPort().Addr())
	if e.speaksForOthers(client) || !e.PrivateClients && (client.IsPrivate() || !client.IsGlobalUnicast()) {
		return
	}
	e.trips.own.Observe(client, rtt.Of(c), e.Now())
}

// observeTrips says what is new of this node's digests, and puts together those
// of all. It reports whether decisions may change.
func (e *Edge) observeTrips(now time.Time) (changed bool) {
	t := &e.trips
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.merged) < mergeTripsEvery {
		return false
	}
	t.merged = now
	if now.Sub(t.told) >= sayTripsEvery {
		t.told = now
		for i, digest := range t.own.Digest(now) {
			if bytes.Equal(digest, t.said[i]) {
				continue
			}
			t.said[i] = digest
			if e.Statements != nil {
				e.Statements.Share(tripTopic, e.Node+"/"+strconv.Itoa(i), digest)
			}
		}
	}
	var all []rtt.Said
	var hash maphash.Hash
	hash.SetSeed(t.seed)
	add := func(r region.Name, digest []byte) {
		if len(digest) > 0 {
			all = append(all, rtt.Said{Region: r, Digest: digest})
			hash.WriteString(string(r))
			hash.Write(digest)
		}
	}
	for _, digest := range t.said {
		add(e.Region, digest)
	}
	if e.Statements != nil {
		of := map[string]region.Name{}
		for _, m := range e.world.Load().members {
			if m.present() && !m.Self {
				of[m.Node] = m.Region
			}
		}
		for _, s := range e.Statements.Statements(tripTopic) {
			if node, _, ok := strings.Cut(s.Subject, "/"); ok && node == s.Writer && of[node] != "" {
				add(of[node], s.Value)
			}
		}
	}
	if sum := hash.Sum64(); sum != t.hash {
		t.hash = sum
		m, bad := rtt.Merge(all)
		if bad > 0 {
			e.Logger.Warn("digests of round trips that are none", "number", bad)
		}
		t.known.Store(m)
		return true
	}
	return false
}

// Networks is of how many networks of clients a round trip is known.
func (e *Edge) Networks() int { return e.trips.known.Load().Len() }
