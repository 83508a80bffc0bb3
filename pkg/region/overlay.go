package region

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

const (
	maxAnnouncement = 16 << 10 // bytes of one text: a region is a page
	maxAnnounced    = 256      // regions that may stand in a Map without a file
	maxNotes        = 8

	// From here on a region claims everything: most continents, half of all countries.
	wideContinents, wideCountries = 5, 125
)

// An Announcement is what a node says of its own region. Node and Region are
// those of gossip, which knows its sender; nothing in Text can change them.
type Announcement struct {
	Node   string
	Region Name
	Text   string // as [Region.Text] writes it
}

// Digest is 12 hex digits of a hash; that of a region's own Text is [Region.Digest].
func (a Announcement) Digest() string { return digest(string(a.Region) + "\n" + a.Text) }

// A Use says what became of an announcement.
type Use string

const (
	ByFile   Use = "file"      // there is a file here, which holds, but for what Notes say
	InForce  Use = "announced" // there is no file here, and the announcement holds
	Outvoted Use = "outvoted"  // another one of the same region holds
	Refused  Use = "refused"
)

// An Outcome is one announcement as it was judged.
type Outcome struct {
	Node   string   `json:"node"`
	Region Name     `json:"region"`
	Digest string   `json:"digest"`
	Use    Use      `json:"use"`
	Notes  []string `json:"notes,omitempty"` // for people: what was refused, ignored, or differs
}

// Overlay adds to the Map of the files here what nodes announce of their own
// regions. It gives m itself where nothing changes. Outcomes are sorted by node,
// one each; the order of the announcements does not matter.
//
// A region with a file here stays as the file says, except that its nodes may
// take it out (draining, retired) and make its capacity smaller. One without
// must pass the checks of a file and those of network.yaml's announced; its
// parent, and networks and asns that announced does not cover, are left out.
// What most nodes of a region say holds, then the higher digest.
func Overlay(m *Map, announcements []Announcement) (*Map, []Outcome) {
	o := overlay{local: m, hosts: map[string]Name{}}
	o.read(announcements)
	regions := slices.Clone(m.regions)
	changed := false
	for _, g := range o.ballots() {
		if i, ok := m.index(g.name); ok {
			changed = g.restrict(&regions[i]) || changed
		} else if o.admit(g) {
			regions = append(regions, g.won().region)
			changed = true
		}
	}
	slices.SortFunc(o.outcomes, func(a, b *Outcome) int { return cmp.Compare(a.Node, b.Node) })
	outcomes := make([]Outcome, len(o.outcomes))
	for i, v := range o.outcomes {
		v.Notes = shorten(v.Notes)
		outcomes[i] = *v
	}
	if !changed {
		return m, outcomes
	}
	over, err := m.with(regions)
	if err != nil { // cannot be: each region passed, and no hostname is taken twice
		return m, outcomes
	}
	return over, outcomes
}

// with is m with other regions, each checked already.
func (m *Map) with(regions []Region) (*Map, error) {
	set := set{network: parsed[Network]{value: m.network, file: "network.yaml", whole: true}}
	for _, r := range regions {
		set.regions = append(set.regions, parsed[Region]{value: r, file: string(r.Name) + ".yaml", whole: true})
	}
	return set.build(nil)
}

// overlay is one Overlay while it is made.
type overlay struct {
	local    *Map
	texts    []ballot
	hosts    map[string]Name // of admitted regions
	outcomes []*Outcome
}

// ballot is one text that was not refused, and who says it.
type ballot struct {
	region   Region
	digest   string
	outcomes []*Outcome
}

// group is what the nodes of one region say, what holds in front.
type group struct {
	name    Name
	ballots []ballot
}

func (g group) won() *ballot { return &g.ballots[0] }

// nodes counts all that speak for g's first text.
func (g group) nodes() int { return len(g.won().outcomes) }

