package genomedb

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
)

// Species is a species with a core database; what its meta does not say is
// empty. The fields are not to be changed.
type Species struct {
	Name             string // production name: homo_sapiens
	DisplayName      string // Human
	CommonName       string // human
	ScientificName   string // Homo sapiens
	TaxonID          string // 9606
	Assembly         string // version of the default coordinate system: GRCh38
	AssemblyName     string // with its patch: GRCh38.p14
	Accession        string // GCA_000001405.29
	Strain           string
	StrainCollection string
	Division         string   // EnsemblVertebrates
	URL              string   // the species' part of a web address: Homo_sapiens
	Release          int      // schema version of the core database
	Aliases          []string // lower case, sorted, without Name
	Groups           []string // kinds of database present, core first

	databases map[string]*Database
}

// Database finds the species' database of a kind: core, otherfeatures,
// variation, funcgen … Case does not count.
func (s *Species) Database(kind string) (*Database, bool) {
	d, ok := s.databases[strings.ToLower(kind)]
	return d, ok
}

// fold is a name as names are compared.
func fold(name string) string { return strings.ToLower(name) }

// groupOrder is the order in which Ensembl lists a species' databases.
var groupOrder = []string{"core", "cdna", "otherfeatures", "rnaseq", "variation", "funcgen"}

func groupRank(kind string) int {
	if i := slices.Index(groupOrder, kind); i >= 0 {
		return i
	}
	return len(groupOrder)
}

func (r *Registry) readSpecies(ctx context.Context, logger *slog.Logger) error {
	r.byName = map[string]*Species{}
	for _, core := range r.databases {
		if core.Kind != "core" {
			continue
		}
		s := newSpecies(core)
		r.byName[core.Owner] = s
		r.species = append(r.species, s)
	}
	for _, d := range r.databases {
		if s, ok := r.byName[d.Owner]; ok {
			s.databases[strings.ToLower(d.Kind)] = d
		}
	}
	if err := r.comparaAliases(ctx); err != nil {
		return err
	}
	for _, s := range r.species {
		for kind := range s.databases {
			s.Groups = append(s.Groups, kind)
		}
		slices.SortFunc(s.Groups, func(a, b string) int {
			if d := groupRank(a) - groupRank(b); d != 0 {
				return d
			}
			return strings.Compare(a, b)
		})
		slices.Sort(s.Aliases)
		s.Aliases = slices.Compact(s.Aliases)
	}
	r.indexNames(logger)
	return nil
}

// newSpecies makes a species of its core database's meta.
func newSpecies(core *Database) *Species {
	s := &Species{
		Name:             core.Owner,
		DisplayName:      core.MetaFirst("species.display_name"),
		CommonName:       core.MetaFirst("species.common_name"),
		ScientificName:   core.MetaFirst("species.scientific_name"),
		TaxonID:          core.MetaFirst("species.taxonomy_id"),
		Assembly:         cmp.Or(core.assembly, core.MetaFirst("assembly.default")),
		AssemblyName:     core.MetaFirst("assembly.name"),
		Accession:        core.MetaFirst("assembly.accession"),
		Strain:           core.MetaFirst("species.strain"),
		StrainCollection: core.MetaFirst("species.strain_collection"),
		Division:         cmp.Or(core.MetaFirst("species.division"), "EnsemblVertebrates"),
		URL:              core.MetaFirst("species.url"),
		Release:          core.SchemaVersion,
		databases:        map[string]*Database{},
	}
	for _, a := range core.Meta("species.alias") {
		if a = strings.ToLower(a); a != s.Name {
			s.Aliases = append(s.Aliases, a)
		}
	}
	return s
}

// comparaAliases adds "name assembly" of comparative genomics' genomes, where
// the assembly is another than the core database's: the reference's registry
// has these.
func (r *Registry) comparaAliases(ctx context.Context) error {
	for _, d := range r.databases {
		if d.Kind != "compara" || !d.HasColumn("genome_db", "assembly") {
			continue
		}
		rows, err := d.Query(ctx, `SELECT name, assembly FROM {genome_db} WHERE assembly <> ''`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name, assembly string
			if err := rows.Scan(&name, &assembly); err != nil {
				return err
			}
			if s, ok := r.byName[fold(name)]; ok && s.Name != ancestral && !strings.EqualFold(s.Assembly, assembly) {
				s.Aliases = append(s.Aliases, strings.ToLower(name+" "+assembly))
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}

// indexNames makes byName. Production names win over aliases, aliases over the
// other names, then the first species by name.
func (r *Registry) indexNames(logger *slog.Logger) {
	by := map[string]*Species{}
	for _, s := range r.species {
		by[fold(s.Name)] = s
	}
	add := func(s *Species, names ...string) {
		for _, n := range names {
			n = fold(n)
			if n == "" {
				continue
			}
			if other, ok := by[n]; !ok {
				by[n] = s
			} else if other != s {
				logger.Warn("a name stands for two species: the former is used", "name", n, "used", other.Name, "unused", s.Name)
			}
		}
	}
	for _, s := range r.species {
		add(s, s.Aliases...)
	}
	for _, s := range r.species {
		add(s, s.ScientificName, s.TaxonID)
	}
	r.byName = by
}
