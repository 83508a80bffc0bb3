package variation

import (
	"context"
	_ "embed"
	"regexp"
	"strings"

	"mirrornet/pkg/genomedb"
)

// Source is where variants come from.
type Source struct {
	Name        string
	Version     *string // dates written day first
	Description *string
	URL         *string
	Kind        *string // such as "chip"
	Somatic     *string // germline, somatic or mixed
	DataTypes   []*string
}

var dates = []struct {
	form   *regexp.Regexp
	layout string
}{
	{regexp.MustCompile(`^(20\d\d)(\d\d)(\d\d)$`), "$3/$2/$1"},
	{regexp.MustCompile(`^(20\d\d)(\d\d)$`), "$2/$1"},
	{regexp.MustCompile(`^(20\d\d)(\d)$`), "$1.$2"},
}

// Sources lists the sources of variants, only that of a name where one is
// given. They are as they lie in the table, as the reference has them.
func Sources(ctx context.Context, db *genomedb.Database, name *string) (list []Source, err error) {
	query, args := "SELECT name, version, description, url, type, somatic_status, data_types FROM {source}", []any(nil)
	if name != nil {
		query, args = query+" WHERE name = ?", []any{strings.TrimRight(*name, " ")}
	}
	err = db.Each(ctx, query, args, func(scan func(...any) error) error {
		var s Source
		var kinds *string
		err := scan(&s.Name, &s.Version, &s.Description, &s.URL, &s.Kind, &s.Somatic, &kinds)
		if s.Version != nil {
			for _, d := range dates {
				if d.form.MatchString(*s.Version) {
					v := d.form.ReplaceAllString(*s.Version, d.layout)
					s.Version = &v
					break
				}
			}
		}
		switch {
		case kinds == nil: // the reference has one kind then, unknown
			s.DataTypes = []*string{nil}
		case *kinds != "":
			for kind := range strings.SplitSeq(*kinds, ",") {
				s.DataTypes = append(s.DataTypes, &kind)
			}
		}
		list = append(list, s)
		return err
	})
	return list, err
}

// Population is a group of individuals whose variants were looked at.
type Population struct {
	ID          int64
	Name        *string
	Description *string
	Size        *int64
}

const populations = "SELECT population_id, name, description, size FROM {population} "

func readPopulations(ctx context.Context, db *genomedb.Database, where string, args ...any) (list []Population, err error) {
	err = db.Each(ctx, populations+where, args, func(scan func(...any) error) error {
		var p Population
		err := scan(&p.ID, &p.Name, &p.Description, &p.Size)
		list = append(list, p)
		return err
	})
	return list, err
}

// Populations lists all populations, as they lie in the table, as the
// reference has them.
func Populations(ctx context.Context, db *genomedb.Database) ([]Population, error) {
	return readPopulations(ctx, db, "")
}

// merged are names of populations that stand for several.
var merged = regexp.MustCompile(`ALL|AFR|AMR|ASN|EUR`)

// LDPopulations lists the populations for which linkage disequilibrium is
// worked out.
func LDPopulations(ctx context.Context, db *genomedb.Database) ([]Population, error) {
	all, err := readPopulations(ctx, db, "WHERE display = 'LD'")
	list := []Population{}
	for _, p := range all {
		if p.Name == nil || !merged.MatchString(*p.Name) {
			list = append(list, p)
		}
	}
	return list, err
}

// PopulationNamed finds a population. ok is false where there is none.
func PopulationNamed(ctx context.Context, db *genomedb.Database, name string) (p Population, ok bool, err error) {
	list, err := readPopulations(ctx, db, "WHERE name = ? ORDER BY population_id LIMIT 1", strings.TrimRight(name, " "))
	if len(list) == 0 {
		return p, false, err
	}
	return list[0], true, err
}

// Individual is someone whose variants were looked at.
type Individual struct {
	Name   *string
	Gender *string
}

// Individuals lists those of a population, in the order in which they were
// added to it: the table has no key that would name it.
func Individuals(ctx context.Context, db *genomedb.Database, population int64) (list []Individual, err error) {
	err = db.Each(ctx, `SELECT i.name, i.gender FROM {sample_population} m CROSS JOIN {sample} s CROSS JOIN {individual} i CROSS JOIN {individual_type} k
		WHERE m.population_id = ? AND s.sample_id = m.sample_id AND i.individual_id = s.individual_id AND k.individual_type_id = i.individual_type_id`,
		[]any{population}, func(scan func(...any) error) error {
			var i Individual
			err := scan(&i.Name, &i.Gender)
			list = append(list, i)
			return err
		})
	return list, err
}

// Consequence is what a variant can do to a feature: a term of the Sequence
// Ontology.
type Consequence struct {
	Rank                                string // 1 is the most severe
	Accession, Term, Label, Description string
}

// consequences.tsv is Ensembl's table (Apache License 2.0): rank, accession,
// term, label and description, the most severe first.
//
//go:embed consequences.tsv
var consequences string

// Consequences lists all, the most severe first.
func Consequences() (list []Consequence) {
	for line := range strings.Lines(consequences) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		list = append(list, Consequence{f[0], f[1], f[2], f[3], f[4]})
	}
	return list
}
