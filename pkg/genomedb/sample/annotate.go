package sample

import (
	"bytes"
	"fmt"
	"strings"

	"mirrornet/pkg/genome"
)

// created is when everything in the sample was made.
const created = "2026-11-24 12:00:00"

// annotator fills the rows of one species' core database.
type annotator struct {
	species
	*rows
	random  *random
	next    int            // number of the next invented stable id
	regions map[string]int // seq_region_id by chromosome
	lookups []lookup
	retired []lookup       // ids of the past
	terms   map[string]int // xref_id by accession
	counts  map[string]int // genes by kind of biotype, and transcripts
	placed  []placed
	between []site
}

type lookup struct{ id, object string }

func (a *annotator) annotate() {
	a.next, a.regions, a.counts, a.terms = 900_000, map[string]int{}, map[string]int{}, map[string]int{}
	a.reference()
	for _, c := range a.chromosomes {
		var genes []gene
		for _, spec := range a.genes {
			if spec.chromosome == c.name {
				genes = append(genes, a.random.gene(spec, stops(c.name)))
			}
		}
		a.chromosome(c, genes)
	}
	a.former()
	a.statistics()
	a.history()
}

// stops are the stop codons of a chromosome's genetic code.
func stops(chromosome string) string {
	if chromosome == "MT" {
		return "TAA TAG AGA AGG"
	}
	return "TAA TAG TGA"
}

// ends is the stretch without sequence at a chromosome's ends.
const ends = 10_000

// chromosome lays genes out evenly, with a gap in the assembly after the
// middle one, and adds the chromosome with all that is on it.
func (a *annotator) chromosome(c chromosome, genes []gene) {
	seq := a.random.bases(make([]byte, 0, c.length), c.length)
	end := ends
	if c.name == "MT" {
		end = 0
	}
	free := c.length - 2*end
	for _, g := range genes {
		free -= len(g.seq)
	}
	space := free / (len(genes) + 1)
	id := a.add("seq_region", "name", c.name, "coord_system_id", chromosomeSystem, "length", c.length)
	a.regions[c.name] = id
	type gap struct{ from, to int }
	gaps := []gap{{0, end}}
	starts := make([]int, len(genes))
	for i, at := 0, end; i < len(genes); i++ {
		at += space
		starts[i] = at
		own := genes[i].seq
		if genes[i].spec.strand < 0 {
			own = genome.ReverseComplement(own)
		}
		copy(seq[at:], own)
		at += len(own)
		if i == len(genes)/2 && end > 0 {
			gaps = append(gaps, gap{at + space/3, at + 2*space/3})
		}
	}
	gaps = append(gaps, gap{c.length - end, c.length})
	for i, g := range gaps {
		copy(seq[g.from:g.to], bytes.Repeat([]byte("N"), g.to-g.from))
		if i > 0 {
			a.contigs(id, c.name, seq, gaps[i-1].to, g.from)
		}
	}
	a.onChromosome(c, id, seq, gaps[1].from)
	for i, g := range genes {
		a.gene(id, starts[i], g)
		if at := starts[i] - space/2; end > 0 && seq[at] != 'N' {
			a.between = append(a.between, site{id, at + 1, seq[at]})
		}
	}
}

// contigs adds the assembly's pieces of seq[from:to]. Every third lies the
// other way round, and every second begins within its contig.
func (a *annotator) contigs(chromosome int, name string, seq []byte, from, to int) {
	const longest = 80_000
	for n := 0; from < to; n++ {
		piece := seq[from:min(to, from+longest)]
		own, ori, skip := piece, 1, 0
		if n%3 == 2 {
			own, ori = genome.ReverseComplement(piece), -1
		}
		if n%2 == 1 {
			skip = 500
			own = append(a.random.bases(nil, skip), own...)
		}
		contig := a.add("seq_region", "name", fmt.Sprintf("SMP%s%06d.1", name, from), "coord_system_id", contigSystem, "length", len(own))
		a.add("dna", "seq_region_id", contig, "sequence", string(own))
		a.add("assembly", "asm_seq_region_id", chromosome, "cmp_seq_region_id", contig, "asm_start", from+1, "asm_end", from+len(piece),
			"cmp_start", skip+1, "cmp_end", len(own), "ori", ori)
		from += len(piece)
	}
}

