package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load/btree"
	"mirrornet/pkg/genomedb/load/dump"
)

// table loads a table, as the first of these ways that its rows allow: as they
// come; by the primary key, in which they are not sorted; without those that
// repeat a unique key.
func (l *loader) table(ctx context.Context, database string, t plannedTable) (tableState, error) {
	state := tableState{Database: database, Table: t.Name, Fingerprint: t.fingerprint, Start: l.partial.file.Pages()}
	if t.has && t.file.from != nil {
		l.progress.Doing = "fetching"
		l.notify(l.progress)
		path, err := l.fetcher.next(ctx)
		l.progress.Doing = ""
		if err != nil {
			return state, err
		}
		t.file.path = path
	}
	before, notes, text := l.done, len(l.notes), l.text
	err := l.build(ctx, &state, t, false)
	if errors.Is(err, errDisorder) {
		if err = l.rewind(state); err == nil {
			l.done, l.notes, l.text = before, l.notes[:notes], text
			err = l.build(ctx, &state, t, true)
		}
	}
	var d *duplicate
	if errors.As(err, &d) {
		if d.key.Kind == dump.Primary {
			return state, l.explain(t, d)
		}
		if err = l.rewind(state); err == nil {
			l.done, l.notes, l.text = before, l.notes[:notes], text
			err = l.deduplicate(ctx, &state, t)
		}
	}
	if err != nil {
		return state, errors.Join(err, l.rewind(state))
	}
	if state.Ignored > 0 {
		l.note("%s: %d rows ignored that repeat a unique key", t.file.place(), state.Ignored)
	}
	state.Notes = slices.Clone(l.notes[notes:])
	if t.has && t.file.from != nil {
		l.partial.spent = append(l.partial.spent, t.file.path)
	}
	return state, nil
}

// rewind takes back a table's pages.
func (l *loader) rewind(t tableState) error { return l.partial.file.Truncate(t.Start) }

// errDisorder says that rows are not sorted by the primary key.
var errDisorder = errors.New("rows are not in the order of the primary key")

// duplicate says that a row repeats a key.
type duplicate struct {
	key   dump.Key
	bytes []byte // of the key, as index has it
	index index
}

func (d *duplicate) Error() string { return "rows repeat the key " + d.key.Name }

// build makes a table of its file. With sort, rows come in any order.
func (l *loader) build(ctx context.Context, state *tableState, t plannedTable, sort bool) (err error) {
	b := newBuilder(l, t.Table, state, sort)
	defer func() { err = errors.Join(err, b.close()) }()
	if t.has {
		if err := l.rows(ctx, t, b.add); err != nil {
			return err
		}
	}
	return b.finish(ctx)
}

// builder makes a table with its indexes of rows.
type builder struct {
	l       *loader
	table   *dump.Table
	state   *tableState
	rowid   int // column of the rowid, -1: none is
	dna     bool
	tree    *btree.Table
	last    int64
	sorter  *btree.Sorter // of rows; nil while they come in order
	indexes []index
	record  []byte
	key     []byte
	meta    *metaReader
}

func newBuilder(l *loader, t *dump.Table, state *tableState, sort bool) *builder {
	b := &builder{l: l, table: t, state: state, tree: l.partial.file.Table(), rowid: -1, dna: isDNA(t), meta: newMetaReader(t)}
	if name := rowidColumn(t); name != "" {
		b.rowid = slices.IndexFunc(t.Columns, func(c dump.Column) bool { return c.Name == name })
	}
	b.indexes = indexesOf(state.Database, t)
	shares := len(b.indexes)
	dir := l.partial.dir
	if sort {
		shares += 2
		b.sorter = btree.NewSorter(dir, 2*l.memory/shares)
	}
	for i := range b.indexes {
		b.indexes[i].entries = b.indexes[i].newEntries(dir, l.memory/shares)
	}
	state.Rows, state.Ignored, state.Objects = 0, 0, nil
	return b
}

func (b *builder) add(values []dump.Value) error {
	if b.dna {
		return b.addDNA(values)
	}
	rowid := b.last + 1
	if b.rowid >= 0 {
		if v := values[b.rowid]; v.Kind == dump.IsInt {
			rowid = v.Int
		}
		if rowid <= b.last && b.state.Rows > 0 && b.sorter == nil {
			return errDisorder // or a duplicate, which sorting finds
		}
		values[b.rowid] = dump.Value{} // SQLite's way to write it
	}
	b.record = btree.AppendRecord(b.record[:0], values)
	if b.rowid >= 0 {
		values[b.rowid] = dump.Value{Kind: dump.IsInt, Int: rowid}
	}
	for _, x := range b.indexes {
		if err := x.entries.Add(values, rowid); err != nil {
			return err
		}
	}
	b.meta.read(values)
	b.last = max(b.last, rowid)
	if b.state.Rows == 0 {
		b.last = rowid
	}
	b.state.Rows++
	if b.sorter != nil {
		b.key = btree.AppendRowid(b.key[:0], rowid)
		return b.sorter.Add(b.key, b.record)
	}
	return b.tree.Add(rowid, b.record)
}

