package keys

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/genomedb"
)

// values are what the databases hold, to ask for.
type values struct {
	ids      []string
	species  []string // by production name
	names    map[string][]string
	of       map[string]*holdings // by species
	biotypes []string
	groups   []string
	methods  []string
	examples map[string][]apispec.Request // of an endpoint, as understood
	rich     []*apispec.Endpoint          // with a body or aliases
	words    map[string][]string          // that stand in paths, by what stands before them
}

// holdings are what one species has.
type holdings struct{ symbols, sequences, regions []string }

func newValues(t testing.TB, w *world) *values {
	v := &values{names: map[string][]string{}, of: map[string]*holdings{}, words: map[string][]string{}, examples: map[string][]apispec.Request{}}
	for _, s := range w.genome.Species() {
		db, ok := s.Database("core")
		if !ok || !db.HasTable("seq_region") {
			continue
		}
		h := &holdings{}
		v.species, v.of[s.Name] = append(v.species, s.Name), h
		v.names[s.Name] = append([]string{s.Name, s.TaxonID, s.ScientificName, strings.ToUpper(s.Name)}, s.Aliases...)
		v.names[s.Name] = slices.DeleteFunc(v.names[s.Name], func(n string) bool { return n == "" })
		for _, table := range []string{"gene", "transcript", "translation", "exon"} {
			v.ids = append(v.ids, read(t, db, "SELECT stable_id FROM {"+table+"} WHERE stable_id <> '' ORDER BY 1 LIMIT 12")...)
			v.ids = append(v.ids, read(t, db, "SELECT stable_id || '.' || version FROM {"+table+"} WHERE stable_id <> '' ORDER BY 1 DESC LIMIT 2")...)
		}
		h.symbols = read(t, db, "SELECT DISTINCT x.display_label FROM {gene} g JOIN {xref} x ON x.xref_id = g.display_xref_id ORDER BY 1 LIMIT 30")
		h.sequences = read(t, db, `SELECT s.name FROM {seq_region} s JOIN {seq_region_attrib} a ON a.seq_region_id = s.seq_region_id
			JOIN {attrib_type} t ON t.attrib_type_id = a.attrib_type_id WHERE t.code = 'toplevel' ORDER BY 1 LIMIT 20`)
		for _, at := range []string{"':' || g.seq_region_start || '-' || (g.seq_region_start + 60)", "':' || g.seq_region_start || '..' || (g.seq_region_start + 99) || ':-1'"} {
			h.regions = append(h.regions, read(t, db, "SELECT DISTINCT s.name || "+at+" FROM {gene} g JOIN {seq_region} s ON s.seq_region_id = g.seq_region_id ORDER BY 1 LIMIT 15")...)
		}
		if db.HasTable("biotype") {
			v.biotypes = append(v.biotypes, read(t, db, "SELECT DISTINCT name FROM {biotype} ORDER BY 1 LIMIT 30")...)
			v.groups = append(v.groups, read(t, db, "SELECT DISTINCT biotype_group FROM {biotype} WHERE biotype_group <> '' ORDER BY 1")...)
		}
	}
	for _, db := range w.genome.Databases() {
		if db.Kind == "compara" && db.HasTable("method_link") {
			v.methods = append(v.methods, read(t, db, "SELECT DISTINCT type FROM {method_link} ORDER BY 1 LIMIT 10")...)
		}
	}
	for _, e := range w.index.Catalogue().Endpoints {
		for _, p := range append([]string{e.Path}, e.Aliases...) {
			before := ""
			for seg := range strings.SplitSeq(p[1:], "/") {
				if seg[0] != '{' {
					v.words[before] = append(v.words[before], seg, strings.ToUpper(seg))
				}
				before += "/" + seg
			}
		}
	}
	for i := range w.index.Catalogue().Endpoints {
		e := &w.index.Catalogue().Endpoints[i]
		if e.Body != nil || len(e.Aliases) > 0 {
			v.rich = append(v.rich, e)
		}
		targets := slices.Clone(e.Canaries)
		for _, x := range e.Examples {
			targets = append(targets, x.Target)
		}
		for _, target := range targets {
			path, query, _ := strings.Cut(target, "?")
			r, _, ok := w.index.Resolve(e.Method, path, query, http.Header{})
			if !ok || r.Endpoint.ID != e.ID {
				t.Fatalf("example %s is no request to %s", target, e.ID)
			}
			v.examples[e.ID] = append(v.examples[e.ID], r)
		}
	}
	if len(v.ids) == 0 || len(v.species) == 0 {
		t.Fatal("the databases hold nothing to ask for")
	}
	return v
}

