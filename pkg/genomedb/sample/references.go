package sample

import (
	"fmt"
	"strings"
)

// terms are what the genes with real names are said to do, and on what
// evidence.
var terms = [][3]string{
	{"GO:0005515", "protein binding", "IPI"},
	{"GO:0005634", "nucleus", "IDA"},
	{"GO:0006468", "protein phosphorylation", "IEA"},
}

// references adds what other databases say of the protein of a transcript, the
// gene's i-th: terms and structures of genes with real names, and for all but
// the first an unreviewed record that aligns with it.
func (a *annotator) references(g gene, translation, i int) {
	if i > 0 {
		length := 0
		for _, e := range g.transcripts[i].exons {
			length += e.to - e.from
		}
		accession := fmt.Sprintf("A0A9Z%05d", translation)
		a.object(translation, "Translation", a.add("xref", "external_db_id", trembl, "dbprimary_acc", accession, "display_label", accession+"_SAMPLE",
			"version", "1", "description", g.spec.description, "info_type", "SEQUENCE_MATCH"))
		a.add("identity_xref", "object_xref_id", len(a.values["object_xref"]), "xref_identity", 100, "ensembl_identity", 98, "xref_start", 1, "xref_end", length/4,
			"ensembl_start", 3, "ensembl_end", length/4+2, "cigar_line", fmt.Sprintf("%dM", length/4), "score", float64(5*(length/4)), "evalue", nil)
	}
	if g.spec.accession == "" {
		return
	}
	for _, t := range terms {
		if a.terms[t[0]] == 0 {
			a.terms[t[0]] = a.add("xref", "external_db_id", geneOntology, "dbprimary_acc", t[0], "display_label", t[0],
				"version", "0", "description", t[1], "info_type", "DEPENDENT")
			a.add("external_synonym", "xref_id", a.terms[t[0]], "synonym", "sample of "+t[1])
		}
		a.object(translation, "Translation", a.terms[t[0]])
		a.add("ontology_xref", "object_xref_id", len(a.values["object_xref"]), "source_xref_id", nil, "linkage_type", t[2])
	}
	structure := fmt.Sprintf("9S%02d", translation%100)
	a.object(translation, "Translation", a.add("xref", "external_db_id", proteinDataBank, "dbprimary_acc", structure, "display_label", structure,
		"version", "0", "description", "sample structure", "info_type", "DIRECT"))
}

// history adds the steps from the two releases before to this one: the genes
// with real names had another version in the first, and one gene of human was
// merged into another.
func (a *annotator) history() {
	name := func(release int) string { return fmt.Sprintf("%s_core_%d_%d", a.name, release, a.assemblyVersion) }
	for i, when := range []string{"2025-05-01 12:00:00", "2025-11-01 12:00:00"} {
		from := Release - 2 + i
		a.add("mapping_session", "old_db_name", name(from), "new_db_name", name(from+1), "old_release", fmt.Sprint(from), "new_release", fmt.Sprint(from+1),
			"old_assembly", a.assembly, "new_assembly", a.assembly, "created", when)
	}
	event := func(session int, kind string, old any, oldVersion int, id any, version int, score float64) {
		a.add("stable_id_event", "old_stable_id", old, "old_version", oldVersion, "new_stable_id", id, "new_version", version,
			"mapping_session_id", session, "type", kind, "score", score)
	}
	for _, g := range a.genes {
		if g.accession != "" {
			event(1, "gene", g.id, g.version-1, g.id, g.version, 0.96875)
			event(2, "gene", g.id, g.version, g.id, g.version, 1)
		}
	}
	if a.name != "homo_sapiens" {
		return
	}
	heir := a.genes[0]
	for _, gone := range [][3]string{{"gene", "ENSG00000248378", heir.id}, {"transcript", "ENST00000512345", heir.transcripts[0]}, {"translation", "ENSP00000423456", heir.proteins[0]}} {
		event(2, gone[0], gone[1], 1, nil, 0, 0)
		event(2, gone[0], gone[1], 1, gone[2], heir.version, 0.875)
		a.retired = append(a.retired, lookup{gone[1], strings.ToUpper(gone[0][:1]) + gone[0][1:]})
	}
	peptide := a.add("peptide_archive", "md5_checksum", "ecc90842bbfaed250740040e101a809a", "peptide_seq", "MSAMPLEPEPTIDE")
	a.add("gene_archive", "gene_stable_id", "ENSG00000248378", "gene_version", 1, "transcript_stable_id", "ENST00000512345", "transcript_version", 1,
		"translation_stable_id", "ENSP00000423456", "translation_version", 1, "peptide_archive_id", peptide, "mapping_session_id", 2)
}
