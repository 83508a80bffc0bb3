package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"
)

// NewTransport is the transport of a [Client] that is given none: without the
// environment's proxies, with short dial timeouts, by HTTP/2 where https offers it.
// roots are whose certificates are believed; nil: the system's.
func NewTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:          512,
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ExpectContinueTimeout: time.Second, // whom a client asks before it sends a long body is asked by us too
		ForceAttemptHTTP2:     true,
		// One connection carries all requests, and a request that ends without an answer does not end it: where the
		// network forgot it, nobody but a ping finds out.
		HTTP2:              &http.HTTP2Config{SendPingTimeout: 3 * time.Second, PingTimeout: 3 * time.Second},
		DisableCompression: true, // content coding is end to end
	}
}
