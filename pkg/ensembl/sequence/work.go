package sequence

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/batch"
	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/feature"
)

// worker makes sequences as one request wants them.
type worker struct {
	kind        string
	trim        trim
	five, three float64
	expands     bool
	mask        string
	maskFeature bool
	multiple    bool
	limit       int64
	filter      feature.Filter
	coordSystem assembly.System
	streams     bool // a long sequence is written piece by piece
}

func newWorker(c ensembl.Call) (*worker, error) {
	if c.Query.Bool("mask") && c.Query.Bool("mask_feature") {
		return nil, ensembl.BadRequest("'You cannot mask both repeats and features on the same sequence'")
	}
	w := &worker{
		kind:        batch.Option(c, "type"),
		trim:        newTrim(batch.Option(c, "start"), batch.Option(c, "end")),
		five:        number(batch.Option(c, "expand_5prime")),
		three:       number(batch.Option(c, "expand_3prime")),
		expands:     batch.Flag(c, "expand_5prime") || batch.Flag(c, "expand_3prime"),
		mask:        batch.Option(c, "mask"),
		maskFeature: batch.Flag(c, "mask_feature"),
		multiple:    batch.Flag(c, "multiple_sequences"),
		limit:       c.Limits.WithDefaults().Sequence,
		filter:      feature.NewFilter(c.Query.Get("species"), c.Query.Get("db_type"), c.Query.Get("object_type"), c.Query.Has("object_type")),
		streams:     c.Endpoint.Method == http.MethodGet && streamed(c.Format),
		coordSystem: assembly.System{Name: c.Query.Get("coord_system"), Version: c.Query.Get("coord_system_version")},
	}
	if !isTrue(w.kind) {
		w.kind = "genomic"
	}
	if w.mask == "0" {
		w.mask = ""
	}
	return w, nil
}

// number reads the number that a text begins with; 0 for none. The reference
// computes with whatever it is given.
func number(s string) float64 {
	v, _ := strconv.ParseFloat(numeric.FindString(strings.TrimLeft(s, " \t\r\n")), 64)
	const most = 1 << 40 // longer than any sequence; sums of some fit
	return max(-most, min(v, most))
}

// whole is that number, cut to a whole one.
func whole(s string) int64 { return int64(number(s)) }

var numeric = regexp.MustCompile(`^[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?`)

// trim is the part of a sequence that is wanted: from start (0: the first) to
// end (nil: the last).
type trim struct {
	start  int64
	end    *int64
	wanted bool
	// before says that the start is a text without a number: the reference
	// takes it for the place before the first.
	before bool
}

// newTrim reads the options start and end.
func newTrim(start, end string) trim {
	t := trim{start: whole(start), wanted: isTrue(start) || isTrue(end)}
	t.before = isTrue(start) && t.start == 0
	if end != "" {
		n := whole(end)
		t.end = &n
	}
	return t
}

// isTrue is the reference's truth of an option.
func isTrue(s string) bool { return s != "" && s != "0" }

// bounds are the first and last place on a sequence of that length.
func (t trim) bounds(length int64) (start, end int64, err error) {
	start, end = t.start, length
	if start == 0 && !t.before {
		start = 1
	}
	if t.end != nil {
		end = *t.end
	}
	switch {
	case start < 0 || start > length:
		return 0, 0, ensembl.BadRequest("Your start coordinate is not within the sequence requested")
	case end < 1 || end > length+1:
		return 0, 0, ensembl.BadRequest("Your end coordinate is not within the sequence requested")
	case start > end:
		return 0, 0, ensembl.BadRequest("Your start coordinate cannot be larger than your end")
	}
	return start, end, nil
}

// cut is that part of seq.
func (t trim) cut(seq []byte) ([]byte, error) {
	start, end, err := t.bounds(int64(len(seq)))
	if err != nil {
		return nil, err
	}
	if start == 0 { // counted from the end
		return seq[len(seq)-1:], nil
	}
	return seq[start-1 : min(end, int64(len(seq)))], nil
}

