package feature

import (
	"context"
	"math"
	"strconv"
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
)

// Reader loads features of one database. It is safe for concurrent use.
type Reader struct {
	DB       *genomedb.Database
	Assembly *assembly.Assembly
}

// in asks a query once per chunk of ids. The text has %s where their list
// stands.
func in[T any](ctx context.Context, db *genomedb.Database, text string, ids []T, row func(scan func(...any) error) error) error {
	return genomedb.EachOf(ctx, db, text, nil, ids, row)
}

// places remembers on which sequence features lie, until the rows are read: a
// query within a query would wait for a second connection while it holds one.
type places []struct {
	sequence int64
	at       *assembly.Slice
}

func (p *places) add(sequence int64, at *assembly.Slice) {
	*p = append(*p, struct {
		sequence int64
		at       *assembly.Slice
	}{sequence, at})
}

func (p places) resolve(ctx context.Context, a *assembly.Assembly) (err error) {
	for _, f := range p {
		if f.at.On, err = a.Sequence(ctx, f.sequence); err != nil {
			return err
		}
	}
	return nil
}

// split cuts a version off a stable id: "ENSG1.2" → "ENSG1", 2. One that is too
// long for a number is the highest, which no object has.
func split(id string) (stem string, version int64, ok bool) {
	i := strings.LastIndexByte(id, '.')
	if i <= 0 || i == len(id)-1 || strings.Trim(id[i+1:], "0123456789") != "" {
		return id, 0, false
	}
	version, err := strconv.ParseInt(id[i+1:], 10, 64)
	if err != nil {
		version = math.MaxInt64
	}
	return id[:i], version, true
}

// fold is how the databases compare stable ids: case and trailing blanks do
// not count.
func fold(id string) string { return strings.ToLower(strings.TrimRight(id, " ")) }

// match finds the row of each id among rows by stable id, oldest first: the
// one of that very stable id, or of its stem with that version.
func match[T any](ids []string, rows map[string][]T, version func(T) *int64) map[string]T {
	out := make(map[string]T, len(ids))
	for _, id := range ids {
		if all := rows[fold(id)]; len(all) > 0 {
			out[id] = all[0]
			continue
		}
		stem, v, ok := split(strings.TrimRight(id, " "))
		if !ok {
			continue
		}
		for _, row := range rows[fold(stem)] {
			if have := version(row); have != nil && *have == v {
				out[id] = row
				break
			}
		}
	}
	return out
}

// candidates are the stable ids to look for: each id and its stem.
func candidates(ids []string) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		id = strings.TrimRight(id, " ")
		out = append(out, id)
		if stem, _, ok := split(id); ok {
			out = append(out, stem)
		}
	}
	return out
}
