package sample

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	_ "embed"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"mirrornet/pkg/genome"
)

//go:embed variation.sql
var variationSchema string

// placed is a gene on its chromosome, with the stable ids of its transcripts.
type placed struct {
	gene
	region  int
	at      func(span) (int, int) // 1-based, closed, on the chromosome
	stables []string
}

// site is a base between genes.
type site struct {
	region, at int // 1-based
	base       byte
}

// Sources, and sets of variants, numbered from 1.
const (
	dbSNP = iota + 1
	cosmic
	dgva
)

const (
	common = iota + 1
	failed
)

// variations makes the variants of an annotated species.
type variations struct {
	*rows
	random  *random
	attribs map[string]int
}

// variations makes the species' variation database.
func (a *annotator) variations() (*rows, error) {
	r, err := newRows("variation.sql", variationSchema)
	if err != nil {
		return nil, err
	}
	v := &variations{rows: r, random: newRandom(100), attribs: map[string]int{}}
	v.reference(a.name)
	v.people()
	for _, p := range a.placed {
		v.inGene(p)
	}
	for i, s := range a.between {
		v.between(i, s)
	}
	v.predictions(a)
	coordinates(r)
	return r, nil
}

func (v *variations) reference(species string) {
	v.add("meta", "species_id", nil, "meta_key", "schema_version", "meta_value", fmt.Sprint(Release))
	v.add("meta", "species_id", nil, "meta_key", "schema_type", "meta_value", "variation")
	v.add("meta", "meta_key", "species.production_name", "meta_value", species)
	for _, t := range [][3]string{{"evidence", "Evidence", "Frequency Cited"}, {"short_name", "Short name", "1kg_3_com fail_all"},
		{"SO_term", "SO term", "SNV deletion copy_number_variation probe"}, {"prot_func_analysis", "Protein function analysis", "sift polyphen_humvar"}} {
		id := v.add("attrib_type", "code", t[0], "name", t[1])
		for value := range strings.FieldsSeq(t[2]) {
			v.attribs[value] = v.add("attrib", "attrib_type_id", id, "value", value)
		}
	}
	v.add("source", "name", "dbSNP", "version", 156, "description", "Made-up variants", "url", "https://example.org/snp", "somatic_status", "mixed", "data_types", "variation")
	v.add("source", "name", "COSMIC", "version", 99, "description", "Made-up somatic mutations", "url", "https://example.org/somatic", "somatic_status", "somatic", "data_types", "variation")
	v.add("source", "name", "DGVa", "version", 202610, "description", "Made-up structural variants", "url", "https://example.org/sv", "data_types", "structural_variation")
	v.add("variation_set", "name", "1000 Genomes 3 - All - common", "description", "Made up: frequent variants", "short_name_attrib_id", v.attribs["1kg_3_com"])
	v.add("variation_set", "name", "All failed variations", "description", "Made up: variants that failed", "short_name_attrib_id", v.attribs["fail_all"])
}

// inGene makes two substitutions in each coding stretch of a gene, and a
// deletion of one codon.
func (v *variations) inGene(p placed) {
	whole := p.transcripts[0]
	if whole.coding == nil {
		return
	}
	for i, e := range whole.exons {
		from, to := max(e.from, whole.coding.from+3), min(e.to, whole.coding.to-3)
		if to-from < 12 {
			continue
		}
		for range 2 {
			base := v.random.between(from, to-1)
			alternative := "ACGT"[v.random.below(4)]
			if alternative != p.seq[base] {
				v.variant(p, span{base, base + 1}, string(alternative))
			}
		}
		if i == 1 {
			start := from
			for whole.offset(start)%3 != 0 {
				start++
			}
			v.variant(p, span{start, start + 3}, "-")
		}
	}
}

// offset is a coding base's place in the coding sequence, from 0; -1 where the
// base does not code.
func (t transcript) offset(base int) int {
	if t.coding == nil || base < t.coding.from || base >= t.coding.to {
		return -1
	}
	n := 0
	for _, e := range t.exons {
		if base < e.from {
			return -1
		}
		if base < e.to {
			return n + base - max(e.from, t.coding.from)
		}
		n += max(0, e.to-max(e.from, t.coding.from))
	}
	return -1
}

