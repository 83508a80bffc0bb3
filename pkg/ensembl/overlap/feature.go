package overlap

import (
	"context"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/feature"
	"mirrornet/pkg/genomedb/track"
)

// Feature is one feature found. It says its fields once; JSON, XML and GFF3
// are made of them.
type Feature interface {
	// Place is where it lies.
	Place() *Place
	// Fields tells its fields, by the names that the API's summaries use.
	Fields(*Fields)
	// Term is its type in GFF3.
	Term() Term
	// Label is its name in BED.
	Label() string
}

// Place is where a feature lies.
type Place struct {
	Sequence   *assembly.Sequence
	Start, End int64 // on the sequence
	Strand     int   // on the slice that was asked for, as the API says it
	Reading    int   // strand of that slice
	// Circle is what GFF3 adds to the end of a feature that lies over the
	// origin of a circular sequence: its length.
	Circle int64
}

// OnSequence is the strand on the sequence.
func (p *Place) OnSequence() int { return p.Strand * p.Reading }

// fields tells what all features have: where they lie.
func (p *Place) fields(f *Fields) {
	f.Int("start", p.Start)
	f.Int("end", p.End)
	f.Int("strand", int64(p.Strand))
	f.Text("seq_region_name", p.Sequence.Name)
	f.Text("assembly_name", p.Sequence.System.Version)
}

// Term is what GFF3 says of a feature beside its fields.
type Term struct {
	Name   string // the Sequence Ontology's: column 3
	Source string // column 2, where no field "source" says it; "" is the server's default
	// NoSource says that column 2 is empty, as the reference leaves it for what
	// is no feature to it.
	NoSource bool
	// Prefix stands before the value of "id"; "" is Name. Where IDIsName the
	// id is not written as ID, but as Name.
	Prefix   string
	IDIsName bool
	// Parent stands before the value of "Parent".
	Parent string
}

// source finds the features of one type on the slice of a query, in the
// reference's order. Refusals are *ensembl.Error.
type source func(context.Context, *query) ([]Feature, error)

// query is one request, as the sources see it.
type query struct {
	ensembl.Call
	Species *genomedb.Species
	Core    *feature.Reader // of the database that the slice belongs to
	Slice   assembly.Slice
	finder  *feature.Finder
	tracks  *track.Cache
}

// GFF3 says that the answer will be written as GFF3. The reference shows
// more of some features there, and less of others.
func (q *query) GFF3() bool { return q.Format == apispec.GFF3 }

// BED says that the answer will be written as BED.
func (q *query) BED() bool { return q.Format == apispec.BED }
