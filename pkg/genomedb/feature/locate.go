package feature

import (
	"context"
	"strings"

	"mirrornet/pkg/genomedb"
)

// Filter narrows a search for ids. Empty fields do not.
type Filter struct {
	Species, Kind, Type string
	// Archived finds ids of the past too, where a database lists them.
	Archived bool
	// Listed finds only ids that the database of all ids lists: so the
	// reference reads a type that is given and empty.
	Listed bool
}

// NewFilter makes a filter of what a user gave; typed says that a type was
// given, if only an empty one. "0" is none of them, as in the reference.
func NewFilter(species, kind, objectType string, typed bool) Filter {
	f := Filter{Species: given(species), Kind: given(kind), Type: given(objectType)}
	f.Listed = typed && f.Type == ""
	return f
}

func given(s string) string {
	if s == "0" {
		return ""
	}
	return s
}

// Location says in which database an id is, and what it is. Where a user named
// all three, they are as the user wrote them.
type Location struct {
	Species string // production name
	Kind    string // of the database: core …
	Type    string // Gene, Transcript, Translation, Exon …
}

// types are the kinds of object that an id can be, in the order in which they
// are looked for, each with the table of its ids.
var types = []struct{ name, table string }{
	{"Gene", "gene"}, {"Transcript", "transcript"}, {"Translation", "translation"}, {"Exon", "exon"},
	{"Operon", "operon"}, {"OperonTranscript", "operon_transcript"},
}

const predicted = "predictiontranscript"

// locate finds where ids are. Those that are nowhere are missing.
func locate(ctx context.Context, reg *genomedb.Registry, ids []string, f Filter) (map[string]Location, error) {
	out := make(map[string]Location, len(ids))
	if strings.EqualFold(f.Type, predicted) && f.Species != "" && f.Kind == "" {
		f.Kind = "core"
	}
	if f.Species != "" && f.Kind != "" && f.Type != "" { // the user knows best
		for _, id := range ids {
			out[id] = Location{f.Species, f.Kind, f.Type}
		}
		return out, nil
	}
	var species *genomedb.Species
	if f.Species != "" {
		var ok bool
		if species, ok = reg.Resolve(f.Species); !ok {
			return out, nil
		}
	}
	if index, ok := reg.Database("stable_ids"); ok {
		if err := indexed(ctx, index, current, ids, f, species, out); err != nil {
			return nil, err
		}
		if f.Archived && index.HasTable("archive_id_lookup") {
			if err := indexed(ctx, index, archived, missing(ids, out), f, species, out); err != nil {
				return nil, err
			}
		}
	}
	if f.Listed {
		return out, nil
	}
	if f.Kind == "" {
		f.Kind = "core"
	}
	all := reg.Species()
	if species != nil {
		all = []*genomedb.Species{species}
	}
	for _, s := range all {
		db, ok := s.Database(f.Kind)
		if !ok {
			continue
		}
		for _, stems := range []bool{false, true} {
			if err := scan(ctx, db, s.Name, missing(ids, out), f, stems, out); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func missing(ids []string, out map[string]Location) (rest []string) {
	for _, id := range ids {
		if _, ok := out[id]; !ok {
			rest = append(rest, id)
		}
	}
	return rest
}

// The two tables of the database that knows all ids.
const (
	current = `SELECT l.stable_id, s.name, l.db_type, l.object_type FROM {stable_id_lookup} l
		JOIN {species} s ON s.species_id = l.species_id WHERE l.stable_id IN (%s)
		ORDER BY l.stable_id, l.species_id, l.db_type, l.object_type`
	archived = `SELECT l.archive_id, s.name, l.db_type, l.object_type FROM {archive_id_lookup} l
		JOIN {species} s ON s.species_id = l.species_id WHERE l.archive_id IN (%s)
		ORDER BY l.archive_id, l.species_id, l.db_type, l.object_type`
)

// indexed asks the database that knows all ids.
func indexed(ctx context.Context, index *genomedb.Database, text string, ids []string, f Filter, species *genomedb.Species, out map[string]Location) error {
	byKey := map[string]Location{}
	trimmed := make([]string, len(ids))
	for i, id := range ids {
		trimmed[i] = strings.TrimRight(id, " ")
	}
	err := in(ctx, index, text, trimmed,
		func(scan func(...any) error) error {
			var id string
			var l Location
			if err := scan(&id, &l.Species, &l.Kind, &l.Type); err != nil {
				return err
			}
			_, seen := byKey[fold(id)]
			if !seen && (species == nil || strings.EqualFold(l.Species, species.Name)) &&
				(f.Kind == "" || strings.EqualFold(f.Kind, l.Kind)) && (f.Type == "" || strings.EqualFold(f.Type, l.Type)) {
				byKey[fold(id)] = l
			}
			return nil
		})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if l, ok := byKey[fold(id)]; ok {
			out[id] = l
		}
	}
	return nil
}

// scan looks for ids in one database, or for their stems without version.
func scan(ctx context.Context, db *genomedb.Database, species string, ids []string, f Filter, stems bool, out map[string]Location) error {
	byKey, keys := map[string][]string{}, []string{}
	for _, id := range ids {
		key := strings.TrimRight(id, " ")
		if stems {
			var ok bool
			if key, _, ok = split(id); !ok {
				continue
			}
		}
		byKey[fold(key)] = append(byKey[fold(key)], id)
		keys = append(keys, key)
	}
	for _, t := range types {
		if len(keys) == 0 {
			return nil
		}
		if f.Type != "" && !strings.EqualFold(f.Type, t.name) || !db.HasColumn(t.table, "stable_id") {
			continue
		}
		name := t.name
		if f.Type != "" {
			name = f.Type
		}
		err := in(ctx, db, "SELECT stable_id FROM {"+t.table+"} WHERE stable_id IN (%s)", keys, func(scan func(...any) error) error {
			var id string
			if err := scan(&id); err != nil {
				return err
			}
			for _, asked := range byKey[fold(id)] {
				if _, ok := out[asked]; !ok {
					out[asked] = Location{species, db.Kind, name}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
