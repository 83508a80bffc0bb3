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
	return err == nil && slices.ContainsFunc(e.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap().WithZone("")) })
}

func clientOf(r *http.Request) netip.Addr { return middleware.GetClientIPAddr(r.Context()) }

// clientAt is whose requests they are that come from this address and name
// nobody else.
func (e *Edge) clientAt(peer netip.AddrPort) (client netip.Addr) {
	e.addressed(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { client = clientOf(r) })).
		ServeHTTP(nil, &http.Request{RemoteAddr: peer.String(), Header: http.Header{}})
	return client
}
