package taxonomy

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mirrornet/pkg/genomedb"
)

// MaxFound is how many names a search may find.
const MaxFound = 20_000

// Taxon is a node of the taxonomy.
type Taxon struct {
	ID     int64
	Parent int64 // 0 for the root
	Rank   string
	Hidden bool                // not shown in a classification
	Leaf   bool                // has no taxa below it
	Names  map[string][]string // by class, such as "scientific name", in lower case
}

// Name is the scientific name, nil where it has none.
func (t *Taxon) Name() *string {
	if n := t.Names["scientific name"]; len(n) > 0 {
		return &n[0]
	}
	return nil
}

// Reader reads the taxonomy of one database. It is safe for concurrent use.
type Reader struct{ DB *genomedb.Database }

// Open gives the reader of a registry's taxonomy.
func Open(r *genomedb.Registry) (*Reader, error) {
	db, ok := r.Database("compara")
	if !ok || !db.HasTable("ncbi_taxa_node") {
		return nil, genomedb.Refuse("There is no taxonomy here")
	}
	return &Reader{db}, nil
}

var whole = regexp.MustCompile(`^[+-]?[0-9]+\n?$`)

// Find finds a taxon by its number, which may be one that was merged into
// another's, or by a name. A scientific name may hold the wildcards of LIKE.
func (r *Reader) Find(ctx context.Context, name string) (*Taxon, error) {
	id, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	taxa, err := r.taxa(ctx, "t.taxon_id", []int64{id})
	if err == nil && len(taxa) == 0 {
		err = genomedb.Refuse("No taxon node found for '%s'", name)
	}
	if err != nil {
		return nil, err
	}
	return taxa[0], nil
}

func (r *Reader) find(ctx context.Context, name string) (id int64, err error) {
	const from = "SELECT n.taxon_id FROM {ncbi_taxa_name} n JOIN {ncbi_taxa_node} t ON t.taxon_id = n.taxon_id WHERE "
	type query struct {
		text string
		args []any
	}
	var queries []query
	if whole.MatchString(name) {
		n, err := strconv.ParseInt(strings.TrimSuffix(name, "\n"), 10, 64)
		if err != nil { // too large for a number of a taxon
			return 0, nil
		}
		queries = []query{
			{"SELECT taxon_id FROM {ncbi_taxa_node} WHERE taxon_id = ?", []any{n}},
			{from + "n.name = ? AND n.name_class = 'merged_taxon_id' LIMIT 1", []any{strconv.FormatInt(n, 10)}},
		}
	} else {
		compare, arg, order := matching(name)
		queries = []query{
			{from + "n.name_class = 'scientific name' AND n.name " + compare + order + " LIMIT 1", []any{arg}},
			{from + "n.name = ? LIMIT 1", []any{strings.TrimRight(name, " ")}},
		}
	}
	for _, q := range queries {
		if err = r.DB.QueryRow(ctx, q.text, q.args...).Scan(&id); !errors.Is(err, sql.ErrNoRows) {
			return id, err
		}
	}
	return 0, nil
}

// matching is how names are compared with a pattern, and the order in which
// the reference's database finds them: by the index of names, or as they stand
// in the table where the pattern begins with a wildcard. The table has no key
// that this order could be named by.
func matching(pattern string) (compare, arg, order string) {
	switch {
	case !genomedb.Wild(pattern) && !strings.HasSuffix(pattern, " "): // = would pass over blanks
		return "= ?", pattern, ""
	case strings.HasPrefix(pattern, "%"), strings.HasPrefix(pattern, "_"):
		return "LIKE ? ESCAPE '|'", genomedb.Like(pattern), ""
	}
	return "LIKE ? ESCAPE '|'", genomedb.Like(pattern), " ORDER BY n.name"
}

