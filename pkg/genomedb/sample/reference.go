package sample

import (
	"fmt"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb/load/dump"
)

// Numbers of rows that others point at.
const (
	chromosomeSystem = 1
	contigSystem     = 2

	geneOntology    = 1000
	hgnc            = 1100
	entrez          = 1300
	mgi             = 1400
	proteinDataBank = 1600
	refseqGenomic   = 1830
	trembl          = 2000
	swissprot       = 2200
	ucsc            = 11000
)

// symbols is the external database that names genes; the one after it names
// transcripts.
func (a *annotator) symbols() int {
	if a.namer == "MGI" {
		return mgi
	}
	return hgnc
}

// attribs are the attribute types, numbered from 1.
var attribs = [][3]string{
	{"toplevel", "Top Level", "Top level sequence"},
	{"karyotype_rank", "Rank in the karyotype", "Place of a chromosome in the karyotype"},
	{"codon_table", "Codon Table", "Alternate codon table"},
	{"is_canonical", "Ensembl Canonical", "The transcript that stands for its gene"},
	{"gencode_basic", "GENCODE basic annotation", "In the basic set"},
	{"coding_cnt", "Protein coding gene count", "Number of protein coding genes"},
	{"noncoding_cnt", "Non coding gene count", "Number of non coding genes"},
	{"pseudogene_cnt", "Pseudogene count", "Number of pseudogenes"},
	{"transcript", "Transcript count", "Number of transcripts"},
	{"ref_length", "Golden Path Length", "Length of the primary assembly"},
	{"total_length", "Base Pairs", "Total length of the assembly"},
	{"MANE_Select", "MANE Select", "The transcript that Ensembl and RefSeq agree on"},
	{"name", "Name", "Name of a feature"},
	{"clone_name", "Clone name", "Name of the clone"},
	{"state", "State", "What became of the clone"},
}

func attrib(code string) int {
	return 1 + slices.IndexFunc(attribs, func(a [3]string) bool { return a[0] == code })
}

// analyses are how annotation was made, numbered from 1.
var analyses = [][3]string{
	{"ensembl", "Ensembl genes", "Made up by the sample"},
	{"ensembl_havana_gene", "Merged Ensembl and Havana genes", "Made up by the sample, with real names"},
	{"havana", "Havana genes", "Made up by the sample"},
	{"mt_genbank_import", "Mitochondrial genes", "Made up by the sample, on MT"},
	{"dust", "Low complexity (Dust)", "Made-up low complexity"},
	{"repeatmask", "Repeats", "Made-up repeats"},
	{"firstef", "First exons", "Made-up first exons"},
	{"pfam", "Pfam domains", "Made-up domains"},
	{"superfamily", "Superfamily domains", "Made-up domains"},
	{"seg", "Low complexity (Seg)", "Made-up low complexity of proteins"},
	{"xrefs", "External references", "Made-up references"},
}

func analysisID(name string) int {
	return 1 + slices.IndexFunc(analyses, func(a [3]string) bool { return a[0] == name })
}

// searched are the databases that analyses of proteins looked in.
var searched = map[string]string{"pfam": "Pfam", "superfamily": "Superfamily", "seg": "low_complexity"}

func source(analysis string) string {
	switch analysis {
	case "ensembl_havana_gene":
		return "ensembl_havana"
	case "mt_genbank_import":
		return "insdc"
	}
	return analysis
}

// biotypeRows are name, group, and the Sequence Ontology's accession and term
// for genes and for transcripts.
var biotypeRows = [][6]string{
	{"protein_coding", "coding", "SO:0001217", "protein_coding_gene", "SO:0000234", "mRNA"},
	{"lncRNA", "lnoncoding", "SO:0001263", "ncRNA_gene", "SO:0001877", "lnc_RNA"},
	{"miRNA", "snoncoding", "SO:0001263", "ncRNA_gene", "SO:0000276", "miRNA"},
	{"snRNA", "snoncoding", "SO:0001263", "ncRNA_gene", "SO:0000274", "snRNA"},
	{"processed_pseudogene", "pseudogene", "SO:0000336", "pseudogene", "SO:0000516", "pseudogenic_transcript"},
	{"retained_intron", "lnoncoding", "SO:0001263", "ncRNA_gene", "SO:0001877", "lnc_RNA"},
}

// biotypeKind is the statistic that counts genes of a biotype.
func biotypeKind(biotype string) string {
	switch biotype {
	case "protein_coding":
		return "coding_cnt"
	case "processed_pseudogene":
		return "pseudogene_cnt"
	}
	return "noncoding_cnt"
}

