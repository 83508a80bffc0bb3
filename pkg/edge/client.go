package edge

import (
	"net/http"
	"net/netip"
	"slices"

	"github.com/go-chi/chi/v5/middleware"
)

// clientAddress finds whose request it is. Only trusted proxies may speak for
// others: the X-Forwarded-For chain is walked from the right and ends at the
// first address that is not one of them.
func (e *Edge) clientAddress() func(http.Handler) http.Handler {
	if len(e.TrustedProxies) == 0 {
		return middleware.ClientIPFromRemoteAddr
	}
	trusted := make([]string, len(e.TrustedProxies))
	for i, p := range e.TrustedProxies {
		trusted[i] = p.String()
	}
	return middleware.ClientIPFromXFF(trusted...)
}

// trusts reports whether the peer may speak for others.
func (e *Edge) trusts(remoteAddr string) bool {
	peer, err := netip.ParseAddrPort(remoteAddr)
	return err == nil && e.speaksForOthers(plain(peer.Addr()))
}

func (e *Edge) speaksForOthers(peer netip.Addr) bool {
	return slices.ContainsFunc(e.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// Client is the client's address, invalid if it is not known: a trusted proxy's
// word for it, else where the request came from.
func (e *Edge) Client(r *http.Request) netip.Addr { return e.clientOf(r) }

// clientOf is the client's address, invalid if it is not known.
func (e *Edge) clientOf(r *http.Request) (client netip.Addr) {
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		if a := plain(peer.Addr()); !e.speaksForOthers(a) {
			return a
		}
	}
	e.addressed(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { client = middleware.GetClientIPAddr(r.Context()) })).ServeHTTP(nil, r)
	return client
}

// clientAt is whose requests they are that come from this address and name
// nobody else.
func (e *Edge) clientAt(peer netip.AddrPort) (client netip.Addr) {
	if a := plain(peer.Addr()); !e.speaksForOthers(a) {
		return a
	}
	return e.clientOf(&http.Request{RemoteAddr: peer.String(), Header: http.Header{}})
}

func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
