package upstream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/cachekey"
	"mirrornet/pkg/collapse"
	"mirrornet/pkg/rfc9111"
	"mirrornet/pkg/store"
)

const (
	maxBody = 16 << 20 // longest body that is stored
	maxPost = 4 << 20  // longest POST body that makes a key
	// keepStale is how long past freshness an answer is kept for failures.
	keepStale = 8 * 24 * time.Hour
	// disconnected is how long a stale answer stands in when nothing says.
	disconnected = 24 * time.Hour
	// fetchTime bounds one request to the API, and patience the wait for it
	// while a stale answer is at hand.
	fetchTime = time.Minute
	patience  = 3 * time.Second
)

// Config configures a [Transport].
type Config struct {
	Base  http.RoundTripper // nil: http.DefaultTransport
	Store store.Store       // nil: a memory store of the default size
	// Catalogue supplies freshness and keys. Nil: plain RFC 9111.
	Catalogue *apispec.Index
	// Prefix is put before each request's path: the API lies below it.
	Prefix string
	// MaxWait is how long a request may wait for the rate limit; 0: 2 s.
	MaxWait time.Duration
	Now     func() time.Time // nil: time.Now
	Logger  *slog.Logger     // nil: none
}

// Transport is an http.RoundTripper that caches. It is safe for concurrent use.
type Transport struct {
	base    http.RoundTripper
	store   store.Store
	prefix  string
	keys    *cachekey.Keys
	maxWait time.Duration
	now     func() time.Time
	logger  *slog.Logger
	pacer   *pacer
	flights collapse.Group[string, *answer]
	changes atomic.Uint64 // unsafe requests: plain keys of before are not asked for again (RFC 9111 §4.4)
}

// New makes a Transport.
func New(c Config) *Transport {
	t := &Transport{base: c.Base, store: c.Store, prefix: strings.TrimSuffix(c.Prefix, "/"), maxWait: c.MaxWait, now: c.Now, logger: c.Logger, pacer: newPacer()}
	if t.base == nil {
		t.base = http.DefaultTransport
	}
	if t.store == nil {
		t.store = store.NewMemory(store.MemoryConfig{})
	}
	if c.Catalogue != nil {
		t.keys = cachekey.New(c.Catalogue)
	}
	if t.maxWait == 0 {
		t.maxWait = 2 * time.Second
	}
	if t.now == nil {
		t.now = time.Now
	}
	if t.logger == nil {
		t.logger = slog.New(slog.DiscardHandler)
	}
	return t
}

// answer is one whole answer. It is shared, and not changed once made.
type answer struct {
	response *store.Response
	stored   bool
	long     io.ReadCloser // the rest of a body that is too long to store
}

// ask is a request as it is made to the API.
type ask struct {
	key      string // "": not for the store
	request  *http.Request
	body     []byte
	endpoint *apispec.Endpoint
	callback string
	rules    rfc9111.Request
	policy   rfc9111.Policy
}

