package dashboard

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"mirrornet/pkg/status"
)

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
