package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// certificateEvery is how often a certificate's files are looked at.
const certificateEvery = 2 * time.Second

// https checks the settings of the HTTPS listener and of HTTPS between edges.
func (s *settings) https(c *config, wrong func(field, format string, args ...any)) {
	h := s.Listen.HTTPS
	c.https, c.certFile, c.certKey = h.Listen, h.CertFile, h.KeyFile
	if h.Listen != "" {
		if _, port, err := net.SplitHostPort(h.Listen); err != nil || !goodPort(port) {
			wrong("listen.https.listen", "%q is no address with a port; write one like 0.0.0.0:8443", h.Listen)
		}
		switch {
		case h.CertFile == "":
			wrong("listen.https.cert_file", "is required with listen.https.listen; write the path of a PEM file with the certificate and its chain")
		case h.KeyFile == "":
			wrong("listen.https.key_file", "is required with listen.https.listen; write the path of a PEM file with the certificate's key")
		default:
			if _, err := loadCertificate(h.CertFile, h.KeyFile); err != nil {
				wrong("listen.https.cert_file", "%v", err)
			}
		}
	} else if h.CertFile != "" || h.KeyFile != "" {
		wrong("listen.https.listen", "is required with a certificate; write an address like 0.0.0.0:8443")
	}
	if s.AdvertiseCAFile != "" {
		var err error
		if c.roots, err = loadRoots(s.AdvertiseCAFile); err != nil {
			wrong("advertise_ca_file", "%v", err)
		}
	}
}

// httpsText is the listener for people.
func (c config) httpsText() string {
	if c.https == "" {
		return ""
	}
	text := ", https " + c.https
	if pair, err := loadCertificate(c.certFile, c.certKey); err == nil {
		text += " (certificate until " + pair.Leaf.NotAfter.UTC().Format(time.DateOnly) + ")"
	}
	return text
}

// loadRoots are the system's certificate authorities and those of the file.
func loadRoots(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM; write that of the authority which signed the edges' certificates", file)
	}
	return pool, nil
}

func loadCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("%s with %s: %w", certFile, keyFile, err)
	}
	return &pair, nil
}

// certificate is that of a listener. It is read again when its files change;
// what cannot be used leaves the one in force.
type certificate struct {
	certFile, keyFile string
	logger            *slog.Logger
	current           atomic.Pointer[tls.Certificate]
	mu                sync.Mutex // guards seen and tried
	seen, tried       [2]stamp   // of both files: at the last look, and as they were last read
}

// stamp tells versions of a file apart.
type stamp struct {
	changed time.Time
	size    int64
	file    os.FileInfo // a renamed one may be as old and as long
}

func (s stamp) same(o stamp) bool {
	return s.changed.Equal(o.changed) && s.size == o.size && (s.file == nil) == (o.file == nil) && (s.file == nil || os.SameFile(s.file, o.file))
}

func stampsOf(files ...string) (s [2]stamp) {
	for i, name := range files {
		if info, err := os.Stat(name); err == nil {
			s[i] = stamp{info.ModTime(), info.Size(), info}
		}
	}
	return s
}

func openCertificate(certFile, keyFile string, logger *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, logger: logger}
	return c, c.Reload(time.Now())
}

// Reload reads the files now. An expired certificate never replaces one that
// holds; the first is taken as it is, since an expired one still serves those who
// look past it.
func (c *certificate) Reload(now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tried = stampsOf(c.certFile, c.keyFile)
	pair, err := loadCertificate(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	old := c.current.Load()
	switch ends := pair.Leaf.NotAfter; {
	case now.Before(ends) && !now.Before(pair.Leaf.NotBefore):
	case old != nil && now.Before(old.Leaf.NotAfter):
		return fmt.Errorf("%s holds from %s to %s, which is not now", c.certFile, pair.Leaf.NotBefore.UTC().Format(time.RFC3339), ends.UTC().Format(time.RFC3339))
	default:
		c.logger.Warn("the certificate does not hold now", "file", c.certFile, "from", pair.Leaf.NotBefore, "to", ends)
	}
	c.current.Store(pair)
	return nil
}

// look reads the files again if they have changed and have then stayed as they
// are for one look, so that certificate and key of a pair are both there.
func (c *certificate) look(now time.Time) (read bool, err error) {
	stamps := stampsOf(c.certFile, c.keyFile)
	c.mu.Lock()
	settled := stamps[0].same(c.seen[0]) && stamps[1].same(c.seen[1])
	known := stamps[0].same(c.tried[0]) && stamps[1].same(c.tried[1])
	c.seen = stamps
	c.mu.Unlock()
	if !settled || known {
		return false, nil
	}
	return true, c.Reload(now)
}

// Run looks at the files until ctx ends.
func (c *certificate) Run(ctx context.Context) error {
	tick := time.NewTicker(certificateEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			switch read, err := c.look(now); {
			case err != nil:
				c.logger.Error("certificate refused; the one in force stays", "error", err)
			case read:
				c.logger.Info("certificate in use", "file", c.certFile, "until", c.current.Load().Leaf.NotAfter)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// until is when the certificate in force ends.
func (c *certificate) until() time.Time { return c.current.Load().Leaf.NotAfter }

// tls is the listener's configuration.
func (c *certificate) tls() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if pair := c.current.Load(); pair != nil {
			return pair, nil
		}
		return nil, errors.New("no certificate")
	}}
}
