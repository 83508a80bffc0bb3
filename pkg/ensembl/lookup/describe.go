package lookup

import (
	"context"
	"strings"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/feature"
)

// entry is what is said of one object. Fields that do not apply are left out.
type entry struct {
	ID         string `json:"id"`
	Species    string `json:"species"`
	ObjectType string `json:"object_type"`
	DBType     string `json:"db_type"`
	Version    int64  `json:"version,omitempty"`

	SeqRegionName  string  `json:"seq_region_name,omitempty"`
	AssemblyName   *string `json:"assembly_name,omitempty"`
	Start          *int64  `json:"start,omitempty"`
	End            *int64  `json:"end,omitempty"`
	Strand         *int    `json:"strand,omitempty"`
	Length         *int64  `json:"length,omitempty"`
	DisplayName    string  `json:"display_name,omitempty"`
	Description    *string `json:"description,omitempty"`
	Biotype        string  `json:"biotype,omitempty"`
	Source         string  `json:"source,omitempty"`
	LogicName      string  `json:"logic_name,omitempty"`
	Parent         string  `json:"Parent,omitempty"`
	RefSeqMatch    string  `json:"refseq_match,omitempty"`
	Type           string  `json:"type,omitempty"`
	Canonical      string  `json:"canonical_transcript,omitempty"`
	IsCanonical    *int    `json:"is_canonical,omitempty"`
	GencodePrimary *int    `json:"gencode_primary,omitempty"`

	Phenotypes  []phenotype `json:"phenotypes,omitzero"`
	Transcript  []*entry    `json:"Transcript,omitzero"`
	Exon        []*entry    `json:"Exon,omitzero"`
	Translation *entry      `json:"Translation,omitempty"`
	UTR         []*entry    `json:"UTR,omitzero"`
	MANE        []*entry    `json:"MANE,omitzero"`
}

// describer makes the entries of one object and what belongs to it.
type describer struct {
	options
	at        feature.Location
	sequences *feature.Sequences
}

