package edge

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/geo"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/route"
)

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
	hops       int       // of this network's nodes that forwarded it
	hop        fetch.Hop // what the last of them said of it, if it is believed
	waits      bool      // another edge waits for a sign of life
	navigation bool      // see [route.Navigation]
	decided    bool      // place and decision are known
	decision   route.Decision
	located    time.Duration // time to locate and decide
	fetched    time.Duration // time until the source's answer was there
	outcome    observe.Outcome
	series     *observe.Series // that counts the outcome; nil: to be found
	body       *reader         // of an answer that is still arriving
	meter      meter
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange { return r.Context().Value(exchangeKey{}).(*exchange) }

// begin opens the exchange and, once the answer is written, counts and logs it.
// Reads are decided at once: most answers of some nodes are redirects, and need
// nothing of what the others do.
func (e *Edge) begin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, ok := e.exchanges.Get().(*exchange)
		if !ok {
			x = new(exchange)
		}
		x.generation, x.start, x.world, x.client, x.hops = e.aliases.generation.Load(), e.Now(), e.world.Load(), e.clientOf(r), fetch.Hops(r.Header)
		e.receive(r, x)
		x.steering, x.query = cutSteering(r.URL.RawQuery, r.Header)
		o := &x.outcome
		o.Start, o.Client, o.Method, o.Host, o.Target, o.Action = x.start, x.client, r.Method, r.Host, r.RequestURI, "self"
		if !strings.HasPrefix(o.Target, "/") {
			o.Target = r.URL.RequestURI()
		}
		x.meter.ResponseWriter = w
		defer e.end(x)
		defer e.recovered(x, r)
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && x.hops == 0 && !answersItself(r.URL.Path) {
			if e.route(r, x); x.decision.Action == route.Redirect {
				e.redirect(&x.meter, r, x)
				return
			}
		}
		next.ServeHTTP(&x.meter, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
	})
}

// end counts and logs an answer; one that is cut counts too.
func (e *Edge) end(x *exchange) {
	o := &x.outcome
	o.Duration, o.Status, o.Bytes = e.Now().Sub(x.start), x.meter.status, x.meter.bytes
	if x.series == nil {
		x.series = e.Metrics.Series(*o)
	}
	x.series.Add(o.Duration, o.Bytes)
	if o.Action != "self" && x.ofSibling() {
		e.load.siblings.Add(1)
	}
	if e.AccessLog != nil {
		observe.LogAccess(e.AccessLog, *o)
	}
	if o.Action == string(route.Redirect) && x.series != nil { // nobody else has seen it
		*x = exchange{}
		e.exchanges.Put(x)
	}
}

// recovered turns a panic into a 500 for its own request alone.
func (e *Edge) recovered(x *exchange, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	if x.meter.status != 0 {
		panic(http.ErrAbortHandler) // begun already: it must not look whole
	}
	e.Logger.Error("panic while answering", "target", r.URL.RequestURI(), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	http.Error(&x.meter, `{"error":"internal error"}`, http.StatusInternalServerError)
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

// WriteString is Write.
func (m *meter) WriteString(s string) (int, error) {
	if m.status == 0 {
		m.status = http.StatusOK
	}
	n, err := io.WriteString(m.ResponseWriter, s)
	m.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (m *meter) Unwrap() http.ResponseWriter { return m.ResponseWriter }
