package live

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"mirrornet/pkg/status"
)

// What another node says of itself is shown to everybody, so it has bounds.
const (
	maxReport    = 1 << 20
	maxWord      = 100
	maxDecisions = 20
	maxHits      = 8
	maxOrigins   = 16
	maxWithout   = 32
)

// ReadFigures finds, in the report of a node, what it says of itself.
func ReadFigures(r io.Reader, node string) (*status.Figures, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxReport+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("live: report of %s: %w", node, err)
	case len(text) > maxReport:
		return nil, fmt.Errorf("live: report of %s: more than %d bytes", node, maxReport)
	}
	var report status.Report
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, fmt.Errorf("live: report of %s: %w", node, err)
	}
	n := byName(&report)[node]
	if report.Node != node || n == nil || n.Figures == nil {
		return nil, fmt.Errorf("live: report of %q is none of %s with figures", report.Node, node)
	}
	return bounded(n.Figures), nil
}

// bounded is f without what no node of this network says.
func bounded(f *status.Figures) *status.Figures {
	out := &status.Figures{At: f.At.UTC(), Window: least(f.Window), Requests: least(f.Requests), P50: least(f.P50), P99: least(f.P99), Hits: map[string]float64{},
		Decisions: []status.Count{}, Memory: size(f.Memory), Memcached: size(f.Memcached), Release: word(f.Release), Origins: []status.Origin{}, Refused: least(f.Refused)}
	for tier, share := range f.Hits {
		if len(out.Hits) < maxHits {
			out.Hits[word(tier)] = min(least(share), 1)
		}
	}
	for _, d := range f.Decisions[:min(len(f.Decisions), maxDecisions)] {
		out.Decisions = append(out.Decisions, status.Count{Reason: word(d.Reason), N: d.N})
	}
	if f.GeoIP != nil {
		out.GeoIP = &status.GeoIP{Type: word(f.GeoIP.Type), Built: f.GeoIP.Built.UTC()}
	}
	for _, o := range f.Origins[:min(len(f.Origins), maxOrigins)] {
		o.State, o.Release = word(o.State), word(o.Release)
		o.Without = slices.Clone(o.Without[:min(len(o.Without), maxWithout)])
		for i := range o.Without {
			o.Without[i] = word(o.Without[i])
		}
		out.Origins = append(out.Origins, o)
	}
	return out
}

func size(c *status.CacheSize) *status.CacheSize {
	if c == nil {
		return nil
	}
	return &status.CacheSize{Bytes: least(c.Bytes), Limit: least(c.Limit), Entries: least(c.Entries), Down: c.Down}
}

func least[N int | int64 | float64](n N) N { return max(n, 0) }

// word is s as it may stand on a page.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > maxWord {
		s = string(runes[:maxWord])
	}
	return s
}
