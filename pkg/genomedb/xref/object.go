package xref

import (
	"context"
	"strconv"
	"strings"

	"mirrornet/pkg/genomedb"
)

// Object is a row that can have entries.
type Object struct {
	Kind string // as in object_xref: Gene, Transcript …
	ID   int64
}

// kinds are the objects that can have entries: by name in lower case, how to
// find their id by stable id, and the type under which entries are stored.
var kinds = map[string]struct{ stored, table, query string }{
	"gene":       {"Gene", "gene", `SELECT gene_id, stable_id, version FROM {gene} WHERE stable_id IN (?, ?) AND is_current = 1 ORDER BY gene_id`},
	"transcript": {"Transcript", "transcript", `SELECT transcript_id, stable_id, version FROM {transcript} WHERE stable_id IN (?, ?) AND is_current = 1 ORDER BY transcript_id`},
	"translation": {"Translation", "translation", `SELECT c.translation_id, l.stable_id, l.version FROM {translation} l
		JOIN {transcript} t ON t.transcript_id = l.transcript_id JOIN {translation} c ON c.translation_id = t.canonical_translation_id
		WHERE l.stable_id IN (?, ?) AND t.is_current = 1 ORDER BY l.translation_id`},
	"operon": {"Operon", "operon", `SELECT operon_id, stable_id, version FROM {operon} WHERE stable_id IN (?, ?) ORDER BY operon_id`},
	// Entries are those of the operon.
	"operontranscript": {"Operon", "operon_transcript", `SELECT operon_id, stable_id, version FROM {operon_transcript} WHERE stable_id IN (?, ?) ORDER BY operon_transcript_id`},
	"rnaproduct":       {"RNAProduct", "rnaproduct", `SELECT rnaproduct_id, stable_id, version FROM {rnaproduct} WHERE stable_id IN (?, ?) ORDER BY rnaproduct_id`},
}

// Has says whether objects of a kind can have entries.
func Has(kind string) bool {
	_, ok := kinds[strings.ToLower(kind)]
	return ok
}

// Find finds a current object by stable id, with or without version.
func (r Reader) Find(ctx context.Context, kind, id string) (o Object, ok bool, err error) {
	k := kinds[strings.ToLower(kind)]
	if !r.DB.HasColumn(k.table, "stable_id") || !r.DB.HasTable("object_xref") {
		return Object{}, false, genomedb.Refuse("The %s database of species '%s' has no %s", r.DB.Kind, r.DB.Owner, kind)
	}
	id = trim(id)
	stem, version := id, int64(-1)
	if i := strings.LastIndexByte(id, '.'); i > 0 {
		if v, err := strconv.ParseUint(id[i+1:], 10, 31); err == nil {
			stem, version = id[:i], int64(v)
		}
	}
	exact := false
	err = r.DB.Each(ctx, k.query, []any{id, stem}, func(scan func(...any) error) error {
		var row int64
		var stable string
		var have *int64
		if err := scan(&row, &stable, &have); err != nil {
			return err
		}
		switch {
		case !exact && strings.EqualFold(trim(stable), id):
			o, ok, exact = Object{k.stored, row}, true, true
		case !ok && have != nil && *have == version:
			o, ok = Object{k.stored, row}, true
		}
		return nil
	})
	return o, ok, err
}

// Below lists the transcripts of a gene, or a transcript itself, each with its
// canonical translation's id, 0 for none.
func (r Reader) Below(ctx context.Context, o Object) (out [][2]int64, err error) {
	column := "gene_id"
	if o.Kind == "Transcript" {
		column = "transcript_id"
	}
	err = r.DB.Each(ctx, `SELECT transcript_id, coalesce(canonical_translation_id, 0) FROM {transcript} WHERE `+column+` = ? ORDER BY transcript_id`,
		[]any{o.ID}, func(scan func(...any) error) error {
			var row [2]int64
			err := scan(&row[0], &row[1])
			out = append(out, row)
			return err
		})
	return out, err
}

// Knows says whether a table has a stable id.
func (r Reader) Knows(ctx context.Context, table, id string) (found bool, err error) {
	if !r.DB.HasColumn(table, "stable_id") {
		return false, nil
	}
	err = r.DB.Each(ctx, "SELECT 1 FROM {"+table+"} WHERE stable_id = ?", []any{trim(id)}, func(func(...any) error) error {
		found = true
		return nil
	})
	return found, err
}
