package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"
)

// maxBody bounds what is read of a probe's answer.
const maxBody = 64 << 10

// result is one probe's evidence and what its answer carried.
type result struct {
	sample
	began                   time.Time     // the order of results is that of the probes
	took                    time.Duration // from having a connection on
	release, tag, catalogue string
	said                    Answer // of an edge
}

// client asks one target.
type client = *http.Client

// probeClient gives the client that sends probes: the given one, or one of its
// own, following no redirects.
func probeClient(given *http.Client, roots *x509.CertPool) *http.Client {
	var c http.Client
	if given != nil {
		c = *given
	} else {
		c.Transport = ownTransport("", roots)
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Timeout = 0 // each probe has a context
	return &c
}

// ownTransport expects a certificate for name; "": for the URL's host. roots are
// whose it believes; nil: the system's.
func ownTransport(name string, roots *x509.CertPool) *http.Transport {
	http1 := new(http.Protocols)
	http1.SetHTTP1(true)
	return &http.Transport{
		// A dial outlives its probe, so that a far target gets its connection.
		DialContext:            (&net.Dialer{Timeout: 4 * time.Second}).DialContext,
		TLSHandshakeTimeout:    4 * time.Second,
		Protocols:              http1,
		MaxIdleConnsPerHost:    4, // probes overlap
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: maxBody,
		TLSClientConfig:        &tls.Config{ServerName: name, RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
}

// clientOf gives the client for a target; release ends its use. A target that
// is reached by address and has a name of its own is asked for the certificate
// of that name.
func (h *Health) clientOf(t Target) (c client, release func()) {
	u, err := url.Parse(t.URL)
	if err != nil || h.conf.Client != nil || t.Host == "" || u.Scheme != "https" {
		return h.client, func() {}
	}
	name := (&url.URL{Host: t.Host}).Hostname()
	own := *h.client
	own.Transport = ownTransport(name, h.conf.Roots)
	return &own, own.CloseIdleConnections
}

// probe asks the target once.
func (h *Health) probe(ctx context.Context, c client, t Target, limit time.Duration) result {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start := time.Now()
	var r result
	var err error
	if t.ConnectOnly {
		r.outcome, err = succeeded, h.connect(ctx, t)
		r.took = time.Since(start)
	} else {
		r, err = h.get(ctx, c, t)
	}
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %v", limit.Round(time.Millisecond))
		}
		return result{sample: sample{outcome: failed, err: err.Error()}}
	}
	return r
}

func (h *Health) connect(ctx context.Context, t Target) error {
	addr, err := authority(t.URL)
	if err != nil {
		return err
	}
	c, err := h.dial(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return c.Close()
}

// authority gives the host:port that a URL's connections go to.
func authority(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("health: target %w", err)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if u.Hostname() == "" || port == "" {
		return "", fmt.Errorf("health: target URL %q: write an absolute one, as http://192.0.2.1:8000/info/ping", raw)
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

func (h *Health) get(ctx context.Context, c client, t Target) (result, error) {
	if _, err := authority(t.URL); err != nil {
		return result{}, err
	}
	var mu sync.Mutex // a dial that nobody waits for any more may still report
	asked := time.Now()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		mu.Lock()
		defer mu.Unlock()
		asked = time.Now()
	}})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.URL, nil)
	if err != nil {
		return result{}, err
	}
	req.Host = t.Host
	req.Header.Set("User-Agent", "mirrornet-health")
	resp, err := c.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the target says which URL
		}
		return result{}, err
	}
	mu.Lock()
	took := time.Since(asked)
	mu.Unlock()
	defer resp.Body.Close()
	// Read to the end, so that the connection may be used again; an answer that
	// breaks off is none.
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return result{}, fmt.Errorf("answer broke off: %w", err)
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		r := result{sample: sample{outcome: succeeded}, took: took,
			release: resp.Header.Get("Ensembl-Release"), tag: resp.Header.Get("ETag"), catalogue: resp.Header.Get("Mirror-Catalogue")}
		if t.Kind == Edge {
			r.said = ReadAnswer(body)
		}
		return r, nil
	case resp.StatusCode == http.StatusServiceUnavailable && ReadAnswer(body).State == Draining:
		return result{sample: sample{outcome: drains}}, nil
	}
	return result{}, errors.New(strings.TrimSpace(fmt.Sprintf("status %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))))
}
