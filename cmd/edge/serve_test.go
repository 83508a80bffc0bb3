package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mirrornet/pkg/edge"
	"mirrornet/pkg/store/storetest"
)

// listening is a log handler that tells the address of a node that serves.
type listening chan string

func (listening) Enabled(context.Context, slog.Level) bool { return true }
func (l listening) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l listening) WithGroup(string) slog.Handler          { return l }
func (l listening) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "serving" {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "http" {
				l <- a.Value.String()
			}
			return true
		})
	}
	return nil
}

// A node serves from either tier alone, and from both.
func TestServeByTiers(t *testing.T) {
	for name, memory := range map[string]int64{"memory": 32 << 20, "memcached": 0, "both": 32 << 20} {
		t.Run(name, func(t *testing.T) {
			origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				_, _ = io.WriteString(w, "hello")
			}))
			defer origin.Close()
			base, err := url.Parse(origin.URL)
			if err != nil {
				t.Fatal(err)
			}
			regions := t.TempDir()
			for file, text := range map[string]string{
				"network.yaml": "canonical: [http://rest.test]\nhome: asia\n",
				"asia.yaml":    "title: Asia\nurl: http://asia.test\nlocation: {lat: 1.35, lon: 103.8, country: SG}\n",
			} {
				if err := os.WriteFile(filepath.Join(regions, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			c := config{node: "asia-1", region: "asia", regions: regions, listen: "127.0.0.1:0", origins: []*url.URL{base}, catalogue: edge.None, memory: memory}
			if name != "memory" {
				c.memcached = []string{storetest.Memcached(t).Socket}
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			serving, ended := make(listening, 1), make(chan error, 1)
			go func() { ended <- serve(ctx, c, slog.New(serving)) }()
			var address string
			select {
			case address = <-serving:
			case err := <-ended:
				t.Fatal(err)
			}
			statuses := []string{"fwd=uri-miss", "hit", "hit", "hit"}
			for i, want := range statuses {
				resp, err := http.Get("http://" + address + "/x")
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if got := resp.Header.Get("Cache-Status"); err != nil || string(body) != "hello" || !strings.HasPrefix(got, "asia-1; "+want) {
					t.Errorf("request %d: %q, %s, %v", i, body, got, err)
				}
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}