// onChromosome adds what a chromosome has besides genes.
func (a *annotator) onChromosome(c chromosome, id int, seq []byte, firstGap int) {
	a.add("seq_region_attrib", "seq_region_id", id, "attrib_type_id", attrib("toplevel"), "value", "1")
	a.add("seq_region_attrib", "seq_region_id", id, "attrib_type_id", attrib("karyotype_rank"), "value", fmt.Sprint(len(a.regions)))
	if c.name == "MT" {
		a.add("seq_region_attrib", "seq_region_id", id, "attrib_type_id", attrib("codon_table"), "value", "2")
	}
	for i, s := range c.synonym {
		a.add("seq_region_synonym", "seq_region_id", id, "synonym", s, "external_db_id", []int{ucsc, refseqGenomic}[i])
	}
	if c.name == "MT" {
		return
	}
	third := len(seq) / 3
	for i, band := range []struct{ name, stain string }{{"p11", "gneg"}, {"q11", "acen"}, {"q12", "gpos50"}} {
		a.add("karyotype", "seq_region_id", id, "seq_region_start", i*third+1, "seq_region_end", min((i+1)*third, len(seq)), "band", band.name, "stain", band.stain)
	}
	for i := range 40 { // repeats of two kinds, spread over the sequence before the first gap
		at := ends + (firstGap-ends)/41*(i+1)
		length := a.random.between(12, 300)
		kind, analysis, strand := 1, analysisID("dust"), 0
		if i%2 == 1 {
			kind, analysis, strand = 2, analysisID("repeatmask"), 1-i/2%2*2
		}
		a.add("repeat_feature", "seq_region_id", id, "seq_region_start", at+1, "seq_region_end", at+length, "seq_region_strand", strand,
			"repeat_start", 1, "repeat_end", length, "repeat_consensus_id", kind, "analysis_id", analysis, "score", float64(a.random.between(20, 400)))
	}
	for i := range 6 {
		at := ends + (firstGap-ends)/7*(i+1)
		a.add("simple_feature", "seq_region_id", id, "seq_region_start", at+1, "seq_region_end", at+a.random.between(200, 1200), "seq_region_strand", 1-i%2*2,
			"display_label", fmt.Sprintf("rank = %d", i%3+1), "analysis_id", analysisID("firstef"), "score", 0.5+float64(i)/20)
	}
	a.clones(c.name, id, len(seq))
}

// stableID invents one; kind is G, T, P or E.
func (a *annotator) stableID(kind string) string {
	a.next++
	return fmt.Sprintf("%s%s%011d", a.prefix, kind, a.next)
}

func take(ids []string, i int, otherwise func() string) string {
	if i < len(ids) {
		return ids[i]
	}
	return otherwise()
}

// gene adds a gene that begins at base start, from 0, of a chromosome.
func (a *annotator) gene(region, start int, g gene) {
	place := func(s span) (int, int) { // 1-based, closed, on the chromosome
		if g.spec.strand < 0 {
			s = span{len(g.seq) - s.to, len(g.seq) - s.from}
		}
		return start + s.from + 1, start + s.to
	}
	from, to := place(span{0, len(g.seq)})
	kind := biotypeKind(g.spec.biotype)
	a.counts[kind]++
	canonical := len(a.values["transcript"]) + 1
	symbol := a.add("xref", "external_db_id", a.symbols(), "dbprimary_acc", a.accessionOf(g.spec), "display_label", g.spec.symbol,
		"version", "0", "description", g.spec.description, "info_type", "DIRECT")
	for _, s := range g.spec.synonyms {
		a.add("external_synonym", "xref_id", symbol, "synonym", s)
	}
	id := a.add("gene", "biotype", g.spec.biotype, "analysis_id", analysisID(g.spec.analysis), "seq_region_id", region, "seq_region_start", from,
		"seq_region_end", to, "seq_region_strand", g.spec.strand, "display_xref_id", symbol, "source", source(g.spec.analysis),
		"description", fmt.Sprintf("%s [Source:%s;Acc:%s]", g.spec.description, a.namer+" Symbol", a.accessionOf(g.spec)), "is_current", 1,
		"canonical_transcript_id", canonical, "stable_id", g.spec.id, "version", g.spec.version, "created_date", created, "modified_date", created)
	a.lookups = append(a.lookups, lookup{g.spec.id, "Gene"})
	a.object(id, "Gene", symbol)
	a.object(id, "Gene", a.add("xref", "external_db_id", entrez, "dbprimary_acc", fmt.Sprint(990000+id), "display_label", g.spec.symbol,
		"version", "0", "description", g.spec.description, "info_type", "DEPENDENT"))
	exons := map[string]int{}
	a.placed = append(a.placed, placed{gene: g, region: region, at: place})
	for i, t := range g.transcripts {
		a.transcript(g, id, region, i, t, place, exons)
	}
}

