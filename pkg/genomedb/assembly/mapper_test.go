package assembly

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func show(parts []Mapped) (out []string) {
	for _, p := range parts {
		if p.Gap {
			out = append(out, fmt.Sprintf("gap %d-%d", p.Mapped.Start, p.Mapped.End))
			continue
		}
		out = append(out, fmt.Sprintf("%d-%d %d:%d-%d:%d", p.Original.Start, p.Original.End, p.Mapped.ID, p.Mapped.Start, p.Mapped.End, p.Mapped.Strand))
	}
	return out
}

// exons is a mapper of a transcript on the reverse strand: its first 10 bases
// lie at 191–200, the next 20 at 151–170, the last 5 at 101–105.
func exons() *Mapper {
	m := &Mapper{}
	for _, p := range []Pair{{Unit{1, 1, 10}, Unit{2, 191, 200}, -1}, {Unit{1, 11, 20}, Unit{2, 161, 170}, -1},
		{Unit{1, 21, 30}, Unit{2, 151, 160}, -1}, {Unit{1, 31, 35}, Unit{2, 101, 105}, -1}} {
		m.Add(p)
	}
	return m
}

func TestMapper(t *testing.T) {
	tests := []struct {
		start, end, first int64
		want              []string
	}{
		{1, 35, 1, []string{"1-10 2:191-200:-1", "11-30 2:151-170:-1", "31-35 2:101-105:-1"}},
		{5, 15, 1, []string{"5-10 2:191-196:-1", "11-15 2:166-170:-1"}},
		{5, 15, 5, []string{"1-6 2:191-196:-1", "7-11 2:166-170:-1"}},
		{-3, 2, 1, []string{"gap -3-0", "1-2 2:199-200:-1"}},
		{33, 40, 1, []string{"33-35 2:101-103:-1", "gap 36-40"}},
		{40, 50, 1, []string{"gap 40-50"}},
		{5, 4, 1, []string{"5-4 2:197-196:-1"}},                           // within an exon
		{11, 10, 1, []string{"10-10 2:191-190:-1", "11-11 2:171-170:-1"}}, // beside each
		{36, 35, 1, []string{"35-35 2:101-100:-1"}},
		{41, 40, 1, []string{"gap 41-40"}},
		{20, 5, 1, nil}, // the middle pair begins between
		{11, 5, 1, []string{"11-11 2:196-190:-1"}},
	}
	for _, tt := range tests {
		got, err := exons().Map(1, tt.start, tt.end, 1, tt.first)
		if tt.want == nil {
			if !errors.Is(err, ErrTurned) {
				t.Errorf("%d–%d: %v, %v; want a refusal", tt.start, tt.end, show(got), err)
			}
			continue
		}
		if tt.start > tt.end+1 { // odd: only that there is an answer
			if err != nil || len(got) == 0 {
				t.Errorf("%d–%d: %v, %v", tt.start, tt.end, show(got), err)
			}
			continue
		}
		if err != nil || !slices.Equal(show(got), tt.want) {
			t.Errorf("%d–%d: %q, %v; want %q", tt.start, tt.end, show(got), err, tt.want)
		}
	}
}

// TestMapperBases: an interval maps as its bases do, one by one, and back.
func TestMapperBases(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, at, there := &Mapper{}, int64(1), int64(1)
		where := map[int64][2]int64{} // position, strand
		for range rapid.IntRange(1, 6).Draw(t, "pairs") {
			at += rapid.Int64Range(0, 3).Draw(t, "gap")
			there += rapid.Int64Range(0, 9).Draw(t, "elsewhere")
			n := rapid.Int64Range(1, 8).Draw(t, "length")
			o := rapid.SampledFrom([]int64{1, -1}).Draw(t, "orientation")
			m.Add(Pair{Unit{1, at, at + n - 1}, Unit{2, there, there + n - 1}, o})
			for i := range n {
				where[at+i] = [2]int64{there + i, 1}
				if o < 0 {
					where[at+i] = [2]int64{there + n - 1 - i, -1}
				}
			}
			at, there = at+n, there+n
		}
		start := rapid.Int64Range(-2, at).Draw(t, "start")
		end := rapid.Int64Range(start, at+3).Draw(t, "end")
		strand := rapid.SampledFrom([]int64{1, -1}).Draw(t, "strand")
		parts, err := m.Map(1, start, end, strand, 1)
		if err != nil {
			t.Fatal(err)
		}
		if strand < 0 {
			slices.Reverse(parts)
		}
		for p := start; p <= end; p++ {
			i := slices.IndexFunc(parts, func(x Mapped) bool { return x.Original.Start <= p && p <= x.Original.End })
			w, ok := where[p]
			if i < 0 || parts[i].Gap == ok {
				t.Fatalf("%d of %d–%d: %v", p, start, end, show(parts))
			}
			if !ok {
				continue
			}
			x := parts[i]
			got := x.Mapped.Start + p - x.Original.Start
			if w[1] < 0 {
				got = x.Mapped.End - (p - x.Original.Start)
			}
			if got != w[0] || x.Mapped.Strand != w[1]*strand {
				t.Fatalf("%d of %d–%d lies at %d, want %d: %v", p, start, end, got, w[0], show(parts))
			}
			back, err := m.Back(2, got, got, 1)
			if err != nil || len(back) != 1 || back[0].Mapped.Start != p || back[0].Mapped.End != p || back[0].Mapped.Strand != w[1] {
				t.Fatalf("%d maps to %d, and that back to %v, %v", p, got, show(back), err)
			}
		}
	})
}

// TestConvert: a region maps through a chain, and onto itself.
func TestConvert(t *testing.T) {
	a := open(t)
	tests := []struct {
		region string
		system System
		want   []string
	}{
		{"1:11-60:1", System{"contig", ""}, []string{"1-10 contig::a.1:11:20:1", "21-40 contig::b.1:3:22:-1", "41-50 contig::k.1:1:10:1"}},
		{"1:45-60", System{"scaffold", "T1"}, []string{"7-16 scaffold:T1:s:1:10:1"}},
		{"k.1:1-10", System{"toplevel", ""}, []string{"1-10 chromosome:T1:1:51:60:1"}},
		{"1:1-10:-1", System{"CHROMOSOME", "t1"}, []string{"1-10 chromosome:T1:1:1:10:-1"}},
		{"Y:9-12", System{"contig", ""}, []string{"23-24 contig::b.1:21:22:-1"}}, // counted on 1, as the reference does
		{"1:1-10", System{"chromosome", "T0"}, nil},
	}
	for _, tt := range tests {
		s, err := a.Slice(t.Context(), tt.region, System{})
		if err != nil {
			t.Fatal(err)
		}
		parts, err := a.Convert(t.Context(), s, tt.system)
		var got []string
		for _, p := range parts {
			got = append(got, fmt.Sprintf("%d-%d %s", p.Start, p.End, p.To.Name()))
		}
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s onto %v = %q, %v; want %q", tt.region, tt.system, got, err, tt.want)
		}
	}
	s, _ := a.Slice(t.Context(), "1", System{})
	if _, err := a.Convert(t.Context(), s, System{"chromosome", "T9"}); err == nil || err.Error() != "Cannot project to unknown coordinate system [chromosome T9]" {
		t.Errorf("an unknown system: %v", err)
	}
}
