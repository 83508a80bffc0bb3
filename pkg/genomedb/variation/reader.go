package variation

import (
	"context"
	"database/sql"
	"errors"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
)

// Reader reads one variation database. It is safe for concurrent use.
type Reader struct {
	DB       *genomedb.Database
	Assembly *assembly.Assembly // of the species' core database
}

// Set finds the number of a set of variants by its short name. ok is false
// where there is none.
func (r *Reader) Set(ctx context.Context, short string) (s Set, ok bool, err error) {
	// The reference compares names of sets with case, databases without.
	err = r.DB.Each(ctx, `SELECT a.value, v.variation_set_id, COALESCE(v.name, '') FROM {attrib_type} t
		JOIN {attrib} a ON a.attrib_type_id = t.attrib_type_id
		JOIN {variation_set} v ON v.short_name_attrib_id = a.attrib_id
		WHERE t.code = 'short_name' AND a.value = ? ORDER BY v.variation_set_id DESC`, []any{short},
		func(scan func(...any) error) error {
			var value string
			var found Set
			if err := scan(&value, &found.ID, &found.Name); err != nil {
				return err
			}
			if value == short {
				s, ok = found, true
			}
			return nil
		})
	return s, ok, err
}

// Set is a set of variants: those found by one project, those that failed …
type Set struct {
	ID   int64
	Name string
}

// attribute is the id of a value of a kind of attribute; 0 where there is none.
func (r *Reader) attribute(ctx context.Context, code, value string) (id int64, err error) {
	err = r.DB.QueryRow(ctx, `SELECT MAX(a.attrib_id) FROM {attrib_type} t JOIN {attrib} a ON a.attrib_type_id = t.attrib_type_id
		WHERE t.code = ? AND a.value = ?`, code, value).Scan(&nullable{&id})
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, err
}

// nullable scans a number where NULL is 0.
type nullable struct{ to *int64 }

func (n *nullable) Scan(v any) error {
	var x sql.NullInt64
	err := x.Scan(v)
	*n.to = x.Int64
	return err
}
