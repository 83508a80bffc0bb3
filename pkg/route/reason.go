package route

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"mirrornet/pkg/region"
)

// why is the reason of a Decision.
type why uint8

const (
	noReason why = iota
	becauseForwarded
	becauseNamed
	becauseNamedOther
	becauseNamedUnable
	becauseIsolated
	becauseNobody
	becauseNearest
	becauseStay
	becauseNavigation
	becauseNavigationServe
	becauseAPIServe
	becauseAPIProxy
	becauseAPIRedirect
	becauseMethod
	becauseInPlace
	becauseNoOther
)

// ReasonForwarded is the reason of what came through another edge.
const ReasonForwarded = "another edge forwarded the request to this one"

// Reason says in one sentence why.
func (d Decision) Reason() string {
	r := d.router
	if r == nil {
		return ""
	}
	nearest, which, would := string(d.Nearest), "nearest", " would be nearer"
	if d.spiller >= 0 {
		which, would = "next", " would be next"
	}
	switch d.why {
	case becauseForwarded:
		return ReasonForwarded
	case becauseNamed:
		return "the request names this region"
	case becauseNamedOther:
		return "the request names the region " + r.name(d.named)
	case becauseNamedUnable:
		return "the request names the region " + r.name(d.named) + ", which is " + r.unable(int(d.named), d.class)
	case becauseIsolated:
		return "this node reaches no other region"
	case becauseNobody:
		return "no region can be chosen, so this one serves"
	case becauseInPlace:
		return "this region is " + r.unable(r.plan.self, "") + "; " + string(d.Region) + " answers in its place"
	case becauseNoOther:
		return "this region is " + r.unable(r.plan.self, "") + ", but no other can answer"
	case becauseNearest:
		return "this region is the " + which + d.instead()
	case becauseStay:
		return "the client wants to stay; " + nearest + would + d.instead()
	case becauseNavigation:
		return nearest + " is the " + which + " region for this page load" + d.instead()
	case becauseNavigationServe:
		return "page loads are served where they arrive (routing.navigation: serve); " + nearest + would + d.instead()
	case becauseAPIServe:
		return "API calls are served where they arrive (routing.api: serve); " + nearest + would + d.instead()
	case becauseAPIProxy:
		return "API calls are passed to the " + which + " region (routing.api: proxy)" + d.instead()
	case becauseAPIRedirect:
		return "API calls are sent to the " + which + " region (routing.api: redirect)" + d.instead()
	case becauseMethod:
		return "a " + d.method + " is never redirected; " + nearest + would + d.instead()
	}
	return ""
}

// Why is Reason without names and numbers: one of a few, to count by.
func (d Decision) Why() string { return whys[d.why] }

var whys = [...]string{
	becauseForwarded:       "forwarded by another edge",
	becauseNamed:           "named by the client's hostname",
	becauseNamedOther:      "passed on to the region that the hostname names",
	becauseNamedUnable:     "in place of the region that the hostname names, which cannot serve",
	becauseIsolated:        "no other region is reached",
	becauseNobody:          "no region can be chosen",
	becauseNearest:         "nearest region",
	becauseStay:            "the client wants to stay",
	becauseNavigation:      "page load sent to the nearest",
	becauseNavigationServe: "page load served where it arrived",
	becauseAPIServe:        "API call served where it arrived",
	becauseAPIProxy:        "API call passed on to the nearest",
	becauseAPIRedirect:     "API call sent to the nearest",
	becauseMethod:          "a method that is never redirected",
	becauseInPlace:         "passed on, as this region cannot serve",
	becauseNoOther:         "this region cannot serve, and no other can answer",
}

// Way numbers how Nearest was found: decisions of one Router for the same request
// of two clients that have the same Way differ in nothing. 0: there is no Nearest.
func (d Decision) Way() uint32 {
	return uint32(d.nearest+1) | uint32(d.spiller+1)<<11 | uint32(d.passed+1)<<22
}

// instead says which region the order named, where the nearest is another.
func (d Decision) instead() (text string) {
	if d.spiller >= 0 {
		text = "; " + d.router.name(d.spiller) + " comes first but " + d.router.states[d.spiller].spills()
	}
	if d.passed >= 0 {
		text += "; measured round trips put it before " + d.router.name(d.passed)
	}
	return text
}

func (s *state) spills() string {
	return "sends " + strconv.Itoa(s.Spill) + " % of its clients to their next region, and this one is among them"
}

func (r *Router) name(i int32) string { return string(r.plan.regions[i].Name) }

// unable says in words what keeps a region from serving; i as in able.
func (r *Router) unable(i int, class string) string {
	s := state{status: r.world.status(r.world.Self)}
	if i >= 0 {
		s = r.states[i]
	}
	switch {
	case s.region != nil && (s.region.State == region.Draining || s.region.State == region.Retired):
		return string(s.region.State)
	case s.Draining != "":
		return "draining " + s.Draining
	case !s.Serving && s.Why != "":
		return "not serving (" + s.Why + ")"
	case !s.Serving:
		return "not confirmed serving"
	case s.lacks(class):
		return "not able to serve " + class + " now"
	}
	return ""
}

// An entry is one region of an Explanation.
type entry struct {
	*ranked
	*state
	out   out
	merit merit
	rtt   time.Duration // from the client's network
}