// read judges each announcement by itself.
func (o *overlay) read(announcements []Announcement) {
	list := slices.Clone(announcements)
	slices.SortFunc(list, func(a, b Announcement) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Text, b.Text))
	})
	for i, a := range list {
		if i+1 < len(list) && list[i+1].Node == a.Node {
			continue // a node speaks once
		}
		out := &Outcome{Node: a.Node, Region: a.Region, Digest: a.Digest(), Use: Refused}
		o.outcomes = append(o.outcomes, out)
		r, notes, why := o.judge(a)
		if len(why) > 0 {
			out.Notes = why
			continue
		}
		out.Notes, out.Digest = notes, r.Digest()
		o.add(ballot{region: r, digest: out.Digest, outcomes: []*Outcome{out}})
	}
}

func (o *overlay) add(b ballot) {
	for i := range o.texts {
		if t := &o.texts[i]; t.region.Name == b.region.Name && t.digest == b.digest {
			t.outcomes = append(t.outcomes, b.outcomes...)
			return
		}
	}
	o.texts = append(o.texts, b)
}

// judge reads one announcement. Why it is refused stands in why.
func (o *overlay) judge(a Announcement) (r Region, notes, why []string) {
	if len(a.Text) > maxAnnouncement {
		return r, nil, []string{fmt.Sprintf("longer than %d bytes", maxAnnouncement)}
	}
	p, problems := parseRegion(a.Region, "text", []byte(a.Text))
	r = p.value
	if len(problems) > 0 {
		problems.sort()
		for _, p := range problems {
			why = append(why, p.String())
		}
		return r, nil, why
	}
	if _, ok := o.local.Region(a.Region); ok {
		return r, nil, nil // at most it takes itself out
	}
	allowed := o.local.network.Announced
	host := hostname(r.URL)
	switch kind, owner := o.local.ByHost(host); {
	case len(allowed.URLs) == 0:
		why = append(why, "network.yaml has no announced.urls, so nothing announced is accepted; write one that matches "+r.URL+
			", or the file "+string(r.Name)+".yaml")
	case !allowed.AllowsURL(r.URL):
		why = append(why, fmt.Sprintf("url %s matches none of announced.urls %s in network.yaml", r.URL, strings.Join(allowed.URLs, " ")))
	case kind == Regional:
		why = append(why, fmt.Sprintf("hostname %s is already that of region %s", host, owner))
	case kind == Canonical:
		why = append(why, fmt.Sprintf("hostname %s is a canonical one", host))
	}
	if all := claimsAll(r.Serves); all != "" {
		why = append(why, "serves claims "+all+", which only a file may")
	}
	r.Serves.Networks = slices.DeleteFunc(slices.Clone(r.Serves.Networks), func(p netip.Prefix) bool {
		if slices.ContainsFunc(allowed.Networks, func(q netip.Prefix) bool { return q.Bits() <= p.Bits() && q.Contains(p.Addr()) }) {
			return false
		}
		notes = append(notes, fmt.Sprintf("serves.networks %s is ignored: announced.networks in network.yaml does not cover it", p))
		return true
	})
	r.Serves.ASNs = slices.DeleteFunc(slices.Clone(r.Serves.ASNs), func(n uint32) bool {
		if slices.Contains(allowed.ASNs, n) {
			return false
		}
		notes = append(notes, fmt.Sprintf("serves.asns %d is ignored: announced.asns in network.yaml does not list it", n))
		return true
	})
	if len(r.Serves.Networks) == 0 {
		r.Serves.Networks = nil
	}
	if len(r.Serves.ASNs) == 0 {
		r.Serves.ASNs = nil
	}
	if r.Parent != "" {
		notes = append(notes, fmt.Sprintf("parent %s is ignored: an announcement names none", r.Parent))
		r.Parent = ""
	}
	return r, notes, why
}

// shorten bounds what one announcement can make this node say.
func shorten(notes []string) []string {
	if more := len(notes) - maxNotes; more > 0 {
		notes = append(notes[:maxNotes:maxNotes], fmt.Sprintf("and %d more", more))
	}
	return notes
}

