package variation

import "strings"

// ranks orders the consequences of variants: the most severe is 1. A term that
// is not here is less severe than all.
var ranks = rank(
	"transcript_ablation", "splice_acceptor_variant", "splice_donor_variant", "stop_gained", "frameshift_variant",
	"stop_lost", "start_lost", "transcript_amplification", "feature_elongation", "feature_truncation",
	"inframe_insertion", "inframe_deletion", "missense_variant", "protein_altering_variant",
	"splice_donor_5th_base_variant", "splice_region_variant", "splice_donor_region_variant",
	"splice_polypyrimidine_tract_variant", "incomplete_terminal_codon_variant", "start_retained_variant",
	"stop_retained_variant", "synonymous_variant", "coding_sequence_variant", "mature_miRNA_variant",
	"5_prime_UTR_variant", "3_prime_UTR_variant", "non_coding_transcript_exon_variant", "intron_variant",
	"NMD_transcript_variant", "non_coding_transcript_variant", "coding_transcript_variant", "upstream_gene_variant",
	"downstream_gene_variant", "TFBS_ablation", "TFBS_amplification", "TF_binding_site_variant",
	"regulatory_region_ablation", "regulatory_region_amplification", "regulatory_region_variant",
	"intergenic_variant", "sequence_variant")

func rank(terms ...string) map[string]int {
	out := make(map[string]int, len(terms))
	for i, t := range terms {
		out[t] = i + 1
	}
	return out
}

// worse says whether a is more severe than b. "" is no consequence.
func worse(a, b string) bool {
	if a == "" || b == "" {
		return b == ""
	}
	of := func(term string) int {
		if n, ok := ranks[term]; ok {
			return n
		}
		return len(ranks) + 1
	}
	x, y := of(a), of(b)
	return x < y || x == y && a < b
}

// MostSevere is the most severe of consequences that are written with commas
// between them, as the database has them. None is sequence_variant.
func MostSevere(list string) string {
	if list == "" {
		return "sequence_variant"
	}
	most := ""
	for term := range strings.SplitSeq(list, ",") {
		if worse(term, most) {
			most = term
		}
	}
	return most
}

// Terms narrows a search to variants with one of these consequences. nil does
// not narrow it; an empty one finds nothing.
type Terms map[string]bool

// has says whether one of the consequences in list is wanted.
func (t Terms) has(list string) bool {
	if t == nil {
		return true
	}
	for term := range strings.SplitSeq(list, ",") {
		if t[term] {
			return true
		}
	}
	return false
}
