// Package admin is the operators' listener of a node: metrics, liveness,
// readiness, the whole status with addresses and configuration faults, the page
// of the network with what operators do, and profiles. It stands apart from the
// public listener, and answers only who reached it by its own address.
//
// # Decisions
//
// 2026-11-25: the address at which a connection arrived is the listener's own,
// so that one on 0.0.0.0, as in a container, can be asked by it. A page elsewhere
// can have a name of its own resolved to that address, which then is in the Host
// field; it cannot make a browser write the address there and still be read by
// that page.
package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"mirrornet/pkg/drain"
)

// Config configures a [Handler].
type Config struct {
	// Hosts are names and addresses, without port, under which the listener may
	// be asked, besides localhost, loopback addresses and the one at which the
	// connection arrived. A page on another site that had its name resolved to this
	// listener is refused by its Host field.
	Hosts []string
	// Token is wanted as "Authorization: Bearer …" for every method but GET
	// and HEAD. Empty: only those two are answered, unless the client is on
	// loopback.
	Token   string
	Metrics http.Handler                         // at /metrics
	Ready   func() error                         // at /readyz; nil: always
	Status  func() any                           // at /status.json
	Explain http.HandlerFunc                     // at /route
	Network http.HandlerFunc                     // the page at /network, to which / leads
	Assets  http.Handler                         // what it loads, below /-/assets/
	Events  http.Handler                         // what it follows, at /-/events
	Reload  func() error                         // at POST /reload: re-reads the region files
	Map     func() any                           // at /map
	Drains  *drain.Drains                        // at /drains
	Extra   map[string]func(*http.Request) error // further POST actions, by path
}

// New makes the listener's handler.
func New(c Config) http.Handler {
	r := chi.NewRouter()
	r.Use(c.Guard)
	get := func(path string, h http.HandlerFunc) {
		r.Get(path, h)
		r.Head(path, h)
	}
	get("/livez", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	get("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if c.Ready != nil {
			if err := c.Ready(); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		w.Write([]byte("ok\n"))
	})
	if c.Metrics != nil {
		get("/metrics", c.Metrics.ServeHTTP)
	}
	if c.Status != nil {
		show := func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, c.Status()) }
		get("/status.json", show)
		get("/-/status.json", show) // where pages look for it
	}
	if c.Map != nil {
		get("/map", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, c.Map()) })
	}
	if c.Explain != nil {
		get("/route", c.Explain)
		get("/-/route", c.Explain)
	}
	if c.Network != nil {
		get("/network", c.Network)
		get("/", func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, "/network", http.StatusSeeOther) })
	}
	if c.Assets != nil {
		get("/-/assets/*", c.Assets.ServeHTTP)
	}
	if c.Events != nil {
		get("/-/events", c.Events.ServeHTTP)
	}
	if c.Reload != nil {
		r.Post("/reload", func(w http.ResponseWriter, _ *http.Request) { answer(w, c.Reload()) })
	}
	if c.Drains != nil {
		drains(r, c.Drains)
	}
	for path, act := range c.Extra {
		r.Post(path, func(w http.ResponseWriter, q *http.Request) { answer(w, act(q)) })
	}
	get("/debug/pprof/cmdline", pprof.Cmdline)
	get("/debug/pprof/profile", pprof.Profile)
	get("/debug/pprof/symbol", pprof.Symbol)
	get("/debug/pprof/trace", pprof.Trace)
	get("/debug/pprof/*", pprof.Index)
	return r
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]bool{"ok": true})
}

// Guard refuses what a browser was tricked into sending (DNS rebinding, forged
// forms), and changes without the token.
func (c Config) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.refuse(r); err != nil {
			refuse(w, http.StatusForbidden, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

var (
	errHost   = errors.New("the admin listener answers only under its own address; ask it as localhost or by its configured address")
	errSite   = errors.New("a page of another site may not ask the admin listener")
	errToken  = errors.New("this action wants the header Authorization: Bearer TOKEN, with the token of admin.token_file")
	errRemote = errors.New("this action is answered to loopback alone while admin.token_file is not set")
)

func (c Config) refuse(r *http.Request) error {
	if host := hostname(r.Host); !c.ours(host) && !arrivedAt(r, host) {
		return errHost
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return errSite
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Host != r.Host {
			return errSite
		}
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if c.Token == "" {
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !peer.Addr().Unmap().IsLoopback() {
			return errRemote
		}
		return nil
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(c.Token))
	if !ok || subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		return errToken
	}
	return nil
}

func hostname(hostport string) string {
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		hostport = h
	}
	return strings.ToLower(strings.Trim(hostport, "[]"))
}

// arrivedAt reports whether host is the address of this end of the connection.
func arrivedAt(r *http.Request, host string) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	ip, err := netip.ParseAddr(host)
	return ok && err == nil && ip.Unmap().WithZone("") == local.AddrPort().Addr().Unmap().WithZone("")
}

func (c Config) ours(host string) bool {
	if host == "localhost" {
		return true
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().IsLoopback() {
		return true
	}
	for _, h := range c.Hosts {
		if strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
