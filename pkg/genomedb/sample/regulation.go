package sample

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed funcgen.sql
var funcgenSchema string

// regulatoryTypes are types of regulatory features: name, description, and the
// Sequence Ontology's accession and term.
var regulatoryTypes = [][4]string{
	{"Promoter", "Predicted promoter", "SO:0000167", "promoter"},
	{"Enhancer", "Predicted enhancer", "SO:0000165", "enhancer"},
	{"CTCF Binding Site", "CTCF binding site", "SO:0001974", "CTCF_binding_site"},
	{"Open chromatin", "Open chromatin region", "SO:0001747", "open_chromatin_region"},
}

// regulation makes the species' regulation database: a promoter before each
// gene, and a feature of another type between genes, each with a motif.
func (a *annotator) regulation() (*rows, error) {
	r, err := newRows("funcgen.sql", funcgenSchema)
	if err != nil {
		return nil, err
	}
	r.add("meta", "species_id", nil, "meta_key", "schema_version", "meta_value", fmt.Sprint(Release))
	r.add("meta", "species_id", nil, "meta_key", "schema_type", "meta_value", "funcgen")
	r.add("meta", "meta_key", "species.production_name", "meta_value", a.name)
	build := r.add("analysis", "created", created, "logic_name", "Regulatory_Build")
	r.add("analysis_description", "analysis_id", build, "description", "Made up by the sample", "display_label", "Regulatory Build")
	for _, t := range regulatoryTypes {
		r.add("feature_type", "name", t[0], "class", "Regulatory Feature", "analysis_id", build, "description", t[1], "so_accession", t[2], "so_term", t[3])
	}
	r.add("regulatory_build", "name", "The sample's regulatory build", "version", "1", "initial_release_date", "2026-11", "last_annotation_update", "2026-11",
		"feature_type_id", 1, "analysis_id", build, "is_current", 1, "sample_regulatory_feature_id", 1)
	r.add("epigenome", "name", "Sample cells", "short_name", "Sample cells", "description", "Cells that do not exist", "gender", "unknown")
	matrix := r.add("binding_matrix", "name", "SMP_MATRIX", "threshold", 4.4, "source", "SELEX", "stable_id", "ENSPFM9001")
	for i, name := range []string{"SMPF1", "SMPF2"} {
		r.add("transcription_factor", "name", name)
		r.add("transcription_factor_complex", "production_name", strings.ToLower(name), "display_name", name)
		r.add("transcription_factor_complex_composition", "transcription_factor_complex_id", i+1, "transcription_factor_id", i+1)
		r.add("binding_matrix_transcription_factor_complex", "binding_matrix_id", matrix, "transcription_factor_complex_id", i+1)
	}
	feature := func(kind, region, start, length int) {
		n := len(r.values["regulatory_feature"]) + 1
		id := r.add("regulatory_feature", "feature_type_id", kind, "seq_region_id", region, "seq_region_strand", 0, "seq_region_start", start,
			"seq_region_end", start+length-1, "stable_id", fmt.Sprintf("ENSR9%010d", n), "bound_start_length", n%3*20, "bound_end_length", n%2*15,
			"epigenome_count", 1, "regulatory_build_id", 1)
		r.add("regulatory_activity", "regulatory_feature_id", id, "activity", []string{"ACTIVE", "POISED", "INACTIVE"}[n%3], "epigenome_id", 1)
		motif := r.add("motif_feature", "binding_matrix_id", matrix, "seq_region_id", region, "seq_region_start", start+10, "seq_region_end", start+20,
			"seq_region_strand", 1-n%2*2, "score", 4.5+float64(n%40)/8, "stable_id", fmt.Sprintf("ENSM9%010d", n))
		r.add("motif_feature_regulatory_feature", "motif_feature_id", motif, "regulatory_feature_id", id, "epigenome_id", 1, "has_matching_Peak", n%2)
	}
	for _, p := range a.placed {
		if p.spec.chromosome == "MT" {
			continue
		}
		start, end := p.at(span{0, len(p.seq)})
		if p.spec.strand > 0 {
			feature(1, p.region, start-400, 350)
		} else {
			feature(1, p.region, end+51, 350)
		}
	}
	for i, s := range a.between {
		feature(2+i%3, s.region, s.at-100, 220)
	}
	coordinates(r)
	return r, nil
}
