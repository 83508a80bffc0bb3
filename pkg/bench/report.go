//go:build linux

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// Report is a whole run, as it is written.
type Report struct {
	Machine  string
	Date     string
	Duration string // of one measurement
	Rounds   int
	Rows     []Result
}

// Result is one row.
type Result struct {
	Row, Title string
	Servers    []ServerResult
	Best       string  `json:",omitempty"` // peer that Ratio compares with
	Ratio      float64 `json:",omitempty"` // what it is of, Measure says
	Measure    string  `json:",omitempty"`
	Goal       float64 `json:",omitempty"`
	Verdict    string  `json:",omitempty"` // ok or short
	Notes      []string
	kind       kind
}

// ServerResult is what was measured of one server in one row.
type ServerResult struct {
	Server  string
	Samples []sample
	Error   string `json:",omitempty"`
}

// sample is one measurement; times are in µs.
type sample struct {
	PerSecond float64 // answers; in a paced row, what was asked for
	CPU       float64 // of all of the server's processes, for each answer
	P50, P99  float64
	Late      float64 `json:",omitempty"` // p99 of the generator's own lateness
	Others    float64 // share of the server's core that others used meanwhile
	Bytes     float64 `json:",omitempty"` // memory for each stored response
	Counted   float64 `json:",omitempty"` // the same, by the server's own count
	Lost      float64 `json:",omitempty"` // share of stored responses that were gone
}

func perSecond(s sample) float64   { return s.PerSecond }
func cpu(s sample) float64         { return s.CPU }
func p50(s sample) float64         { return s.P50 }
func p99(s sample) float64         { return s.P99 }
func countedEach(s sample) float64 { return s.Counted }

// spread is a median and its range.
type spread struct{ Mid, Low, High float64 }

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return spread{(values[(n-1)/2] + values[n/2]) / 2, values[0], values[n-1]}
}

func (s ServerResult) median(of func(sample) float64) spread {
	values := make([]float64, len(s.Samples))
	for i, m := range s.Samples {
		values[i] = of(m)
	}
	return spreadOf(values)
}

func (r *Result) server(name string) *ServerResult {
	i := slices.IndexFunc(r.Servers, func(s ServerResult) bool { return s.Server == name })
	if i < 0 {
		return nil
	}
	return &r.Servers[i]
}

// add takes up a measurement, or why there is none.
func (r *Result) add(name string, m sample, err error) {
	s := r.server(name)
	if s == nil {
		r.Servers = append(r.Servers, ServerResult{Server: name})
		s = &r.Servers[len(r.Servers)-1]
	}
	if err != nil {
		s.Error = err.Error()
		return
	}
	s.Samples = append(s.Samples, m)
}

func (r *Result) failed(name string) bool {
	s := r.server(name)
	return s != nil && s.Error != ""
}

// judge compares the edge with the best peer. Which is the best, and what the
// ratio is of, depends on the kind of row.
func (r *Result) judge() {
	edge := r.server(theEdge)
	if edge == nil || len(edge.Samples) == 0 {
		return
	}
	value := func(s ServerResult) float64 { return s.median(cpu).Mid }
	switch r.kind {
	case misses:
		direct := r.server(theOrigin)
		if direct == nil || len(direct.Samples) == 0 {
			return
		}
		base := direct.median(p50).Mid
		value = func(s ServerResult) float64 { return s.median(p50).Mid - base }
		r.Measure = "latency added to the origin's p50, edge/peer"
	case paced:
		value = func(s ServerResult) float64 { return s.median(p99).Mid }
		r.Measure = "p99, edge/peer"
	case memory:
		r.Measure, r.Ratio = "kB for each response in the edge's memory tier", edge.median(countedEach).Mid/1000
		r.verdict(r.Ratio <= r.Goal)
		return
	default:
		r.Measure = "requests for each second of the server's CPU time, edge/peer"
	}
	var peers []ServerResult
	for _, s := range r.Servers {
		if s.Server != theEdge && s.Server != theOrigin && s.Error == "" && len(s.Samples) > 0 {
			peers = append(peers, s)
		}
	}
	if len(peers) == 0 {
		return
	}
	best := slices.MinFunc(peers, func(a, b ServerResult) int { return cmp.Compare(value(a), value(b)) })
	if same := r.server(constant); r.kind == redirects && same != nil && len(same.Samples) > 0 {
		best = *same
	}
	r.Best = best.Server
	if r.kind == hits || r.kind == redirects {
		r.Ratio = value(best) / value(*edge)
		r.verdict(r.Ratio >= r.Goal)
		return
	}
	r.Ratio = value(*edge) / value(best)
	r.verdict(r.Ratio <= r.Goal)
}

