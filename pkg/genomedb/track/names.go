package track

import (
	"context"
	"database/sql"
	"errors"

	"mirrornet/pkg/genomedb"
)

// UCSC is the name that UCSC's browser has for the slice's sequence.
func (t *Track) UCSC(ctx context.Context) (string, error) {
	on := t.Slice.On
	dbs := t.Words.external["ucsc"]
	if len(dbs) == 0 {
		return "", genomedb.Refuse("There are no names as UCSC has them in this database")
	}
	if t.DB.HasTable("seq_region_synonym") {
		var name string
		err := t.DB.QueryRow(ctx, `SELECT synonym FROM {seq_region_synonym} WHERE seq_region_id = ? AND external_db_id = ?
			ORDER BY seq_region_synonym_id`, on.ID, dbs[0]).Scan(&name)
		if !errors.Is(err, sql.ErrNoRows) {
			return name, err
		}
	}
	chromosome, err := t.Assembly.Karyotype(ctx, on)
	switch {
	case err != nil || !chromosome:
		return on.Name, err
	case on.Name == "MT":
		return "chrM", nil
	case t.Assembly.Reference(on):
		return "chr" + on.Name, nil
	}
	return on.Name, nil
}