func (a *annotator) transcript(g gene, geneID, region, i int, t transcript, place func(span) (int, int), exons map[string]int) {
	first, last := t.exons[0], t.exons[len(t.exons)-1]
	from, to := place(span{first.from, last.to})
	label := fmt.Sprintf("%s-%d", g.spec.symbol, 201+i)
	symbol := a.add("xref", "external_db_id", a.symbols()+1, "dbprimary_acc", label, "display_label", label, "version", "0",
		"description", "", "info_type", "MISC", "info_text", "")
	stable := take(g.spec.transcripts, i, func() string { return a.stableID("T") })
	var translation any
	if t.coding != nil {
		translation = len(a.values["translation"]) + 1
	}
	id := a.add("transcript", "gene_id", geneID, "analysis_id", analysisID(g.spec.analysis), "seq_region_id", region, "seq_region_start", from,
		"seq_region_end", to, "seq_region_strand", g.spec.strand, "display_xref_id", symbol, "source", source(g.spec.analysis), "biotype", t.biotype,
		"is_current", 1, "canonical_translation_id", translation, "stable_id", stable, "version", g.spec.version%5+1, "created_date", created, "modified_date", created)
	a.counts["transcript"]++
	a.lookups = append(a.lookups, lookup{stable, "Transcript"})
	own := &a.placed[len(a.placed)-1]
	own.stables = append(own.stables, stable)
	a.object(id, "Transcript", symbol)
	if i == 0 {
		a.add("transcript_attrib", "transcript_id", id, "attrib_type_id", attrib("is_canonical"), "value", "1")
		if t.coding != nil && a.namer == "HGNC" {
			a.add("transcript_attrib", "transcript_id", id, "attrib_type_id", attrib("MANE_Select"), "value", fmt.Sprintf("NM_%06d.%d", 900_000+id, 1+id%4))
		}
	}
	a.add("transcript_attrib", "transcript_id", id, "attrib_type_id", attrib("gencode_basic"), "value", "GENCODE basic")
	ids := make([]int, len(t.exons))
	for rank, e := range t.exons {
		phase, end := t.phases(rank)
		key := fmt.Sprint(e, phase, end)
		if ids[rank] = exons[key]; ids[rank] == 0 {
			start, stop := place(e)
			stable := take(g.spec.exonIDs, len(exons), func() string { return a.stableID("E") })
			ids[rank] = a.add("exon", "seq_region_id", region, "seq_region_start", start, "seq_region_end", stop, "seq_region_strand", g.spec.strand,
				"phase", phase, "end_phase", end, "is_current", 1, "is_constitutive", constitutive(g, e), "stable_id", stable, "version", 1,
				"created_date", created, "modified_date", created)
			exons[key] = ids[rank]
			a.lookups = append(a.lookups, lookup{stable, "Exon"})
		}
		a.add("exon_transcript", "exon_id", ids[rank], "transcript_id", id, "rank", rank+1)
	}
	if t.coding != nil {
		a.translation(g, id, i, t, ids)
	}
}

func (a *annotator) translation(g gene, transcript, i int, t transcript, exonIDs []int) {
	// in gives a base's exon and its place there, from 1.
	in := func(base int) (exon, at int) {
		for j, e := range t.exons {
			if base >= e.from && base < e.to {
				return exonIDs[j], base - e.from + 1
			}
		}
		return 0, 0
	}
	startExon, start := in(t.coding.from)
	endExon, end := in(t.coding.to - 1)
	stable := take(g.spec.proteins, i, func() string { return a.stableID("P") })
	id := a.add("translation", "transcript_id", transcript, "seq_start", start, "start_exon_id", startExon, "seq_end", end, "end_exon_id", endExon,
		"stable_id", stable, "version", 1, "created_date", created, "modified_date", created)
	a.lookups = append(a.lookups, lookup{stable, "Translation"})
	accession := fmt.Sprintf("Z9%04d", id)
	a.object(id, "Translation", a.add("xref", "external_db_id", swissprot, "dbprimary_acc", accession,
		"display_label", strings.ToUpper(g.spec.symbol)+"_SAMPLE", "version", "1", "description", g.spec.description, "info_type", "DIRECT"))
	a.references(g, id, i)
	domain := fmt.Sprintf("PF9%04d", id%7)
	a.add("protein_feature", "translation_id", id, "seq_start", 10, "seq_end", 60, "hit_start", 1, "hit_end", 51, "hit_name", domain,
		"analysis_id", analysisID("pfam"), "score", 40.5, "evalue", 1e-12, "perc_ident", 0.0, "hit_description", "sample domain")
	a.add("protein_feature", "translation_id", id, "seq_start", 5, "seq_end", 66, "hit_start", 0, "hit_end", 0, "hit_name", fmt.Sprintf("SSF9%04d", id%5),
		"analysis_id", analysisID("superfamily"), "score", 0.0, "evalue", 1e-9, "perc_ident", 0.0)
	a.add("protein_feature", "translation_id", id, "seq_start", 20, "seq_end", 31, "hit_start", 0, "hit_end", 0, "hit_name", "Seg",
		"analysis_id", analysisID("seg"), "score", 0.0, "evalue", 0.0, "perc_ident", 0.0)
}

// constitutive says whether every transcript has the exon.
func constitutive(g gene, exon span) int {
	for _, t := range g.transcripts {
		has := false
		for _, e := range t.exons {
			has = has || e == exon
		}
		if !has {
			return 0
		}
	}
	return 1
}

func (a *annotator) object(id int, kind string, xref int) {
	a.add("object_xref", "ensembl_id", id, "ensembl_object_type", kind, "xref_id", xref, "analysis_id", analysisID("xrefs"))
}

func (a *annotator) accessionOf(g geneSpec) string {
	if g.accession != "" {
		return g.accession
	}
	return a.namer + ":9" + strings.TrimLeft(g.id[len(g.id)-6:], "0")
}