// describe makes the entries of ids. An object that cannot be described is in
// failed, with what the API says of it.
func describe(ctx context.Context, reg *genomedb.Registry, ids []string, found map[string]*feature.Object, o options) (entries map[string]*entry, failed map[string]*ensembl.Error, err error) {
	entries, failed = map[string]*entry{}, map[string]*ensembl.Error{}
	transcripts, err := expanded(ctx, ids, found, o)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range ids {
		object := found[id]
		if object == nil {
			continue
		}
		e, err := describeOne(ctx, id, object, transcripts[object.Reader], o)
		if refused, ok := err.(*ensembl.Error); ok {
			failed[id] = refused
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		entries[id] = e
	}
	if o.phenotypes {
		err = addPhenotypes(ctx, reg, found, entries)
	}
	return entries, failed, err
}

// expanded loads the transcripts of all genes at once, database by database.
func expanded(ctx context.Context, ids []string, found map[string]*feature.Object, o options) (map[*feature.Reader]map[int64][]*feature.Transcript, error) {
	out := map[*feature.Reader]map[int64][]*feature.Transcript{}
	if !o.expand {
		return out, nil
	}
	genes := map[*feature.Reader][]*feature.Gene{}
	for _, id := range ids {
		if object := found[id]; object != nil && object.Gene != nil {
			genes[object.Reader] = append(genes[object.Reader], object.Gene)
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

func describeOne(ctx context.Context, id string, object *feature.Object, transcripts map[int64][]*feature.Transcript, o options) (*entry, error) {
	d := describer{options: o, at: object.Location}
	prepare := func(within assembly.Slice) (err error) {
		if d.expand || object.Protein != nil && d.full {
			d.sequences, err = object.Reader.Sequences(ctx, within)
		}
		return err
	}
	if g := object.Gene; g != nil {
		if d.full && g.Canonical == "" {
			return nil, ensembl.BadRequest("The canonical transcript of gene %s is not in this database", id)
		}
		e := d.gene(id, g)
		if !d.expand {
			return e, nil
		}
		if err := prepare(g.At); err != nil {
			return nil, err
		}
		e.Transcript = []*entry{}
		for _, t := range transcripts[g.ID] {
			sub, err := d.whole(ctx, t.StableID, t)
			if err != nil {
				return nil, err
			}
			e.Transcript = append(e.Transcript, sub)
		}
		return e, nil
	}
	if t := object.Transcript; t != nil && !t.Predicted {
		if !d.expand {
			return d.transcript(id, d.at.Type, t), nil
		}
		if err := prepare(t.At); err != nil {
			return nil, err
		}
		return d.whole(ctx, id, t)
	}
	if d.expand {
		return nil, ensembl.BadRequest("Expand option only available for Genes and Transcripts")
	}
	switch {
	case object.Transcript != nil:
		return d.predicted(id, object.Transcript), nil
	case object.Exon != nil:
		return d.exon(id, d.at.Type, object.Exon), nil
	}
	if err := prepare(object.Protein.Transcript.At); err != nil {
		return nil, err
	}
	return d.translation(ctx, id, d.at.Type, object.Protein.Transcript, object.Protein.Translation)
}

// identify starts an entry with what a condensed one has.
func (d *describer) identify(id, kind string, version *int64) *entry {
	e := &entry{ID: id, Species: d.at.Species, ObjectType: kind, DBType: d.at.Kind}
	if version != nil {
		e.Version = *version
	}
	return e
}

// place says where an object lies.
func (e *entry) place(at assembly.Slice) {
	e.SeqRegionName = at.On.Name
	e.AssemblyName = &at.On.System.Version
	e.Start, e.End, e.Strand = &at.Start, &at.End, &at.Strand
}

func (d *describer) gene(id string, g *feature.Gene) *entry {
	e := d.identify(id, d.at.Type, g.Version)
	if d.full {
		e.place(g.At)
		e.DisplayName, e.Description = g.Name, g.Description
		e.Biotype, e.Source, e.LogicName = g.Biotype, g.Source, g.Logic
		if strings.EqualFold(d.at.Type, "gene") {
			e.Canonical = g.Canonical
		}
	}
	return e
}

func (d *describer) transcript(id, kind string, t *feature.Transcript) *entry {
	e := d.identify(id, kind, t.Version)
	if d.full {
		e.place(t.At)
		length := t.Length()
		e.DisplayName, e.Description = t.Name, t.Description
		e.Biotype, e.Source, e.LogicName, e.Parent = t.Biotype, t.Source, t.Logic, t.Gene
		e.IsCanonical, e.Length, e.GencodePrimary = number(t.Canonical), &length, number(feature.Has(t.Attributes, "gencode_primary"))
	}
	return e
}

func number(b bool) *int {
	n := 0
	if b {
		n = 1
	}
	return &n
}

func (d *describer) predicted(id string, t *feature.Transcript) *entry {
	e := d.identify(id, d.at.Type, nil)
	if d.full {
		e.place(t.At)
		e.DisplayName, e.Source = t.Name, t.Source
	}
	return e
}

func (d *describer) exon(id, kind string, x *feature.Exon) *entry {
	e := d.identify(id, kind, x.Version)
	if d.full {
		e.place(x.At)
	}
	return e
}

func (d *describer) translation(ctx context.Context, id, kind string, t *feature.Transcript, p *feature.Translation) (*entry, error) {
	e := d.identify(id, kind, p.Version)
	if d.full {
		length, _, err := d.sequences.ProteinLength(ctx, t, p)
		if err != nil {
			return nil, err
		}
		start, end := p.GenomicStart(), p.GenomicEnd()
		e.Start, e.End, e.Length, e.Parent = &start, &end, &length, t.StableID
	}
	return e, nil
}

// whole is a transcript with what belongs to it.
func (d *describer) whole(ctx context.Context, id string, t *feature.Transcript) (*entry, error) {
	e := d.transcript(id, "Transcript", t)
	e.Exon = make([]*entry, len(t.Exons))
	for i, x := range t.Exons {
		e.Exon[i] = d.exon(x.StableID, "Exon", x)
	}
	if p := t.Translation; p != nil && t.Translates(p) {
		var err error
		if e.Translation, err = d.translation(ctx, p.StableID, "Translation", t, p); err != nil {
			return nil, err
		}
	}
	if d.utr {
		e.UTR = []*entry{}
		for _, at := range t.UTR5() {
			e.UTR = append(e.UTR, d.untranslated(t, at, "five_prime_UTR", "five_prime_utr"))
		}
		for _, at := range t.UTR3() {
			e.UTR = append(e.UTR, d.untranslated(t, at, "three_prime_UTR", "three_prime_utr"))
		}
	}
	if d.mane {
		e.MANE = []*entry{}
		if a, ok := t.MANE(); ok {
			e.MANE = append(e.MANE, d.maneOf(t, a))
		}
	}
	return e, nil
}

func (d *describer) untranslated(t *feature.Transcript, at assembly.Slice, kind, name string) *entry {
	e := d.identify(t.StableID, kind, nil)
	if d.full {
		e.place(at)
		e.Source, e.Type, e.Parent = t.Source, name, t.StableID
	}
	return e
}

func (d *describer) maneOf(t *feature.Transcript, a feature.Attribute) *entry {
	e := d.identify(t.StableID, "mane", nil)
	if d.full {
		e.place(t.At)
		e.RefSeqMatch, e.Type, e.Parent = a.Value, a.Code, t.Gene
		if t.Version != nil {
			e.Version = *t.Version
		}
	}
	return e
}
