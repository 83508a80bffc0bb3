package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mirrornet/pkg/live"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/status"
	"mirrornet/pkg/store"
)

// openLive makes the hub of what changes in the network; ask reaches the other
// nodes.
func (n *node) openLive(ask http.RoundTripper) {
	n.live = live.New(live.Config{Report: func() status.Report { return n.edge.Status() }, Figures: n.figures, FiguresEvery: observe.SampleEvery,
		Refused: n.problems, Ask: n.figuresOf(ask), Operators: func() any { return n.operators() }, Detail: n.eventDetail, Logger: n.logger,
		Client: func(r *http.Request) netip.Addr { return n.edge.Client(r) }})
}

// figures are what this node counted over the last minute, and what it has.
func (n *node) figures(ctx context.Context) status.Figures {
	w := n.metrics.Sample(time.Now())
	f := status.Figures{At: w.At.UTC(), Window: w.Span.Seconds(), P50: milliseconds(w.P50), P99: milliseconds(w.P99),
		Hits: map[string]float64{}, Decisions: []status.Count{}}
	if w.Span > 0 {
		f.Requests = float64(w.Requests) / w.Span.Seconds()
	}
	if w.API > 0 {
		for _, tier := range []string{"lane", "memory", "memcached"} {
			f.Hits[tier] = float64(w.Hits[tier]) / float64(w.API)
		}
	}
	for reason, count := range w.Reasons {
		f.Decisions = append(f.Decisions, status.Count{Reason: reason, N: count})
	}
	slices.SortFunc(f.Decisions, func(a, b status.Count) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Reason, b.Reason)) })
	if n.memory != nil {
		s := n.memory.Stats()
		f.Memory = &status.CacheSize{Bytes: s.Bytes + n.aliases.Bytes(), Limit: n.config.memory, Entries: int64(s.Entries)}
	}
	if n.shared != nil {
		f.Memcached = n.sharedSize.next(n.shared.Usage(ctx))
	}
	if info := n.geo.Info(); info.Path != "" {
		f.GeoIP = &status.GeoIP{Type: info.Type, Built: info.Built.UTC()}
	}
	return f
}

// usage is what memcached said last. One question without an answer says
// little; the second in a row, that it does not answer.
type usage struct {
	last   *status.CacheSize // nil: nothing yet
	failed bool
}

func (u *usage) next(now store.Usage, err error) *status.CacheSize {
	switch {
	case err == nil:
		u.last, u.failed = &status.CacheSize{Bytes: now.Bytes, Limit: now.Limit, Entries: now.Items}, false
	case u.failed:
		u.last = &status.CacheSize{Down: true}
	default:
		u.failed = true
	}
	return u.last
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// problems are what is wrong with this node's region files.
func (n *node) problems() (list []string) {
	for _, p := range n.regions.Refused() {
		list = append(list, p.String())
	}
	return list
}

// figuresOf asks a node for what it says of itself, where other edges reach it.
func (n *node) figuresOf(transport http.RoundTripper) func(context.Context, string) (*status.Figures, error) {
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(ctx context.Context, name string) (*status.Figures, error) {
		at := n.addressOf(name)
		if at == "" {
			return nil, fmt.Errorf("%s has said nowhere to ask it", name)
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/-/status.json?own", nil)
		if err != nil {
			return nil, err
		}
		a, err := client.Do(r)
		if err != nil {
			return nil, err
		}
		defer a.Body.Close()
		if a.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s answers %s", name, a.Status)
		}
		return live.ReadFigures(a.Body, name)
	}
}

// addressOf is where other edges reach a node; "" for none that is known.
func (n *node) addressOf(name string) string {
	for _, m := range n.Members() {
		if m.Node == name {
			return m.Advertise
		}
	}
	return ""
}

// eventDetail is what operators see of an event beside what everybody does.
func (n *node) eventDetail(e status.Event) string {
	switch e.Kind {
	case status.Joined:
		return n.addressOf(e.Node)
	case status.Drained:
		subject := "node " + e.Node
		if e.Node == "" {
			subject = "region " + string(e.Region)
		}
		for _, d := range n.drains.List() {
			if d.Subject() == subject {
				return d.String()
			}
		}
	case status.ConfigRefused:
		if e.Node == n.config.node {
			return strings.Join(n.problems(), "\n")
		}
	}
	return ""
}

// operators is what operators see of the network beside the report.
func (n *node) operators() status.Operators {
	o := status.Operators{RegionsFolder: n.config.regions, Problems: n.problems(), Addresses: map[string]string{}}
	for _, m := range n.Members() {
		if m.Advertise != "" {
			o.Addresses[m.Node] = m.Advertise
		}
	}
	for _, d := range n.drains.List() {
		o.Drains = append(o.Drains, status.Drain{Kind: string(d.Kind), Name: d.Name, By: d.By, Why: d.Why, Until: d.Until.UTC()})
	}
	for _, a := range n.maps.Outcomes() {
		o.Announcements = append(o.Announcements, status.Announcement{Node: a.Node, Region: a.Region, Outcome: string(a.Use), Text: strings.Join(a.Notes, "; ")})
	}
	return o
}

// operatorsPage is the network's page on the operators' listener.
func (n *node) operatorsPage(w http.ResponseWriter, r *http.Request) {
	var client netip.Addr
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		client = peer.Addr().Unmap()
	}
	v := n.edge.Visit(client)
	v.Report, v.Asked = n.live.Operators(v.Report), n.edge.Answer(r.URL.Query(), true)
	n.pages.Operators(w, r, v, n.operators())
}
