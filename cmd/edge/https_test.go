package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mirrornet/pkg/edge"
	"mirrornet/pkg/region"
)

// authority signs the certificates of one test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	last int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign},
		time.Now().Add(time.Hour))
	return a
}

func (a *authority) sign(c *x509.Certificate, until time.Time) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	a.last++
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(a.last), time.Now().Add(-2*time.Hour), until
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// pair is a certificate of 127.0.0.1 and its key, in PEM.
func (a *authority) pair(until time.Time) (cert, key []byte) {
	a.t.Helper()
	c, k := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "edge"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, until)
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (a *authority) file(dir string) string {
	a.t.Helper()
	path := filepath.Join(dir, "ca.pem")
	write(a.t, path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
	return path
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func serial(c *certificate) int64 { return c.current.Load().Leaf.SerialNumber.Int64() }

func TestCertificateReload(t *testing.T) {
	a, dir := newAuthority(t), t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	put := func(cert, key []byte) { write(t, certFile, cert); write(t, keyFile, key) }
	soon, now := time.Now().Add(time.Hour), time.Now()
	put(a.pair(soon)) // serial 2, after the authority's own
	var log bytes.Buffer
	c, err := openCertificate(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || serial(c) != 2 {
		t.Fatal(err)
	}
	look := func(want int64, wantErr string) {
		t.Helper()
		_, err := c.look(now)
		if err == nil && wantErr != "" || err != nil && (wantErr == "" || !strings.Contains(err.Error(), wantErr)) || serial(c) != want {
			t.Errorf("serial %d, %v; want %d, %q", serial(c), err, want, wantErr)
		}
	}
	look(2, "")
	put(a.pair(soon))
	look(2, "") // it may not be all there yet
	look(3, "")
	look(3, "")
	cert, key := a.pair(soon)
	write(t, certFile, cert) // and its key a moment later
	look(3, "")
	write(t, keyFile, key)
	look(3, "")
	look(4, "")
	write(t, certFile, []byte("no certificate"))
	look(4, "")
	look(4, certFile+" with "+keyFile)
	look(4, "") // told once
	if err := c.Reload(now); err == nil || serial(c) != 4 {
		t.Errorf("HUP with a bad file: %v", err)
	}
	other, _ := a.pair(soon)
	write(t, certFile, other)
	look(4, "")
	look(4, "private key does not match")
	put(a.pair(now.Add(-time.Hour)))
	look(4, "")
	look(4, "which is not now")
	if err := os.Remove(keyFile); err != nil {
		t.Fatal(err)
	}
	look(4, "")
	look(4, "no such file")
	put(a.pair(soon))
	if err := c.Reload(now); err != nil || serial(c) != 7 {
		t.Errorf("HUP: %v, serial %d", err, serial(c))
	}
	// Where there is none that holds, one that ended is better than no listener.
	put(a.pair(now.Add(-time.Hour)))
	log.Reset()
	if c, err = openCertificate(certFile, keyFile, c.logger); err != nil || !strings.Contains(log.String(), "does not hold now") {
		t.Errorf("at the start: %v, %s", err, log.String())
	}
}

// served is a node of one test, in a process of its own but for the process.
type served struct {
	http, https string
	end         func()
}

type addresses chan [2]string

func (addresses) Enabled(context.Context, slog.Level) bool { return true }
func (a addresses) WithAttrs([]slog.Attr) slog.Handler     { return a }
func (a addresses) WithGroup(string) slog.Handler          { return a }
func (a addresses) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "serving" {
		var found [2]string
		r.Attrs(func(at slog.Attr) bool {
			switch at.Key {
			case "http":
				found[0] = at.Value.String()
			case "https":
				found[1] = at.Value.String()
			}
			return true
		})
		a <- found
	}
	return nil
}

func start(t *testing.T, c config) served {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	at, ended := make(addresses, 1), make(chan error, 1)
	go func() { ended <- serve(ctx, c, slog.New(at)) }()
	end := func() {
		if ctx.Err() == nil {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	select {
	case found := <-at:
		t.Cleanup(end)
		return served{found[0], found[1], end}
	case err := <-ended:
		cancel()
		t.Fatal(err)
	}
	panic("not reached")
}

func regionFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "network.yaml"), []byte("canonical: [http://rest.test]\nhome: asia\n"))
	write(t, filepath.Join(dir, "asia.yaml"), []byte("title: Asia\nurl: http://asia.test\nlocation: {lat: 1.35, lon: 103.8, country: SG}\n"))
	return dir
}

func TestServeHTTPS(t *testing.T) {
	var asked atomic.Int32
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprint(w, r.Header.Get("X-Forwarded-Proto"))
	}))
	defer origin.Close()
	a, dir := newAuthority(t), t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	put := func() {
		cert, key := a.pair(time.Now().Add(time.Hour))
		write(t, certFile, cert)
		write(t, keyFile, key)
	}
	put()
	n := start(t, config{node: "asia-1", region: "asia", regions: regionFolder(t), listen: "127.0.0.1:0", https: "127.0.0.1:0", certFile: certFile, certKey: keyFile,
		origins: []*url.URL{mustParse(t, origin.URL)}, catalogue: edge.None, memory: 32 << 20})
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	client := func(change func(*http.Transport)) *http.Client {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
		change(tr)
		t.Cleanup(tr.CloseIdleConnections)
		return &http.Client{Transport: tr}
	}
	plain := client(func(*http.Transport) {})
	get := func(c *http.Client, url string) (*http.Response, string, error) {
		resp, err := c.Get(url)
		if err != nil {
			return nil, "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp, string(body), err
	}
	for i, want := range []string{"uri-miss", "hit", "hit", "hit"} {
		resp, body, err := get(plain, "https://"+n.https+"/a")
		if err != nil {
			t.Fatal(err)
		}
		if resp.ProtoMajor != 2 || body != "https" || !strings.Contains(resp.Header.Get("Cache-Status"), want) {
			t.Errorf("request %d: %s, scheme %q, %s", i, resp.Proto, body, resp.Header.Get("Cache-Status"))
		}
	}
	if resp, body, err := get(plain, "http://"+n.http+"/a"); err != nil || body != "http" || !strings.Contains(resp.Header.Get("Cache-Status"), "uri-miss") || asked.Load() != 2 {
		t.Errorf("by http it is another response: %q %v, origin asked %d times", body, err, asked.Load())
	}
	http1 := client(func(tr *http.Transport) {
		tr.ForceAttemptHTTP2 = false
		tr.TLSClientConfig.MaxVersion = tls.VersionTLS12
	})
	if resp, _, err := get(http1, "https://"+n.https+"/a"); err != nil || resp.ProtoMajor != 1 || resp.TLS.Version != tls.VersionTLS12 {
		t.Errorf("TLS 1.2, HTTP/1.1: %v", err)
	}
	old := client(func(tr *http.Transport) {
		tr.TLSClientConfig.MinVersion, tr.TLSClientConfig.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	})
	if _, _, err := get(old, "https://"+n.https+"/a"); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1: %v", err)
	}
	// A new certificate is in use without a restart, and no connection is lost.
	serial := func() int64 {
		resp, _, err := get(client(func(*http.Transport) {}), "https://"+n.https+"/a")
		if err != nil {
			t.Fatal(err)
		}
		return resp.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	was := serial()
	put()
	for limit := time.Now().Add(20 * time.Second); serial() == was; {
		if time.Now().After(limit) {
			t.Fatal("the certificate's new file is not in use after 20 s")
		}
	}
	if resp, _, err := get(plain, "https://"+n.https+"/a"); err != nil || resp.TLS.PeerCertificates[0].SerialNumber.Int64() != was {
		t.Errorf("the connection from before: %v", err)
	}
	n.end()
	if _, err := net.Dial("tcp", n.https); err == nil {
		t.Error("still listens")
	}
}