// Named finds the taxa with a name of any class that matches a pattern of LIKE.
func (r *Reader) Named(ctx context.Context, pattern string) ([]*Taxon, error) {
	compare, arg, order := matching(pattern)
	var ids []int64
	seen, found := map[int64]bool{}, 0
	err := r.DB.Each(ctx, "SELECT n.taxon_id FROM {ncbi_taxa_name} n WHERE n.name "+compare+order+" LIMIT 20001", []any{arg}, func(row func(...any) error) error {
		var id int64
		err := row(&id)
		if found++; !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if found > MaxFound {
		return nil, genomedb.Refuse("More than %d names match '%s'. Ask for fewer", MaxFound, pattern)
	}
	taxa, err := r.taxa(ctx, "t.taxon_id", ids)
	inOrder(taxa, ids)
	return taxa, err
}

func inOrder(taxa []*Taxon, ids []int64) {
	at := make(map[int64]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	slices.SortFunc(taxa, func(a, b *Taxon) int { return at[a.ID] - at[b.ID] })
}

// taxa reads the taxa that have one of the values in a column, with their
// names, by number.
func (r *Reader) taxa(ctx context.Context, column string, values []int64) (taxa []*Taxon, err error) {
	by, ids := map[int64]*Taxon{}, []int64{}
	err = genomedb.EachOf(ctx, r.DB, `SELECT t.taxon_id, t.parent_id, t.rank, t.genbank_hidden_flag,
		CASE WHEN EXISTS (SELECT 1 FROM {ncbi_taxa_node} c WHERE c.parent_id = t.taxon_id) THEN 0 ELSE 1 END
		FROM {ncbi_taxa_node} t WHERE `+column+` IN (%s) ORDER BY t.taxon_id`, nil, values, func(row func(...any) error) error {
		t := &Taxon{Names: map[string][]string{}}
		err := row(&t.ID, &t.Parent, &t.Rank, &t.Hidden, &t.Leaf)
		taxa, by[t.ID], ids = append(taxa, t), t, append(ids, t.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return taxa, genomedb.EachOf(ctx, r.DB, "SELECT taxon_id, name_class, name FROM {ncbi_taxa_name} WHERE taxon_id IN (%s)", nil, ids, func(row func(...any) error) error {
		var id int64
		var class, name string
		if err := row(&id, &class, &name); err != nil {
			return err
		}
		t, class := by[id], strings.ToLower(class)
		t.Names[class] = append(t.Names[class], name)
		return nil
	})
}

// Relatives are the taxa next to one in the tree.
type Relatives struct {
	Parent   *Taxon // nil for the root
	Children []*Taxon
}

// Relatives gives what stands next to each of the taxa, by number.
func (r *Reader) Relatives(ctx context.Context, taxa []*Taxon) (map[int64]*Relatives, error) {
	out, parents, ids := map[int64]*Relatives{}, []int64{}, []int64{}
	for _, t := range taxa {
		out[t.ID] = &Relatives{}
		ids = append(ids, t.ID)
		if t.Parent != 0 && t.Parent != t.ID {
			parents = append(parents, t.Parent)
		}
	}
	slices.Sort(parents)
	above, err := r.taxa(ctx, "t.taxon_id", slices.Compact(parents))
	if err != nil {
		return nil, err
	}
	byID := map[int64]*Taxon{}
	for _, p := range above {
		byID[p.ID] = p
	}
	for _, t := range taxa {
		out[t.ID].Parent = byID[t.Parent]
	}
	below, err := r.taxa(ctx, "t.parent_id", ids)
	for _, t := range below {
		if t.Parent != t.ID {
			out[t.Parent].Children = append(out[t.Parent].Children, t)
		}
	}
	return out, err
}

// deepest bounds the way from a taxon to the root, should it run in a ring.
const deepest = 200

// Ancestry gives the taxa from t to the root, both included.
func (r *Reader) Ancestry(ctx context.Context, t *Taxon) ([]*Taxon, error) {
	ids := []int64{t.ID}
	for id := t.Parent; id != 0 && len(ids) < deepest; {
		if slices.Contains(ids, id) {
			break
		}
		ids = append(ids, id)
		err := r.DB.QueryRow(ctx, "SELECT parent_id FROM {ncbi_taxa_node} WHERE taxon_id = ?", id).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	taxa, err := r.taxa(ctx, "t.taxon_id", ids)
	inOrder(taxa, ids)
	return taxa, err
}
