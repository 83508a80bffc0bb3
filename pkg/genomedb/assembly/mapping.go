package assembly

import (
	"slices"
	"strings"
)

// mapping says that coordinate systems map onto each other, as the database
// states it.
type mapping struct {
	systems []*CoordSystem // assembled first; each maps onto the next
	// many says that a component may be used more than once ("#"); else a
	// sequence is part of one sequence, once ("|").
	many bool
}

// readMappings reads what the database states: "chromosome:X|contig", or
// "chromosome:X#contig".
func (a *Assembly) readMappings() {
	for _, text := range a.db.Meta("assembly.mapping") {
		m := mapping{many: strings.Contains(text, "#")}
		for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '|' || r == '#' }) {
			name, version, _ := strings.Cut(part, ":")
			c := a.SystemNamed(name, version)
			if c == nil {
				m.systems = nil
				break
			}
			m.systems = append(m.systems, c)
		}
		if len(m.systems) < 2 {
			continue
		}
		same := func(o mapping) bool { return o.first() == m.first() && o.last() == m.last() }
		if i := slices.IndexFunc(a.mappings, same); i < 0 {
			a.mappings = append(a.mappings, m)
		} else if a.mappings[i].steps() >= m.steps() { // the shorter, else the later
			a.mappings[i] = m
		}
	}
}

func (m *mapping) first() *CoordSystem { return m.systems[0] }
func (m *mapping) last() *CoordSystem  { return m.systems[len(m.systems)-1] }

// steps is the number of steps, where "#" between two counts as a detour.
func (m *mapping) steps() int {
	if len(m.systems) == 2 && !m.many {
		return 1
	}
	return max(2, len(m.systems)-1)
}

// way finds how to get from one coordinate system to another: the stated
// mapping, in either direction, or two that meet. nil: there is none.
func (a *Assembly) way(from, to *CoordSystem) *mapping {
	for i := range a.mappings {
		if m := &a.mappings[i]; m.first() == from && m.last() == to {
			return m
		}
	}
	for _, m := range a.mappings {
		if m.first() == to && m.last() == from {
			m.systems = slices.Clone(m.systems)
			slices.Reverse(m.systems)
			return &m
		}
	}
	for _, middle := range a.systems {
		if a.meet(from, middle) && a.meet(middle, to) {
			return &mapping{systems: []*CoordSystem{from, middle, to}}
		}
	}
	return nil
}

// meet says whether a mapping of one step and no detour joins the two.
func (a *Assembly) meet(x, y *CoordSystem) bool {
	return slices.ContainsFunc(a.mappings, func(m mapping) bool {
		return m.steps() == 1 && (m.first() == x && m.last() == y || m.first() == y && m.last() == x)
	})
}

// down says whether a step goes from assembled to component. Where the step
// is not stated by itself, the longer mappings that contain it are asked.
func (a *Assembly) down(from, to *CoordSystem) bool {
	follows := func(m mapping, x, y *CoordSystem) bool {
		i := slices.Index(m.systems, x)
		return i >= 0 && i+1 < len(m.systems) && m.systems[i+1] == y
	}
	for _, long := range []bool{false, true} {
		for _, m := range a.mappings {
			switch {
			case len(m.systems) > 2 != long:
			case follows(m, from, to):
				return true
			case follows(m, to, from):
				return false
			}
		}
	}
	return true
}