// cds is the coding sequence.
func (t transcript) cds(seq []byte) (out []byte) {
	for _, e := range t.exons {
		from, to := max(e.from, t.coding.from), min(e.to, t.coding.to)
		if from < to {
			out = append(out, seq[from:to]...)
		}
	}
	return out
}

// effect is what a variant does to a transcript.
type effect struct {
	stable, consequence, codons, peptides string
	offset, cdna                          int
}

// variant adds a variant of a gene: instead of a stretch, which lies on one
// exon of the whole transcript, stands other.
func (v *variations) variant(p placed, s span, other string) {
	var effects []effect
	for i, t := range p.transcripts {
		if e, ok := change(p, t, s, other); ok {
			e.stable = p.stables[i]
			effects = append(effects, e)
		}
	}
	if len(effects) == 0 {
		return
	}
	n := len(v.values["variation"]) + 1
	somatic, source, name := 0, dbSNP, fmt.Sprintf("rs9%08d", n)
	if n%5 == 0 {
		somatic, source, name = 1, cosmic, fmt.Sprintf("COSV9%07d", n)
	}
	var clinical, frequency, minor any
	sets, display := "", 1
	switch {
	case n%17 == 0:
		sets, display = fmt.Sprint(failed), 0
	case somatic == 0 && n%3 == 0:
		sets, frequency, minor = fmt.Sprint(common), float64(v.random.between(1, 4999))/10_000, other
	}
	terms := map[string]bool{}
	for _, e := range effects {
		terms[e.consequence] = true
	}
	var all []string
	for _, term := range []string{"missense_variant", "stop_gained", "synonymous_variant", "inframe_deletion"} { // as the column has them
		if terms[term] {
			all = append(all, term)
		}
	}
	if terms["stop_gained"] {
		clinical = "pathogenic"
	}
	was := string(p.seq[s.from:s.to])
	plus := func(bases string) string {
		if p.spec.strand < 0 && bases != "-" {
			return string(genome.ReverseComplement([]byte(bases)))
		}
		return bases
	}
	if minor != nil {
		minor = plus(other)
	}
	class := v.attribs["SNV"]
	if other == "-" {
		class = v.attribs["deletion"]
	}
	id := v.add("variation", "source_id", source, "name", name, "class_attrib_id", class, "somatic", somatic, "minor_allele", minor,
		"minor_allele_freq", frequency, "clinical_significance", clinical, "evidence_attribs", "1", "display", display)
	start, end := p.at(s)
	place := v.add("variation_feature", "seq_region_id", p.region, "seq_region_start", start, "seq_region_end", end, "seq_region_strand", 1,
		"variation_id", id, "allele_string", plus(was)+"/"+plus(other), "variation_name", name, "map_weight", 1, "source_id", source,
		"consequence_types", strings.Join(all, ","), "variation_set_id", sets, "class_attrib_id", class, "somatic", somatic, "minor_allele", minor,
		"minor_allele_freq", frequency, "alignment_quality", 1.0, "clinical_significance", clinical, "evidence_attribs", "1", "display", display)
	for _, e := range effects {
		var sift any
		if e.consequence == "missense_variant" {
			sift = float64(v.random.below(101)) / 100
		}
		last := e.offset + len(was) - 1
		v.add("transcript_variation", "variation_feature_id", place, "feature_stable_id", e.stable, "allele_string", was+"/"+other, "somatic", somatic,
			"consequence_types", e.consequence, "cds_start", e.offset+1, "cds_end", last+1, "cdna_start", e.cdna, "cdna_end", e.cdna+len(was)-1,
			"translation_start", e.offset/3+1, "translation_end", last/3+1, "codon_allele_string", e.codons, "pep_allele_string", e.peptides,
			"sift_score", sift, "display", display)
	}
}

