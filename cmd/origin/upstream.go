package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl/all"
	"mirrornet/pkg/origin"
	"mirrornet/pkg/upstream"
)

// releaseEvery is how often the API behind is asked for its release.
const releaseEvery = time.Minute

// standBefore makes the handler that serves the API at raw, and a function
// that follows that API's release for the catalogue.
func standBefore(raw string, logger *slog.Logger) (http.Handler, func(context.Context, *origin.Handler) error, error) {
	base, err := url.Parse(raw)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.RawQuery != "" {
		return nil, nil, configErrorf("--upstream %q is no base URL; write one like https://rest.ensembl.org", raw)
	}
	for len(base.Path) > 0 && base.Path[len(base.Path)-1] == '/' {
		base.Path = base.Path[:len(base.Path)-1]
	}
	base.RawPath = ""
	spec, err := origin.Catalogue(origin.Config{Modules: all.Modules()})
	if err != nil {
		return nil, nil, err
	}
	ix, err := apispec.NewIndex(spec)
	if err != nil {
		return nil, nil, err
	}
	transport := upstream.New(upstream.Config{Catalogue: ix, Prefix: base.Path, Logger: logger})
	h := upstream.NewHandler(upstream.HandlerConfig{URL: base, Transport: transport, Logger: logger})
	follow := func(ctx context.Context, h *origin.Handler) error {
		tick := time.NewTicker(releaseEvery)
		defer tick.Stop()
		for {
			if release := releaseOf(ctx, transport, base); release != "" {
				if err := h.SetRelease(release); err != nil {
					return err
				}
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil
			}
		}
	}
	return h, follow, nil
}

// releaseOf asks the API for the release of its data; "" when it does not say.
func releaseOf(ctx context.Context, t *upstream.Transport, base *url.URL) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.Scheme+"://"+base.Host+"/info/data", nil)
	if err != nil {
		return ""
	}
	req.Header.Set("Accept", apispec.JSON)
	resp, err := t.RoundTrip(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var data struct{ Releases []int }
	if resp.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&data) != nil || len(data.Releases) == 0 {
		return ""
	}
	return strconv.Itoa(data.Releases[len(data.Releases)-1])
}
