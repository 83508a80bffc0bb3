package edge

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/geo"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

// stayCookie says that a user chose this mirror. The names are those that
// Ensembl's own redirect has used since 2009.
const stayCookie = "redirect_mirror"

// exchange is what is known of one request and its answer so far. It belongs
// to the request's goroutine.
type exchange struct {
	start time.Time
	// generation is that of [aliases], version the count of writes to the key,
	// from before what they speak of was looked at.
	generation uint64
	version    uint64
	world      *world
	client     netip.Addr
	place      geo.Place
	query      string // as sent, without steering parameters
	steering   steering
	hops       int // of this network's nodes that forwarded it
	decision   route.Decision
	located    time.Duration // time to locate and decide
	fetched    time.Duration // time until the source's answer was there
	outcome    observe.Outcome
	body       *reader // of an answer that is still arriving
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange { return r.Context().Value(exchangeKey{}).(*exchange) }

// begin opens the exchange and, once the answer is written, counts and logs it.
func (e *Edge) begin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		generation := e.aliases.generation.Load()
		x := &exchange{start: e.Now(), generation: generation, world: e.world.Load(), client: clientOf(r), hops: fetch.Hops(r.Header)}
		x.steering, x.query = cutSteering(r.URL.RawQuery, r.Header)
		x.outcome = observe.Outcome{Start: x.start, Client: x.client, Method: r.Method, Host: r.Host,
			Target: r.URL.RequestURI(), Action: "self"}
		meter := &meter{ResponseWriter: w}
		defer func() { // an answer that is cut counts too
			o := &x.outcome
			o.Duration, o.Status, o.Bytes = e.Now().Sub(x.start), meter.status, meter.bytes
			e.Metrics.Request(*o)
			if e.AccessLog != nil {
				observe.LogAccess(e.AccessLog, *o)
			}
		}()
		next.ServeHTTP(meter, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
	})
}

// meter notes status and size of an answer.
type meter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (m *meter) WriteHeader(status int) {
	if m.status == 0 && status >= 200 {
		m.status = status
	}
	m.ResponseWriter.WriteHeader(status)
}

func (m *meter) Write(b []byte) (int, error) {
	if m.status == 0 {
		m.status = http.StatusOK
	}
	n, err := m.ResponseWriter.Write(b)
	m.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (m *meter) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// recovered turns a panic into a 500 for its own request alone.
func (e *Edge) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler {
				panic(v)
			}
			if m, ok := w.(*meter); ok && m.status != 0 {
				panic(http.ErrAbortHandler) // begun already: it must not look whole
			}
			e.Logger.Error("panic while answering", "target", r.URL.RequestURI(), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			http.Error(w, `{"error":"internal error"}`, http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}

// steering is what the client asks of routing.
type steering struct {
	prefer, avoid []region.Name
	redirect      string // no, force, or ""
}

// cutSteering reads the steering parameters and fields, and gives the query
// without them, otherwise untouched.
func cutSteering(raw string, h http.Header) (s steering, rest string) {
	var b strings.Builder
	for raw != "" {
		end := strings.IndexAny(raw, "&;")
		pair, sep := raw, ""
		if end >= 0 {
			pair, sep, raw = raw[:end], raw[end:end+1], raw[end+1:]
		} else {
			raw = ""
		}
		name, value, _ := strings.Cut(pair, "=")
		switch strings.ToLower(name) {
		case "redirect":
			s.redirect = value
		case "mirror-prefer":
			s.prefer = append(s.prefer, regionNames(value)...)
		case "mirror-avoid":
			s.avoid = append(s.avoid, regionNames(value)...)
		default:
			b.WriteString(pair)
			b.WriteString(sep)
		}
	}
	for _, v := range h.Values("Mirror-Prefer") {
		s.prefer = append(s.prefer, regionNames(v)...)
	}
	for _, v := range h.Values("Mirror-Avoid") {
		s.avoid = append(s.avoid, regionNames(v)...)
	}
	return s, strings.TrimRight(b.String(), "&;")
}

func regionNames(list string) (names []region.Name) {
	for n := range strings.SplitSeq(list, ",") {
		if n = strings.ToLower(strings.TrimSpace(n)); n != "" {
			names = append(names, region.Name(n))
		}
	}
	return names
}

// decide finds the client's place and decides who serves it. It answers what
// is to be redirected or refused; the rest goes on.
func (e *Edge) decide(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if preflight(w, r) {
			return
		}
		x := exchangeOf(r)
		if r.Method == http.MethodTrace { // would show fields that are not the client's (RFC 9110 §9.3.8)
			x.outcome.Action = "refuse"
			w.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
			e.fail(w, r, &failure{status: http.StatusMethodNotAllowed, message: "TRACE is not answered here"})
			return
		}
		if x.hops > fetch.MaxHops {
			x.outcome.Action = "refuse"
			e.fail(w, r, &failure{status: http.StatusLoopDetected, message: "this request goes in circles between mirrors"})
			return
		}
		x.place = e.Locator.Locate(x.client)
		stay := x.steering.redirect == "no"
		if c, err := r.Cookie(stayCookie); err == nil && c.Value == "no" && x.steering.redirect != "force" {
			stay = true
		}
		x.decision = route.Decide(x.world.World, route.Query{
			Client: x.client, Place: x.place, Host: r.Host, Method: r.Method,
			Navigation: route.Navigation(r.Method, r.Header),
			Stay:       stay, Force: x.steering.redirect == "force",
			Prefer: x.steering.prefer, Avoid: x.steering.avoid, Forwarded: x.hops > 0,
		})
		x.located = e.Now().Sub(x.start)
		d, o := &x.decision, &x.outcome
		o.Country, o.Action, o.Region, o.Nearest, o.Reason = x.place.Country, string(d.Action), string(d.Region), string(d.Nearest), d.Reason
		switch d.Action {
		case route.Redirect:
			e.redirect(w, r, x)
		case route.Proxy:
			e.proxy(w, r, x)
		case route.Refuse:
			e.fail(w, r, &failure{status: http.StatusServiceUnavailable, message: d.Reason, retryAfter: 5})
		default:
			if x.steering.redirect == "no" && route.Navigation(r.Method, r.Header) {
				http.SetCookie(w, &http.Cookie{Name: stayCookie, Value: "no", Path: "/", MaxAge: 86400, SameSite: http.SameSiteLaxMode})
			}
			next.ServeHTTP(w, r)
		}
	})
}

// redirect sends a browser to the region's own name. Method and body would be
// kept (307); neither the decision nor the answer is for anyone else.
func (e *Edge) redirect(w http.ResponseWriter, r *http.Request, x *exchange) {
	location := strings.TrimSuffix(x.decision.URL, "/") + r.URL.EscapedPath()
	if x.query != "" {
		location += "?" + x.query
	}
	h := w.Header()
	e.mirrorFields(h, r, x)
	h.Set("Cache-Control", "private, no-store")
	h.Set("Vary", "Accept, Cookie, Sec-Fetch-Mode, X-Requested-With, X-Forwarded-For")
	h.Set("Location", location)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusTemporaryRedirect)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "Your nearest mirror is %s\n", location)
	}
}

// preflight answers a CORS preflight (Fetch standard, "CORS-preflight request").
func preflight(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodOptions || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", "86400")
	h.Set("Vary", "Access-Control-Request-Headers")
	w.WriteHeader(http.StatusNoContent)
	return true
}
