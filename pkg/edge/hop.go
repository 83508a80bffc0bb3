package edge

import (
	"errors"
	"net/http"
	"net/netip"
	"time"

	"mirrornet/pkg/fetch"
)

// warnEvery is how often the log is told that the same is not believed.
const warnEvery = time.Minute

// receive finds out whether another edge sent the request, and for whom. What
// is not believed is a client's request, from the address that it came from; that
// it has passed this network's nodes (CDN-Loop) counts whoever says it, since
// all that follows from it is that it goes no further.
func (e *Edge) receive(r *http.Request, x *exchange) {
	fields := r.Header[fetch.HopField]
	if len(fields) == 0 {
		return
	}
	x.waits = r.ProtoAtLeast(1, 1) // and its patience does not depend on what is believed
	if e.HopKeys == nil {
		e.Metrics.Hop("unsigned")
		return
	}
	keys, field := e.HopKeys(), fields[0]
	if len(fields) > 1 {
		field = ""
	}
	hop, err := keys.Verify(field, fetch.AskedOf(r), x.start)
	if errors.Is(err, fetch.ErrHopUnsigned) && keys.None() && fromLoopback(r) {
		err = nil
	}
	if err != nil {
		e.disbelieve(r, x, err)
		return
	}
	e.Metrics.Hop("believed")
	x.hop, x.hops = hop, max(x.hops, 1)
	if hop.Client.IsValid() {
		x.client = hop.Client
	}
}

// disbelieve counts and, now and then, logs a hop that is not believed.
func (e *Edge) disbelieve(r *http.Request, x *exchange, err error) {
	result, about := "form", r.RemoteAddr
	var skew *fetch.SkewError
	switch {
	case errors.As(err, &skew):
		result, about = "clock", skew.Node
	case errors.Is(err, fetch.ErrHopUnsigned):
		result = "unsigned"
	case errors.Is(err, fetch.ErrHopSignature):
		result = "signature"
	}
	e.Metrics.Hop(result)
	key := result
	if skew != nil { // a node's own word, and nobody can make up names
		key += " " + skew.Node
	}
	if _, told := e.distrust.get(key, x.start); told {
		return
	}
	e.distrust.put(key, true, x.start.Add(warnEvery), x.start)
	if skew != nil {
		e.Logger.Warn("what another edge says of its clients is not believed: set its clock or this one's", "node", about, "ahead", skew.By)
		return
	}
	e.Logger.Warn("a request claims to come from another edge and is not believed; from an edge, its gossip key file differs", "from", about, "why", err)
}

func fromLoopback(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback()
}
