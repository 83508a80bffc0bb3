package archive

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// steps are sessions from each release to the next, oldest first.
func steps(databases ...[2]string) []*session {
	all := make([]*session, len(databases))
	for i, d := range databases {
		all[len(all)-1-i] = &session{id: int64(i), created: string(rune('a' + i)), // newest first
			old: release{d[0], d[0], "A"}, new: release{d[1], d[1], "A"}}
	}
	return all
}

// TestSuccessors: what an id became, where sessions chain and where they have
// a gap.
func TestSuccessors(t *testing.T) {
	all := steps([2]string{"1", "2"}, [2]string{"3", "4"}, [2]string{"4", "5"})
	first, second, third := all[2], all[1], all[0]
	became := func(s *session, old, id string, score float64) *event {
		return &event{old: side{old, 1}, new: side{id, 1}, kind: "gene", score: score, session: s}
	}
	for _, c := range []struct {
		name, database string
		events         []*event
		want           []Replacement // nil where the history does not say
	}{
		{"went", "3", []*event{became(second, "X", "", 0)}, []Replacement{}},
		{"stayed", "3", []*event{became(second, "X", "X", 0.5)}, []Replacement{{"X", 0.5}}},
		{"split", "3", []*event{became(second, "X", "", 0), became(second, "X", "Y", 0.25), became(second, "x", "Z", 0.75)}, []Replacement{{"Y", 0.25}, {"Z", 0.75}}},
		{"in another release", "3", []*event{became(third, "X", "Y", 0.5)}, nil},
		{"over a gap", "2", []*event{became(first, "X", "X", 0.125), became(third, "X", "Y", 0.5)}, []Replacement{{"X", 0.125}}},
		{"over a gap from nowhere", "2", []*event{became(third, "X", "Y", 0.5)}, nil},
		{"of the last release", "5", []*event{became(third, "X", "X", 1)}, []Replacement{}},
	} {
		h := &history{sessions: all, events: map[string][]*event{"x": c.events}}
		rec := &Record{StableID: "X", Version: "1", Type: "Gene", Release: c.database, Assembly: "A", database: c.database}
		refused := h.complete(rec)
		if (refused != nil) != (c.want == nil) {
			t.Errorf("%s: %v", c.name, refused)
		} else if diff := cmp.Diff(c.want, append([]Replacement{}, rec.Replacements...)); c.want != nil && diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestForm: what an id's form says of its type.
func TestForm(t *testing.T) {
	for id, want := range map[string]string{
		"ENSG00000157764": "Gene", "ENSMUST00000002487.3": "Transcript", "ENSP1": "Translation", "ENSE00003821586.1": "Exon",
		"AGAP000001": "Gene", "AGAP000001-RA": "Transcript", "AGAP000001-PA": "Translation", "YAL001C": "", "ENSG": "", "G1.2.3": "",
	} {
		if got := formOf(id); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}