// RoundTrip answers from store, or asks the API. A 429 of the API, and a rate
// limit that would keep the request waiting too long, become a stale answer or
// a 503 with Retry-After.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	q, err := t.ask(r)
	if err != nil {
		return nil, err
	}
	if q.callback != "" && !apispec.ValidCallback(q.callback) {
		return made(r, http.StatusBadRequest, apispec.BadCallback, 0), nil
	}
	if q.key == "" {
		return t.pass(r, q)
	}
	var kept *store.Response
	var reuse rfc9111.Reuse
	if s, _, ok := t.store.Get(r.Context(), q.key); ok && s.Status != 0 {
		reuse = rfc9111.Evaluate(q.rules, ruled(s), q.policy, t.now())
		switch reuse.Verdict {
		case rfc9111.Fresh:
			return t.reply(r, q, s, rfc9111.CacheStatus{Cache: "origin", Hit: true, TTL: int64(reuse.TTL / time.Second), HasTTL: true}, true), nil
		case rfc9111.StaleWhileRevalidate:
			behind := context.WithoutCancel(r.Context())
			go t.flights.Do(behind, q.key, func(ctx context.Context) (*answer, error) { return t.refresh(ctx, q, s) }) // ends after fetchTime at the latest
			return t.reply(r, q, s, rfc9111.CacheStatus{Cache: "origin", Hit: true, TTL: int64(reuse.TTL / time.Second), HasTTL: true, Detail: "stale-while-revalidate"}, true), nil
		case rfc9111.Miss:
		default:
			kept = s
		}
	}
	ctx := r.Context()
	if kept != nil && reuse.StaleIfError {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience) // the fetch goes on for the store
		defer cancel()
	}
	a, shared, err := t.flights.Do(ctx, q.key, func(ctx context.Context) (*answer, error) {
		if kept == nil { // a flight may have ended, and stored, since the look-up
			if s, _, ok := t.store.Get(ctx, q.key); ok && s.Status != 0 && rfc9111.Evaluate(q.rules, ruled(s), q.policy, t.now()).Verdict == rfc9111.Fresh {
				return &answer{response: s, stored: true}, nil
			}
		}
		return t.refresh(ctx, q, kept)
	})
	if err == nil && shared && (!a.stored || a.long != nil) && a.response.Status < 500 {
		a, err = t.refresh(r.Context(), q, kept) // not for sharing
	}
	if err != nil || a.response.Status >= 500 {
		if kept != nil && reuse.StaleIfError {
			if err != nil {
				t.logger.Warn("upstream failed; a stale answer stands in", "target", q.request.URL.RequestURI(), "error", err)
			}
			return t.reply(r, q, kept, rfc9111.CacheStatus{Cache: "origin", Fwd: "stale", Detail: "stale-if-error"}, true), nil
		}
		if b := (*busy)(nil); errors.As(err, &b) {
			return tooBusy(r, b), nil
		}
		if err != nil {
			return nil, err
		}
	}
	fwd := "uri-miss"
	if kept != nil {
		fwd = reuse.Fwd
	}
	return t.reply(r, q, a.response, rfc9111.CacheStatus{Cache: "origin", Fwd: fwd, FwdStatus: a.response.Status, Stored: a.stored, Collapsed: shared}, false, a.long), nil
}

// pass asks the API for an answer that is not for the store.
func (t *Transport) pass(r *http.Request, q *ask) (*http.Response, error) {
	resp, err := t.send(r.Context(), q)
	if b := (*busy)(nil); errors.As(err, &b) {
		return tooBusy(r, b), nil
	}
	if err != nil {
		return nil, err
	}
	if rfc9111.Invalidates(r.Method, resp.StatusCode) {
		t.changes.Add(1)
	}
	dropLimits(resp.Header)
	resp.Header.Add("Cache-Status", rfc9111.CacheStatus{Cache: "origin", Fwd: "bypass", FwdStatus: resp.StatusCode}.String())
	return resp, nil
}

// ask makes the canonical request and its key.
func (t *Transport) ask(r *http.Request) (*ask, error) {
	q := &ask{request: r, rules: rfc9111.Request{Method: r.Method, Header: r.Header}, policy: rfc9111.Policy{StaleIfError: disconnected}}
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	var body []byte
	if r.Method == http.MethodPost && r.Body != nil && r.ContentLength >= 0 && r.ContentLength <= maxPost {
		var err error
		body, err = io.ReadAll(io.LimitReader(r.Body, maxPost))
		r.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("upstream: reading the request's body: %w", err)
		}
		q.request = r.Clone(r.Context())
		q.request.Body = io.NopCloser(bytes.NewReader(body))
		q.body = body
	}
	if r.Header.Get("Authorization") != "" {
		return q, nil
	}
	if t.keys != nil {
		if c, ok := t.keys.Canonical(r, body); ok && !c.Unsafe {
			q.key, q.endpoint, q.callback = c.Key, c.Endpoint, c.Callback
			q.request = r.Clone(r.Context())
			q.request.URL.Path, q.request.URL.RawPath, q.request.URL.RawQuery = "", "", ""
			u, err := r.URL.Parse(c.Target)
			if err != nil {
				return nil, fmt.Errorf("upstream: target %q: %w", c.Target, err)
			}
			q.request.URL = u
			q.request.Header = http.Header{"Accept": {c.Accept}, "User-Agent": {"mirrornet"}}
			if r.Method == http.MethodPost {
				q.policy.StoreUnsafe = true
				q.body = c.Body
				q.request.Header.Set("Content-Type", apispec.JSON)
			} else {
				q.request.Method = http.MethodGet
				q.rules.Method = http.MethodGet
			}
			if d := q.endpoint.Freshness.StaleFor(); d > q.policy.StaleIfError {
				q.policy.StaleIfError = d
			}
			return q, nil
		}
	}
	if safe && r.Method == http.MethodGet && r.Header.Get("Range") == "" {
		q.key = strconv.FormatUint(t.changes.Load(), 10) + " " + cachekey.Plain(r) + "\n" + rfc9111.VaryKey(negotiated, r.Header)
		q.request = r.Clone(r.Context())
		for _, name := range [...]string{"If-None-Match", "If-Modified-Since", "Accept-Encoding"} {
			q.request.Header.Del(name)
		}
	}
	return q, nil
}

