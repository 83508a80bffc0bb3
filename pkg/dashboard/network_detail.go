package dashboard

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
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
	row("Membership", cell{Text: "–"}, func(n status.Node) cell { return cell{Text: n.Membership, Sign: sign(n.Membership), State: true} })
	row("For", cell{Text: "–"}, func(n status.Node) cell { return cell{Text: ago(r.Time, n.Since), Time: n.Since} })
	row("Round trip from here", known(g.RTT > 0, milliseconds(g.RTT)), func(n status.Node) cell {
		if n.Self {
			return cell{Text: "it is this one"}
		}
		return known(n.RTT > 0, milliseconds(n.RTT))
	})
	row("Votes", known(g.Votes != "", g.Votes), func(n status.Node) cell {
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
		begin("Decided" + sum.window())
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

// together are the figures of several nodes.
type together struct{ list []*status.Figures }

func one(f *status.Figures) together { return together{[]*status.Figures{f}} }

func (t *together) add(f *status.Figures) {
	if f != nil {
		t.list = append(t.list, f)
	}
}

func (t together) requests() (m measure) {
	for _, f := range t.list {
		m.Known, m.Value = true, m.Value+f.Requests
	}
	m.Text = rate(m.Value)
	return m
}

func (t together) p99() (m measure) {
	for _, f := range t.list {
		m.Known, m.Value = m.Known || f.P99 > 0, max(m.Value, f.P99)
	}
	m.Text = milliseconds(m.Value)
	return m
}

// spread is the least and the greatest of a figure that cannot be added up.
func (t together) spread(of func(*status.Figures) float64) string {
	var all []float64
	for _, f := range t.list {
		if v := of(f); v > 0 {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return ""
	}
	low, high := milliseconds(slices.Min(all)), milliseconds(slices.Max(all))
	if low == high {
		return low
	}
	return strings.TrimSuffix(low, " ms") + " to " + high
}

// share is of all nodes' requests; a node without any has no say.
func (t together) share(of func(*status.Figures) float64) (m measure) {
	requests := 0.0
	for _, f := range t.list {
		if f.Requests > 0 && f.Hits != nil {
			m.Known = true
			requests += f.Requests
			m.Value += f.Requests * of(f)
		}
	}
	if m.Known {
		m.Value /= requests
		m.Text = strconv.FormatFloat(m.Value*100, 'f', 0, 64) + " %"
	}
	return m
}

func (t together) hits() measure {
	return t.share(func(f *status.Figures) (sum float64) {
		for _, share := range f.Hits {
			sum += share
		}
		return min(sum, 1)
	})
}

func (t together) tier(name string) measure {
	return t.share(func(f *status.Figures) float64 { return f.Hits[name] })
}

// tiers are those of the figures, the nearest first.
func (t together) tiers() []string {
	names := map[string]bool{}
	for _, f := range t.list {
		for name := range f.Hits {
			names[name] = true
		}
	}
	order := map[string]int{"lane": 1, "memory": 2, "memcached": 3}
	return slices.SortedFunc(maps.Keys(names), func(a, b string) int {
		return cmp.Or(cmp.Compare(cmp.Or(order[a], 9), cmp.Or(order[b], 9)), cmp.Compare(a, b))
	})
}

func (t together) size(of func(*status.Figures) *status.CacheSize) cell {
	var sum status.CacheSize
	known := false
	for _, f := range t.list {
		if c := of(f); c != nil {
			known = true
			sum.Bytes, sum.Limit, sum.Entries = sum.Bytes+c.Bytes, sum.Limit+c.Limit, sum.Entries+c.Entries
		}
	}
	if !known {
		return cell{}
	}
	return cacheSize(&sum)
}

func (t together) reasons() []string {
	counts := map[string]uint64{}
	for _, f := range t.list {
		for _, c := range f.Decisions {
			counts[c.Reason] += c.N
		}
	}
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
}

func (t together) count(reason string) (n uint64) {
	for _, f := range t.list {
		for _, c := range f.Decisions {
			if c.Reason == reason {
				n += c.N
			}
		}
	}
	return n
}

// window says over which time the rates are, where nodes agree on it.
func (t together) window() string {
	if len(t.list) == 0 || t.list[0].Window <= 0 {
		return ""
	}
	return ", last " + strconv.FormatFloat(t.list[0].Window, 'f', 0, 64) + " s"
}

func (m measure) cell() cell { return known(m.Known, m.Text) }

func cacheSize(c *status.CacheSize) cell {
	if c == nil {
		return cell{}
	}
	if c.Down {
		return cell{Text: "does not answer", Sign: "unreachable", State: true}
	}
	text := size(c.Bytes)
	if c.Limit > 0 {
		text += " of " + size(c.Limit)
	}
	return cell{Text: text, More: counted(int(c.Entries), "answer", "answers")}
}

func origins(f *status.Figures) cell { return worstOrigin([]*status.Figures{f}) }

// worstOrigin is the state that matters: that of the first origin that serves, or
// that none does.
func worstOrigin(list []*status.Figures) (c cell) {
	seen := false
	for _, f := range list {
		if len(f.Origins) == 0 {
			continue
		}
		text, state := "unreachable", "unreachable"
		for i, o := range f.Origins {
			if o.State == "serving" {
				text, state = "serving", "serving"
				if i > 0 {
					text = "serving, the " + ordinal(o.Order) + " of them"
				}
				if len(o.Without) > 0 {
					text += ", without " + strings.Join(o.Without, ", ")
				}
				break
			}
		}
		if !seen || state == "unreachable" {
			c = cell{Text: text, Sign: state, State: true}
		}
		seen = true
	}
	return c
}

func ordinal(n int) string {
	switch n {
	case 1:
		return "1st"
	case 2:
		return "2nd"
	case 3:
		return "3rd"
	}
	return strconv.Itoa(n) + "th"
}

func milliseconds(f float64) string {
	switch {
	case f < 0.1:
		return "< 0.1 ms"
	case f < 10:
		return strconv.FormatFloat(f, 'f', 1, 64) + " ms"
	}
	return thousands(int(f+0.5)) + " ms"
}

func rate(f float64) string {
	if f > 0 && f < 10 {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return thousands(int(f + 0.5))
}

func size(n int64) string {
	f, unit := float64(n), "B"
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if f < 999.5 {
			break
		}
		f, unit = f/1000, u
	}
	if unit != "B" && f < 10 {
		return strconv.FormatFloat(f, 'f', 1, 64) + " " + unit
	}
	return strconv.FormatFloat(f, 'f', 0, 64) + " " + unit
}
