package feature

import (
	"slices"
	"strings"

	"mirrornet/pkg/genomedb/assembly"
)

// Gene is a row of gene with what its summary needs.
type Gene struct {
	ID          int64
	StableID    string
	Version     *int64 // nil where the database has none
	At          assembly.Slice
	Biotype     string
	Source      string
	Logic       string // logic_name of the analysis
	Description *string
	Name        string // label of the display xref; "" for none
	// Canonical is the stable id with version of the canonical transcript,
	// "" where the database does not have that transcript.
	Canonical   string
	canonicalID int64
}

// Transcript is a transcript with its exons in reading direction.
type Transcript struct {
	ID          int64
	StableID    string
	Version     *int64
	At          assembly.Slice
	Biotype     string
	Source      string
	Logic       string
	Description *string
	Name        string
	Gene        string // stable id of its gene
	Canonical   bool   // it is its gene's canonical transcript
	// Predicted transcripts have no gene, and are coding from end to end.
	Predicted bool

	Exons []*Exon
	// Translation is the canonical one, nil for none.
	Translation *Translation
	// Alternatives are further translations.
	Alternatives []*Translation
	Attributes   []Attribute

	canonicalTranslation int64
}

// Attribute is a row of an attrib table.
type Attribute struct{ Code, Value string }

// Exon is an exon.
type Exon struct {
	ID       int64
	StableID string
	Version  *int64
	At       assembly.Slice
	Phase    int
}

// Translation is a protein, as places on its transcript's exons: from base
// Start of the exon First to base End of the exon Last.
type Translation struct {
	ID          int64
	StableID    string
	Version     *int64
	First, Last *Exon
	Start, End  int64
	Attributes  []Attribute
}

// GenomicStart and GenomicEnd are the translation's lowest and highest
// position on its sequence.
func (t *Translation) GenomicStart() int64 {
	if t.First.At.Forward() {
		return t.First.At.Start + t.Start - 1
	}
	return t.Last.At.End - t.End + 1
}

func (t *Translation) GenomicEnd() int64 {
	if t.Last.At.Forward() {
		return t.Last.At.Start + t.End - 1
	}
	return t.First.At.End - t.Start + 1
}

// Has says whether there is an attribute of that code.
func Has(all []Attribute, code string) bool {
	return slices.ContainsFunc(all, func(a Attribute) bool { return a.Code == code })
}

// MANE is the transcript's attribute that names its RefSeq match.
func (t *Transcript) MANE() (Attribute, bool) {
	for _, a := range t.Attributes {
		if strings.Contains(a.Code, "MANE") {
			return a, true
		}
	}
	return Attribute{}, false
}

// Introns are the intervals between a transcript's exons, on its sequence.
func (t *Transcript) Introns() []assembly.Slice {
	var out []assembly.Slice
	for i := 1; i < len(t.Exons); i++ {
		a, b := t.Exons[i-1].At, t.Exons[i].At
		if !t.At.Forward() {
			a, b = b, a
		}
		in := t.At
		in.Start, in.End = a.End+1, b.Start-1
		out = append(out, in)
	}
	return out
}