// Two nodes that stand in other regions speak https to each other, with certificates of an authority of their own.
func TestHopsOverHTTPS(t *testing.T) {
	a, dir := newAuthority(t), t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert, key := a.pair(time.Now().Add(time.Hour))
	write(t, certFile, cert)
	write(t, keyFile, key)
	roots, err := loadRoots(a.file(dir))
	if err != nil {
		t.Fatal(err)
	}
	regions := regionFolder(t)
	write(t, filepath.Join(regions, "europe.yaml"), []byte("title: Europe\nurl: http://europe.test\nlocation: {lat: 52, lon: 0.2, country: GB}\n"))
	free := func() netip.AddrPort {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return netip.MustParseAddrPort(l.Addr().String())
	}
	origin := func(name string) []*url.URL {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s, for %s by %s", name, r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"))
		}))
		t.Cleanup(srv.Close)
		return []*url.URL{mustParse(t, srv.URL)}
	}
	keys := filepath.Join(dir, "keys")
	write(t, keys, []byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))+"\n"))
	first := free()
	node := func(name string, gossip netip.AddrPort) served {
		https := free().String()
		return start(t, config{node: name + "-1", region: region.Name(name), regions: regions, listen: "127.0.0.1:0", https: https, certFile: certFile, certKey: keyFile,
			roots: roots, advertise: "https://" + https, gossip: gossip, join: []string{first.String()}, keyFile: keys, origins: origin(name), catalogue: edge.None,
			memory: 32 << 20, trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	}
	node("asia", first)
	europe := node("europe", free())
	var last string
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); {
		r, err := http.NewRequest("POST", "http://"+europe.http+"/a", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "asia.test"
		r.Header.Set("X-Forwarded-For", "192.0.2.77")
		r.Header.Set("Authorization", "Basic c2VjcmV0")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if last = fmt.Sprint(string(body), err, resp.Header.Get("Via")); string(body) == "asia, for 192.0.2.77 by http" {
			if via := strings.Join(resp.Header.Values("Via"), ", "); via != "2.0 asia-1, 1.1 europe-1" {
				t.Errorf("Via: %s", via)
			}
			return
		}
	}
	t.Errorf("not proxied within 30 s: %s", last)
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
