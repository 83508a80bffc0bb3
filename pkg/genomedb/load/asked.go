package load

import (
	"slices"
	"strings"

	"mirrornet/pkg/genomedb/load/dump"
)

// asked are keys that Ensembl's schema does not have and the API's queries
// need on tables of many rows: the reference reads these tables as a whole. To
// see whether one is missing, ask SQLite for the plans of queries (EXPLAIN QUERY
// PLAN) over a file without statistics: none may scan such a table.
var asked = []struct {
	table   string
	columns []string
}{
	{"prediction_transcript", []string{"display_label"}}, // lookup
	{"xref", []string{"external_db_id"}},                 // info/external_dbs
	{"gene", []string{"biotype", "seq_region_id"}},       // info/biotypes
	{"transcript", []string{"biotype", "seq_region_id"}},
}

// keysOf are the table's keys with those that are asked for.
func keysOf(t *dump.Table) []dump.Key {
	keys := append(slices.Clone(t.Keys), placeKey(t)...)
	for _, a := range asked {
		if !strings.EqualFold(t.Name, a.table) {
			continue
		}
		k := dump.Key{Kind: dump.Index, Name: "asked." + a.columns[0]}
		for _, name := range a.columns {
			if c, ok := t.Column(name); ok {
				k.Parts = append(k.Parts, dump.KeyPart{Column: c.Name})
			}
		}
		served := slices.ContainsFunc(keys, func(o dump.Key) bool {
			return len(o.Parts) >= len(k.Parts) && slices.Equal(o.Parts[:len(k.Parts)], k.Parts)
		})
		if len(k.Parts) == len(a.columns) && !served {
			keys = append(keys, k)
		}
	}
	return keys
}

// placeKey is the key that a table of features lacks which is not indexed by
// place: the API asks for what lies on a region.
func placeKey(t *dump.Table) []dump.Key {
	const sequence, start = "seq_region_id", "seq_region_start"
	for _, name := range []string{sequence, start} {
		if _, ok := t.Column(name); !ok {
			return nil
		}
	}
	for _, k := range t.Keys {
		if len(k.Parts) > 0 && k.Parts[0].Column == sequence {
			return nil
		}
	}
	return []dump.Key{{Kind: dump.Index, Name: "mirrornet_place_idx", Parts: []dump.KeyPart{{Column: sequence}, {Column: start}}}}
}
