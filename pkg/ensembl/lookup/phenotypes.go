package lookup

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/feature"
)

// phenotype is a trait that a study found a gene to influence.
type phenotype struct {
	Trait      *string  `json:"trait"`
	Source     *string  `json:"source"`
	Study      string   `json:"study,omitempty"`
	Genes      *string  `json:"genes"`
	Variants   *string  `json:"variants"`
	RiskAllele string   `json:"risk_allele,omitempty"`
	PValue     string   `json:"pvalue,omitempty"`
	Beta       string   `json:"beta_coefficient,omitempty"`
	Evidence   []string `json:"evidence,omitempty"`
	Accessions []string `json:"ontology_accessions,omitempty"`

	id, phenotypeID, studyID int64
}

// addPhenotypes gives every gene among the entries its phenotypes.
func addPhenotypes(ctx context.Context, reg *genomedb.Registry, found map[string]*feature.Object, entries map[string]*entry) error {
	bySpecies := map[string][]string{}
	for id, e := range entries {
		if found[id].Gene != nil {
			e.Phenotypes = []phenotype{}
			bySpecies[e.Species] = append(bySpecies[e.Species], id)
		}
	}
	for name, ids := range bySpecies {
		s, ok := reg.Resolve(name)
		if !ok {
			continue
		}
		db, ok := s.Database("variation")
		if !ok {
			continue
		}
		for _, id := range ids {
			all, err := phenotypesOf(ctx, db, found[id].Gene.StableID)
			if err != nil {
				return err
			}
			entries[id].Phenotypes = all
		}
	}
	return nil
}

// phenotypesOf reads the significant phenotypes of a gene by trait, each once.
func phenotypesOf(ctx context.Context, db *genomedb.Database, gene string) ([]phenotype, error) {
	out := []phenotype{}
	err := each(ctx, db, `SELECT f.phenotype_feature_id, f.phenotype_id, coalesce(f.study_id, 0), p.description, s.name, coalesce(y.external_reference, '')
		FROM {phenotype_feature} f JOIN {phenotype} p ON p.phenotype_id = f.phenotype_id
		LEFT JOIN {source} s ON s.source_id = f.source_id LEFT JOIN {study} y ON y.study_id = f.study_id
		WHERE f.object_id = ? AND f.type = 'Gene' AND f.is_significant = 1 ORDER BY f.phenotype_feature_id`,
		func(scan func(...any) error) error {
			var p phenotype
			if err := scan(&p.id, &p.phenotypeID, &p.studyID, &p.Trait, &p.Source, &p.Study); err != nil {
				return err
			}
			if p.Study == "NULL" { // so the dumps of some
				p.Study = ""
			}
			out = append(out, p)
			return nil
		}, gene)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	kept := out[:0]
	for _, p := range out {
		if err := p.details(ctx, db); err != nil {
			return nil, err
		}
		key, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			kept = append(kept, p)
		}
	}
	slices.SortStableFunc(kept, func(a, b phenotype) int { return cmp.Compare(trait(a), trait(b)) })
	return kept, nil
}

func trait(p phenotype) string {
	if p.Trait == nil {
		return ""
	}
	return strings.ToLower(*p.Trait)
}

// details reads attributes, ontology terms and further studies.
func (p *phenotype) details(ctx context.Context, db *genomedb.Database) error {
	err := each(ctx, db, `SELECT t.code, a.value FROM {phenotype_feature_attrib} a JOIN {attrib_type} t ON t.attrib_type_id = a.attrib_type_id
		WHERE a.phenotype_feature_id = ?`, func(scan func(...any) error) error {
		var code string
		var v *string
		if err := scan(&code, &v); err != nil || v == nil {
			return err
		}
		switch code {
		case "associated_gene":
			p.Genes = v
		case "variation_names":
			p.Variants = v
		case "risk_allele":
			p.RiskAllele = *v
		case "p_value":
			p.PValue = *v
		case "beta_coef":
			p.Beta = *v
		}
		return nil
	}, p.id)
	if err != nil {
		return err
	}
	err = each(ctx, db, `SELECT accession FROM {phenotype_ontology_accession} WHERE phenotype_id = ?`, func(scan func(...any) error) error {
		var a string
		if err := scan(&a); err != nil {
			return err
		}
		p.Accessions = append(p.Accessions, a)
		return nil
	}, p.phenotypeID)
	if err != nil || p.studyID == 0 {
		return err
	}
	return each(ctx, db, `SELECT s.name FROM {associate_study} a JOIN {study} s ON s.study_id = a.study2_id WHERE a.study1_id = ?`,
		func(scan func(...any) error) error {
			var name *string
			if err := scan(&name); err != nil || name == nil {
				return err
			}
			p.Evidence = append(p.Evidence, *name)
			return nil
		}, p.studyID)
}

// each runs a query and calls row for each row.
func each(ctx context.Context, db *genomedb.Database, text string, row func(scan func(...any) error) error, args ...any) error {
	rows, err := db.Query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
