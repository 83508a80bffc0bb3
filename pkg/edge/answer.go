package edge

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/fetch"
	"mirrornet/pkg/respond"
	"mirrornet/pkg/rfc9111"
)

// failure is an answer that the edge makes itself because it has no other.
type failure struct {
	status     int
	message    string
	retryAfter int  // seconds; 0: not said
	forwarded  bool // a source was asked; of other errors than a failure it is known
}

func (f *failure) Error() string { return f.message }

// api answers a request to the API: from store, or through it.
func (e *Edge) api(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r)
	if r.ContentLength > 0 && r.ContentLength <= maxPost { // read whole for the key: not for ever
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(e.Timeout))
	}
	p := e.plan(r, x)
	if p.endpoint != nil {
		x.outcome.Endpoint = p.endpoint.ID
	}
	interim := forwardInterim(w, r, p)
	defer interim.end()
	if p.callback != "" && !apispec.ValidCallback(p.callback) {
		e.fail(w, r, &failure{status: http.StatusBadRequest, message: apispec.BadCallback})
		return
	}
	if p.key == "" {
		e.pass(w, r, x, p, interim)
		return
	}
	asked := e.Now()
	x.version = e.aliases.writes.of(p.key).Load()
	f, collapsed, err := e.cached(r.Context(), x, p)
	if x.body != nil {
		defer func() { x.body.close() }()
		if wantsWhole(x, p) {
			f, err = e.wait(r.Context(), x, f)
		}
	}
	x.fetched = e.Now().Sub(asked)
	if errors.Is(err, errPass) {
		e.pass(w, r, x, e.unkeyed(r, x, p), interim)
		return
	}
	interim.end()
	if err == nil && f.response.Status == http.StatusTooManyRequests && !e.vouches() {
		err = &failure{status: http.StatusServiceUnavailable, message: "the origin takes no more requests for now; try again later",
			forwarded: true, retryAfter: seconds(f.response.Header.Get("Retry-After"), 5)}
	}
	if err != nil {
		e.fail(w, r, err)
		return
	}
	e.answer(w, r, x, p, f, collapsed)
}

// answer writes a response that was stored or fetched.
func (e *Edge) answer(w http.ResponseWriter, r *http.Request, x *exchange, p *plan, f *fetched, collapsed bool) {
	now := e.Now()
	cs := rfc9111.CacheStatus{Cache: e.Node, Hit: f.hit, Fwd: f.fwd, FwdStatus: f.status, Stored: f.stored, Collapsed: collapsed, Detail: f.detail}
	if f.hit || f.stored || f.age {
		cs.TTL, cs.HasTTL = int64(f.reuse.TTL/time.Second), true
	}
	extra := make(http.Header, 12)
	one := make([]string, 0, 4) // the values of fields that have one, in one piece
	set := func(name, value string) {
		one = append(one, value)
		extra[name] = one[len(one)-1 : len(one) : len(one)]
	}
	e.mirrorFields(extra, r, x)
	extra["Via"] = e.via(r)
	set("Cache-Status", cs.String())
	for name, earlier := range f.before { // of the hops before this node
		extra[name] = append(slices.Clip(earlier), extra[name]...)
	}
	if f.age {
		set("Age", strconv.FormatInt(int64(rfc9111.CurrentAge(ruled(f.response), now)/time.Second), 10))
	}
	o := &x.outcome
	o.Cache, o.Tier, o.Source = f.fwd, string(f.tier), f.source
	if f.hit {
		o.Cache = "hit"
	}
	set("Server-Timing", serverTiming(x, o.Cache, f))
	if stay := w.Header().Values("Set-Cookie"); len(stay) > 0 { // the stay cookie makes the answer the client's own
		extra.Set("Cache-Control", "private, no-store")
		extra["Set-Cookie"] = append(slices.Clone(stay), f.response.Header.Values("Set-Cookie")...)
	}
	if !collapsed { // else it is another client's
		maps.Copy(extra, f.limits)
	}
	if link := f.response.Header.Values("Link"); len(link) > 0 && len(extra["Link"]) > 0 {
		extra["Link"] = append(slices.Clone(link), extra["Link"]...)
	}
	if x.body != nil && f.arriving != nil {
		e.stream(w, r, x, f, extra)
		return
	}
	key := e.aliasKey(r, x, p, f)
	var record *recorder
	if key != nil {
		record = &recorder{ResponseWriter: w}
		w = record
	}
	src := respond.Source{Status: f.response.Status, Header: f.response.Header, Body: f.response.Body}
	status, _, err := respond.Write(w, r, src, extra, respond.Options{Callback: p.callback, Now: now})
	switch {
	case err != nil && status == 0: // nothing was written: what was stored cannot be sent
		e.Store.Delete(r.Context(), f.response.Key)
		e.Logger.Warn("a stored response is damaged", "target", r.URL.RequestURI(), "error", err)
		e.fail(w, r, &failure{status: http.StatusServiceUnavailable, message: "the stored copy of this answer is damaged and was dropped; try again", retryAfter: 1})
	case err != nil && r.Context().Err() == nil:
		e.Logger.Debug("answer not written", "target", r.URL.RequestURI(), "error", err)
	case err == nil && key != nil:
		e.leaveAlias(record, x, p, f, key, now)
	}
}

