package overlap

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/track"
)

// transcript is a transcript as the answer shows it.
type transcript struct {
	place Place
	*track.Transcript
	term string
	// For BED: its exons and their coding parts, on its sequence.
	exons  []track.On[*track.Exon]
	coding []track.Part
	slice  assembly.Slice
}

// onSlice finds transcripts as a client wants them. The track is nil where the
// species has no such database.
func onSlice(ctx context.Context, q *query) (*track.Track, []track.On[*track.Transcript], error) {
	t, err := q.track(ctx)
	if err != nil || t == nil {
		return nil, nil, err
	}
	f := q.filter()
	if len(f.Biotypes) == 1 && (f.Biotypes[0] == "" || f.Biotypes[0] == "0") {
		f.Biotypes = nil
	}
	found, err := t.Transcripts(ctx, f)
	return t, found, err
}

func transcripts(ctx context.Context, q *query) ([]Feature, error) {
	t, found, err := onSlice(ctx, q)
	if err != nil {
		return nil, err
	}
	var structures map[int64]*track.Structure
	if q.BED() && len(found) > 0 {
		if structures, err = t.Structures(ctx, found); err != nil {
			return nil, err
		}
	}
	out, all := make([]Feature, len(found)), make([]transcript, len(found))
	for i, x := range found {
		all[i] = transcript{place: q.at(x.Located), Transcript: x.Feature, term: t.Words.Term("transcript", x.Feature.Biotype), slice: q.Slice}
		if s := structures[x.Feature.ID]; s != nil {
			all[i].exons, all[i].coding = t.Exons(x, s), t.Coding(x, s)
		}
		out[i] = &all[i]
	}
	return out, nil
}

func (t *transcript) Place() *Place { return &t.place }

func (t *transcript) Label() string { return t.StableID }

func (t *transcript) Term() Term {
	term := t.term
	if term == "" {
		term = "transcript"
	}
	return Term{Name: term, Source: t.Analysis.GFF, Prefix: "transcript:", Parent: "gene:"}
}

func (t *transcript) Fields(f *Fields) {
	f.Text("id", t.StableID)
	if t.Version != 0 {
		f.Int("version", t.Version)
	}
	t.place.fields(f)
	f.Nullable("description", t.Description)
	f.Optional("Name", t.Name)
	f.Text("biotype", t.Biotype)
	f.Optional("logic_name", t.Analysis.Logic)
	f.Text("Parent", t.Gene.StableID)
	f.Text("source", t.Source)
	f.Text("transcript_id", t.StableID)
	if h := t.Havana; h != nil {
		f.Text("havana_transcript", h.Label)
		f.Nullable("havana_version", h.Version)
	}
	f.Optional("ccdsid", t.CCDS)
	f.Optional("transcript_support_level", t.Support)
	if len(t.Tags) > 0 {
		f.List("tag", t.Tags)
	}
	f.Optional("projection_parent_transcript", t.Transcript.Parent)
	if f.JSON() {
		canonical := int64(0)
		if t.Canonical {
			canonical = 1
		}
		f.Int("is_canonical", canonical)
	}
}

// appendColumns are the columns of BED that show exons and the coding part,
// and those that UCSC's extension adds.
func (t *transcript) appendColumns(b []byte) []byte {
	first := t.place.Start - 1
	from, to := first, first
	fiveEnd, threeEnd := "none", "none"
	if len(t.coding) > 0 {
		from, to = t.coding[0].Start-1, t.coding[0].End
		for _, c := range t.coding {
			from, to = min(from, c.Start-1), max(to, c.End)
		}
		fiveEnd, threeEnd = "cmpl", "cmpl"
		// As in the reference, one end that was not found is the first,
		// whichever it is.
		if t.CDSEnds > 0 {
			fiveEnd = "incmpl"
		}
		if t.CDSEnds > 1 {
			threeEnd = "incmpl"
		}
		if t.place.Strand == -1 {
			fiveEnd, threeEnd = threeEnd, fiveEnd
		}
	}
	exons := slices.Clone(t.exons)
	slices.SortStableFunc(exons, func(x, y track.On[*track.Exon]) int { return cmp.Compare(x.Start, y.Start) })
	var lengths, starts, frames []byte
	// As in the reference, where an exon lies on its sequence is held against
	// where the coding part lies on the slice.
	on := t.slice.Within(from+1, to)
	for _, e := range exons {
		lengths = append(strconv.AppendInt(lengths, e.End-e.Start+1, 10), ',')
		starts = append(strconv.AppendInt(starts, e.Start-1-first, 10), ',')
		phase := e.Feature.Phase
		if phase == -1 && len(t.coding) > 0 && e.Start <= on.End && e.End >= on.Start {
			phase = 0
		}
		frames = append(strconv.AppendInt(frames, phase, 10), ',')
	}
	number := func(n int64) { b = strconv.AppendInt(append(b, '\t'), n, 10) }
	text := func(s string) { b = append(append(b, '\t'), s...) }
	number(from)
	number(to)
	text("0,0,0")
	number(int64(len(exons)))
	text(string(lengths))
	text(string(starts))
	text(cmp.Or(t.Name, "none"))
	text(fiveEnd)
	text(threeEnd)
	text(string(frames))
	text(t.Biotype)
	text(t.Gene.StableID)
	text(cmp.Or(t.Gene.Name, "none"))
	text(t.Gene.Biotype)
	return b
}

// mane is what a MANE transcript says of its match in RefSeq.
type mane struct {
	place Place
	*track.Transcript
}

func manes(ctx context.Context, q *query) ([]Feature, error) {
	t, err := q.trackOf(ctx, q.Core.DB)
	if err != nil {
		return nil, err
	}
	found, err := t.Transcripts(ctx, track.Filter{})
	if err != nil {
		return nil, err
	}
	var out []Feature
	for _, x := range found {
		if x.Feature.MANE != "" {
			out = append(out, &mane{q.at(x.Located), x.Feature})
		}
	}
	if out == nil {
		return nil, errNone
	}
	return out, nil
}

func (m *mane) Place() *Place { return &m.place }

func (m *mane) Label() string { return m.StableID }

func (m *mane) Term() Term { return Term{Name: "transcript"} }

func (m *mane) Fields(f *Fields) {
	f.Text("id", m.StableID)
	if m.Version != 0 {
		f.Int("version", m.Version)
	}
	m.place.fields(f)
	f.Text("refseq_match", m.RefSeq)
	f.Text("type", m.MANE)
	f.Text("Parent", m.Gene.StableID)
}
