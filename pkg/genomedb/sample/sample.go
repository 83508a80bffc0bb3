// Package sample makes a small genome that exists nowhere, in Ensembl's schema:
// enough to ask the API something on a fresh machine, and to test against.
//
// Two species: homo_sapiens with chromosomes 7, 13, X and MT, which carry genes
// named after BRAF, BRCA2 and IRAK1 and some thirty made-up ones, and a smaller
// mus_musculus. The human genes have variants and promoters too. Their names and stable ids are real; sequences, coordinates and
// structures are invented. All fits together: exons lie in transcripts,
// transcripts in genes, introns begin with GT and end with AG, and every
// coding sequence begins with a start codon, ends with a stop, and translates
// without one in between.
//
// # Decisions
//
// 2026-11-24: Made by a program rather than kept as a file: it fits in a page,
// every property can be tested, and the repository holds no binary data.
//
// 2026-11-24: Randomness is PCG with the seed below, reduced by a remainder
// here rather than by math/rand's methods, whose results may change between
// releases of Go. The same program makes the same content everywhere.
//
// 2026-11-24: All tables of the core schema that the API may ask are there,
// empty where the sample has nothing to put in.
package sample

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load"
	"mirrornet/pkg/genomedb/load/dump"
)

// Release is the Ensembl release that the sample says it is of.
const Release = 115

// seed makes the sample what it is. Another one makes another sample.
const seed = 20261124

//go:embed core.sql
var coreSchema string

//go:embed stable_ids.sql
var stableIDsSchema string

// Open writes the sample to a file in dir and opens it. The caller closes the
// registry and then removes dir.
func Open(ctx context.Context, dir string) (*genomedb.Registry, error) {
	file := filepath.Join(dir, "sample.sqlite")
	if _, err := os.Stat(file); err == nil {
		return nil, fmt.Errorf("sample: %s exists: give an empty folder", file)
	}
	if err := Write(ctx, file); err != nil {
		return nil, err
	}
	return genomedb.Open(ctx, genomedb.Config{SQLite: file})
}

// Write makes the sample as an SQLite file, in place of one that exists. It
// takes about a second.
func Write(ctx context.Context, file string) (err error) {
	w, err := load.Create(ctx, file)
	if err != nil {
		return fmt.Errorf("sample: %w", err)
	}
	defer func() {
		if err = errors.Join(err, w.Close()); err != nil {
			err = fmt.Errorf("sample: %w", err)
		}
	}()
	ids, err := newRows("stable_ids.sql", stableIDsSchema)
	if err != nil {
		return err
	}
	for i, sp := range []species{human(), mouse()} {
		core, err := newRows("core.sql", coreSchema)
		if err != nil {
			return err
		}
		a := &annotator{species: sp, rows: core, random: newRandom(uint64(i + 1))}
		a.annotate()
		a.lookup(ids, i+1)
		entry := genomedb.Entry{Name: fmt.Sprintf("%s_core_%d_%d", sp.name, Release, sp.assemblyVersion), Owner: sp.name, Kind: "core", SchemaVersion: Release}
		if err := core.write(ctx, w, entry); err != nil {
			return err
		}
		if i > 0 {
			continue // the human alone has more than genes
		}
		for _, extra := range []struct {
			kind string
			make func() (*rows, error)
		}{{"variation", a.variations}, {"funcgen", a.regulation}} {
			more, err := extra.make()
			if err != nil {
				return err
			}
			entry.Name, entry.Kind = fmt.Sprintf("%s_%s_%d_%d", sp.name, extra.kind, Release, sp.assemblyVersion), extra.kind
			if err := more.write(ctx, w, entry); err != nil {
				return err
			}
		}
	}
	ids.add("meta", "meta_key", "schema_version", "meta_value", fmt.Sprint(Release))
	entry := genomedb.Entry{Name: fmt.Sprintf("ensembl_stable_ids_%d", Release), Owner: "multi", Kind: "stable_ids", SchemaVersion: Release}
	if err := ids.write(ctx, w, entry); err != nil {
		return err
	}
	if err := shared(ctx, w); err != nil {
		return err
	}
	return w.Commit(ctx)
}

// random is a source of numbers that are the same on every machine.
type random struct{ pcg *rand.PCG }

func newRandom(stream uint64) *random { return &random{rand.NewPCG(seed, stream)} }

// below gives a number from 0 to n-1.
func (r *random) below(n int) int { return int(r.pcg.Uint64() % uint64(n)) }

// between gives a number from a to b.
func (r *random) between(a, b int) int { return a + r.below(b-a+1) }

// bases appends n random bases to s, two in five of them C or G.
func (r *random) bases(s []byte, n int) []byte {
	const ten = "AAACCGGTTT"
	for range n {
		s = append(s, ten[r.below(10)])
	}
	return s
}

// rows collects the rows of one database.
type rows struct {
	tables []dump.Table
	values map[string][][]any // by table
	err    error              // the first mistake of add
}

func newRows(name, schema string) (*rows, error) {
	s, err := dump.ParseSchema(name, strings.NewReader(schema))
	return &rows{tables: s.Tables, values: map[string][][]any{}}, err
}

// add adds a row, given as column, value, column, value … A column that is not
// given has its default; one of the kind AUTO_INCREMENT, the row's number,
// which add returns.
func (r *rows) add(table string, pairs ...any) int {
	n := len(r.values[table]) + 1
	for i := range r.tables {
		t := &r.tables[i]
		if t.Name != table {
			continue
		}
		row := make([]any, len(t.Columns))
		given := 0
		for j := range t.Columns {
			c := &t.Columns[j]
			row[j], _ = c.DefaultValue()
			if c.Auto {
				row[j] = int64(n)
			}
			for k := 0; k+1 < len(pairs); k += 2 {
				if pairs[k] == c.Name {
					given++
					row[j] = pairs[k+1]
					if v, ok := row[j].(int); ok {
						row[j] = int64(v)
					}
				}
			}
		}
		if given*2 != len(pairs) && r.err == nil {
			r.err = fmt.Errorf("a row of %s gives columns that it does not have: %v", table, pairs)
		}
		r.values[table] = append(r.values[table], row)
		return n
	}
	if r.err == nil {
		r.err = fmt.Errorf("no table %s", table)
	}
	return n
}

// set sets a column of the table's last row.
func (r *rows) set(table, column string, value any) {
	for i := range r.tables {
		if r.tables[i].Name != table {
			continue
		}
		if j := slices.IndexFunc(r.tables[i].Columns, named(column)); j >= 0 && len(r.values[table]) > 0 {
			r.values[table][len(r.values[table])-1][j] = value
			return
		}
	}
	if r.err == nil {
		r.err = fmt.Errorf("no row of %s with a column %s", table, column)
	}
}

func (r *rows) write(ctx context.Context, w *load.Writer, e genomedb.Entry) error {
	if r.err != nil {
		return r.err
	}
	for i := range r.tables {
		t := &r.tables[i]
		tw, err := w.Table(ctx, e.Name, t)
		if err != nil {
			return err
		}
		for _, row := range r.values[t.Name] {
			if err := tw.Insert(ctx, row); err != nil {
				return errors.Join(fmt.Errorf("%s: %w", t.Name, err), tw.Abandon())
			}
		}
		if err := tw.Close(ctx); err != nil {
			return err
		}
	}
	return w.Catalogue(ctx, e)
}
