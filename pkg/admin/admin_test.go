package admin

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	reloads := 0
	h := func(token string) http.Handler {
		return New(Config{Hosts: []string{"198.51.100.7"}, Token: token, Reload: func() error { reloads++; return nil },
			Ready: func() error { return errors.New("draining") }, Status: func() any { return map[string]int{"nodes": 3} }})
	}
	tests := []struct {
		name, token, method, path, host, remote string
		header                                  map[string]string
		status                                  int
		body                                    string
	}{
		{name: "loopback name", method: "GET", path: "/livez", host: "localhost:9080", status: 200, body: "ok"},
		{name: "loopback v6", method: "GET", path: "/livez", host: "[::1]:9080", status: 200, body: "ok"},
		{name: "own address", method: "GET", path: "/status.json", host: "198.51.100.7:9080", status: 200, body: `"nodes": 3`},
		{name: "rebound name", method: "GET", path: "/status.json", host: "evil.example:9080", status: 403, body: "own address"},
		{name: "not ready", method: "GET", path: "/readyz", host: "localhost", status: 503, body: "draining"},
		{name: "cross-site", method: "GET", path: "/livez", host: "localhost", header: map[string]string{"Sec-Fetch-Site": "cross-site"}, status: 403, body: "another site"},
		{name: "foreign Origin", method: "POST", path: "/reload", host: "localhost", header: map[string]string{"Origin": "https://evil.example"}, status: 403, body: "another site"},
		{name: "POST on loopback", method: "POST", path: "/reload", host: "localhost", remote: "127.0.0.1:4", status: 200, body: "true"},
		{name: "POST from afar without a token set", method: "POST", path: "/reload", host: "198.51.100.7", remote: "203.0.113.4:4", status: 403, body: "loopback alone"},
		{name: "POST without the token", token: "s3cret", method: "POST", path: "/reload", host: "localhost", remote: "127.0.0.1:4", status: 403, body: "Bearer TOKEN"},
		{name: "POST with a wrong token", token: "s3cret", method: "POST", path: "/reload", host: "localhost", header: map[string]string{"Authorization": "Bearer s3cre"}, status: 403, body: "Bearer TOKEN"},
		{name: "POST with the token", token: "s3cret", method: "POST", path: "/reload", host: "localhost", header: map[string]string{"Authorization": "Bearer s3cret"}, status: 200, body: "true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.path, nil)
			r.Host = tt.host
			if tt.remote != "" {
				r.RemoteAddr = tt.remote
			}
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			h(tt.token).ServeHTTP(w, r)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.body) {
				t.Errorf("%d %q, want %d with %q", w.Code, w.Body, tt.status, tt.body)
			}
		})
	}
	if reloads != 2 {
		t.Errorf("reloaded %d times, want 2", reloads)
	}
}
