package live

import (
	"fmt"
	"slices"
	"strconv"

	"mirrornet/pkg/status"
)

// Changes says what is different in cur: of nodes that joined and left, then of
// regions, of nodes, and of what the nodes answer from. The events have no Seq
// and no Detail. To be unknown is no event, nor that what was unknown serves.
func Changes(prev, cur *status.Report) []status.Event {
	c := changes{prev: prev, cur: cur, before: byName(prev), now: byName(cur)}
	c.members()
	c.regions()
	for i := range cur.Nodes {
		n := &cur.Nodes[i]
		if before := c.before[n.Name]; before != nil && present(before) && present(n) {
			c.node(before, n)
		}
	}
	return c.events
}

// unknown is the state of what nobody has looked at yet.
const unknown = "unknown"

type changes struct {
	prev, cur   *status.Report
	before, now map[string]*status.Node // their nodes
	events      []status.Event
}

func (c *changes) add(e status.Event, format string, args ...any) {
	e.Time, e.Text = c.cur.Time, fmt.Sprintf(format, args...)
	c.events = append(c.events, e)
}

// present reports whether a node is a member.
func present(n *status.Node) bool {
	return n.Membership == "alive" || n.Membership == "suspect" || n.Self
}

func byName(r *status.Report) map[string]*status.Node {
	nodes := make(map[string]*status.Node, len(r.Nodes))
	for i := range r.Nodes {
		nodes[r.Nodes[i].Name] = &r.Nodes[i]
	}
	return nodes
}

func regionOf(r *status.Report, of *status.Region) *status.Region {
	for i := range r.Regions {
		if r.Regions[i].Name == of.Name {
			return &r.Regions[i]
		}
	}
	return nil
}

func (c *changes) members() {
	for i := range c.cur.Nodes {
		n := &c.cur.Nodes[i]
		before := c.before[n.Name]
		was := before != nil && present(before)
		e := status.Event{Region: n.Region, Node: n.Name, To: n.Membership}
		switch is := present(n); {
		case is && !was:
			e.Kind, e.To = status.Joined, n.State
			c.add(e, "%s joined %s", n.Name, n.Region)
		case was && !is && n.Membership == "left":
			e.Kind = status.Left
			c.add(e, "%s left", n.Name)
		case was && !is:
			e.Kind = status.Dead
			c.add(e, "%s is given up: the other nodes have not heard of it for long", n.Name)
		}
	}
	for i := range c.prev.Nodes {
		n := &c.prev.Nodes[i]
		if present(n) && c.now[n.Name] == nil {
			c.add(status.Event{Kind: status.Dead, Region: n.Region, Node: n.Name, To: "dead"}, "%s is not known any more", n.Name)
		}
	}
}

func (c *changes) regions() {
	for i := range c.cur.Regions {
		r := &c.cur.Regions[i]
		e := status.Event{Kind: status.State, Region: r.Name, To: r.State}
		before := regionOf(c.prev, r)
		switch {
		case before == nil && r.Announced:
			c.add(e, "%s is a new region, announced by its own nodes; it is %s", r.Name, r.State)
		case before == nil:
			c.add(e, "%s is a new region; it is %s", r.Name, r.State)
		case c.drained(e, string(r.Name), before.Drained, r.Drained):
		case before.State != r.State && r.State == "serving":
			c.add(e, "%s serves", r.Name)
		case before.State != r.State && r.Why != "":
			c.add(e, "%s is %s: %s", r.Name, r.State, r.Why)
		case before.State != r.State:
			c.add(e, "%s is %s", r.Name, r.State)
		}
	}
	for i := range c.prev.Regions {
		if r := &c.prev.Regions[i]; regionOf(c.cur, r) == nil {
			c.add(status.Event{Kind: status.State, Region: r.Name}, "%s is no region any more", r.Name)
		}
	}
}

// drained tells of an operator's statement about a region or node; e has what it
// is now. False: there is nothing to tell.
func (c *changes) drained(e status.Event, name, before, now string) bool {
	switch {
	case before == now:
		return false
	case now != "":
		e.Kind = status.Drained
		c.add(e, "%s is drained %s", name, now)
	case e.To == "serving":
		e.Kind = status.Resumed
		c.add(e, "%s takes clients again", name)
	case e.To == "draining": // it has not heard of it yet, or has another reason
		e.Kind = status.Resumed
		c.add(e, "%s is not drained any more", name)
	default:
		e.Kind = status.Resumed
		c.add(e, "%s is not drained any more; it is %s", name, e.To)
	}
	return true
}

