package xrefs

import (
	"cmp"
	"strconv"

	"mirrornet/pkg/genomedb/xref"
)

// entry is what is said of one entry. What begins at xref_identity is said of
// those that came by sequence similarity alone.
type entry struct {
	DBName      string   `json:"dbname"`
	DisplayName *string  `json:"db_display_name"`
	DisplayID   string   `json:"display_id"`
	PrimaryID   string   `json:"primary_id"`
	Description *string  `json:"description"`
	Synonyms    []string `json:"synonyms"`
	Version     any      `json:"version"` // a string, null, or 0 where a name without one was asked for
	InfoType    *string  `json:"info_type"`
	InfoText    *string  `json:"info_text"`

	Evidence *[]string `json:"linkage_types,omitempty"`
	*identity
}

type identity struct {
	XrefIdentity    int64   `json:"xref_identity"`
	XrefStart       int64   `json:"xref_start"`
	XrefEnd         int64   `json:"xref_end"`
	EnsemblIdentity int64   `json:"ensembl_identity"`
	EnsemblStart    int64   `json:"ensembl_start"`
	EnsemblEnd      int64   `json:"ensembl_end"`
	Score           number  `json:"score"`
	EValue          *number `json:"evalue"`
	Cigar           string  `json:"cigar_line,omitempty"`
}

// number is written with 15 digits, as the API writes it.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(n), 'g', 15, 64), nil
}

func encode(entries []*xref.Entry) []entry {
	out := make([]entry, len(entries))
	for i, e := range entries {
		o := entry{DBName: e.Database, DisplayName: e.Displayed, DisplayID: e.Display, PrimaryID: e.Primary,
			Description: e.Description, Synonyms: synonyms(e.Synonyms), InfoType: e.InfoType, InfoText: e.InfoText}
		if e.Version != nil {
			o.Version = *e.Version
		}
		if e.InfoType != nil && *e.InfoType == "PROJECTION" {
			name := "Projected "
			if e.Displayed != nil {
				name += *e.Displayed
			}
			o.DisplayName = &name
		}
		if x := e.Identity; x != nil {
			o.identity = &identity{x.Entry, x.EntryStart, x.EntryEnd, x.Ensembl, x.EnsemblStart, x.EnsemblEnd, number(x.Score), (*number)(x.EValue), x.Cigar}
		}
		if e.Ontology != nil {
			o.Evidence = &e.Ontology.Evidence
		}
		out[i] = o
	}
	return out
}

func synonyms(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}

// rank orders entries: those of better databases first, then by the name of
// the database and their own.
func rank(a, b *xref.Entry) int {
	return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.Database, b.Database), cmp.Compare(a.Display, b.Display))
}
