package main

import (
	"context"
	"log/slog"
	"net/http"

	"mirrornet/pkg/origin"
)

// standBefore is not there yet.
func standBefore(raw string, logger *slog.Logger) (http.Handler, func(context.Context, *origin.Handler) error, error) {
	return nil, nil, configErrorf("--upstream is not supported by this build")
}
