package holdings

import (
	"context"
	"strings"

	"mirrornet/pkg/genomedb"
)

// Analyses lists the analyses that made a database's data.
func Analyses(ctx context.Context, db *genomedb.Database) (names []string, err error) {
	if !db.HasTable("analysis") {
		return nil, nil
	}
	err = db.Each(ctx, "SELECT logic_name FROM {analysis} ORDER BY analysis_id", nil, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		names = append(names, name)
		return err
	})
	return names, err
}

// ExternalDB is an outside source that the data refer to.
type ExternalDB struct {
	Name, DisplayName    string
	Release, Description *string
}

// ExternalDBs lists the sources whose names match a pattern of LIKE; with
// entries, only those that entries of that table refer to.
func ExternalDBs(ctx context.Context, db *genomedb.Database, pattern, entries string) (list []ExternalDB, err error) {
	query := "SELECT db_name, db_release, db_display_name, description FROM {external_db} WHERE db_name LIKE ? ESCAPE '|'"
	if entries != "" {
		query += " AND external_db_id IN (SELECT external_db_id FROM {" + entries + "})"
	}
	if strings.HasPrefix(pattern, "%") || strings.HasPrefix(pattern, "_") {
		query += " ORDER BY external_db_id"
	} else { // the reference reads these by index
		query += " ORDER BY UPPER(db_name), db_release, external_db_id"
	}
	err = db.Each(ctx, query, []any{genomedb.Like(pattern)}, func(scan func(...any) error) error {
		var x ExternalDB
		err := scan(&x.Name, &x.Release, &x.DisplayName, &x.Description)
		list = append(list, x)
		return err
	})
	return list, err
}

// Refers says whether any entry of a table refers to an outside source.
func Refers(ctx context.Context, db *genomedb.Database, table string) (yes bool, err error) {
	if !db.HasColumn(table, "external_db_id") {
		return false, nil
	}
	err = db.Each(ctx, "SELECT external_db_id FROM {"+table+"} WHERE external_db_id IS NOT NULL LIMIT 1", nil, func(scan func(...any) error) error {
		var id int64
		yes = true
		return scan(&id)
	})
	return yes, err
}

// Biotypes lists the biotypes of a database's genes or transcripts.
func Biotypes(ctx context.Context, db *genomedb.Database, object string) (names []string, err error) {
	if !db.HasColumn(object, "biotype") {
		return nil, nil
	}
	err = db.Each(ctx, "SELECT DISTINCT o.biotype FROM {"+object+"} o JOIN {seq_region} s ON s.seq_region_id = o.seq_region_id", nil,
		func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			names = append(names, name)
			return err
		})
	return names, err
}

// Biotype is a class of genes or transcripts.
type Biotype struct {
	Name, ObjectType string
	Group, Accession *string // Accession and Term are of the Sequence Ontology
	Term             *string
}

// BiotypesWhere lists the biotypes of a name, of a group that core databases
// have, or, where both are empty, all; and of a type of object where one is
// given.
func BiotypesWhere(ctx context.Context, db *genomedb.Database, name, group, object string) ([]Biotype, error) {
	list := []Biotype{}
	query, args := "SELECT name, biotype_group, object_type, so_acc, so_term FROM {biotype} WHERE 1 = 1", []any(nil)
	if name != "" {
		query, args = query+" AND name = ?", append(args, name)
	}
	if group != "" {
		query, args = query+" AND biotype_group = ? AND db_type LIKE '%core%'", append(args, group)
	}
	if object != "" {
		query, args = query+" AND object_type = ?", append(args, object)
	}
	err := db.Each(ctx, query+" ORDER BY biotype_id", args, func(scan func(...any) error) error {
		var b Biotype
		err := scan(&b.Name, &b.Group, &b.ObjectType, &b.Accession, &b.Term)
		list = append(list, b)
		return err
	})
	return list, err
}

// Method is a method of comparative genomics, with the class of its results.
type Method struct{ Type, Class string }

// Methods lists those of a comparative genomics database.
func Methods(ctx context.Context, db *genomedb.Database) (list []Method, err error) {
	err = db.Each(ctx, "SELECT type, class FROM {method_link} ORDER BY method_link_id", nil, func(scan func(...any) error) error {
		var m Method
		err := scan(&m.Type, &m.Class)
		list = append(list, m)
		return err
	})
	return list, err
}

// SpeciesSet is a set of species that a method was run on.
type SpeciesSet struct {
	Name, Method, Group string
	Species             []string
}

// SpeciesSets lists those of a method.
func SpeciesSets(ctx context.Context, db *genomedb.Database, method string) ([]*SpeciesSet, error) {
	list, at := []*SpeciesSet{}, map[int64]*SpeciesSet{}
	err := db.Each(ctx, `SELECT l.method_link_species_set_id, l.name, m.type, COALESCE(h.name, ''), g.name
		FROM {method_link} m JOIN {method_link_species_set} l ON l.method_link_id = m.method_link_id
		LEFT JOIN {species_set_header} h ON h.species_set_id = l.species_set_id
		JOIN {species_set} s ON s.species_set_id = l.species_set_id
		JOIN {genome_db} g ON g.genome_db_id = s.genome_db_id
		WHERE m.type = ? ORDER BY l.method_link_species_set_id, g.genome_db_id`,
		[]any{method}, func(scan func(...any) error) error {
			var id int64
			var s SpeciesSet
			var member string
			if err := scan(&id, &s.Name, &s.Method, &s.Group, &member); err != nil {
				return err
			}
			if at[id] == nil {
				at[id] = &s
				list = append(list, &s)
			}
			at[id].Species = append(at[id].Species, member)
			return nil
		})
	return list, err
}