// read is the first column of what a query finds; nothing where the database
// has no such table.
func read(t testing.TB, db *genomedb.Database, query string) (list []string) {
	rows, err := db.Query(t.Context(), query)
	if err != nil {
		return nil
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err == nil && s != "" {
			list = append(list, s)
		}
	}
	return list
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// often is true in that share of cases.
func often(r *rand.Rand, share float64) bool { return r.Float64() < share }

// path draws values for the parameters of a pattern, that belong together.
func (v *values) path(r *rand.Rand, e *apispec.Endpoint, names []string) map[string]string {
	path := map[string]string{}
	s := pick(r, v.species)
	if species := slices.Contains(names, "species"); species && often(r, 0.7) {
		for len(v.of[s].regions) == 0 || len(v.of[s].symbols) == 0 {
			s = pick(r, v.species)
		}
	}
	h := v.of[s]
	var known apispec.Request
	if x := v.examples[e.ID]; len(x) > 0 {
		known = pick(r, x)
	}
	for _, name := range names {
		words := v.wordsFor(e, name)
		var from []string
		switch name {
		case "id":
			from = v.ids
		case "species":
			from = v.names[s]
		case "symbol":
			from = h.symbols
		case "region":
			from = h.regions
		case "region_name":
			from = h.sequences
		case "name":
			from = v.biotypes
		case "group":
			from = v.groups
		case "method":
			from = v.methods
		case "object_type":
			from = []string{"gene", "transcript"}
		case "rest":
			from = []string{"x", "more"}
		}
		if p, ok := e.Param(name); ok && len(from) == 0 {
			from = p.Examples
		}
		switch {
		case len(words) > 0 && often(r, 0.05): // may lead to another endpoint
			path[name] = pick(r, words)
		case known.Path[name] != "" && (len(from) == 0 || often(r, 0.05)):
			path[name] = known.Path[name]
		case len(from) > 0:
			path[name] = pick(r, from)
		default:
			path[name] = fmt.Sprint(name, r.IntN(9))
		}
	}
	return path
}

// wordsFor are words of other endpoints' paths that stand in a parameter's
// place.
func (v *values) wordsFor(e *apispec.Endpoint, name string) []string {
	before, _, _ := strings.Cut(e.Path, "/{"+name+"}")
	return v.words[before]
}

// astray reports a sense that may be another endpoint's when it is written.
func (v *values) astray(s sense) bool {
	for name, value := range s.path {
		if slices.ContainsFunc(v.wordsFor(s.e, name), func(w string) bool { return strings.EqualFold(w, value) }) {
			return true
		}
	}
	return false
}

// value draws a value of a query parameter, a good one mostly.
func (v *values) value(r *rand.Rand, p *apispec.Param) string {
	from := slices.Clone(p.Allowed)
	from = append(from, p.Examples...)
	switch p.Type {
	case apispec.Boolean:
		from = []string{"1", "1", "1", "0", "yes"}
	case apispec.Integer:
		from = []string{"1", "2", "7", "30", "0"}
	case apispec.Float:
		from = []string{"0.5", "1", "1.0"}
	}
	if p.Default != "" {
		from = append(from, p.Default)
	}
	if len(from) == 0 || often(r, 0.03) {
		return pick(r, []string{"nothing", "ABC", "a b", "é", "-1", "1.5"})
	}
	return pick(r, from)
}

// elements draws the batch of a POST, of the species that the path names: one
// of fifty, since to answer a batch takes longer than all else.
func (v *values) elements(r *rand.Rand, e *apispec.Endpoint, path map[string]string) (list []string) {
	r = rand.New(rand.NewPCG(uint64(r.IntN(50)), 3))
	from := v.ids
	for _, s := range v.species {
		if h := v.of[s]; slices.Contains(v.names[s], path["species"]) {
			switch e.Body.ListOf {
			case "symbols":
				from = h.symbols
			case "regions":
				from = h.regions
			}
		}
	}
	for range 1 + r.IntN(4) {
		if len(from) > 0 {
			list = append(list, pick(r, from))
		}
	}
	if often(r, 0.15) {
		list = append(list, pick(r, []string{"nothing", "ENSG00000000000", "ü"}))
	}
	return list
}
