package origin

import (
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"mirrornet/pkg/ratelimit"
	"mirrornet/pkg/vouch"
)

// LimitConfig says how much each client may ask for. The zero value is no
// limit.
type LimitConfig struct {
	// Limiter counts; nil: nobody is counted, and answers say nothing of it.
	Limiter *ratelimit.Limiter
	// Exempt are the clients that are not counted.
	Exempt []netip.Prefix
	// Edges are the addresses of edges. With EdgeKeys, they may vouch for their
	// clients; what they ask for themselves is not counted.
	Edges    []netip.Prefix
	EdgeKeys *vouch.Keys
	Now      func() time.Time // nil: time.Now
}

// limiter answers 429 to those who ask too much.
type limiter struct {
	LimitConfig
	logger *slog.Logger
	warned atomic.Int64 // when the log was last told of an edge that does not vouch, as Unix time
}

func newLimiter(c LimitConfig, logger *slog.Logger) *limiter {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &limiter{LimitConfig: c, logger: logger}
}

// client is whose request it is, and whether that is an edge itself. The field
// by which edges vouch goes no further, whoever wrote it.
func (l *limiter) client(r *http.Request) (client netip.Addr, edge bool) {
	fields := r.Header[vouch.Field]
	delete(r.Header, vouch.Field)
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	from := peer.Addr().Unmap()
	if l.EdgeKeys == nil || !within(l.Edges, from) {
		return from, false
	}
	if len(fields) == 0 {
		if r.UserAgent() != probeAgent && !ownPath(r.URL.Path) {
			l.warn(from, "it sends none")
		}
		return from, true
	}
	field := fields[0]
	if len(fields) > 1 {
		field = ""
	}
	who, err := l.EdgeKeys.Verify(field, l.Now())
	if err != nil {
		l.warn(from, err.Error())
		return from, false
	}
	return who, !who.IsValid()
}

// warn tells the log, at most once a minute, of an edge that should be mended.
func (l *limiter) warn(edge netip.Addr, why string) {
	now, last := l.Now().Unix(), l.warned.Load()
	if now-last < 60 || !l.warned.CompareAndSwap(last, now) {
		return
	}
	l.logger.Warn("an edge does not say by a valid "+vouch.Field+" for whom it asks; give it the key file of --edge-key-file as origin_key_file, and look at its clock", "edge", edge, "why", why)
}

// ownPath says that a path is the origin's own and not the API's.
func ownPath(path string) bool {
	return strings.HasPrefix(path, "/-/") || strings.HasPrefix(path, "/.well-known/") || path == "/openapi.json"
}

// admit counts the request and writes what the client is told of its
// allowance. It reports whether the request may go on; if not, it is answered.
func (l *limiter) admit(w http.ResponseWriter, r *http.Request) bool {
	client, edge := l.client(r)
	if l.Limiter == nil || edge || !client.IsValid() || within(l.Exempt, client) {
		return true
	}
	v := l.Limiter.Take(r.Context(), client)
	h := w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(v.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(v.Remaining))
	h.Set("X-RateLimit-Reset", strconv.Itoa(int(math.Ceil(v.Reset.Seconds()))))
	h.Set("X-RateLimit-Period", strconv.Itoa(int(v.Period/time.Second)))
	if v.Allowed {
		return true
	}
	h.Set("Retry-After", strconv.Itoa(int(v.RetryAfter/time.Second)))
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", exposed)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	write(w, r, http.StatusTooManyRequests, []byte(v.Message))
	return false
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}
