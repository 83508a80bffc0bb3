package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mirrornet/pkg/edge"
)

// told is a log handler that gives the attributes of the record "serving".
type told chan map[string]string

func (told) Enabled(context.Context, slog.Level) bool { return true }
func (l told) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l told) WithGroup(string) slog.Handler          { return l }
func (l told) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "serving" {
		all := map[string]string{}
		r.Attrs(func(a slog.Attr) bool { all[a.Key] = a.Value.String(); return true })
		l <- all
	}
	return nil
}

// A node answers DNS with its own address, over both transports, counts it,
// and frees the port when it ends.
func TestServeDNS(t *testing.T) {
	origin := httptest.NewServer(http.NotFoundHandler())
	defer origin.Close()
	base, err := url.Parse(origin.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := config{node: "asia-1", region: "asia", regions: regionFolder(t), listen: "127.0.0.1:0", origins: []*url.URL{base}, catalogue: edge.None, memory: 32 << 20,
		addresses: []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("2001:db8::7")},
		dns:       dnsConfig{listen: "127.0.0.1:0", names: []string{"ns1.example.org"}, ttl: 30 * time.Second, limit: -1}}
	// Its operators' port is chosen in advance: the log tells of it what was configured.
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.admin = free.Addr().String()
	free.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	serving, ended := make(told, 1), make(chan error, 1)
	go func() { ended <- serve(ctx, c, slog.New(serving)) }()
	var at map[string]string
	select {
	case at = <-serving:
	case err := <-ended:
		t.Fatal(err)
	}
	for _, network := range []string{"udp", "tcp"} {
		client := &dns.Client{Net: network, Timeout: 10 * time.Second}
		for _, tt := range []struct {
			name  string
			qtype uint16
			want  string
		}{
			{"rest.test.", dns.TypeA, "rest.test.\t30\tIN\tA\t198.51.100.7"},
			{"Rest.Test.", dns.TypeAAAA, "Rest.Test.\t30\tIN\tAAAA\t2001:db8::7"},
			{"rest.test.", dns.TypeNS, "rest.test.\t3600\tIN\tNS\tns1.example.org."},
		} {
			q := &dns.Msg{}
			q.SetQuestion(tt.name, tt.qtype)
			a, _, err := client.Exchange(q, at["dns"])
			if err != nil || len(a.Answer) != 1 || a.Answer[0].String() != tt.want || !a.Authoritative {
				t.Errorf("%s %s %d: %v, %v", network, tt.name, tt.qtype, a, err)
			}
		}
	}
	resp, err := http.Get("http://" + c.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	for _, want := range []string{`mirrornet_dns_queries_total{transport="tcp",type="AAAA"} 1`, `mirrornet_dns_answers_total{rcode="NOERROR"} 6`} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%v; the metrics have no %s", err, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, network := range []string{"udp", "tcp"} {
		q := &dns.Msg{}
		q.SetQuestion("rest.test.", dns.TypeA)
		client := &dns.Client{Net: network, Timeout: 10 * time.Second}
		if a, _, err := client.Exchange(q, at["dns"]); err == nil {
			t.Errorf("%s answered after the end: %v", network, a)
		}
	}
}
