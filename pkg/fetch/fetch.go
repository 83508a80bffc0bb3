// Package fetch gets an answer from whoever may have one: the origins in order
// of preference, then other regions. It asks one source after the other until
// one answers, guards against loops (CDN-Loop, RFC 8586), and reports each
// attempt, so that health learns from real requests.
//
// Who is asked, and in which order, is the caller's business; fetch only walks
// the list.
//
// # Decisions
//
// 2026-11-23: a 5xx answer moves on to the next source only for requests that
// may be repeated; the last 5xx is kept and handed out when nobody does
// better, because the API's own error says more than ours would.
//
// 2026-11-25: a hop's signature is over the whole text of its field and over
// what the request asks for, not over its body (which streams) nor over other
// fields (which a proxy between may touch). It is good for a minute either way, and
// nothing remembers which were seen: who repeats one within that time can only ask the
// same again, for the same client; a signature is no leave to do anything,
// it says for whom an edge asks.
//
// 2026-11-25: without gossip keys hops are written unsigned; who receives them
// decides whether to believe them.
package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"mirrornet/pkg/vouch"
)

// Kind is what a source is to this node.
type Kind string

const (
	Origin  Kind = "origin"
	Sibling Kind = "sibling" // another node of this region
	Parent  Kind = "parent"  // a node of the region that this one asks before its origins
	Region  Kind = "region"  // another region's node
)

// Edge reports whether it is a node of this network.
func (k Kind) Edge() bool { return k != Origin }

// Source is somebody who may answer.
type Source struct {
	Kind Kind
	Name string   // as health and logs know it: the origin's URL, or the node's name
	URL  *url.URL // scheme and authority; a path is a prefix
	// Host is sent as the Host field. Empty: the URL's authority, since an
	// origin gets its own name and never the client's.
	Host string
	// Life bounds the wait for the first sign of life: a head, or an interim
	// response, after which it has its time. 0: only Wait counts.
	Life time.Duration
	// Up ends when the source is found not to answer: [Client.Do] then goes on to
	// the next one, where the request may be repeated. Nil: it waits.
	Up context.Context
}

// Request is what is asked of each source.
type Request struct {
	Method string
	Target string // escaped path and query
	Header http.Header
	Body   io.Reader // nil: none
	// ContentLength of Body; -1: unknown.
	ContentLength int64
	// Trailer has the names of the fields that follow a Body of unknown length,
	// and their values once it was read to its end.
	Trailer http.Header
	// Client and Proto are what other edges are told of the request: whose it
	// is, and the scheme that was used. Origins are told the client where they
	// share a key with this node.
	Client netip.Addr
	Proto  string
	// Repeatable says that asking twice does no harm: a safe method, or a POST
	// that the catalogue declares safe. Other requests go to the next source
	// only when the connection failed before a byte was sent.
	Repeatable bool
	// Wait bounds the wait for one source's answer head, from when it last took
	// something of a body; 0: as configured.
	Wait time.Duration
	// Total bounds the wait for a head from all sources together; 0: no bound.
	Total time.Duration
	// Interim is told of each 1xx response but 100 and 101, and of 102 by other
	// edges (which is for us), from a goroutine of its own. Nil: they are dropped.
	Interim func(status int, h http.Header)
}

// Attempt is one source asked, and what came of it.
type Attempt struct {
	Source   Source
	Err      error // nil: it answered
	Status   int
	Duration time.Duration // until the answer's head
}

// Answer is the response of one source. The caller closes Response.Body.
type Answer struct {
	Response    *http.Response
	Source      Source
	RequestTime time.Time // of the attempt that answered: RFC 9111 §4.2.3
	Attempts    []Attempt
}

// Error says that no source answered.
type Error struct {
	Attempts []Attempt
	// Unusable says that something answered, but not in HTTP that can be used.
	Unusable bool
	// Unsent says that no source was sent a byte: the request was never made.
	Unsent bool
	cause  error
}

func (e *Error) Error() string {
	if len(e.Attempts) == 0 {
		return "fetch: nobody to ask"
	}
	last := e.Attempts[len(e.Attempts)-1]
	return fmt.Sprintf("fetch: no answer from %d source(s), last %s: %v", len(e.Attempts), last.Source.Name, last.Err)
}

func (e *Error) Unwrap() error { return e.cause }

