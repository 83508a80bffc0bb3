// Package holdings reads what databases say of their own contents: sequences
// and karyotypes, biotypes, analyses, outside sources, and the methods and
// sets of comparative genomics.
package holdings

import (
	"context"
	"database/sql"
	"errors"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
)

// Sequence is a sequence with its coordinate system.
type Sequence struct {
	ID              int64
	Name            string
	Length          int64
	System, Version string
}

// WithAttribute lists the sequences with an attribute, by database id.
func WithAttribute(ctx context.Context, db *genomedb.Database, code string) ([]Sequence, error) {
	return withAttribute(ctx, db, code, "r.seq_region_id")
}

// Karyotype lists the chromosomes in the order of the karyotype.
func Karyotype(ctx context.Context, db *genomedb.Database) ([]Sequence, error) {
	return withAttribute(ctx, db, "karyotype_rank", "a.value + 0, r.seq_region_id")
}

func withAttribute(ctx context.Context, db *genomedb.Database, code, order string) (list []Sequence, err error) {
	err = db.Each(ctx, `SELECT r.seq_region_id, r.name, r.length, cs.name, COALESCE(cs.version, '')
		FROM {attrib_type} t JOIN {seq_region_attrib} a ON a.attrib_type_id = t.attrib_type_id
		JOIN {seq_region} r ON r.seq_region_id = a.seq_region_id
		JOIN {coord_system} cs ON cs.coord_system_id = r.coord_system_id
		WHERE t.code = ? ORDER BY `+order, []any{code}, func(scan func(...any) error) error {
		var q Sequence
		err := scan(&q.ID, &q.Name, &q.Length, &q.System, &q.Version)
		list = append(list, q)
		return err
	})
	return list, err
}

// Attributes are the codes of a sequence's attributes.
func Attributes(ctx context.Context, db *genomedb.Database, sequence int64) (map[string]bool, error) {
	codes := map[string]bool{}
	err := db.Each(ctx, `SELECT t.code FROM {seq_region_attrib} a JOIN {attrib_type} t ON t.attrib_type_id = a.attrib_type_id
		WHERE a.seq_region_id = ?`, []any{sequence}, func(scan func(...any) error) error {
		var code string
		err := scan(&code)
		codes[code] = true
		return err
	})
	return codes, err
}

// AssemblyVersions lists the versions of coordinate systems, each once.
func AssemblyVersions(ctx context.Context, db *genomedb.Database) ([]string, error) {
	list, seen := []string{}, map[string]bool{}
	err := db.Each(ctx, "SELECT version FROM {coord_system} WHERE version <> '' ORDER BY rank", nil, func(scan func(...any) error) error {
		var v string
		if err := scan(&v); err != nil || seen[v] {
			return err
		}
		seen[v] = true
		list = append(list, v)
		return nil
	})
	return list, err
}

// ReferenceLength is the length of the golden path as the database writes it;
// "" where it does not say.
func ReferenceLength(ctx context.Context, db *genomedb.Database) (length string, err error) {
	if !db.HasTable("genome_statistics") {
		return "", nil
	}
	err = db.QueryRow(ctx, "SELECT value FROM {genome_statistics} WHERE statistic = 'ref_length' LIMIT 1").Scan(&length)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return length, err
}

// ExceptionType says what a sequence outside the reference is to it. As in the
// reference server, a coordinate system that meta_coord does not list for
// assembly_exception has none.
func ExceptionType(ctx context.Context, db *genomedb.Database, sequence, start, end int64) (kind string, err error) {
	err = db.QueryRow(ctx, `SELECT x.exc_type FROM {assembly_exception} x JOIN {seq_region} other ON other.seq_region_id = x.exc_seq_region_id
		JOIN {meta_coord} m ON m.coord_system_id = other.coord_system_id AND m.table_name = 'assembly_exception'
		WHERE x.seq_region_id = ? AND x.seq_region_start <= ? AND x.seq_region_end >= ?
		ORDER BY x.assembly_exception_id LIMIT 1`, sequence, end, start).Scan(&kind)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return kind, err
}

// Band is a band of a karyotype.
type Band struct {
	Name       string
	Stain      *string
	Start, End int64
}

// Bands gives all bands of the karyotype by sequence, in order of position.
func Bands(ctx context.Context, db *genomedb.Database) (map[int64][]Band, error) {
	by := map[int64][]Band{}
	err := db.Each(ctx, `SELECT seq_region_id, band, stain, seq_region_start, seq_region_end FROM {karyotype} ORDER BY seq_region_start, karyotype_id`, nil,
		func(scan func(...any) error) error {
			var id int64
			var b Band
			err := scan(&id, &b.Name, &b.Stain, &b.Start, &b.End)
			by[id] = append(by[id], b)
			return err
		})
	return by, err
}

// BandsOn are the bands on a slice, which may be of another coordinate system.
func BandsOn(ctx context.Context, db *genomedb.Database, a *assembly.Assembly, s assembly.Slice) (list []Band, err error) {
	places, err := a.Places(ctx, s, db, "karyotype")
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		err := db.Each(ctx, "SELECT x.band, x.stain, x.seq_region_start, x.seq_region_end FROM {karyotype} x WHERE "+p.Where()+
			"ORDER BY x.seq_region_start, x.karyotype_id", p.Args(), func(scan func(...any) error) error {
			var b Band
			if err := scan(&b.Name, &b.Stain, &b.Start, &b.End); err != nil {
				return err
			}
			if at, ok := p.Carry(b.Start, b.End, 0); ok {
				b.Start, b.End = at.Start, at.End
				list = append(list, b)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Synonym is another name of a sequence, and who gave it.
type Synonym struct {
	Name   string
	DBName *string
}

// Synonyms gives other names by sequence: of one, or, where sequence is 0, of
// all.
func Synonyms(ctx context.Context, db *genomedb.Database, sequence int64) (map[int64][]Synonym, error) {
	by := map[int64][]Synonym{}
	if !db.HasTable("seq_region_synonym") {
		return by, nil
	}
	query, args := `SELECT y.seq_region_id, y.synonym, e.db_name FROM {seq_region_synonym} y
		LEFT JOIN {external_db} e ON e.external_db_id = y.external_db_id `, []any(nil)
	if sequence != 0 {
		query, args = query+"WHERE y.seq_region_id = ? ", []any{sequence}
	}
	err := db.Each(ctx, query+"ORDER BY y.seq_region_synonym_id", args, func(scan func(...any) error) error {
		var id int64
		var y Synonym
		err := scan(&id, &y.Name, &y.DBName)
		by[id] = append(by[id], y)
		return err
	})
	return by, err
}
