package variation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb"
)

// Phenotype is a trait that a study found a gene to influence.
type Phenotype struct {
	Trait, Source, Genes, Variants  *string
	Study, RiskAllele, PValue, Beta string
	Evidence, Accessions            []string // studies it rests on, and terms of ontologies

	id, phenotype, study int64
}

// GenePhenotypes reads the significant phenotypes of genes by trait, each
// once.
func GenePhenotypes(ctx context.Context, db *genomedb.Database, genes []string) (map[string][]Phenotype, error) {
	found := map[string][]*Phenotype{}
	byID, byPhenotype, byStudy := map[int64][]*Phenotype{}, map[int64][]*Phenotype{}, map[int64][]*Phenotype{}
	err := genomedb.EachOf(ctx, db, `SELECT f.object_id, f.phenotype_feature_id, f.phenotype_id, COALESCE(f.study_id, 0), p.description, s.name, COALESCE(y.external_reference, '')
		FROM {phenotype_feature} f JOIN {phenotype} p ON p.phenotype_id = f.phenotype_id
		LEFT JOIN {source} s ON s.source_id = f.source_id LEFT JOIN {study} y ON y.study_id = f.study_id
		WHERE f.object_id IN (%s) AND f.type = 'Gene' AND f.is_significant = 1 ORDER BY f.phenotype_feature_id`, nil, genes,
		func(scan func(...any) error) error {
			var gene string
			p := &Phenotype{}
			err := scan(&gene, &p.id, &p.phenotype, &p.study, &p.Trait, &p.Source, &p.Study)
			if p.Study == "NULL" { // so the dumps of some
				p.Study = ""
			}
			gene = strings.ToLower(gene)
			found[gene] = append(found[gene], p)
			byID[p.id] = append(byID[p.id], p)
			byPhenotype[p.phenotype] = append(byPhenotype[p.phenotype], p)
			if p.study != 0 {
				byStudy[p.study] = append(byStudy[p.study], p)
			}
			return err
		})
	if err != nil {
		return nil, err
	}
	err = details(ctx, db, "SELECT a.phenotype_feature_id, t.code, a.value FROM {phenotype_feature_attrib} a JOIN {attrib_type} t ON t.attrib_type_id = a.attrib_type_id WHERE a.phenotype_feature_id IN (%s)",
		byID, (*Phenotype).attribute)
	if err != nil {
		return nil, err
	}
	err = details(ctx, db, "SELECT phenotype_id, '', accession FROM {phenotype_ontology_accession} WHERE phenotype_id IN (%s)",
		byPhenotype, func(p *Phenotype, _, v string) { p.Accessions = append(p.Accessions, v) })
	if err != nil {
		return nil, err
	}
	err = details(ctx, db, "SELECT a.study1_id, '', s.name FROM {associate_study} a JOIN {study} s ON s.study_id = a.study2_id WHERE a.study1_id IN (%s)",
		byStudy, func(p *Phenotype, _, v string) { p.Evidence = append(p.Evidence, v) })
	if err != nil {
		return nil, err
	}
	out := map[string][]Phenotype{}
	for _, gene := range genes {
		out[gene] = once(found[strings.ToLower(gene)])
	}
	return out, nil
}

// details reads rows of an id, a kind and a value, and adds each to all that
// have the id.
func details(ctx context.Context, db *genomedb.Database, query string, by map[int64][]*Phenotype, add func(p *Phenotype, kind, value string)) error {
	ids := make([]int64, 0, len(by))
	for id := range by {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return genomedb.EachOf(ctx, db, query, nil, ids, func(scan func(...any) error) error {
		var id int64
		var kind string
		var value *string
		if err := scan(&id, &kind, &value); err != nil || value == nil {
			return err
		}
		for _, p := range by[id] {
			add(p, kind, *value)
		}
		return nil
	})
}

func (p *Phenotype) attribute(kind, value string) {
	switch kind {
	case "associated_gene":
		p.Genes = &value
	case "variation_names":
		p.Variants = &value
	case "risk_allele":
		p.RiskAllele = value
	case "p_value":
		p.PValue = value
	case "beta_coef":
		p.Beta = value
	}
}

// once leaves out what was said before, and sorts by trait.
func once(all []*Phenotype) []Phenotype {
	out, seen := []Phenotype{}, map[string]bool{}
	text := func(s *string) string {
		if s == nil {
			return "\x00"
		}
		return *s
	}
	for _, p := range all {
		key := fmt.Sprintf("%q", []any{text(p.Trait), text(p.Source), text(p.Genes), text(p.Variants), p.Study, p.RiskAllele, p.PValue, p.Beta, p.Evidence, p.Accessions})
		if !seen[key] {
			seen[key] = true
			out = append(out, *p)
		}
	}
	slices.SortStableFunc(out, func(a, b Phenotype) int {
		return cmp.Compare(strings.ToLower(text(a.Trait)), strings.ToLower(text(b.Trait)))
	})
	return out
}
