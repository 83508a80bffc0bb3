package lookup

import (
	"context"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/feature"
	"mirrornet/pkg/genomedb/variation"
)

// phenotype is what is said of a trait that a study found a gene to influence.
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
}

// addPhenotypes gives every gene among the entries its phenotypes.
func addPhenotypes(ctx context.Context, reg *genomedb.Registry, found map[string]*feature.Object, entries map[string]*entry) error {
	bySpecies := map[string][]string{} // stable ids of genes
	for id, e := range entries {
		if g := found[id].Gene; g != nil {
			e.Phenotypes = []phenotype{}
			bySpecies[e.Species] = append(bySpecies[e.Species], g.StableID)
		}
	}
	for name, genes := range bySpecies {
		s, ok := reg.Resolve(name)
		if !ok {
			continue
		}
		db, ok := s.Database("variation")
		if !ok {
			continue
		}
		all, err := variation.GenePhenotypes(ctx, db, genes)
		if err != nil {
			return err
		}
		for id, e := range entries {
			if g := found[id].Gene; g != nil && e.Species == name {
				for _, p := range all[g.StableID] {
					e.Phenotypes = append(e.Phenotypes, phenotype{p.Trait, p.Source, p.Study, p.Genes, p.Variants, p.RiskAllele, p.PValue, p.Beta, p.Evidence, p.Accessions})
				}
			}
		}
	}
	return nil
}