// candidates turns the order into words: as decided, then the excluded by name.
func (c *chooser) candidates(d Decision) []Candidate {
	entries := make([]entry, len(c.order.ranked))
	for i := range c.order.ranked {
		e := &c.order.ranked[i]
		entries[i] = entry{e, &c.r.states[e.index], c.exclude(e), c.merit(e), c.roundTrip(e)}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		_, by := c.differ(&d, &a, &b)
		return by
	})
	list := make([]Candidate, len(entries))
	for i := range entries {
		e := &entries[i]
		list[i] = Candidate{Region: e.region.Name, Serving: e.Serving, Excluded: e.out != in, Rule: c.r.plan.ruleText(c.order, e.ranked, true),
			DistanceKm: e.km, RTT: e.state.rtt, ClientRTT: e.rtt, Chosen: e.index == d.nearest, Reason: c.reason(&d, entries, i)}
		if math.IsInf(e.km, 1) {
			list[i].DistanceKm = -1
		}
	}
	return list
}

// differ compares two regions and names the key that decided.
func (c *chooser) differ(d *Decision, a, b *entry) (key, int) {
	if by := before(a.out == in, b.out == in); by != 0 {
		return excluded, by
	}
	if a.out != in {
		return name, cmp.Compare(a.index, b.index)
	}
	if by := cmp.Compare(a.merit, b.merit); by != 0 {
		switch diff := a.merit ^ b.merit; {
		case diff >= wish:
			return wished, by
		case diff >= overloaded:
			return load, by
		}
		return spill, by
	}
	if d.passed >= 0 {
		if by := before(a.index == d.nearest, b.index == d.nearest); by != 0 {
			return measured, by
		}
	}
	return c.r.plan.nearer(c.order, a.ranked, b.ranked)
}

func (c *chooser) reason(d *Decision, entries []entry, i int) string {
	e := &entries[i]
	if e.out != in {
		return c.excluded(e)
	}
	// The first against the second, every other against the first; where that is
	// the first by its round trip, the region that it passed says more.
	other := min(1, len(entries)-1)
	if i > 0 {
		other = 0
	}
	if i == 0 && d.spiller >= 0 {
		other = slices.IndexFunc(entries, func(e entry) bool { return e.index == d.spiller })
	}
	if d.passed >= 0 && e.index != d.passed && e.merit == entries[0].merit {
		other = slices.IndexFunc(entries, func(e entry) bool { return e.index == d.passed })
	}
	o := &entries[other]
	if i == other || o.out != in {
		return "chosen as the only region in question"
	}
	k, _ := c.differ(d, e, o)
	first := string(o.region.Name)
	if e.index == d.nearest {
		return c.chosen(k, e, o)
	}
	switch k {
	case wished:
		return "the client prefers " + first
	case load:
		return "overloaded, which " + first + " is not"
	case spill:
		return e.spills()
	case measured:
		return "its round trip from the client's network is " + trip(e.rtt) + ", against " + trip(o.rtt) + " of " + first
	case rule:
		text := c.r.plan.ruleText(c.order, o.ranked, true)
		if e.class == noRule {
			return "no rule of its own matches, and " + first + " has " + text
		}
		return "its rule " + c.r.plan.ruleText(c.order, e.ranked, true) + " is less specific than " + text + " of " + first
	case home:
		return "the client's place is unknown, and " + first + " is home"
	case here:
		return "the client's place is unknown, and " + first + " is the region asked"
	case distance:
		return "farther than " + first + ", " + kilometres(e.km) + " against " + kilometres(o.km)
	}
	return "after " + first + " by name, all else being equal"
}

// chosen says why e is in front of o, the next.
func (c *chooser) chosen(k key, e, o *entry) string {
	second := string(o.region.Name)
	switch k {
	case wished:
		return "chosen at the client's wish"
	case load:
		return "chosen because " + second + " is overloaded"
	case spill:
		return "chosen because " + second + " " + o.spills()
	case measured:
		return "chosen by the round trip from the client's network, " + trip(e.rtt) + " against " + trip(o.rtt) + " of " + second
	case rule:
		return "chosen by its rule " + c.r.plan.ruleText(c.order, e.ranked, true)
	case home:
		return "chosen as home, for a client of unknown place"
	case here:
		return "chosen as the region asked, for a client of unknown place"
	case distance:
		return "chosen by distance, " + kilometres(e.km) + " against " + kilometres(o.km) + " to " + second
	}
	return "chosen by name, all else being equal"
}

// excluded says in words why a region is no candidate.
func (c *chooser) excluded(e *entry) string {
	switch e.out {
	case unableOut:
		why := c.r.unable(int(e.index), "")
		if e.Serving && !strings.HasPrefix(why, "draining ") {
			why += ", so it takes no clients"
		}
		return why
	case isolatedOut:
		return "out of reach: this node is isolated"
	case avoidOut:
		return "avoids this client by its rule " + c.r.plan.ruleText(c.order, e.ranked, false)
	case wishOut:
		return "avoided at the client's wish"
	case classOut:
		return c.r.unable(int(e.index), c.q.Class)
	case canaryOut:
		return "canary for " + strconv.Itoa(e.region.Share) + " % of the clients, and this one is not among them"
	case familyOut:
		if c.q.Client.Is4() {
			return "not reachable over IPv4"
		}
		return "not reachable over IPv6"
	}
	return ""
}

func kilometres(km float64) string { return strconv.Itoa(int(math.Round(km))) + " km" }

func trip(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', -1, 64) + " ms"
}
