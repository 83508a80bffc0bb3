package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
)

// Network writes the page at /network. Its query may name a region to show in
// detail (region); part=live is the same page for its own script, without what
// never changes.
func (p *Pages) Network(w http.ResponseWriter, r *http.Request, v status.Visit) {
	p.showNetwork(w, r, v, nil)
}

// Operators writes the page with what only operators may see and do.
func (p *Pages) Operators(w http.ResponseWriter, r *http.Request, v status.Visit, o status.Operators) {
	p.showNetwork(w, r, v, &o)
}

func (p *Pages) showNetwork(w http.ResponseWriter, r *http.Request, v status.Visit, o *status.Operators) {
	l := layout{Title: "Network", Page: "network", Alone: o != nil, Report: &v.Report, Problems: problems(&v), View: newNetworkView(r.URL.Query(), &v, o)}
	if o == nil {
		l.Note = noteFor(r, &v, "/network", "")
	}
	p.show(w, r, p.network, l)
}

// networkView is what network.tmpl shows.
type networkView struct {
	Live     bool        // for the script: without what never changes
	Selected region.Name // shown in detail
	Missing  bool        // the region that was asked for is not there
	Now      time.Time
	Summary  summary
	Map      mapView
	Regions  []regionRow
	Nodes    []nodeRow
	Detail   *detail
	Asked    asked
	Events   []status.Event
	Ops      *operators

	visit *status.Visit
	query url.Values // that links keep
}

func newNetworkView(q url.Values, v *status.Visit, o *status.Operators) *networkView {
	n := &networkView{Live: q.Get("part") == "live", Now: v.Report.Time, visit: v, query: url.Values{}}
	n.Selected = v.Report.Region
	if name := region.Name(q.Get("region")); name != "" {
		if n.Missing = find(v.Report.Regions, name).Name == ""; !n.Missing {
			n.Selected = name
		}
	}
	n.Asked = readAsked(v.Asked)
	if a := v.Asked; a != nil && a.Error == "" {
		set := func(name, value string) {
			if value != "" {
				n.query.Set(name, value)
			}
		}
		set("addr", a.Addr)
		set("country", a.Country)
		if a.Point != nil {
			set("lat", degrees(a.Point.Lat))
			set("lon", degrees(a.Point.Lon))
		}
	}
	n.Events = v.Report.Events[:min(len(v.Report.Events), 40)]
	if o != nil {
		n.Ops = newOperators(o, v)
	}
	n.Summary = summarise(&v.Report)
	n.Map = n.drawMap(v)
	n.rows()
	n.Detail = newDetail(&v.Report, n.Selected, n.Ops)
	return n
}

// Here is the region whose node made the page.
func (v *networkView) Here() region.Name { return v.visit.Report.Region }

// link is this page with a region in detail.
func (v *networkView) link(name region.Name) string {
	q := url.Values{"region": {string(name)}}
	for k, values := range v.query {
		q[k] = values
	}
	return "/network?" + q.Encode() + "#region-detail"
}

// summary says in a line how the network is, and what is wrong, the worst first.
type summary struct {
	Counts string
	Worst  string // class of the first
	List   []string
	More   int
}

// most of what is wrong that a summary names.
const mostSummed = 6

func summarise(r *status.Report) (s summary) {
	type wrong struct {
		weight int
		text   string
	}
	var list []wrong
	add := func(weight int, format string, args ...any) {
		list = append(list, wrong{weight, fmt.Sprintf(format, args...)})
	}
	regions, serving := 0, 0
	for _, g := range r.Regions {
		switch g.State {
		case "serving":
			serving++
		case "retired", "canary":
			continue
		case "draining":
			if g.Drained != "" {
				add(3, "%s is drained %s.", g.Name, g.Drained)
			} else {
				add(3, "%s is draining%s.", g.Name, after(": ", g.Why))
			}
		case "unreachable":
			add(5, "%s is unreachable%s.", g.Name, after(": ", g.Why))
		default:
			add(4, "%s is %s%s.", g.Name, g.State, after(": ", g.Why))
		}
		regions++
		if g.State == "serving" && len(g.Without) > 0 {
			add(3, "%s cannot serve %s from its origins.", g.Name, strings.Join(g.Without, ", "))
		}
	}
	nodes, well := 0, 0
	var refusing, apart, forgetful []string
	for _, n := range r.Nodes {
		if n.Membership == "left" {
			continue
		}
		nodes++
		state := nodeState(n)
		if state == "serving" {
			well++
		} else if g := find(r.Regions, n.Region); g.State == "serving" {
			add(2, "%s, a node of %s, is %s.", n.Name, n.Region, state)
		}
		if n.Figures != nil && n.Figures.Refused > 0 {
			refusing = append(refusing, n.Name)
		}
		if n.Figures != nil && n.Figures.Memcached != nil && n.Figures.Memcached.Down && state == "serving" {
			forgetful = append(forgetful, n.Name)
		}
		if n.NoOrigin && state == "serving" {
			apart = append(apart, n.Name)
		}
	}
	switch len(apart) {
	case 0:
	case 1:
		add(3, "%s reaches no origin.", apart[0])
	case well:
		add(3, "No node reaches an origin.")
	default:
		add(3, "%s reach no origin.", listed(apart))
	}
	if len(forgetful) > 0 {
		add(2, "The memcached of %s does not answer.", listed(forgetful))
	}
	if len(refusing) > 0 {
		add(2, "Mistakes in region files are refused by %s. What ran before goes on.", listed(refusing))
	}
	if revisionsDiffer(*r) {
		add(1, "Not all nodes run the same revision of the region map.")
	}
	slices.SortStableFunc(list, func(a, b wrong) int { return b.weight - a.weight })
	s.Counts = fmt.Sprintf("%d of %s serving, %d of %s.", serving, counted(regions, "region", "regions"), well, counted(nodes, "node", "nodes"))
	for i, w := range list {
		if i == 0 {
			s.Worst = map[bool]string{true: "bad", false: "warn"}[w.weight >= 4]
		}
		if i == mostSummed {
			s.More = len(list) - i
			break
		}
		s.List = append(s.List, w.text)
	}
	return s
}