// negotiated are the fields that the key of a request without a catalogue
// entry holds.
var negotiated = []string{"Accept", "Accept-Language", "Content-Type"}

// refresh asks the API, with the validators of the kept answer, and stores what
// may be stored.
func (t *Transport) refresh(ctx context.Context, q *ask, kept *store.Response) (*answer, error) {
	ctx = context.WithoutCancel(ctx) // asked once, the answer is for the store
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	sent := *q
	if kept != nil {
		sent.request = q.request.Clone(ctx)
		for name, v := range rfc9111.ConditionalHeader(ruled(kept)) {
			sent.request.Header[name] = v
		}
	}
	begin := t.now()
	resp, err := t.send(ctx, &sent)
	if err == nil && kept != nil && resp.StatusCode == http.StatusNotModified &&
		!rfc9111.Updates(ruled(kept), rfc9111.Response{Status: resp.StatusCode, Header: resp.Header}) {
		resp.Body.Close() // it speaks of another copy: ask for the whole
		kept, begin = nil, t.now()
		resp, err = t.send(ctx, q)
	}
	if err != nil {
		cancel()
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		resp.Body.Close()
		cancel()
		return nil, fmt.Errorf("upstream: the answer broke off: %w", err)
	}
	content := store.NewBody(body)
	got := rfc9111.Response{Status: resp.StatusCode, Header: resp.Header, RequestTime: begin, ResponseTime: t.now()}
	if q.endpoint != nil && got.Header.Get("Cache-Control") == "" && got.Header.Get("Expires") == "" && got.Status != http.StatusNotModified {
		got.Header.Set("Cache-Control", q.endpoint.Freshness.CacheControl(got.Status))
	}
	if got.Status == http.StatusNotModified && kept != nil {
		got = rfc9111.Update(ruled(kept), got, q.policy)
		content = kept.Body
	}
	dropLimits(got.Header)
	if got.Header.Get("ETag") == "" && got.Status == http.StatusOK && len(body) <= maxBody {
		if text, err := content.Identity(); err == nil {
			got.Header.Set("ETag", tag(got.Header.Get("Content-Type"), text))
		}
	}
	if q.endpoint != nil {
		got.Header.Set("Vary", "Accept, Content-Type")
		got.Header.Del("Set-Cookie") // the catalogue says that the answer is the same for all
	}
	a := &answer{response: &store.Response{Key: q.key, Status: got.Status, Header: rfc9111.StoredHeader(got, q.policy), Body: content,
		RequestTime: got.RequestTime, ResponseTime: got.ResponseTime}}
	if len(body) > maxBody {
		a.long = &rest{resp.Body, cancel}
		return a, nil
	}
	resp.Body.Close()
	cancel()
	if ok, _ := rfc9111.Storable(q.rules, got, q.policy); !ok || q.endpoint == nil && !selected(got.Header) {
		return a, nil
	}
	a.stored = true
	lifetime, _ := rfc9111.FreshnessLifetime(got)
	t.store.Put(ctx, a.response, lifetime+keepStale)
	return a, nil
}

type rest struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (r *rest) Close() error {
	defer r.cancel()
	return r.ReadCloser.Close()
}

// selected reports whether the key holds all that the response varies by.
func selected(h http.Header) bool {
	fields, any := rfc9111.VaryFields(h)
	return !any && !slices.ContainsFunc(fields, func(f string) bool {
		return !strings.EqualFold(f, "Accept-Encoding") && !slices.ContainsFunc(negotiated, func(n string) bool { return strings.EqualFold(n, f) })
	})
}