// transcripts loads the transcripts of all genes whose kind of sequence needs
// them, by database and gene.
func (w *worker) transcripts(ctx context.Context, found map[string]*feature.Object) (map[*feature.Reader]map[int64][]*feature.Transcript, error) {
	out := map[*feature.Reader]map[int64][]*feature.Transcript{}
	if w.kind == "genomic" && !w.maskFeature {
		return out, nil
	}
	genes := map[*feature.Reader][]*feature.Gene{}
	for _, o := range found {
		if o.Gene != nil {
			genes[o.Reader] = append(genes[o.Reader], o.Gene)
		}
	}
	for r, all := range genes {
		var err error
		if out[r], err = r.TranscriptsOf(ctx, all); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// object makes the sequences of what an id names.
func (w *worker) object(ctx context.Context, id string, o *feature.Object, transcripts map[*feature.Reader]map[int64][]*feature.Transcript) ([]piece, error) {
	switch w.kind {
	case "genomic", "cds", "cdna", "protein":
	default:
		return nil, ensembl.BadRequest("The type '%s' is not understood by this service", w.kind)
	}
	if w.trim.wanted {
		if at, ok := place(o); ok && o.Reader.Assembly.Circular(at.On) {
			return nil, ensembl.BadRequest("Circular slices aren't supported for sequence trimming at this time")
		}
		if w.expands {
			return nil, ensembl.BadRequest("You may not expand the 3prime or 5prime sequence end when requesting a sub-sequence")
		}
	}
	j := job{worker: w, id: id, object: o}
	pieces, err := j.make(ctx, transcripts[o.Reader])
	if err != nil {
		return nil, err
	}
	if len(pieces) > 1 && !w.multiple {
		const rerun = "Please rerun your request and specify the multiple_sequences parameter"
		if o.Gene != nil {
			return nil, ensembl.BadRequest(`Requesting a gene and type not equal to "genomic" can result in multiple sequences. %d sequences detected. %s`, len(pieces), rerun)
		}
		return nil, ensembl.BadRequest(`Requesting a transcript and type "protein" can result in multiple sequences. %d sequences detected. %s`, len(pieces), rerun)
	}
	if len(pieces) == 0 {
		return nil, ensembl.BadRequest("No sequences returned, please check the type specified is compatible with the object requested")
	}
	return pieces, nil
}

// place is where an object lies; ok is false for proteins.
func place(o *feature.Object) (assembly.Slice, bool) {
	switch {
	case o.Gene != nil:
		return o.Gene.At, true
	case o.Transcript != nil:
		return o.Transcript.At, true
	case o.Exon != nil:
		return o.Exon.At, true
	}
	return assembly.Slice{}, false
}

// enrich widens a slice as asked, and refuses what is too long.
func (w *worker) enrich(s assembly.Slice) (assembly.Slice, error) {
	s, ok := s.Expand(w.five, w.three)
	if !ok {
		return s, ensembl.BadRequest("Slice start cannot be greater than slice end")
	}
	if w.mask != "" && w.mask != "hard" && w.mask != "soft" {
		return s, loud{ensembl.BadRequest("'%s' is not an allowed value for masking", w.mask)}
	}
	if s.Length() > w.limit {
		return s, loud{ensembl.BadRequest("%d is greater than the maximum allowed length of %d. Request smaller regions of sequence", s.Length(), w.limit)}
	}
	return s, nil
}

// source is the slice, with its repeats masked where that is asked for.
func (w *worker) source(ctx context.Context, a *assembly.Assembly, s assembly.Slice) (*source, error) {
	out := &source{slice: s}
	var err error
	if s.Length() > 0 {
		if out.layout, err = a.Layout(ctx, s); err != nil {
			return nil, err
		}
	}
	if w.mask == "" {
		return out, nil
	}
	repeats, err := a.Overlapping(ctx, s, "repeat_feature")
	if w.mask == "soft" {
		out.lower = repeats
	} else {
		out.hidden = repeats
	}
	return out, err
}

// put gives the piece its sequence: the whole, or how to get it.
func (w *worker) put(ctx context.Context, p *piece, s *source) (err error) {
	if w.streams && s.slice.Length() > streamFrom {
		p.source = s
		return nil
	}
	p.seq, err = s.read(ctx, 1, s.slice.Length())
	return err
}

// region makes the sequence of a region.
func (w *worker) region(ctx context.Context, r *feature.Reader, region string) (piece, error) {
	s, err := r.Assembly.Slice(ctx, region, w.coordSystem)
	if err != nil {
		return piece{}, err
	}
	if s, err = w.enrich(s); err != nil {
		return piece{}, err
	}
	src, err := w.source(ctx, r.Assembly, s)
	if err != nil {
		return piece{}, err
	}
	if w.maskFeature {
		exons, err := r.Assembly.Overlapping(ctx, s, "exon")
		if err != nil {
			return piece{}, err
		}
		src.lower = append(src.lower, exons...)
		src.flip = true // exons are in lower case: what is between them is to be
	}
	p := piece{id: w.name(s, region), query: region, molecule: "dna", region: true}
	err = w.put(ctx, &p, src)
	return p, err
}

// name is the slice's name, with its ends as the user wrote them where nothing
// moved them.
func (w *worker) name(s assembly.Slice, region string) string {
	l, ok, err := assembly.ReadLocation(region)
	if !ok || err != nil || w.five != 0 || w.three != 0 {
		return s.Name()
	}
	start, end := strconv.FormatInt(s.Start, 10), strconv.FormatInt(s.End, 10)
	if l.Start.Given() && l.Start.Value == s.Start {
		start = l.Start.Text
	}
	if l.End.Given() && l.End.Value == s.End {
		end = l.End.Text
	}
	return strings.Join([]string{s.On.System.Name, s.On.System.Version, s.On.Name, start, end, strconv.Itoa(s.Strand)}, ":")
}