func revisionsDiffer(s status.Report) bool {
	for _, n := range s.Nodes {
		if n.Membership == "alive" && n.Revision != s.Revision {
			return true
		}
	}
	return false
}

// nodeState is a node in one word: one that is gone is not what it was.
func nodeState(n status.Node) string {
	if n.Membership == "dead" || n.Membership == "left" {
		return n.Membership
	}
	return n.State
}

// sign is the class of a state: its colour and its shape. Another word has none of
// them, and is only written.
func sign(state string) string {
	switch state {
	case "serving", "draining", "unreachable", "canary", "overloaded", "dead", "suspect", "alive":
		return state
	}
	return "unknown"
}

// regionRow is a row of the regions' table.
type regionRow struct {
	status.Region
	Link      string // of the page with it in detail
	Sign      string
	Selected  bool
	Of        int // nodes that are not gone
	Requests  measure
	P99       measure
	Hits      measure
	Countries int
	Refused   bool
	Drain     *drainRow
}

// Reason is why it is not serving, or how a drain of it ends.
func (r regionRow) Reason() string {
	switch {
	case r.Drained != "":
		return "drained " + r.Drained
	case r.State == "serving":
		return ""
	}
	return r.Why
}

// Brief are its figures in a line, where there is no room for their columns.
func (r regionRow) Brief() string {
	var list []string
	if r.Requests.Known {
		list = append(list, r.Requests.Text+" requests/s")
	}
	if r.P99.Known {
		list = append(list, "p99 "+r.P99.Text)
	}
	if r.Hits.Known {
		list = append(list, "hits "+r.Hits.Text)
	}
	return strings.Join(list, ", ")
}

// measure is a figure with its words; Value sorts.
type measure struct {
	Known bool
	Value float64
	Text  string
}

// nodeRow is a row of the nodes' table.
type nodeRow struct {
	status.Node
	Shown   string
	Sign    string
	Differs bool
	Address string
	Drain   *drainRow
}

// Brief is its membership in a line, where there is no room for the columns.
func (r nodeRow) Brief(now time.Time) string {
	s := r.Membership
	if age := ago(now, r.Since); age == "just now" {
		s += " " + age
	} else {
		s += after(" for ", age)
	}
	if r.RTT > 0 {
		s += ", " + milliseconds(r.RTT) + " away"
	}
	if r.Differs && r.Revision != "" {
		s += ", another revision"
	}
	return s
}

func (v *networkView) rows() {
	r := &v.visit.Report
	countries := map[string]int{}
	for _, p := range v.Map.Patterns {
		countries[p.Region] = p.Countries
	}
	for _, g := range r.Regions {
		row := regionRow{Region: g, Link: v.link(g.Name), Sign: sign(g.State), Selected: g.Name == v.Selected, Countries: countries[string(g.Name)]}
		var sum together
		for _, n := range r.Nodes {
			if n.Region != g.Name || n.Membership == "left" {
				continue
			}
			row.Of++
			sum.add(n.Figures)
		}
		row.Requests, row.P99, row.Hits = sum.requests(), sum.p99(), sum.hits()
		row.Drain = v.Ops.drain("region", string(g.Name))
		v.Regions = append(v.Regions, row)
	}
	for _, n := range r.Nodes {
		row := nodeRow{Node: n, Shown: nodeState(n), Differs: n.Revision != r.Revision && n.Membership != "left", Drain: v.Ops.drain("node", n.Name)}
		row.Sign = sign(row.Shown)
		if v.Ops != nil {
			row.Address = v.Ops.Addresses[n.Name]
		}
		v.Nodes = append(v.Nodes, row)
	}
}

func degrees(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// after is text with what joins it to what stands before, if there is any.
func after(joint, text string) string {
	if text == "" {
		return ""
	}
	return joint + strings.TrimSuffix(text, ".")
}

// listed names the first of a list, and counts the others.
func listed(names []string) string {
	const most = 3
	if len(names) > most {
		names = append(slices.Clone(names[:most-1]), counted(len(names)-most+1, "other", "others"))
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// You says where the visitor is, and what that means.
func (v *networkView) You() string {
	d := &v.visit.Decision
	place := placeText(d.Place)
	switch {
	case d.Nearest == "" || v.Ops != nil: // an operator is not who asks the API
		return ""
	case place == "":
		return "Where you are is not known; " + string(d.Nearest) + " is the region for you."
	}
	return "You are in " + place + "; " + string(d.Nearest) + " is the region for you."
}

// Ago is how long before the report something was.
func (v *networkView) Ago(t time.Time) string {
	if s := ago(v.Now, t); s == "" || s == "just now" {
		return s
	} else {
		return s + " ago"
	}
}

// Clock is the time of an event, with its day unless that is the report's.
func (v *networkView) Clock(t time.Time) string {
	t, now := t.UTC(), v.Now.UTC()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("2 Jan 15:04:05")
}