// Config configures a [Client].
type Config struct {
	// Node names this node in CDN-Loop.
	Node string
	// Transport sends requests. Nil: a transport of its own, without the
	// environment's proxies, with short dial timeouts.
	Transport http.RoundTripper
	// HeaderTimeout bounds the wait for one source's answer head; 0: 30 s.
	HeaderTimeout time.Duration
	// HopKeys sign requests to other edges; asked each time. Nil: nothing is said
	// to them of a request.
	HopKeys func() *HopKeys
	// ClientKeys sign for whom origins are asked; asked each time. Nil, or none:
	// they are not told.
	ClientKeys func() *vouch.Keys
	Now        func() time.Time // nil: time.Now
	// Report is told of each attempt that ended for a reason other than the
	// caller's own context. Nil: nobody. It must not block.
	Report func(Attempt)
}

// Client asks sources. It is safe for concurrent use.
type Client struct {
	transport http.RoundTripper
	node      string
	loop      string
	timeout   time.Duration
	hopKeys   func() *HopKeys
	vouch     func() *vouch.Keys
	now       func() time.Time
	report    func(Attempt)
}

// New makes a Client.
func New(c Config) *Client {
	if c.Transport == nil {
		c.Transport = NewTransport(nil)
	}
	if c.HeaderTimeout == 0 {
		c.HeaderTimeout = 30 * time.Second
	}
	if c.Report == nil {
		c.Report = func(Attempt) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.ClientKeys == nil {
		c.ClientKeys = func() *vouch.Keys { return nil }
	}
	return &Client{c.Transport, c.Node, loopMember(c.Node), c.HeaderTimeout, c.HopKeys, c.ClientKeys, c.Now, c.Report}
}

// Do asks the sources in order and gives the first usable answer, or an
// [*Error], or [ErrTime], or the context's error.
func (c *Client) Do(ctx context.Context, sources []Source, req Request) (*Answer, error) {
	fail := &Error{Unsent: true}
	var kept *Answer // the last 5xx
	body := newBody(req)
	began := time.Now()
	for i, src := range sources {
		sent, wait, last := time.Now(), c.timeout, false
		at := c.now()
		if req.Wait > 0 {
			wait = req.Wait
		}
		if left := req.Total - sent.Sub(began); req.Total > 0 && left < wait {
			wait, last = left, true
		}
		got, err := c.ask(ctx, src, req, body, wait)
		resp := got.resp
		fail.Unsent = fail.Unsent && !got.sent
		a := Attempt{Source: src, Err: err, Duration: time.Since(sent)}
		if resp != nil {
			a.Status = resp.StatusCode
		}
		if ctx.Err() != nil {
			if resp != nil {
				resp.Body.Close()
			}
			if kept != nil {
				kept.Response.Body.Close()
			}
			return nil, context.Cause(ctx)
		}
		if body.err() != nil { // the client's fault, and the end of it
			if resp != nil {
				resp.Body.Close()
			}
			return nil, fmt.Errorf("%w: %w", ErrRequestBody, body.err())
		}
		if last && (errors.Is(err, errHeaderTimeout) || errors.Is(err, errNoLife) && wait <= src.Life) { // it is our time that is over
			if kept != nil {
				break
			}
			return nil, ErrTime
		}
		switch {
		case errors.Is(err, errLost): // that is known
		case !got.alive || !errors.Is(err, errHeaderTimeout): // else it works, and waits for others itself
			c.report(a)
		}
		fail.Attempts = append(fail.Attempts, a)
		if err != nil {
			fail.cause = err
			if !unanswered(err) {
				fail.Unusable = true
			}
			if !req.Repeatable && got.sent || !body.rewind() {
				break
			}
			continue
		}
		answer := &Answer{Response: resp, Source: src, RequestTime: at}
		if resp.StatusCode >= 500 && req.Repeatable && i+1 < len(sources) && body.rewind() {
			kept = replace(kept, answer)
			continue
		}
		if kept != nil {
			if resp.StatusCode >= 500 {
				kept, answer = answer, kept
			}
			kept.Response.Body.Close()
		}
		answer.Attempts = fail.Attempts
		return answer, nil
	}
	if kept != nil {
		kept.Attempts = fail.Attempts
		return kept, nil
	}
	return nil, fail
}

func replace(old, answer *Answer) *Answer {
	if old != nil {
		old.Response.Body.Close()
	}
	return answer
}

// asked is what came of asking one source.
type asked struct {
	resp  *http.Response // nil: an error
	alive bool           // it gave a sign of life
	sent  bool           // a byte may have been sent
}

// ask sends the request to one source. The header timeout covers the head
// alone; the body is bounded by ctx.
func (c *Client) ask(ctx context.Context, src Source, req Request, body *body, wait time.Duration) (got asked, err error) {
	if wait <= 0 {
		return got, errHeaderTimeout
	}
	ctx, cancel := context.WithCancelCause(ctx)
	p := newPatience(src.Life, wait, cancel)
	var seeking, found atomic.Bool // a connection
	trace := &httptrace.ClientTrace{
		GetConn: func(string) { seeking.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { found.Store(true) },
	}
	if req.Interim != nil || src.Life > 0 {
		trace.Got1xxResponse = func(status int, h textproto.MIMEHeader) error {
			p.live()
			if status > http.StatusSwitchingProtocols && req.Interim != nil && !(status == http.StatusProcessing && src.Kind.Edge()) {
				req.Interim(status, http.Header(h))
			}
			return nil
		}
	}
	target := strings.ReplaceAll(req.Target, "#", "%23") // there are no fragments in a request: what a client sent so is data
	out, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), req.Method, src.URL.Scheme+"://"+src.URL.Host+src.URL.EscapedPath()+target, body.reader(p.more))
	if err != nil {
		cancel(nil)
		p.end()
		return got, fmt.Errorf("fetch: target %q: %w", req.Target, err)
	}
	for name, values := range req.Header {
		out.Header[name] = slices.Clip(values) // Add below must not write into the caller's
	}
	out.Header.Add("CDN-Loop", c.loop)
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header.Set("User-Agent", "mirrornet")
	}
	out.Host = src.Host
	delete(out.Header, HopField)
	if src.Kind.Edge() && c.hopKeys != nil {
		out.Header[HopField] = []string{c.hopKeys().Sign(Hop{c.node, req.Client, req.Proto, c.now()},
			Asked{out.Method, out.URL.RequestURI(), cmp.Or(out.Host, out.URL.Host)})}
	}
	delete(out.Header, vouch.Field)
	if keys := c.vouch(); keys != nil && src.Kind == Origin {
		out.Header[vouch.Field] = []string{keys.Sign(req.Client, c.now())}
	}
	if req.Body != nil {
		out.ContentLength, out.Trailer = req.ContentLength, req.Trailer
	}
	if body.once == nil { // it is all here: there is nothing to wait for
		delete(out.Header, "Expect")
	}
	stop := func() bool { return true }
	if src.Up != nil && req.Repeatable {
		stop = context.AfterFunc(src.Up, func() { cancel(errLost) })
	}
	resp, err := c.transport.RoundTrip(out)
	stop()
	timer := p.end()
	got.alive = p.alive.Load()
	if err != nil {
		var dial *net.OpError
		got.sent = !(seeking.Load() && !found.Load() || errors.As(err, &dial) && dial.Op == "dial")
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		cancel(nil)
		return got, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 599 {
		resp.Body.Close()
		cancel(nil)
		got.sent = true
		return got, fmt.Errorf("%w: status %d", errNotFinal, resp.StatusCode)
	}
	resp.Body = &cancelOnClose{resp.Body, cancel, timer}
	return asked{resp, true, true}, nil
}