// fixed are the values of fields that every answer has. They are shared: to add
// to one is to copy it.
type fixed struct{ any, expose, region, via, private, varyRedirect, text []string }

func newFixed(c Config) fixed {
	expose := "Age, Cache-Status, ETag, Link, Mirror-Nearest, Mirror-Region, Retry-After, Server-Timing, Via, *"
	if c.ClientKeys != nil {
		expose += ", X-RateLimit-Limit, X-RateLimit-Period, X-RateLimit-Remaining, X-RateLimit-Reset"
	}
	return fixed{any: []string{"*"}, expose: []string{expose},
		region: []string{string(c.Region)}, via: []string{"1.1 " + c.Node},
		private: []string{"private, no-store"}, text: []string{"text/plain; charset=utf-8"},
		varyRedirect: []string{"Accept, Cookie, Sec-Fetch-Mode, X-Requested-With, X-Forwarded-For"}}
}

func (e *Edge) via(r *http.Request) []string {
	if r.ProtoMajor == 1 && r.ProtoMinor == 1 {
		return e.fixed.via
	}
	return []string{via(r, e.Node)}
}

// mirrorFields writes what every answer says of this network.
func (e *Edge) mirrorFields(h http.Header, r *http.Request, x *exchange) {
	h["Access-Control-Allow-Origin"], h["Timing-Allow-Origin"] = e.fixed.any, e.fixed.any
	h["Access-Control-Expose-Headers"] = e.fixed.expose
	d := &x.decision
	h["Mirror-Region"] = e.fixed.region
	if d.Region != "" && d.Region != e.Region {
		h["Mirror-Region"] = []string{string(d.Region)}
	}
	switch d.Nearest {
	case "":
		return
	case e.Region:
		h["Mirror-Nearest"] = e.fixed.region
	case d.Region:
		h["Mirror-Nearest"] = h["Mirror-Region"]
	default:
		h["Mirror-Nearest"] = []string{string(d.Nearest)}
	}
	if near, ok := x.world.Map.Region(d.Nearest); ok && d.Nearest != d.Region {
		location := near.URL + r.URL.EscapedPath()
		if x.query != "" {
			location += "?" + linkSafe.Replace(x.query)
		}
		h.Add("Link", "<"+location+`>; rel="alternate"`)
	}
}

// linkSafe writes what would end a Link's target (RFC 8288 §3).
var linkSafe = strings.NewReplacer("<", "%3C", ">", "%3E", `"`, "%22", " ", "%20")

// serverTiming says how long things took, and by a metric without a time which
// tier of the store had the answer. f is nil where there is none.
func serverTiming(x *exchange, cache string, f *fetched) string {
	var buf [80]byte
	b := append(buf[:0], "route;dur="...)
	b = strconv.AppendFloat(b, ms(x.located), 'f', 2, 64)
	b = append(append(append(b, `, cache;desc="`...), cache...), `";dur=`...)
	b = strconv.AppendFloat(b, ms(x.fetched), 'f', 2, 64)
	if f != nil && f.hit && f.tier != "" {
		b = append(append(b, ", "...), f.tier...)
	}
	return string(b)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func seconds(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// fail maps an error to an answer, once for all of them.
func (e *Edge) fail(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r)
	var f *failure
	var none *fetch.Error
	fwd := "uri-miss"
	switch {
	case errors.As(err, &f):
		if !f.forwarded {
			fwd = "" // RFC 9211 §2.2
		}
	case r.Context().Err() != nil:
		f = &failure{status: 499, message: "the client went away"} // nobody reads it; the log tells the case
	case errors.Is(err, fetch.ErrRequestBody):
		f = &failure{status: http.StatusBadRequest, message: "the request's body broke off; send it whole"}
	case errors.As(err, &none) && none.Unusable:
		f = &failure{status: http.StatusBadGateway, message: "the origin gave no usable answer; try again", retryAfter: 5}
	case none == nil && (errors.Is(err, fetch.ErrTime) || errors.Is(err, context.DeadlineExceeded)):
		f = &failure{status: http.StatusGatewayTimeout, message: "no copy of this answer could be had in time; try again", retryAfter: 5}
	default:
		f = &failure{status: http.StatusServiceUnavailable, message: "no origin answers now, and no mirror has a copy of this answer; try again", retryAfter: 5}
	}
	if x.outcome.Source == "" && none != nil && len(none.Attempts) > 0 {
		x.outcome.Source = none.Attempts[len(none.Attempts)-1].Source.Name
	}
	h := w.Header()
	for name := range h {
		h.Del(name)
	}
	e.mirrorFields(h, r, x)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", apispec.JSON)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Status", rfc9111.CacheStatus{Cache: e.Node, Fwd: fwd, Detail: "failed"}.String())
	if f.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	x.outcome.Cache = "uri-miss"
	body, _ := json.Marshal(map[string]string{"error": f.message})
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(f.status)
	if r.Method != http.MethodHead {
		w.Write(append(body, '\n'))
	}
}