// node compares one that is a member in both.
func (c *changes) node(before, n *status.Node) {
	e := status.Event{Kind: status.State, Region: n.Region, Node: n.Name, To: n.State}
	switch {
	case c.drained(e, n.Name, before.Drained, n.Drained):
	case before.State == n.State, n.State == unknown, before.State == unknown && n.State == "serving":
	case n.State == "serving":
		c.add(e, "%s serves", n.Name)
	default:
		c.add(e, "%s is %s", n.Name, n.State)
	}
	if n.Self && c.prev.Isolated != c.cur.Isolated {
		if c.cur.Isolated {
			c.add(e, "%s reaches no other region and no origin", n.Name)
		} else {
			c.add(e, "%s reaches others again", n.Name)
		}
	}
	if before.Revision != n.Revision && before.Revision != "" && n.Revision != "" {
		e.Kind, e.To = status.Revision, n.Revision
		c.add(e, "%s runs revision %s of the region map", n.Name, n.Revision)
	}
	c.release(before, n)
	if old, now := before.Figures, n.Figures; old != nil && now != nil {
		c.origins(n, old.Origins, now.Origins)
		e = status.Event{Kind: status.ConfigRefused, Region: n.Region, Node: n.Name, To: strconv.Itoa(now.Refused)}
		switch {
		case old.Refused == now.Refused:
		case now.Refused == 0:
			c.add(e, "%s has taken its region files, which were refused", n.Name)
		case now.Refused == 1:
			c.add(e, "%s refuses its region files for a mistake; what ran goes on", n.Name)
		default:
			c.add(e, "%s refuses its region files for %d mistakes; what ran goes on", n.Name, now.Refused)
		}
	}
}

// release tells of another release of the data, or of another catalogue of it,
// which is known of this node alone.
func (c *changes) release(before, n *status.Node) {
	old, now, hash := "", "", false
	if before.Figures != nil && n.Figures != nil {
		old, now = before.Figures.Release, n.Figures.Release
	}
	if a, b := c.prev.Catalogue, c.cur.Catalogue; n.Self && a != nil && b != nil {
		old, now, hash = a.Release, b.Release, a.Hash != b.Hash
	}
	e := status.Event{Kind: status.Release, Region: n.Region, Node: n.Name, To: now}
	switch {
	case old != now && old != "" && now != "":
		c.add(e, "%s answers from release %s", n.Name, now)
	case hash:
		c.add(e, "%s goes by another catalogue of endpoints, %s", n.Name, c.cur.Catalogue.Hash)
	}
}

func (c *changes) origins(n *status.Node, old, now []status.Origin) {
	for _, o := range now {
		for _, before := range old {
			if before.Order != o.Order || before.State == o.State || o.State == unknown || before.State == unknown && o.State == "serving" {
				continue
			}
			e := status.Event{Kind: status.State, Region: n.Region, Node: n.Name, Origin: o.Order, To: o.State}
			if o.State == "serving" {
				c.add(e, "origin %d of %s serves", o.Order, n.Name)
			} else {
				c.add(e, "origin %d of %s is %s", o.Order, n.Name, o.State)
			}
		}
	}
}

// carry fills in what is not known in cur with what was known last, so that what
// changes meanwhile is found when it is known again. It changes cur, whose Nodes
// and their Figures must be its own.
func carry(prev, cur *status.Report) {
	nodes := byName(prev)
	for i := range cur.Nodes {
		n := &cur.Nodes[i]
		before := nodes[n.Name]
		if before == nil {
			continue
		}
		if n.State == unknown {
			n.State = before.State
		}
		switch {
		case n.Figures == nil:
			n.Figures = before.Figures
		case before.Figures != nil:
			f := *n.Figures
			f.Origins = slices.Clone(f.Origins)
			for i := range f.Origins {
				o := &f.Origins[i]
				if j := slices.IndexFunc(before.Figures.Origins, func(old status.Origin) bool { return old.Order == o.Order }); o.State == unknown && j >= 0 {
					o.State = before.Figures.Origins[j].State
				}
			}
			n.Figures = &f
		}
	}
	if cur.Catalogue == nil {
		cur.Catalogue = prev.Catalogue
	}
}