// send makes one request within the rate limit, and again when the API's limit
// was met all the same and the wait is short.
func (t *Transport) send(ctx context.Context, q *ask) (*http.Response, error) {
	left := t.maxWait // for waiting; the API's own time is not counted
	for {
		begin := t.now()
		if err := t.pacer.acquire(ctx, t.now, begin.Add(left)); err != nil {
			return nil, err
		}
		left -= t.now().Sub(begin)
		r := q.request.Clone(ctx)
		if t.prefix != "" {
			if r.URL.RawPath != "" {
				r.URL.RawPath = t.prefix + r.URL.RawPath
			}
			r.URL.Path = t.prefix + r.URL.Path
		}
		if q.body != nil {
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(q.body)), int64(len(q.body))
		}
		resp, err := t.base.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		t.pacer.observe(resp, t.now())
		if resp.StatusCode != http.StatusTooManyRequests {
			return resp, nil
		}
		io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
		resp.Body.Close()
		if r.Body != nil && q.body == nil { // it went with the first try
			return nil, &busy{t.maxWait}
		}
	}
}

func ruled(s *store.Response) rfc9111.Response {
	return rfc9111.Response{Status: s.Status, Header: s.Header, RequestTime: s.RequestTime, ResponseTime: s.ResponseTime}
}

// reply makes the client's response of a stored or fetched one.
func (t *Transport) reply(r *http.Request, q *ask, s *store.Response, cs rfc9111.CacheStatus, aged bool, long ...io.ReadCloser) *http.Response {
	h, body := s.Header.Clone(), s.Body
	if q.callback != "" && s.Status == http.StatusOK {
		if text, err := body.Identity(); err == nil && json.Valid(text) {
			text = slices.Concat([]byte(q.callback), []byte("("), text, []byte(");"))
			body = store.NewBody(text)
			h.Set("Content-Type", apispec.JSONP+"; charset=UTF-8")
			h.Set("ETag", tag(apispec.JSONP, text))
		}
	}
	h.Set("Cache-Status", cs.String())
	if aged {
		h.Set("Age", strconv.FormatInt(int64(rfc9111.CurrentAge(ruled(s), t.now())/time.Second), 10))
	}
	resp := &http.Response{StatusCode: s.Status, Status: fmt.Sprintf("%d %s", s.Status, http.StatusText(s.Status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Request: r, ContentLength: int64(body.Len()), Body: &whole{body: body}}
	if len(long) > 0 && long[0] != nil {
		resp.ContentLength = -1
		resp.Body = joined{io.MultiReader(&whole{body: body}, long[0]), long[0]}
	} else {
		h.Set("Content-Length", strconv.Itoa(body.Len()))
	}
	if r.Method == http.MethodHead {
		resp.Body.Close()
		resp.Body = http.NoBody
	}
	return resp
}

// whole is a body that is in memory, decoded when it is read.
type whole struct {
	body store.Body
	text *bytes.Reader // nil: nothing was read yet
}

func (b *whole) Read(p []byte) (int, error) {
	if b.text == nil {
		text, err := b.body.Identity()
		if err != nil {
			return 0, err
		}
		b.text = bytes.NewReader(text)
	}
	return b.text.Read(p)
}

func (*whole) Close() error { return nil }

type joined struct {
	io.Reader
	io.Closer
}

// tooBusy tells a client when to come again.
func tooBusy(r *http.Request, b *busy) *http.Response {
	return made(r, http.StatusServiceUnavailable, "the API behind this server takes no more requests for now; try again later", int(b.retryAfter/time.Second)+1)
}

// made is an error that this server answers itself.
func made(r *http.Request, status int, message string, retryAfter int) *http.Response {
	text, _ := json.Marshal(map[string]string{"error": message})
	h := http.Header{"Content-Type": {apispec.JSON}, "Cache-Control": {"no-store"},
		"Cache-Status": {rfc9111.CacheStatus{Cache: "origin", Fwd: "uri-miss", Detail: "failed"}.String()}}
	if retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Request: r, ContentLength: int64(len(text)), Body: &whole{body: store.NewBody(text)}}
}

// dropLimits takes out what the API says of this server's own use of it.
func dropLimits(h http.Header) {
	for name := range h {
		if strings.HasPrefix(name, "X-Ratelimit") || strings.HasPrefix(name, "Ratelimit") {
			h.Del(name)
		}
	}
}

func tag(contentType string, body []byte) string {
	sum := sha256.New()
	io.WriteString(sum, contentType+"\n")
	sum.Write(body)
	return `"` + hex.EncodeToString(sum.Sum(nil)[:16]) + `"`
}