// change works out what other instead of a stretch does to a transcript.
func change(p placed, t transcript, s span, other string) (e effect, ok bool) {
	e.offset = t.offset(s.from)
	if e.offset < 0 || t.offset(s.to-1) != e.offset+s.to-s.from-1 {
		return e, false
	}
	e.cdna = 1
	for _, x := range t.exons {
		e.cdna += max(0, min(x.to, s.from)-x.from)
	}
	table, _ := genome.Codons(1)
	if p.spec.chromosome == "MT" {
		table, _ = genome.Codons(2)
	}
	cds := t.cds(p.seq)
	first := e.offset / 3 * 3
	was := string(cds[first : first+3])
	if other == "-" { // a whole codon
		e.consequence, e.codons, e.peptides = "inframe_deletion", was+"/-", string(table.Translate([]byte(was)))+"/-"
		return e, true
	}
	is := []byte(was)
	is[e.offset-first] = other[0]
	a, b := string(table.Translate([]byte(was))), string(table.Translate(is))
	e.codons = was + "/" + string(is)
	switch {
	case a == b:
		e.consequence, e.peptides = "synonymous_variant", a
	case b == "*":
		e.consequence, e.peptides = "stop_gained", a+"/"+b
	default:
		e.consequence, e.peptides = "missense_variant", a+"/"+b
	}
	return e, true
}

// between adds a variant between genes, and every third time structural ones
// around it.
func (v *variations) between(i int, s site) {
	other := "ACGT"[(strings.IndexByte("ACGT", s.base)+1)%4]
	name := fmt.Sprintf("rs9%08d", len(v.values["variation"])+1)
	id := v.add("variation", "source_id", dbSNP, "name", name, "class_attrib_id", v.attribs["SNV"], "evidence_attribs", "1")
	v.add("variation_feature", "seq_region_id", s.region, "seq_region_start", s.at, "seq_region_end", s.at, "seq_region_strand", 1, "variation_id", id,
		"allele_string", string([]byte{s.base, '/', other}), "variation_name", name, "map_weight", 1, "source_id", dbSNP,
		"consequence_types", "intergenic_variant", "class_attrib_id", v.attribs["SNV"], "alignment_quality", 1.0, "evidence_attribs", "1")
	if i%3 != 0 {
		return
	}
	for k, kind := range []struct {
		name, class       string
		somatic, evidence int
	}{{"esv9%06d", "copy_number_variation", 0, 0}, {"essv9%06d", "copy_number_variation", 0, 1}, {"esv8%06d", "deletion", 1, 0}} {
		name := fmt.Sprintf(kind.name, i+1)
		id := v.add("structural_variation", "variation_name", name, "source_id", dgva, "class_attrib_id", v.attribs[kind.class],
			"is_evidence", kind.evidence, "somatic", kind.somatic)
		v.add("structural_variation_feature", "seq_region_id", s.region, "seq_region_start", s.at-500*(k+1), "seq_region_end", s.at+700*(k+1),
			"seq_region_strand", 1, "structural_variation_id", id, "variation_name", name, "source_id", dgva, "class_attrib_id", v.attribs[kind.class],
			"is_evidence", kind.evidence, "somatic", kind.somatic)
	}
}

// predictions makes scores for all substitutions in one protein, the one that
// the API's documentation asks for.
func (v *variations) predictions(a *annotator) {
	for _, p := range a.placed {
		i := slices.Index(p.spec.proteins, "ENSP00000288602")
		if i < 0 {
			continue
		}
		table, _ := genome.Codons(1)
		protein := bytes.TrimSuffix(table.Translate(p.transcripts[i].cds(p.seq)), []byte("*"))
		matrix := []byte("VEP")
		for range 20 * len(protein) {
			score := v.random.below(1001)
			matrix = binary.LittleEndian.AppendUint16(matrix, uint16(score|(2-score/334)<<14))
		}
		var packed bytes.Buffer
		z, err := gzip.NewWriterLevel(&packed, gzip.NoCompression) // other levels differ from one Go to the next
		if err == nil {
			_, err = z.Write(matrix)
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil && v.err == nil {
			v.err = err
		}
		id := v.add("translation_md5", "translation_md5", fmt.Sprintf("%x", md5.Sum(protein)))
		v.add("protein_function_predictions", "translation_md5_id", id, "analysis_attrib_id", v.attribs["polyphen_humvar"], "prediction_matrix", packed.Bytes())
	}
}
