//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// What an edge's redirects are compared with: the same net/http, with the same
// settings, that decides nothing. One says all that an edge says, each time the
// same; the other says no more than where to go.
const (
	constant = "nethttp"
	bare     = "nethttp-bare"
)

// mirrorbits is how many redirects a second mirrorbits publishes of itself.
const mirrorbits = 8000

// canonical and away are the name that is asked for, and where that leads.
const canonical, away = "rest.localhost", "http://other.localhost"

// pageFields are those of a browser's page load.
const pageFields = "Host: " + canonical + "\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\n" +
	"Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\nConnection: keep-alive\r\n"

// fields are what a row's page loads have.
func (r row) fields() string {
	if r.field != "" {
		return pageFields + r.field + "\r\n"
	}
	return pageFields
}

// constantFields are those of an edge's redirect, Location aside.
func constantFields() http.Header {
	return http.Header{
		"Access-Control-Allow-Origin": {"*"},
		"Cache-Control":               {"private, no-store"},
		"Content-Type":                {"text/plain; charset=utf-8"},
		"Mirror-Nearest":              {"other"},
		"Mirror-Region":               {"other"},
		"Timing-Allow-Origin":         {"*"},
		"Vary":                        {"Accept, Cookie, Sec-Fetch-Mode, X-Requested-With, X-Forwarded-For"},
	}
}

// constantMain is the process of a server that sends all to one place.
func constantMain(args []string) error {
	f := flag.NewFlagSet("constant", flag.ContinueOnError)
	addr := f.String("listen", "", "address")
	target := f.String("target", "/", "where all are sent")
	little := f.Bool("bare", false, "say no more than Location")
	if err := f.Parse(args); err != nil {
		return err
	}
	fields, text := constantFields(), []byte("Your nearest mirror is "+away+*target+"\n")
	if *little {
		fields, text = http.Header{}, nil
	}
	fields["Location"] = []string{away + *target}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), fields)
		w.WriteHeader(http.StatusTemporaryRedirect)
		w.Write(text)
	})
	server := &http.Server{Addr: *addr, Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	return server.ListenAndServe()
}

func startConstant(_ context.Context, r *rig, s *server) error {
	args := []string{"constant", "-listen", s.Addr, "-target", row{name: "redirect"}.target(0)}
	if s.name == bare {
		args = append(args, "-bare")
	}
	return s.run(r, r.self, args...)
}

// startOther starts the edge that the one that is measured sends all to, on the
// other core. It shares its folder of regions.
func (s *server) startOther(r *rig) error {
	o := *s
	o.Node, o.Region, o.Addr, o.Admin, o.Gossip, o.Join = "other-1", "other", s.OtherAddr, s.OtherAdmin, s.Join, s.Gossip
	file := filepath.Join(s.Dir, "other.yaml")
	if err := write(file, "edge.yaml", o); err != nil {
		return err
	}
	p, err := r.start(r.o.loadCore, s.Dir, r.o.edge, "serve", "--config", file)
	s.other = p
	return err
}

// page asks for a page as a browser does.
func (c *client) page(target, fields string) (*http.Response, error) {
	resp, _, err := c.exchange([]byte("GET " + target + " HTTP/1.1\r\n" + fields + "\r\n"))
	return resp, err
}

// prepareRedirect waits until a server sends page loads on, and looks at what it
// says with them.
func (r *rig) prepareRedirect(ctx context.Context, s *server, row row) error {
	c, err := dial(s.Addr)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Second, errors.New("page loads are not redirected"))
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		resp, err := c.page(row.target(0), row.fields())
		if err != nil {
			return err
		}
		if resp.StatusCode == http.StatusTemporaryRedirect {
			return sameRedirect(s, resp, away+row.target(0))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// sameRedirect compares a redirect with what the constant server says.
func sameRedirect(s *server, resp *http.Response, location string) error {
	if got := resp.Header.Get("Location"); got != location && s.name == theEdge {
		return fmt.Errorf("it leads to %s, not to %s", got, location)
	}
	resp.Header.Del("Date")
	resp.Header.Del("Location")
	resp.Header.Del("Content-Length")
	if want := constantFields(); s.name != bare && !maps.EqualFunc(resp.Header, want, slices.Equal[[]string]) {
		return fmt.Errorf("a redirect has the fields %v, not %v: change constantFields", resp.Header, want)
	}
	return nil
}

// redirected is how many redirects the edge has counted.
func (s *server) redirected() (int64, error) {
	c, err := dial(s.Admin)
	if err != nil {
		return 0, err
	}
	defer c.conn.Close()
	_, text, err := c.get("/metrics", "")
	var n float64
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, `mirrornet_requests_total{action="redirect"`) {
			var m float64
			fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &m)
			n += m
		}
	}
	return int64(n), err
}

// rates says a row of redirects in other words.
func rates(result *Result) {
	edge, same, least := result.server(theEdge), result.server(constant), result.server(bare)
	if edge == nil || len(edge.Samples) == 0 {
		return
	}
	rate := edge.median(perSecond).Mid
	if same != nil && len(same.Samples) > 0 {
		result.Notes = append(result.Notes, fmt.Sprintf("requests/s, edge/%s: %.2f", constant, rate/same.median(perSecond).Mid))
	}
	if least != nil && len(least.Samples) > 0 {
		result.Notes = append(result.Notes, fmt.Sprintf("beside an answer that has no field but Location (%s): %.2f of its requests for each second of CPU time",
			bare, least.median(cpu).Mid/edge.median(cpu).Mid))
	}
	result.Notes = append(result.Notes, fmt.Sprintf("%.1f times the 8,000/s that mirrorbits says of itself", rate/mirrorbits))
}