// reference adds what the rest points at.
func (a *annotator) reference() {
	a.meta()
	a.add("coord_system", "coord_system_id", chromosomeSystem, "species_id", 1, "name", "chromosome", "version", a.assembly, "rank", 1, "attrib", "default_version")
	a.add("coord_system", "coord_system_id", contigSystem, "species_id", 1, "name", "contig", "rank", 2, "attrib", "default_version,sequence_level")
	for _, t := range attribs {
		a.add("attrib_type", "code", t[0], "name", t[1], "description", t[2])
	}
	for _, an := range analyses {
		id := a.add("analysis", "created", created, "logic_name", an[0], "gff_source", source(an[0]))
		if db, ok := searched[an[0]]; ok {
			a.set("analysis", "db", db)
		}
		a.add("analysis_description", "analysis_id", id, "display_label", an[1], "description", an[2], "displayable", 1)
	}
	for _, b := range biotypeRows {
		a.add("biotype", "name", b[0], "object_type", "gene", "db_type", "core", "biotype_group", b[1], "so_acc", b[2], "so_term", b[3])
		a.add("biotype", "name", b[0], "object_type", "transcript", "db_type", "core", "biotype_group", b[1], "so_acc", b[4], "so_term", b[5])
	}
	for _, e := range []struct {
		id                            int
		name, status, kind, displayed string
	}{
		{hgnc, "HGNC", "KNOWNXREF", "PRIMARY_DB_SYNONYM", "HGNC Symbol"},
		{hgnc + 1, "HGNC_trans_name", "KNOWNXREF", "MISC", "Transcript name"},
		{entrez, "EntrezGene", "KNOWNXREF", "MISC", "NCBI gene (formerly Entrezgene)"},
		{mgi, "MGI", "KNOWNXREF", "PRIMARY_DB_SYNONYM", "MGI Symbol"},
		{mgi + 1, "MGI_trans_name", "KNOWNXREF", "MISC", "Transcript name"},
		{geneOntology, "GO", "XREF", "MISC", "GO"},
		{proteinDataBank, "PDB", "KNOWNXREF", "MISC", "PDB"},
		{trembl, "Uniprot/SPTREMBL", "KNOWN", "MISC", "UniProtKB/TrEMBL"},
		{refseqGenomic, "RefSeq_genomic", "KNOWNXREF", "MISC", "RefSeq genomic"},
		{swissprot, "Uniprot/SWISSPROT", "KNOWN", "MISC", "UniProtKB/Swiss-Prot"},
		{ucsc, "UCSC", "KNOWNXREF", "MISC", "UCSC Stable ID"},
	} {
		a.add("external_db", "external_db_id", e.id, "db_name", e.name, "db_release", "1", "status", e.status, "priority", 100, "db_display_name", e.displayed, "type", e.kind)
	}
	a.add("repeat_consensus", "repeat_name", "dust", "repeat_class", "dust", "repeat_type", "Dust", "repeat_consensus", "N")
	a.add("repeat_consensus", "repeat_name", "SmpY", "repeat_class", "SINE/Smp", "repeat_type", "Type I Transposons/SINE", "repeat_consensus", "N")
}

func (a *annotator) meta() {
	add := func(key string, values ...string) {
		for _, v := range values {
			a.add("meta", "species_id", 1, "meta_key", key, "meta_value", v)
		}
	}
	a.add("meta", "species_id", nil, "meta_key", "schema_type", "meta_value", "core")
	a.add("meta", "species_id", nil, "meta_key", "schema_version", "meta_value", fmt.Sprint(Release))
	add("species.production_name", a.name)
	add("species.display_name", a.display)
	add("species.common_name", a.common)
	add("species.scientific_name", a.scientific)
	add("species.taxonomy_id", a.taxon)
	add("species.url", a.url)
	add("species.division", "EnsemblVertebrates")
	add("species.stable_id_prefix", a.prefix)
	add("species.alias", a.aliases...)
	add("species.classification", a.classification...)
	add("assembly.default", a.assembly)
	add("assembly.name", a.assemblyName)
	add("assembly.accession", a.accession)
	add("assembly.date", a.date)
	add("assembly.coverage_depth", "high")
	add("assembly.mapping", "chromosome:"+a.assembly+"#contig")
	add("assembly.web_accession_source", "NCBI")
	add("assembly.web_accession_type", "GenBank Assembly ID")
	add("genebuild.method", "full_genebuild")
	add("genebuild.start_date", "2026-11-Sample")
	add("genebuild.initial_release_date", "2026-11")
	add("genebuild.last_geneset_update", "2026-11")
	add("repeat.analysis", "dust", "repeatmask")
	add("sample.location_param", a.chromosomes[0].name+":20000-40000")
	add("sample.gene_param", a.genes[0].id)
	add("sample.transcript_param", a.genes[0].transcripts[0])
}

// statistics counts what is there, and how long the longest of each is.
func (a *annotator) statistics() {
	length := 0
	for _, c := range a.chromosomes {
		length += c.length
	}
	a.counts["ref_length"], a.counts["total_length"] = length, length
	for _, t := range attribs {
		if n, ok := a.counts[t[0]]; ok {
			a.add("genome_statistics", "statistic", t[0], "value", n, "species_id", 1, "attrib_type_id", attrib(t[0]), "timestamp", created)
		}
	}
	coordinates(a.rows)
}

// coordinates says how long the longest feature of each table is.
func coordinates(r *rows) {
	for i := range r.tables {
		t := &r.tables[i]
		from := slices.IndexFunc(t.Columns, named("seq_region_start"))
		to := slices.IndexFunc(t.Columns, named("seq_region_end"))
		longest := int64(0)
		if from < 0 || to < 0 {
			continue
		}
		for _, row := range r.values[t.Name] {
			longest = max(longest, row[to].(int64)-row[from].(int64)+1)
		}
		if longest > 0 {
			r.add("meta_coord", "table_name", t.Name, "coord_system_id", chromosomeSystem, "max_length", longest)
		}
	}
}

// lookup adds the species and its stable ids to the database of stable ids.
func (a *annotator) lookup(ids *rows, number int) {
	taxon := 0
	for _, d := range a.taxon {
		taxon = taxon*10 + int(d-'0')
	}
	ids.add("species", "species_id", number, "name", a.name, "taxonomy_id", taxon)
	for _, l := range a.lookups {
		ids.add("stable_id_lookup", "stable_id", strings.ToUpper(l.id), "species_id", number, "db_type", "core", "object_type", l.object)
	}
	for _, l := range a.retired {
		ids.add("archive_id_lookup", "archive_id", l.id, "species_id", number, "db_type", "core", "object_type", l.object)
	}
}

func named(name string) func(dump.Column) bool {
	return func(c dump.Column) bool { return c.Name == name }
}