func (r *Result) verdict(good bool) {
	switch {
	case r.Goal == 0:
	case good:
		r.Verdict = "ok"
	default:
		r.Verdict = "short"
	}
}

// conclusion is a row's ratio beside its goal.
func (r Result) conclusion() string {
	if r.Ratio == 0 {
		return "no ratio"
	}
	c := fmt.Sprintf("%.2f", r.Ratio)
	if r.Best != "" {
		c += " of " + r.Best
	}
	if r.Goal != 0 {
		sign := "≤"
		if r.kind == hits || r.kind == redirects {
			sign = "≥"
		}
		c += fmt.Sprintf(", goal %s %.1f: %s", sign, r.Goal, r.Verdict)
	}
	return c
}

// table are a row's figures, the first line being the heads of columns.
func (r Result) table() [][]string {
	lines := [][]string{{"server", "requests/s", "CPU µs/request", "p50 µs", "p99 µs", "others"}}
	if r.kind == memory {
		lines = [][]string{{"server", "filled/s", "bytes/response", "by its count", "lost"}}
	}
	for _, s := range r.Servers {
		if len(s.Samples) == 0 {
			continue
		}
		if r.kind == memory {
			m := s.Samples[0]
			counted := "–"
			if m.Counted > 0 {
				counted = fmt.Sprintf("%.0f", m.Counted)
			}
			each := thousands(m.Bytes)
			if m.Bytes < 500 { // less than a body
				each = "taken at its start"
			}
			lines = append(lines, []string{s.Server, thousands(m.PerSecond), each, counted, fmt.Sprintf("%.1f %%", 100*m.Lost)})
			continue
		}
		used := figures(s.median(cpu), decimal)
		if s.Server == theOrigin {
			used = "–"
		}
		others := s.median(func(m sample) float64 { return 100 * m.Others })
		lines = append(lines, []string{s.Server, figures(s.median(perSecond), thousands), used,
			figures(s.median(p50), thousands), figures(s.median(p99), thousands), fmt.Sprintf("%.0f %%", others.Mid)})
	}
	return lines
}

func figures(s spread, format func(float64) string) string {
	if s.Low == s.High {
		return format(s.Mid)
	}
	return fmt.Sprintf("%s (%s–%s)", format(s.Mid), format(s.Low), format(s.High))
}

func decimal(v float64) string { return fmt.Sprintf("%.1f", v) }

// thousands writes a whole number with commas.
func thousands(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func (r Result) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", r.Row, r.Title)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, line := range r.table() {
		fmt.Fprintln(w, "  "+strings.Join(line, "\t"))
	}
	w.Flush()
	for _, n := range r.remarks() {
		fmt.Fprintln(&b, "  "+n)
	}
	if r.Measure != "" {
		fmt.Fprintf(&b, "  %s: %s\n", r.Measure, r.conclusion())
	}
	return b.String()
}

// remarks are a row's notes, and what went wrong.
func (r Result) remarks() (list []string) {
	list = append(list, r.Notes...)
	for _, s := range r.Servers {
		if r.kind != memory && s.Server != theOrigin && s.median(func(m sample) float64 { return m.Others }).Mid > 0.1 {
			list = append(list, "others used the server's core too: compare again on a quiet machine")
			break
		}
	}
	for _, s := range r.Servers {
		if s.Error != "" {
			list = append(list, s.Server+" failed: "+s.Error)
		}
	}
	return list
}

// summary is one line for each row.
func (r Report) summary() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range r.Rows {
		fmt.Fprintf(w, "%s\t%s\t%s\n", row.Row, row.Title, row.conclusion())
	}
	w.Flush()
	return b.String()
}

func (r Report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d rounds of %s, medians and range. \"others\" is the share of the server's core that other processes used.\n\n", r.Date, r.Rounds, r.Duration)
	for line := range strings.Lines(r.Machine) {
		fmt.Fprintf(&b, "- %s", line)
	}
	b.WriteString("\n| row | | edge/best peer |\n|---|---|---|\n")
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", row.Row, row.Title, row.conclusion())
	}
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "\n**%s**: %s. %s: %s\n\n", row.Row, row.Title, capital(row.Measure), row.conclusion())
		for i, line := range row.table() {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(line, " | "))
			if i == 0 {
				fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(line)))
			}
		}
		for _, n := range row.remarks() {
			fmt.Fprintf(&b, "\n%s\n", strings.Join(strings.Fields(n), " "))
		}
	}
	return b.String()
}

func capital(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + s[n:]
}

// write leaves the report in two files, or nowhere.
func (r Report) write(name string) error {
	if name == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".json", append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(name+".md", []byte(r.markdown()), 0o644)
}
