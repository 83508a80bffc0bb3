package load

import (
	"fmt"
	"slices"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load/btree"
	"mirrornet/pkg/genomedb/load/dump"
)

// isDNA says that a table holds sequences, which are stored in pieces.
func isDNA(t *dump.Table) bool {
	return t.Name == "dna" && rowidColumn(t) == "seq_region_id" &&
		slices.EqualFunc(t.Columns, []string{"seq_region_id", "sequence"}, func(c dump.Column, name string) bool { return c.Name == name }) &&
		t.Columns[1].Affinity() == dump.Text
}

func createDNA(database string) string {
	return fmt.Sprintf(`CREATE TABLE %s (%s INTEGER PRIMARY KEY, "seq_region_id" INTEGER, "sequence" TEXT)`,
		genomedb.Physical(database, "dna"), quote(genomedb.DNAPlace))
}

// addDNA adds a sequence, piece by piece.
func (b *builder) addDNA(values []dump.Value) error {
	id, sequence := values[0].Int, values[1].Data
	if values[0].Kind != dump.IsInt || id < 0 || id > genomedb.MaxDNAOwns {
		return fmt.Errorf("table dna: seq_region_id %v cannot be that of a sequence", values[0].Any())
	}
	if id <= b.last && b.state.Rows > 0 && b.sorter == nil {
		return errDisorder
	}
	for at := 0; at == 0 || at < len(sequence); at += genomedb.DNAPiece {
		piece := sequence[at:min(at+genomedb.DNAPiece, len(sequence))]
		rowid := genomedb.DNAPlaceOf(id, int64(at))
		b.record = btree.AppendRecord(b.record[:0], []dump.Value{{}, {Kind: dump.IsInt, Int: id}, {Kind: dump.IsText, Data: piece}})
		var err error
		if b.sorter != nil {
			b.key = btree.AppendRowid(b.key[:0], rowid)
			err = b.sorter.Add(b.key, b.record)
		} else {
			err = b.tree.Add(rowid, b.record)
		}
		if err != nil {
			return err
		}
	}
	b.last = id
	b.state.Rows++
	return nil
}
