package edge

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/fetch"
	"mirrornet/pkg/rendezvous"
	"mirrornet/pkg/rfc9111"
)

const (
	// siblingLife and remoteLife bound the wait for a sign of life of another
	// edge, of this region or not; one that works on an answer gives it at once
	// ([Edge.working]), so that slow origins are not taken for slow nodes.
	siblingLife = time.Second
	remoteLife  = 2 * time.Second
	// maxParents is how many of the parent's nodes are asked.
	maxParents = 2
)

// owner is the node of this region where all of them look for the key before
// they ask anybody else; ok is false if that is this node.
func (w *world) owner(key string) (s fetch.Source, ok bool) {
	if len(w.nodes[w.Self]) == 0 {
		return s, false
	}
	name, _ := rendezvous.Pick(key, w.local)
	for _, n := range w.nodes[w.Self] {
		if n.Node == name {
			return w.nodeSource(n, fetch.Sibling)
		}
	}
	return s, false
}

// parents are nodes of the region that is asked before the origins: the one
// where its nodes look for the key, then the nearest.
func (w *world) parents(key string) (sources []fetch.Source) {
	self, ok := w.Map.Region(w.Self)
	if !ok || self.Parent == "" || len(w.nodes[self.Parent]) == 0 {
		return nil
	}
	nodes := w.nodes[self.Parent]
	if i := ownerAmong(nodes, key); i > 0 {
		nodes = append([]Member{nodes[i]}, slices.Delete(slices.Clone(nodes), i, i+1)...)
	}
	for _, n := range nodes[:min(len(nodes), maxParents)] {
		if s, ok := w.nodeSource(n, fetch.Parent); ok {
			sources = append(sources, s)
		}
	}
	return sources
}

// ownerAmong is where the nodes of another region look for the key before they ask
// anybody else; the first, without a key.
func ownerAmong(nodes []Member, key string) int {
	if key == "" || len(nodes) == 1 {
		return 0
	}
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = n.Node
	}
	owner, _ := rendezvous.Pick(key, names)
	return slices.Index(names, owner)
}

// place is what owners are found by: the same at all nodes of all regions,
// whichever hostname a client used.
func (p *plan) place() string {
	if p.byVary && p.key != "" {
		return p.target
	}
	return p.key
}

// lost reports whether no origin of this node serves what the plan asks for,
// though they serve other classes of endpoints.
func (w *world) lost(p *plan) bool { return slices.Contains(w.without, apispec.ClassOf(p.target)) }

// elsewhereFirst reports whether other regions are to be asked before the
// origins: this node's do not serve the class, or none of them answers, and
// another region's may.
func (w *world) elsewhereFirst(class string) bool {
	if slices.Contains(w.without, class) {
		return true
	}
	return w.down && w.originElsewhere(class)
}

// originElsewhere reports whether a node of another region has an origin for
// the class, as far as it says.
func (w *world) originElsewhere(class string) bool {
	for name, list := range w.nodes {
		if name != w.Self && !slices.Contains(w.Status[name].Without, class) && slices.ContainsFunc(list, func(n Member) bool { return !w.noOrigin(n) }) {
			return true
		}
	}
	return false
}

// noOrigin reports whether a node says that none of its origins answers it.
func (w *world) noOrigin(n Member) bool { return w.health.Status[nodeID(n.Node)].NoOrigin }

// regionSources are nodes of other regions that serve the class, one per
// region: where the nodes of each look for the key, since what one of
// them has stored it has, and the nearest without a key. They come by round
// trip, those without an origin last.
func (w *world) regionSources(class, key string) (sources []fetch.Source) {
	var regions [][]Member
	for name, list := range w.nodes {
		if name != w.Self && !slices.Contains(w.Status[name].Without, class) {
			regions = append(regions, list)
		}
	}
	slices.SortFunc(regions, func(a, b []Member) int {
		if x, y := w.noOrigin(a[0]), w.noOrigin(b[0]); x != y {
			if x {
				return 1
			}
			return -1
		}
		if c := byRTT(a[0], b[0]); c != 0 {
			return c
		}
		return strings.Compare(a[0].Node, b[0].Node)
	})
	for _, nodes := range regions {
		if s, ok := w.nodeSource(nodes[ownerAmong(nodes, key)], fetch.Region); ok {
			sources = append(sources, s)
		}
	}
	return sources
}

func (w *world) nodeSource(n Member, kind fetch.Kind) (fetch.Source, bool) {
	u, err := url.Parse(n.Advertise)
	if err != nil || u.Host == "" {
		return fetch.Source{}, false
	}
	s := fetch.Source{Kind: kind, Name: n.Node, URL: u}
	if r, ok := w.Map.Region(n.Region); ok {
		s.Host = r.Host
	}
	if s.Life = remoteLife; kind == fetch.Sibling {
		s.Life = siblingLife
	}
	return s, true
}

// fromCaches reports whether a sibling's or a parent's stored response may
// answer this request: it asks for no more than any other request, and nobody
// changed what it asks for through this node.
func (p *plan) fromCaches() bool {
	for _, name := range [...]string{"Cache-Control", "Pragma", "Authorization"} {
		if len(p.asked[name]) > 0 {
			return false
		}
	}
	return p.changed.IsZero()
}

// whole reports whether the sources may be asked for all that the plan says:
// a cache that is asked without a client's cookies answers another request.
func (p *plan) whole(sources ...fetch.Source) bool {
	h := withoutSecrets(p.header, sources)
	return len(h["Authorization"]) == len(p.header["Authorization"]) && len(h["Cookie"]) == len(p.header["Cookie"])
}

// takes reports whether a cache's answer is as good as an origin's: it says
// something of the resource, is not staler than may be served, and does not take
// away what is stored here on the word of one origin alone. It is spare if it is
// only too stale for that.
func (p *plan) takes(s stored, f *fetched) (takes, spare bool) {
	switch {
	case !usable(f):
		return false, false
	case p.endpoint != nil && s.response != nil && s.response.Status == http.StatusOK && (f.status == http.StatusNotFound || f.status == http.StatusBadRequest):
		return false, false
	case !f.storable || len(f.response.Header["Age"]) == 0: // it was had for us
		return true, false
	case f.reuse.TTL >= 0 || f.reuse.Verdict == rfc9111.StaleWhileRevalidate:
		return true, false
	}
	return false, f.reuse.StaleIfError && s.response == nil
}

// withoutCoding takes Accept-Encoding out of an edge's Vary: it speaks of how
// that edge writes its answers. We ask for none, and choose as it does.
func withoutCoding(h http.Header) {
	fields, any := rfc9111.VaryFields(h)
	if any || !slices.Contains(fields, "Accept-Encoding") {
		return
	}
	fields = slices.DeleteFunc(fields, func(name string) bool { return name == "Accept-Encoding" })
	if len(fields) == 0 {
		h.Del("Vary")
		return
	}
	h.Set("Vary", strings.Join(fields, ", "))
}
