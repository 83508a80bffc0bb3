package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/respond"
	"mirrornet/pkg/rfc9111"
	"mirrornet/pkg/store"
)

// HandlerConfig configures [NewHandler].
type HandlerConfig struct {
	URL       *url.URL // scheme and authority of the API; a path below which it lies is the Transport's Prefix
	Transport *Transport
	Logger    *slog.Logger // nil: none
}

type handler struct {
	HandlerConfig
}

// NewHandler serves an API through a Transport: under its own authority as
// Host, without clients' cookies, with conditional requests and ranges
// answered here.
func NewHandler(c HandlerConfig) http.Handler {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &handler{c}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := r.Clone(r.Context())
	out.URL = &url.URL{Scheme: h.URL.Scheme, Host: h.URL.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	out.RequestURI, out.Host = "", ""
	rfc9111.RemoveHopByHop(out.Header)
	for _, name := range [...]string{"Cookie", "Forwarded", "X-Forwarded-Host", "Range", "If-Range", "If-None-Match", "If-Modified-Since", "If-Match",
		"If-Unmodified-Since", "Accept-Encoding"} {
		out.Header.Del(name)
	}
	if r.ContentLength == 0 {
		out.Body = http.NoBody
	}
	resp, err := h.Transport.RoundTrip(out)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	defer resp.Body.Close()
	rfc9111.RemoveHopByHop(resp.Header)
	resp.Header.Del("Set-Cookie")
	h.relative(resp.Header)
	resp.Header.Set("Access-Control-Allow-Origin", "*")
	resp.Header.Add("Via", "1.1 origin")
	if b, ok := resp.Body.(*whole); ok || resp.Body == http.NoBody {
		var body store.Body
		if ok {
			body = b.body
		}
		if r.Method == http.MethodHead && !ok {
			h.head(w, resp)
			return
		}
		resp.Header.Del("Content-Length")
		if _, _, err := respond.Write(w, r, respond.Source{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil, respond.Options{Now: time.Now()}); err != nil && r.Context().Err() == nil {
			h.Logger.Debug("answer not written", "target", r.URL.RequestURI(), "error", err)
		}
		return
	}
	put(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(w, resp.Body); err != nil && r.Context().Err() == nil {
		panic(http.ErrAbortHandler) // a cut body must not look whole
	}
}

func (h *handler) head(w http.ResponseWriter, resp *http.Response) {
	put(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
}

func put(h, fields http.Header) {
	for name, v := range fields {
		h[name] = v
	}
}

// relative makes a Location on the API's own authority one on ours.
func (h *handler) relative(header http.Header) {
	u, err := url.Parse(header.Get("Location"))
	if err != nil || u.Host != h.URL.Host || u.Host == "" {
		return
	}
	path := strings.TrimPrefix(u.EscapedPath(), h.Transport.prefix)
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	header.Set("Location", path)
}

func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, text := http.StatusBadGateway, "the API behind this server gave no usable answer; try again"
	var timeout net.Error
	var op *net.OpError
	switch {
	case r.Context().Err() != nil && !errors.Is(r.Context().Err(), context.DeadlineExceeded):
		return // nobody is there to read it
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		status, text = http.StatusGatewayTimeout, "the API behind this server did not answer in time; try again"
	case errors.As(err, &op), errors.Is(err, io.EOF):
		status, text = http.StatusServiceUnavailable, "the API behind this server does not answer; try again"
	}
	h.Logger.Warn("upstream failed", "target", r.URL.RequestURI(), "error", err)
	w.Header().Set("Content-Type", apispec.JSON)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "5")
	w.WriteHeader(status)
	body, _ := json.Marshal(map[string]string{"error": text})
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "%s\n", body)
	}
}
