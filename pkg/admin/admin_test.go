package admin

import (
	"context"
	"errors"
	"io"
	"net"
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

// A listener on 0.0.0.0 is asked by the address at which the connection arrives,
// and by no other.
func TestOwnAddress(t *testing.T) {
	h := New(Config{Hosts: []string{"0.0.0.0"}, Status: func() any { return "fine" }})
	for _, c := range []struct {
		local  net.Addr
		host   string
		status int
	}{
		{&net.TCPAddr{IP: net.IPv4(172, 31, 84, 10), Port: 9080}, "172.31.84.10:9080", 200},
		{&net.TCPAddr{IP: net.IPv4(172, 31, 84, 10), Port: 9080}, "172.31.84.10", 200},
		{&net.TCPAddr{IP: net.IPv4(172, 31, 84, 10), Port: 9080}, "[::ffff:172.31.84.10]:9080", 200},
		{&net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 9080}, "[2001:db8:0::7]:9080", 200},
		{&net.TCPAddr{IP: net.ParseIP("fe80::7"), Port: 9080, Zone: "eth0"}, "[fe80::7]:9080", 200},
		{&net.TCPAddr{IP: net.IPv4(172, 31, 84, 10), Port: 9080}, "172.31.84.11:9080", 403},
		{&net.TCPAddr{IP: net.IPv4(172, 31, 84, 10), Port: 9080}, "172.31.84.10.evil.example:9080", 403},
		{&net.TCPAddr{IP: net.IPv4(172, 31, 84, 10), Port: 9080}, "evil.example:9080", 403},
		{&net.TCPAddr{IP: net.IPv4(172, 31, 84, 10), Port: 9080}, "", 403},
		{&net.TCPAddr{}, "", 403},
		{nil, "172.31.84.10:9080", 403},
		{&net.UnixAddr{Name: "172.31.84.10"}, "172.31.84.10:9080", 403},
	} {
		r := httptest.NewRequest("GET", "/status.json", nil)
		r.Host = c.host
		if c.local != nil {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, c.local))
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%q at %v: %d %s", c.host, c.local, w.Code, w.Body)
		}
	}
}

// Pages and what they ask stand behind the same guard as everything else.
func TestPages(t *testing.T) {
	says := func(what string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, what) }
	}
	h := New(Config{Token: "a long random text", Status: func() any { return "the status" }, Explain: says("an explanation"), Network: says("the page"), Assets: says("an asset"), Events: says("events")})
	for path, want := range map[string]string{
		"/network": "the page", "/network?region=asia": "the page", "/-/assets/abc/base.css": "an asset", "/-/events": "events",
		"/-/status.json": "the status", "/status.json": "the status", "/-/route?addr=::1": "an explanation", "/route": "an explanation", "/": "",
	} {
		ask := func(method, host, site string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, path, nil)
			r.Host = host
			r.Header.Set("Sec-Fetch-Site", site)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w
		}
		w := ask("GET", "localhost:9080", "same-origin")
		if path == "/" {
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/network" {
				t.Errorf("%d %v", w.Code, w.Header())
			}
		} else if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if w := ask("HEAD", "127.0.0.1:9080", "none"); w.Code >= 400 {
			t.Errorf("HEAD %s: %d", path, w.Code)
		}
		for _, w := range []*httptest.ResponseRecorder{ask("GET", "evil.example", "none"), ask("GET", "localhost:9080", "cross-site"), ask("POST", "localhost:9080", "same-origin")} {
			if w.Code != 403 || strings.Contains(w.Body.String(), want) && want != "" {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	}
}