func (b *builder) finish(ctx context.Context) error {
	if b.sorter != nil {
		b.l.doing("sorting rows")
		var last []byte
		err := b.sorter.Each(func(key, record []byte) error {
			if bytes.Equal(key, last) {
				primary, _ := b.table.PrimaryKey()
				x := index{parts: []btree.Part{{Column: b.rowid}}, unique: true, numbers: true}
				id := dump.Value{Kind: dump.IsInt, Int: btree.Rowid(key)}
				if b.dna {
					id.Int = genomedb.DNAOwner(id.Int)
				}
				return &duplicate{primary, btree.AppendKey(nil, &id, false), x}
			}
			last = append(last[:0], key...)
			return b.tree.Add(btree.Rowid(key), record)
		})
		if err := errors.Join(err, b.sorter.Close(), ctx.Err()); err != nil {
			return err
		}
	}
	root, err := b.tree.Finish()
	if err != nil {
		return err
	}
	create := createTable(b.state.Database, b.table)
	if b.dna {
		create = createDNA(b.state.Database)
	}
	b.state.Objects = append(b.state.Objects, object{"table", b.state.Database + "." + b.table.Name, root, create})
	for i := range b.indexes {
		x := &b.indexes[i]
		b.l.doing("index " + x.key.Name)
		root, err := x.entries.Build(b.l.partial.file)
		var d *btree.Duplicate
		if errors.As(err, &d) {
			return &duplicate{x.key, d.Key, *x}
		}
		if err := errors.Join(err, x.entries.Close(), ctx.Err()); err != nil {
			return err
		}
		b.state.Objects = append(b.state.Objects, object{"index", x.name, root, x.sql})
	}
	b.l.doing("")
	b.state.Meta = b.meta.found
	return nil
}

func (b *builder) close() error {
	var errs []error
	if b.sorter != nil {
		errs = append(errs, b.sorter.Close())
	}
	for _, x := range b.indexes {
		errs = append(errs, x.entries.Close())
	}
	return errors.Join(errs...)
}

// doing tells progress of what takes long without reading rows.
func (l *loader) doing(what string) {
	if l.progress.Doing = what; what != "" && l.progress.Rows > rowsPerCheck {
		l.notify(l.progress)
	}
}

// explain makes the error for a primary key that a file has twice: with the
// line, which a second reading finds.
func (l *loader) explain(t plannedTable, d *duplicate) error {
	e := d.index.newEntries(l.partial.dir, 0)
	defer e.Close()
	columns := make([]string, len(d.index.parts))
	for i, p := range d.index.parts {
		columns[i] = t.Columns[p.Column].Name
	}
	fault := fmt.Errorf("rows repeat the primary key (%s)", strings.Join(columns, ", "))
	r, err := openFile(t.file)
	if err != nil {
		return err
	}
	defer r.Close()
	reader := newRowReader(t, r, l.maxRow)
	first := 0
	for reader.next() {
		if key, _ := e.Key(reader.values); !bytes.Equal(key, d.bytes) {
			continue
		}
		if first == 0 {
			first = reader.rows.Line()
			continue
		}
		var values []string
		for _, p := range d.index.parts {
			values = append(values, fmt.Sprint(reader.values[p.Column].Any()))
		}
		return reader.rows.Errorf("%w %s of line %d: the file is damaged or was put together of several", fault, strings.Join(values, ", "), first)
	}
	return &dump.Error{File: t.file.place(), Line: 1, Err: fault}
}

// metaReader keeps what the loader needs of the table meta.
type metaReader struct {
	key, value int
	found      map[string][]string
}

func newMetaReader(t *dump.Table) *metaReader {
	m := &metaReader{key: -1, value: -1}
	if !strings.EqualFold(t.Name, "meta") {
		return m
	}
	for i, c := range t.Columns {
		switch {
		case strings.EqualFold(c.Name, "meta_key"):
			m.key = i
		case strings.EqualFold(c.Name, "meta_value"):
			m.value = i
		}
	}
	return m
}

// maxMeta bounds the values of one key.
const maxMeta = 1000

func (m *metaReader) read(values []dump.Value) {
	if m.key < 0 || m.value < 0 || values[m.value].Kind != dump.IsText {
		return
	}
	key := strings.ToLower(string(values[m.key].Data))
	if key != metaVersion && key != metaProduction {
		return
	}
	if m.found == nil {
		m.found = map[string][]string{}
	}
	if value := string(values[m.value].Data); !slices.Contains(m.found[key], value) && len(m.found[key]) < maxMeta {
		m.found[key] = append(m.found[key], value)
	}
}
