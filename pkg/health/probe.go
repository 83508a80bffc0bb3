package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody bounds what is read of a probe's answer.
const maxBody = 64 << 10

// result is one probe's evidence and what its answer carried.
type result struct {
	sample
	took         time.Duration
	release, tag string
}

// probeClient gives the client that sends probes: the given one, or one of its
// own, following no redirects.
func probeClient(given *http.Client) *http.Client {
	var c http.Client
	if given != nil {
		c = *given
	} else {
		http1 := new(http.Protocols)
		http1.SetHTTP1(true)
		c.Transport = &http.Transport{
			Protocols:              http1,
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: maxBody,
		}
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Timeout = 0 // each probe has a context
	return &c
}

// probe asks the target once.
func (h *Health) probe(ctx context.Context, t Target) result {
	ctx, cancel := context.WithTimeout(ctx, h.conf.Timeout)
	defer cancel()
	start := time.Now()
	var r result
	var err error
	if t.ConnectOnly {
		r.outcome, err = succeeded, h.connect(ctx, t)
	} else {
		r, err = h.get(ctx, t)
	}
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %v", h.conf.Timeout)
		}
		return result{sample: sample{outcome: failed, err: err.Error()}}
	}
	r.took = time.Since(start)
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

func (h *Health) get(ctx context.Context, t Target) (result, error) {
	if _, err := authority(t.URL); err != nil {
		return result{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.URL, nil)
	if err != nil {
		return result{}, err
	}
	req.Host = t.Host
	req.Header.Set("User-Agent", "mirrornet-health")
	resp, err := h.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the target says which URL
		}
		return result{}, err
	}
	defer resp.Body.Close()
	// Read to the end, so that the connection may be used again; an answer that
	// breaks off is none.
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return result{}, fmt.Errorf("answer broke off: %w", err)
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		return result{
			sample:  sample{outcome: succeeded},
			release: resp.Header.Get("Ensembl-Release"),
			tag:     resp.Header.Get("ETag"),
		}, nil
	case resp.StatusCode == http.StatusServiceUnavailable && saysDraining(body):
		return result{sample: sample{outcome: drains}}, nil
	}
	return result{}, errors.New(strings.TrimSpace(fmt.Sprintf("status %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))))
}

// saysDraining reads an edge's answer to a health probe.
func saysDraining(body []byte) bool {
	var answer struct {
		State State `json:"state"`
	}
	return json.Unmarshal(body, &answer) == nil && answer.State == Draining
}
