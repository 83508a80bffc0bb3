package dashboard

import (
	"slices"
	"strings"
	"time"

	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
)

// detail is a region with its nodes, measure by measure.
type detail struct {
	status.Region
	Sign   string
	Facts  []fact
	Nodes  []nodeHead
	Groups []figureGroup
}

type fact struct{ Name, Text string }

type nodeHead struct {
	Name string
	Self bool
}

type figureGroup struct {
	Name string
	Rows []figureRow
}

type figureRow struct {
	Name  string
	Cells []cell // the region's, when it has several nodes, then each node's
}

type cell struct {
	Text    string
	More    string // below it, in small
	Sign    string // class of a state
	State   bool
	Differs bool
	Time    time.Time // Text is how long ago that was
	Node    string    // whose state it is
}

func known(ok bool, text string) cell {
	if !ok {
		return cell{}
	}
	return cell{Text: text}
}

func newDetail(r *status.Report, name region.Name, o *operators) *detail {
	g := find(r.Regions, name)
	if g.Name == "" {
		return nil
	}
	d := &detail{Region: g, Sign: sign(g.State)}
	var nodes []status.Node
	var sum together
	for _, n := range r.Nodes {
		if n.Region == name && n.Membership != "left" {
			nodes = append(nodes, n)
			d.Nodes = append(d.Nodes, nodeHead{n.Name, n.Self})
			sum.add(n.Figures)
		}
	}
	d.facts(r)
	several := len(nodes) > 1
	var group *figureGroup
	begin := func(name string) {
		d.Groups = append(d.Groups, figureGroup{Name: name})
		group = &d.Groups[len(d.Groups)-1]
	}
	row := func(name string, all cell, of func(status.Node) cell) {
		f := figureRow{Name: name}
		if several {
			f.Cells = append(f.Cells, all)
		}
		for _, n := range nodes {
			f.Cells = append(f.Cells, of(n))
		}
		group.Rows = append(group.Rows, f)
	}
	figure := func(name string, all cell, of func(f *status.Figures) cell) {
		row(name, all, func(n status.Node) cell {
			if n.Figures == nil {
				return cell{}
			}
			return of(n.Figures)
		})
	}
	same := func(of func(status.Node) string) cell { // what all nodes say
		var all []string
		for _, n := range nodes {
			if s := of(n); s != "" && !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
		if len(all) > 1 {
			return cell{Text: "they differ", Differs: true}
		}
		return cell{Text: strings.Join(all, "")}
	}

	begin("Node")
	row("State", cell{Text: g.State, Sign: d.Sign, State: true}, func(n status.Node) cell {
		s := nodeState(n)
		return cell{Text: s, Sign: sign(s), State: true, Node: n.Name}
	})
	row("Membership", cell{Text: "–"}, func(n status.Node) cell {
		age := ago(r.Time, n.Since)
		if age != "just now" {
			age = after("for ", age)
		}
		return cell{Text: n.Membership, More: age, Sign: sign(n.Membership), State: true}
	})
	row("Round trip from here", known(g.RTT > 0, milliseconds(g.RTT)), func(n status.Node) cell {
		if n.Self {
			return cell{Text: "it is this one"}
		}
		return known(n.RTT > 0, milliseconds(n.RTT))
	})
	row("Seen by others", known(g.Votes != "", g.Votes), func(n status.Node) cell {
		if n.Self {
			return cell{Text: "–"} // nobody votes on itself
		}
		return known(n.Votes != "", n.Votes)
	})
	row("Revision", same(func(n status.Node) string { return n.Revision }), func(n status.Node) cell {
		return cell{Text: n.Revision, Differs: n.Revision != r.Revision}
	})
	figure("Release", same(release), func(f *status.Figures) cell {
		return cell{Text: f.Release, Differs: r.Catalogue != nil && f.Release != "" && f.Release != r.Catalogue.Release}
	})

	begin("Requests" + sum.window())
	figure("Requests per second", sum.requests().cell(), func(f *status.Figures) cell { return cell{Text: rate(f.Requests)} })
	figure("Answered within, p50", cell{Text: sum.spread(func(f *status.Figures) float64 { return f.P50 })}, func(f *status.Figures) cell { return known(f.P50 > 0, milliseconds(f.P50)) })
	figure("Answered within, p99", cell{Text: sum.spread(func(f *status.Figures) float64 { return f.P99 })}, func(f *status.Figures) cell { return known(f.P99 > 0, milliseconds(f.P99)) })
	figure("Hits", sum.hits().cell(), func(f *status.Figures) cell { return one(f).hits().cell() })
	for _, tier := range sum.tiers() {
		figure("Hits in "+tier, sum.tier(tier).cell(), func(f *status.Figures) cell { return one(f).tier(tier).cell() })
	}

	begin("Behind it")
	figure("Origin", worstOrigin(sum.list), func(f *status.Figures) cell { return origins(f) })
	figure("Memory", sum.size(func(f *status.Figures) *status.CacheSize { return f.Memory }), func(f *status.Figures) cell { return cacheSize(f.Memory) })
	figure("memcached", cell{Text: "–"}, func(f *status.Figures) cell { return cacheSize(f.Memcached) })
	figure("GeoIP", cell{Text: "–"}, func(f *status.Figures) cell {
		if f.GeoIP == nil {
			return cell{}
		}
		c := cell{Text: f.GeoIP.Type}
		if !f.GeoIP.Built.IsZero() {
			c.More = ago(r.Time, f.GeoIP.Built) + " old"
		}
		return c
	})

	if reasons := sum.reasons(); len(reasons) > 0 {
		begin("Decisions" + sum.window())
		for _, reason := range reasons {
			figure(reason, cell{Text: thousands(int(sum.count(reason)))}, func(f *status.Figures) cell {
				return cell{Text: thousands(int(one(f).count(reason)))}
			})
		}
	}
	if o != nil {
		begin("For operators")
		row("Address", cell{Text: "–"}, func(n status.Node) cell { return cell{Text: o.Addresses[n.Name]} })
	}
	return d
}

func (d *detail) facts(r *status.Report) {
	add := func(name, text string) { d.Facts = append(d.Facts, fact{name, text}) }
	if d.Why != "" {
		add("Why", d.Why)
	}
	if d.Drained != "" {
		add("Drained", d.Drained)
	}
	if d.Announced {
		add("Defined", "by its own nodes, which announce it; no file here describes it")
	} else {
		add("Defined", "by a region file")
	}
	if len(d.Without) > 0 {
		add("Cannot serve", strings.Join(d.Without, ", ")+", from its origins")
	}
	if d.NoIPv4 {
		add("Not reached", "over IPv4")
	}
	if d.NoIPv6 {
		add("Not reached", "over IPv6")
	}
	serves := 0
	for _, n := range r.Nearest {
		if n == d.Name {
			serves++
		}
	}
	add("Nearest for", counted(serves, "country", "countries"))
}

// Span is how many columns its table has.
func (d *detail) Span() int {
	if len(d.Nodes) > 1 {
		return len(d.Nodes) + 2
	}
	return len(d.Nodes) + 1
}

func release(n status.Node) string {
	if n.Figures == nil {
		return ""
	}
	return n.Figures.Release
}
