package sample

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load"
)

//go:embed ontology.sql
var ontologySchema string

//go:embed compara.sql
var comparaSchema string

// shared writes the databases that are of no one species.
func shared(ctx context.Context, w *load.Writer) error {
	for _, db := range []struct {
		kind, schema string
		fill         func(*rows)
	}{{"ontology", ontologySchema, ontology}, {"compara", comparaSchema, compara}} {
		rows, err := newRows(db.kind+".sql", db.schema)
		if err != nil {
			return err
		}
		db.fill(rows)
		rows.add("meta", "meta_key", "schema_version", "meta_value", fmt.Sprint(Release))
		e := genomedb.Entry{Name: fmt.Sprintf("ensembl_%s_%d", db.kind, Release), Owner: "multi", Kind: db.kind, SchemaVersion: Release}
		if err := rows.write(ctx, w, e); err != nil {
			return err
		}
	}
	return nil
}

// sequenceTerms are some terms of the Sequence Ontology, each after its parents:
// accession, name, and the relations to parents. Definitions are our own.
var sequenceTerms = []struct{ accession, name, parents, synonym string }{
	{"SO:0000110", "sequence_feature", "", "located sequence feature"},
	{"SO:0000001", "region", "is_a SO:0000110", "sequence"},
	{"SO:0001411", "biological_region", "is_a SO:0000001", ""},
	{"SO:0000704", "gene", "is_a SO:0001411", ""},
	{"SO:0001217", "protein_coding_gene", "is_a SO:0000704", "protein coding gene"},
	{"SO:0001263", "ncRNA_gene", "is_a SO:0000704", "ncRNA gene"},
	{"SO:0000831", "gene_member_region", "is_a SO:0001411,member_of SO:0000704", ""},
	{"SO:0000673", "transcript", "is_a SO:0000831", ""},
	{"SO:0000234", "mRNA", "is_a SO:0000673", "messenger RNA"},
	{"SO:0000147", "exon", "is_a SO:0001411,part_of SO:0000673", ""},
	{"SO:0001060", "sequence_variant", "", "sequence variation"},
	{"SO:0001628", "intergenic_variant", "is_a SO:0001060", "intergenic variant"},
	{"SO:0001580", "coding_sequence_variant", "is_a SO:0001060", "coding variant"},
	{"SO:0001818", "protein_altering_variant", "is_a SO:0001580", ""},
	{"SO:0001583", "missense_variant", "is_a SO:0001818", "missense"},
	{"SO:0001587", "stop_gained", "is_a SO:0001818", "nonsense codon"},
	{"SO:0001822", "inframe_deletion", "is_a SO:0001818", ""},
	{"SO:0001819", "synonymous_variant", "is_a SO:0001580", "silent mutation"},
}

// ontology fills a small ontology with its closure: each way up is as long as
// the shortest one.
func ontology(r *rows) {
	so := r.add("ontology", "name", "SO", "namespace", "sequence")
	kinds, ids := map[string]int{}, map[string]int{}
	type way struct{ via, distance int }
	above := map[int]map[int]way{} // of a term, the terms that it descends from
	for _, kind := range []string{"is_a", "part_of", "member_of"} {
		kinds[kind] = r.add("relation_type", "name", kind)
	}
	for _, t := range sequenceTerms {
		root := 0
		if t.parents == "" {
			root = 1
		}
		id := r.add("term", "ontology_id", so, "accession", t.accession, "name", t.name, "subsets", "SOFA", "is_root", root,
			"definition", fmt.Sprintf(`"The sample's %s." [mirrornet:sample]`, strings.ReplaceAll(t.name, "_", " ")))
		ids[t.accession], above[id] = id, map[int]way{}
		if t.synonym != "" {
			r.add("synonym", "term_id", id, "name", t.synonym, "type", "EXACT")
		}
		r.add("closure", "child_term_id", id, "parent_term_id", id, "distance", 0, "ontology_id", so, "confident_relationship", 1)
		for _, p := range strings.FieldsFunc(t.parents, func(c rune) bool { return c == ',' }) {
			kind, accession, _ := strings.Cut(p, " ")
			parent := ids[accession]
			r.add("relation", "child_term_id", id, "parent_term_id", parent, "relation_type_id", kinds[kind], "ontology_id", so)
			above[id][parent] = way{id, 1}
			for far := 1; far < id; far++ {
				w, ok := above[parent][far]
				if have, known := above[id][far]; ok && (!known || w.distance+1 < have.distance) {
					above[id][far] = way{w.via, w.distance + 1}
				}
			}
		}
		for far := 1; far < id; far++ {
			if w, ok := above[id][far]; ok {
				r.add("closure", "child_term_id", id, "parent_term_id", far, "subparent_term_id", w.via, "distance", w.distance, "ontology_id", so, "confident_relationship", 1)
			}
		}
	}
}

// taxa are some of NCBI's taxa on the way to the sample's species: number,
// parent, rank, scientific name, and a name in English.
var taxa = []struct {
	id, parent    int
	rank          string
	name, english string
}{
	{1, 0, "no rank", "root", ""},
	{131567, 1, "no rank", "cellular organisms", ""},
	{2759, 131567, "superkingdom", "Eukaryota", "eukaryotes"},
	{7742, 2759, "no rank", "Vertebrata", "vertebrates"},
	{40674, 7742, "class", "Mammalia", "mammals"},
	{9443, 40674, "order", "Primates", "primates"},
	{9605, 9443, "genus", "Homo", ""},
	{9606, 9605, "species", "Homo sapiens", "human"},
	{9989, 40674, "order", "Rodentia", "rodents"},
	{10088, 9989, "genus", "Mus", ""},
	{10090, 10088, "species", "Mus musculus", "house mouse"},
}

// compara fills the taxonomy, and one set of species of a method.
func compara(r *rows) {
	for _, t := range taxa {
		hidden := 0
		if t.rank == "species" {
			hidden = 1
		}
		r.add("ncbi_taxa_node", "taxon_id", t.id, "parent_id", t.parent, "rank", t.rank, "genbank_hidden_flag", hidden)
		r.add("ncbi_taxa_name", "taxon_id", t.id, "name", t.name, "name_class", "scientific name")
		if t.english != "" {
			r.add("ncbi_taxa_name", "taxon_id", t.id, "name", t.english, "name_class", "genbank common name")
		}
	}
	set := r.add("species_set_header", "name", "collection-sample")
	for _, sp := range []species{human(), mouse()} {
		g := r.add("genome_db", "name", sp.name, "assembly", sp.assembly)
		r.add("species_set", "species_set_id", set, "genome_db_id", g)
	}
	for _, m := range []struct{ method, class string }{{"EPO", "GenomicAlignTree.ancestral_alignment"}, {"ENSEMBL_ORTHOLOGUES", "Homology.homology"}} {
		id := r.add("method_link", "type", m.method, "class", m.class)
		r.add("method_link_species_set", "method_link_id", id, "species_set_id", set, "name", "2 species "+m.method)
	}
}
