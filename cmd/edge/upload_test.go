package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/edge"
)

// zeros is a body without an end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// Over HTTP/2 one connection carries all that an edge passes on to another one: a
// body that its origin does not take must not hold up the others.
func TestStuckUpload(t *testing.T) {
	stuck, release := make(chan struct{}), make(chan struct{})
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stuck" {
			close(stuck)
			<-release
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	}))
	defer origin.Close()
	defer close(release)
	a, dir := newAuthority(t), t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert, key := a.pair(time.Now().Add(time.Hour))
	write(t, certFile, cert)
	write(t, keyFile, key)
	n := start(t, config{node: "asia-1", region: "asia", regions: regionFolder(t), listen: "127.0.0.1:0", https: "127.0.0.1:0", certFile: certFile, certKey: keyFile,
		origins: []*url.URL{mustParse(t, origin.URL)}, catalogue: edge.None, memory: 32 << 20})
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	put := func(path string, body io.Reader) (string, error) {
		r, err := http.NewRequestWithContext(t.Context(), "PUT", "https://"+n.https+path, body)
		if err != nil {
			return "", err
		}
		resp, err := tr.RoundTrip(r)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		return string(got), err
	}
	const small = 50_000
	if got, err := put("/small", strings.NewReader(strings.Repeat("x", small))); len(got) != small || err != nil {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	sent := make(chan struct{}, 1<<20)
	go put("/stuck", io.TeeReader(zeros{}, telling(sent)))
	<-stuck
	for quiet := false; !quiet; { // until nobody takes more of it
		select {
		case <-sent:
		case <-time.After(500 * time.Millisecond):
			quiet = true
		}
	}
	done := make(chan error, 1)
	go func() {
		_, err := put("/small", strings.NewReader(strings.Repeat("x", small)))
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("another upload over the same connection does not get through")
	}
}

// telling tells of each write.
type telling chan struct{}

func (c telling) Write(b []byte) (int, error) {
	select {
	case c <- struct{}{}:
	default:
	}
	return len(b), nil
}