// ErrTime says that no source answered within the request's Total.
var ErrTime = errors.New("fetch: no source answered in time")

// ErrRequestBody says that the request's own body could not be read to its
// end. No source is to blame.
var ErrRequestBody = errors.New("fetch: the request's body broke off")

var (
	errHeaderTimeout = errors.New("fetch: no answer head in time")
	errNoLife        = errors.New("fetch: no sign of life in time")
	errNotFinal      = errors.New("fetch: not a final response of HTTP")
	errLost          = errors.New("fetch: the source was found not to answer")
)

// Within bounds the time for reading the body, from now on; 0 lifts the bound.
// A read that takes longer fails.
func (a *Answer) Within(d time.Duration) {
	b := a.Response.Body.(*cancelOnClose)
	if d > 0 {
		b.timer.Reset(d)
	} else {
		b.timer.Stop()
	}
}

type cancelOnClose struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
	timer  *time.Timer // cancels it
}

func (b *cancelOnClose) Close() error {
	err := b.ReadCloser.Close()
	b.timer.Stop()
	b.cancel(nil)
	return err
}

// unanswered reports whether the source said nothing at all, rather than
// something that is not HTTP.
func unanswered(err error) bool {
	var op net.Error
	return errors.Is(err, errHeaderTimeout) || errors.Is(err, errNoLife) || errors.Is(err, errLost) || errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
