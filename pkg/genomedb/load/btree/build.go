package btree

import "fmt"

// Table builds a table from its rows by rowid. Rows of several trees may not
// be added in turns.
type Table struct {
	tree tree
	cell []byte
	rows int64
}

// Table begins one.
func (f *File) Table() *Table { return &Table{tree: tree{file: f, table: true}} }

// Add adds a row; its rowid is greater than all before.
func (t *Table) Add(rowid int64, record []byte) error {
	if t.rows > 0 && rowid <= t.tree.rowid {
		return fmt.Errorf("rowid %d after %d", rowid, t.tree.rowid)
	}
	cell := appendVarint(t.cell[:0], uint64(len(record)))
	cell = appendVarint(cell, uint64(rowid))
	cell, err := t.tree.payload(cell, record)
	if err != nil {
		return err
	}
	t.cell = cell
	if err := t.tree.put(cell); err != nil {
		return err
	}
	t.tree.rowid = rowid
	t.rows++
	return nil
}

// Finish completes the table and gives its root page.
func (t *Table) Finish() (uint32, error) { return t.tree.finish() }

// Index builds an index from its entries in order.
type Index struct {
	tree tree
	cell []byte
}

// Index begins one.
func (f *File) Index() *Index { return &Index{tree: tree{file: f}} }

// Add adds an entry: the record of the indexed values and the rowid.
func (x *Index) Add(record []byte) error {
	cell := appendVarint(x.cell[:0], uint64(len(record)))
	cell, err := x.tree.payload(cell, record)
	if err != nil {
		return err
	}
	x.cell = cell
	return x.tree.put(cell)
}

// Finish completes the index and gives its root page.
func (x *Index) Finish() (uint32, error) { return x.tree.finish() }
