package edge

import (
	"io"
	"net/http"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/fetch"
	"mirrornet/pkg/route"
)

// stayCookie says that a user chose this mirror. The names are those that
// Ensembl's own redirect has used since 2009.
const stayCookie = "redirect_mirror"

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
		if !x.decided {
			e.route(r, x)
		}
		switch x.decision.Action {
		case route.Redirect:
			e.redirect(w, r, x)
		case route.Proxy:
			e.proxy(w, r, x)
		case route.Refuse:
			e.fail(w, r, &failure{status: http.StatusServiceUnavailable, message: x.decision.Reason(), retryAfter: 5})
		default:
			if x.steering.redirect == "no" && x.navigation {
				http.SetCookie(w, &http.Cookie{Name: stayCookie, Value: "no", Path: "/", MaxAge: 86400, SameSite: http.SameSiteLaxMode})
			}
			next.ServeHTTP(w, r)
		}
	})
}

// route finds the client's place and decides who serves it.
func (e *Edge) route(r *http.Request, x *exchange) {
	x.place = e.Locator.Locate(x.client)
	force := x.steering.redirect == "force"
	stay := x.steering.redirect == "no"
	if len(r.Header["Cookie"]) > 0 && !force {
		if c, err := r.Cookie(stayCookie); err == nil && c.Value == "no" {
			stay = true
		}
	}
	x.navigation = route.Navigation(r.Method, r.Header)
	x.decision = x.world.router.Decide(route.Query{
		Client: x.client, Place: x.place, Host: r.Host, Method: r.Method, Class: apispec.ClassOf(r.URL.Path),
		Navigation: x.navigation, Stay: stay, Force: force,
		Prefer: x.steering.prefer, Avoid: x.steering.avoid, Forwarded: x.hops > 0,
	})
	x.decided = true
	d, o := &x.decision, &x.outcome
	o.Country, o.Action, o.Region, o.Nearest, o.Why = x.place.Country, string(d.Action), string(d.Region), string(d.Nearest), d.Why()
	if e.AccessLog != nil { // nobody else asks
		o.Reason = d.Reason()
	}
	if d.Action != route.Redirect { // which says nothing of time
		x.located = e.Now().Sub(x.start)
	}
}

// redirect sends a browser to the region's own name. Method and body would be
// kept (307); neither the decision nor the answer is for anyone else.
func (e *Edge) redirect(w http.ResponseWriter, r *http.Request, x *exchange) {
	const before = "Your nearest mirror is "
	base := strings.TrimSuffix(x.decision.URL, "/")
	text := before + base + r.URL.EscapedPath() + "\n"
	if x.query != "" {
		text = before + base + r.URL.EscapedPath() + "?" + x.query + "\n"
	}
	h := w.Header()
	e.mirrorFields(h, r, x)
	// Scripts never see the fields of a redirect. And a map of up to eight is
	// cheaper, twice.
	delete(h, "Access-Control-Expose-Headers")
	h["Cache-Control"], h["Vary"], h["Content-Type"] = e.fixed.private, e.fixed.varyRedirect, e.fixed.text
	h["Location"] = []string{text[len(before) : len(text)-1]}
	w.WriteHeader(http.StatusTemporaryRedirect)
	if r.Method != http.MethodHead {
		io.WriteString(w, text)
	}
	if x.series = e.redirects.Load(); x.series == nil || x.series.Why() != x.outcome.Why {
		o := x.outcome
		o.Status = http.StatusTemporaryRedirect
		x.series = e.Metrics.Series(o)
		e.redirects.Store(x.series)
	}
	e.leaveElsewhere(r, x, h, text, base)
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
