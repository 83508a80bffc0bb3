//go:build linux

package world

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// figures are what a scenario showed, all its rounds together.
type figures struct {
	name     string
	rounds   int
	outs     []outcome
	measured []measure
	failures []string // acceptance lines that do not hold
}

// A measure is a series of durations with its limit.
type measure struct {
	what   string
	limit  time.Duration // of the 99th percentile; 0: none
	values []time.Duration
}

func (f *figures) fail(format string, args ...any) {
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}

// add adds a value to the measure of that name.
func (f *figures) add(what string, limit, value time.Duration) {
	for i := range f.measured {
		if f.measured[i].what == what {
			f.measured[i].values = append(f.measured[i].values, value)
			return
		}
	}
	f.measured = append(f.measured, measure{what, limit, []time.Duration{value}})
}

// settle compares the measures with their limits.
func (f *figures) settle(strict bool) {
	for _, m := range f.measured {
		limit := m.limit
		if !strict {
			limit *= patience
		}
		if p := percentile(m.values, 0.99); limit > 0 && p > limit {
			f.fail("%s: %s (p99 of %d), limit %s", m.what, short(p), len(m.values), limit)
		}
	}
}

// percentile is the smallest value that at least the share p of all does not exceed.
func percentile(values []time.Duration, p float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	return v[max(0, int(math.Ceil(p*float64(len(v))))-1)]
}

// wrongStates are the times from the begin of a bad answer to the end of the
// next good one, of each client and kind.
func wrongStates(outs []outcome) (states []time.Duration) {
	for _, series := range byClient(outs) {
		var since time.Time
		for _, o := range series {
			switch {
			case bad(o) && since.IsZero():
				since = o.begin
			case !bad(o) && !since.IsZero():
				states = append(states, o.end.Sub(since))
				since = time.Time{}
			}
		}
		if !since.IsZero() {
			states = append(states, series[len(series)-1].end.Sub(since))
		}
	}
	return states
}

// byClient gives each client's outcomes of one kind, in the order of their begin.
func byClient(outs []outcome) map[string][]outcome {
	m := map[string][]outcome{}
	for _, o := range outs {
		key := o.client + " " + o.kind
		m[key] = append(m[key], o)
	}
	for _, series := range m {
		slices.SortFunc(series, func(a, b outcome) int { return a.begin.Compare(b.begin) })
	}
	return m
}

// never is a success that did not come.
const never time.Duration = math.MaxInt64

// back is when requests succeed again after a break: of each client and kind,
// the begin of the last one that failed; the latest of these. It is never where
// none came after it.
func back(outs []outcome, broken time.Time, fails func(outcome) bool) (last time.Duration) {
	for _, series := range byClient(outs) {
		for i, o := range series {
			switch {
			case !fails(o):
			case i == len(series)-1:
				return never
			default:
				last = max(last, o.begin.Sub(broken))
			}
		}
	}
	return last
}

func count(outs []outcome, is func(outcome) bool) (n int) {
	for _, o := range outs {
		if is(o) {
			n++
		}
	}
	return n
}

// examples describes the first few outcomes of a kind, for whoever reads the log.
func examples(outs []outcome, is func(outcome) bool, n int) string {
	var b strings.Builder
	for _, o := range outs {
		if !is(o) {
			continue
		}
		if n--; n < 0 {
			break
		}
		fmt.Fprintf(&b, "\n  %s %s %s, %s long: entry %s, served by %s, named %s, expected %v, error %v, then %v",
			o.begin.Format("15:04:05.000"), o.client, o.kind, short(o.end.Sub(o.begin)), o.entry, o.served, o.named, o.expected, o.err, o.lost)
	}
	return b.String()
}

func short(d time.Duration) string {
	if d == never {
		return "never"
	}
	return fmt.Sprintf("%.2fs", d.Seconds())
}

// table prints one line per scenario, and below it the lines that do not hold.
func table(w io.Writer, all []*figures) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "SCENARIO\tROUNDS\tREQUESTS\tFAILED\tRETRIED TOO\tWRONG REGION\tWRONG STATE p50\tp99\tLONGEST\tVERDICT\tFIGURES (p50 p99)")
	for _, f := range all {
		states := wrongStates(f.outs)
		verdict := "holds"
		if len(f.failures) > 0 {
			verdict = "FAILS"
		}
		var figures []string
		for _, m := range f.measured {
			figures = append(figures, fmt.Sprintf("%s %s %s", m.what, short(percentile(m.values, 0.5)), short(percentile(m.values, 0.99))))
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\n", f.name, f.rounds, len(f.outs), count(f.outs, failed), count(f.outs, lost), count(f.outs, wrong),
			short(percentile(states, 0.5)), short(percentile(states, 0.99)), short(percentile(states, 1)), verdict, cmp.Or(strings.Join(figures, "; "), "-"))
	}
	t.Flush()
	for _, f := range all {
		for _, line := range f.failures {
			fmt.Fprintf(w, "%s: %s\n", f.name, line)
		}
	}
}