// claimsAll says what of the rules takes everybody's clients; "" if nothing.
func claimsAll(r Rules) string {
	for _, p := range r.Networks {
		if p.Bits() == 0 {
			return "the whole Internet, " + p.String()
		}
	}
	switch {
	case len(r.Continents) >= wideContinents:
		return fmt.Sprintf("%d continents", len(r.Continents))
	case len(r.Countries) >= wideCountries:
		return fmt.Sprintf("%d countries", len(r.Countries))
	}
	return ""
}

// ballots orders what was not refused: within a region what holds first; of
// regions that of which more nodes speak, since only one can have a hostname.
func (o *overlay) ballots() (groups []group) {
	for _, b := range o.texts {
		i := slices.IndexFunc(groups, func(g group) bool { return g.name == b.region.Name })
		if i < 0 {
			i = len(groups)
			groups = append(groups, group{name: b.region.Name})
		}
		groups[i].ballots = append(groups[i].ballots, b)
	}
	for _, g := range groups {
		slices.SortFunc(g.ballots, func(a, b ballot) int {
			return cmp.Or(cmp.Compare(len(b.outcomes), len(a.outcomes)), cmp.Compare(b.digest, a.digest))
		})
		all := 0
		for _, b := range g.ballots {
			all += len(b.outcomes)
		}
		for _, b := range g.ballots[1:] {
			for _, out := range b.outcomes {
				out.Use = Outvoted
				out.Notes = append(out.Notes, fmt.Sprintf("differs from %s, which holds: %d of %d nodes say so", g.won().digest, g.nodes(), all))
			}
		}
	}
	slices.SortFunc(groups, func(a, b group) int { return cmp.Or(cmp.Compare(b.nodes(), a.nodes()), cmp.Compare(a.name, b.name)) })
	return groups
}

// admit lets in a region without a file, unless its hostname is taken.
func (o *overlay) admit(g group) bool {
	host := hostname(g.won().region.URL)
	owner, taken := o.hosts[host]
	why := ""
	switch {
	case taken:
		why = fmt.Sprintf("hostname %s is already that of %s, which is announced too", host, owner)
	case len(o.hosts) == maxAnnounced:
		why = fmt.Sprintf("%d regions are announced already", maxAnnounced)
	default:
		o.hosts[host] = g.name
	}
	for _, out := range g.won().outcomes {
		if out.Use = InForce; why != "" {
			out.Use, out.Notes = Refused, append(out.Notes, why)
		}
	}
	return why == ""
}

// restrict takes from an announcement what holds against the file of a region:
// that it is to get fewer clients.
func (g group) restrict(r *Region) (changed bool) {
	said := g.won().region
	var notes []string
	if differ := fieldsOf(*r, said); len(differ) > 0 {
		notes = append(notes, "differs from the file here, which holds: "+strings.Join(differ, ", "))
	}
	holds := func(format string, args ...any) {
		changed = true
		notes = append(notes, "holds all the same: "+fmt.Sprintf(format, args...))
	}
	if out := (said.State == Draining || said.State == Retired) && r.State != Retired; out && said.State != r.State {
		r.State = said.State
		holds("state %s", said.State)
	}
	if smaller(said.HardRPS, r.HardRPS) {
		r.HardRPS = said.HardRPS
		holds("capacity.hard_rps %s", number(r.HardRPS))
	}
	if smaller(said.SoftRPS, r.SoftRPS) {
		r.SoftRPS = said.SoftRPS
		holds("capacity.soft_rps %s", number(r.SoftRPS))
	}
	if r.HardRPS > 0 {
		r.SoftRPS = min(r.SoftRPS, r.HardRPS)
	}
	for _, out := range g.won().outcomes {
		out.Use, out.Notes = ByFile, append(out.Notes, notes...)
	}
	return changed
}

// smaller compares two limits, of which 0 is none.
func smaller(a, b float64) bool { return a > 0 && (b == 0 || a < b) }

// fieldsOf names the fields in which two regions of one name differ.
func fieldsOf(a, b Region) (keys []string) {
	x, y := strings.Split(a.Text(), "\n"), strings.Split(b.Text(), "\n")
	for i := range x {
		if key, _, _ := strings.Cut(x[i], ":"); x[i] != y[i] {
			keys = append(keys, key)
		}
	}
	return keys
}
