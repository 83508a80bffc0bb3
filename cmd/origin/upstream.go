package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"mirrornet/pkg/origin"
)

// standBefore makes the handler that stands in front of the server at raw, and
// a function that runs beside it and follows that server's release. The caching
// transport that it needs is not written yet, so every URL is refused.
func standBefore(raw string, _ *slog.Logger) (http.Handler, func(context.Context, *origin.Handler) error, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, nil, configErrorf("--upstream %q; write an absolute URL, as https://rest.ensembl.org", raw)
	}
	return nil, nil, configErrorf("--upstream cannot be used yet: this build has no caching transport; serve from a genome file with --db")
}
