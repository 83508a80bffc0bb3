package sample

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/genome"
	"mirrornet/pkg/genomedb"
)

func open(t *testing.T) *genomedb.Registry {
	t.Helper()
	r, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// each runs a query and calls f for each row, as text.
func each(t *testing.T, d *genomedb.Database, query string, args []any, f func(row []string)) {
	t.Helper()
	rows, err := d.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		dest := make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		row := make([]string, len(columns))
		for i, v := range values {
			row[i] = v.String
		}
		f(row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, s string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(s, &n); err != nil {
		t.Fatalf("%q is no number", s)
	}
	return n
}

// chromosomes puts the sequences together from their contigs.
func chromosomes(t *testing.T, d *genomedb.Database) map[string][]byte {
	all := map[string][]byte{}
	each(t, d, "SELECT seq_region_id, length FROM {seq_region} WHERE coord_system_id = 1", nil, func(row []string) {
		all[row[0]] = bytes.Repeat([]byte("N"), number(t, row[1]))
	})
	each(t, d, "SELECT asm_seq_region_id, asm_start, asm_end, cmp_start, cmp_end, ori, sequence FROM {assembly} JOIN {dna} ON seq_region_id = cmp_seq_region_id", nil, func(row []string) {
		piece := []byte(row[6][number(t, row[3])-1 : number(t, row[4])])
		if row[5] == "-1" {
			piece = genome.ReverseComplement(piece)
		}
		to := all[row[0]][number(t, row[1])-1 : number(t, row[2])]
		if len(to) != len(piece) || strings.Trim(string(to), "N") != "" {
			t.Errorf("assembly %v: %d bases onto %d", row[:6], len(piece), len(to))
		}
		copy(to, piece)
	})
	return all
}

func TestConsistent(t *testing.T) {
	r := open(t)
	for _, s := range r.Species() {
		d, ok := s.Database("core")
		if !ok {
			t.Fatalf("%s has no core database", s.Name)
		}
		for what, query := range map[string]string{
			"transcripts outside their gene":      `SELECT t.stable_id FROM {transcript} t JOIN {gene} g USING (gene_id) WHERE t.seq_region_start < g.seq_region_start OR t.seq_region_end > g.seq_region_end OR t.seq_region_id <> g.seq_region_id OR t.seq_region_strand <> g.seq_region_strand`,
			"genes longer than their transcripts": `SELECT g.stable_id FROM {gene} g JOIN {transcript} t USING (gene_id) GROUP BY g.gene_id HAVING min(t.seq_region_start) <> g.seq_region_start OR max(t.seq_region_end) <> g.seq_region_end`,
			"exons outside their transcript":      `SELECT e.stable_id FROM {exon} e JOIN {exon_transcript} USING (exon_id) JOIN {transcript} t USING (transcript_id) WHERE e.seq_region_start < t.seq_region_start OR e.seq_region_end > t.seq_region_end OR e.seq_region_strand <> t.seq_region_strand`,
			"transcripts without exons":           `SELECT stable_id FROM {transcript} WHERE transcript_id NOT IN (SELECT transcript_id FROM {exon_transcript})`,
			"exons that no transcript has":        `SELECT stable_id FROM {exon} WHERE exon_id NOT IN (SELECT exon_id FROM {exon_transcript})`,
			"genes beyond their chromosome":       `SELECT stable_id FROM {gene} JOIN {seq_region} USING (seq_region_id) WHERE seq_region_start < 1 OR seq_region_end > length`,
			"coding transcripts without protein":  `SELECT stable_id FROM {transcript} WHERE (biotype = 'protein_coding') <> (canonical_translation_id IS NOT NULL)`,
			"canonical translations of others":    `SELECT t.stable_id FROM {transcript} t JOIN {translation} p ON t.canonical_translation_id = p.translation_id WHERE p.transcript_id <> t.transcript_id`,
			"canonical transcripts of others":     `SELECT g.stable_id FROM {gene} g LEFT JOIN {transcript} t ON g.canonical_transcript_id = t.transcript_id WHERE t.gene_id IS NULL OR t.gene_id <> g.gene_id`,
			"genes without a name":                `SELECT stable_id FROM {gene} LEFT JOIN {xref} ON display_xref_id = xref_id WHERE display_label IS NULL OR display_label = ''`,
			"references to no database":           `SELECT xref_id FROM {xref} WHERE external_db_id NOT IN (SELECT external_db_id FROM {external_db})`,
			"object_xrefs to nothing":             `SELECT object_xref_id FROM {object_xref} WHERE xref_id NOT IN (SELECT xref_id FROM {xref}) OR CASE ensembl_object_type WHEN 'Gene' THEN ensembl_id NOT IN (SELECT gene_id FROM {gene}) WHEN 'Transcript' THEN ensembl_id NOT IN (SELECT transcript_id FROM {transcript}) WHEN 'Translation' THEN ensembl_id NOT IN (SELECT translation_id FROM {translation}) ELSE 1 END`,
			"annotation by no analysis":           `SELECT stable_id FROM {gene} WHERE analysis_id NOT IN (SELECT analysis_id FROM {analysis} JOIN {analysis_description} USING (analysis_id))`,
			"biotypes without a row":              `SELECT biotype FROM {gene} WHERE biotype NOT IN (SELECT name FROM {biotype} WHERE object_type = 'gene') UNION SELECT biotype FROM {transcript} WHERE biotype NOT IN (SELECT name FROM {biotype} WHERE object_type = 'transcript')`,
			"repeats of unknown kind or place":    `SELECT repeat_feature_id FROM {repeat_feature} JOIN {seq_region} USING (seq_region_id) LEFT JOIN {repeat_consensus} USING (repeat_consensus_id) WHERE repeat_name IS NULL OR seq_region_end > length OR seq_region_start > seq_region_end OR seq_region_strand NOT IN (-1, 0, 1)`,
			"attributes of no type":               `SELECT gene_id FROM {gene_attrib} WHERE attrib_type_id NOT IN (SELECT attrib_type_id FROM {attrib_type}) UNION ALL SELECT transcript_id FROM {transcript_attrib} WHERE attrib_type_id NOT IN (SELECT attrib_type_id FROM {attrib_type}) UNION ALL SELECT seq_region_id FROM {seq_region_attrib} WHERE attrib_type_id NOT IN (SELECT attrib_type_id FROM {attrib_type})`,
			"contigs of another length than DNA":  `SELECT name FROM {seq_region} JOIN {dna} USING (seq_region_id) WHERE length <> length(sequence) AND coord_system_id = 2`,
		} {
			each(t, d, query, nil, func(row []string) { t.Errorf("%s: %s: %s", s.Name, what, row[0]) })
		}
		translations(t, d, chromosomes(t, d))
	}
}

type exon struct {
	id                           string
	from, to, strand, phase, end int
}

// translations checks every protein-coding transcript base by base.
func translations(t *testing.T, d *genomedb.Database, sequences map[string][]byte) {
	n := 0
	each(t, d, `SELECT p.stable_id, t.transcript_id, t.seq_region_id, p.start_exon_id, p.seq_start, p.end_exon_id, p.seq_end, s.name
		FROM {translation} p JOIN {transcript} t USING (transcript_id) JOIN {seq_region} s USING (seq_region_id)`, nil, func(p []string) {
		n++
		var exons []exon
		each(t, d, `SELECT exon_id, seq_region_start, seq_region_end, seq_region_strand, phase, end_phase FROM {exon_transcript} JOIN {exon} USING (exon_id) WHERE transcript_id = ? ORDER BY rank`, []any{p[1]}, func(e []string) {
			exons = append(exons, exon{e[0], number(t, e[1]), number(t, e[2]), number(t, e[3]), number(t, e[4]), number(t, e[5])})
		})
		table, _ := genome.Codons(1)
		if p[7] == "MT" {
			table, _ = genome.Codons(2)
		}
		var cds []byte
		coding := false
		for i, e := range exons {
			bases := sequences[p[2]][e.from-1 : e.to]
			if e.strand < 0 {
				bases = genome.ReverseComplement(bases)
			}
			intron(t, p[0], exons, i, sequences[p[2]])
			first, last := 1, len(bases)
			phase, end := -1, -1
			if coding {
				phase = len(cds) % 3
			}
			if e.id == p[3] {
				coding, first = true, number(t, p[4])
				if first == 1 {
					phase = 0
				}
			}
			ends := e.id == p[5]
			if ends {
				last = number(t, p[6])
			}
			if coding {
				cds = append(cds, bases[first-1:last]...)
				if last == len(bases) {
					end = len(cds) % 3
				}
			}
			if e.phase != phase || e.end != end {
				t.Errorf("%s: exon %d has phases %d and %d, want %d and %d", p[0], i+1, e.phase, e.end, phase, end)
			}
			if ends {
				coding = false
			}
		}
		protein := string(table.Translate(cds))
		if len(cds)%3 != 0 || !strings.HasPrefix(protein, "M") || strings.Index(protein, "*") != len(protein)-1 || len(protein) < 70 || strings.Contains(protein, "X") {
			t.Errorf("%s: %d bases translate to %s", p[0], len(cds), protein)
		}
	})
	if n < 10 {
		t.Errorf("only %d translations", n)
	}
}

// intron checks that the one before exon i begins with GT and ends with AG.
func intron(t *testing.T, id string, exons []exon, i int, seq []byte) {
	if i == 0 {
		return
	}
	from, to := exons[i-1].to, exons[i].from-1 // half open
	if exons[i].strand < 0 {
		from, to = exons[i].to, exons[i-1].from-1
	}
	if from >= to {
		t.Fatalf("%s: exons %d and %d are out of order", id, i, i+1)
	}
	bases := seq[from:to]
	if exons[i].strand < 0 {
		bases = genome.ReverseComplement(bases)
	}
	if s := string(bases); !strings.HasPrefix(s, "GT") || !strings.HasSuffix(s, "AG") {
		t.Errorf("%s: intron %d is %.5s…%s", id, i, s, s[len(s)-5:])
	}
}

func TestContent(t *testing.T) {
	r := open(t)
	if r.Release() != Release || len(r.Species()) != 2 {
		t.Errorf("release %d, %d species", r.Release(), len(r.Species()))
	}
	human, ok := r.Resolve("Homo sapiens")
	if !ok || human.Assembly != "GRCh38" || human.Name != "homo_sapiens" || human.DisplayName != "Human" || human.TaxonID != "9606" {
		t.Fatalf("human is %+v", human)
	}
	d, _ := human.Database("core")
	for id, table := range map[string]string{"ENSG00000157764": "gene", "ENSG00000139618": "gene", "ENSG00000184216": "gene", "ENST00000288602": "transcript",
		"ENSP00000288602": "translation", "ENST00000380152": "transcript", "ENSE00001154485": "exon"} {
		var version int
		if err := d.QueryRow(t.Context(), "SELECT version FROM {"+table+"} WHERE stable_id = ?", id).Scan(&version); err != nil || version < 1 {
			t.Errorf("%s: version %d, %v", id, version, err)
		}
	}
	var genes, unlisted int
	if err := d.QueryRow(t.Context(), "SELECT count(*) FROM {gene}").Scan(&genes); err != nil || genes < 33 {
		t.Errorf("%d genes, %v", genes, err)
	}
	ids, ok := r.Database("stable_ids")
	if !ok {
		t.Fatal("no database of stable ids")
	}
	for _, table := range []string{"gene", "transcript", "translation", "exon"} {
		each(t, d, "SELECT stable_id FROM {"+table+"}", nil, func(row []string) {
			var species string
			err := ids.QueryRow(t.Context(), "SELECT name FROM {stable_id_lookup} JOIN {species} USING (species_id) WHERE stable_id = ? AND object_type = ?", row[0], table).Scan(&species)
			if err != nil || species != "homo_sapiens" {
				unlisted++
			}
		})
	}
	if unlisted > 0 {
		t.Errorf("%d stable ids are not in stable_id_lookup", unlisted)
	}
	var x string
	if err := d.QueryRow(t.Context(), "SELECT seq_region_id FROM {seq_region} WHERE name = 'X'").Scan(&x); err != nil {
		t.Fatal(err)
	}
	// The API's documentation asks for this one.
	if seq := string(chromosomes(t, d)[x][999_999:1_000_100]); len(seq) != 101 || strings.Trim(seq, "ACGT") != "" {
		t.Errorf("X:1000000..1000100 is %s", seq)
	}
}

// content hashes every table of every database.
func content(t *testing.T, file string) string {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	names, err := db.Query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for names.Next() {
		var n string
		if err := names.Scan(&n); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, n)
	}
	h := sha256.New()
	for _, n := range tables {
		query := `SELECT * FROM "` + n + `"`
		if n == "sqlite_stat1" { // the loader's own keys are no content
			query += " WHERE idx IS NULL OR idx NOT LIKE '%.asked.%'"
		}
		rows, err := db.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		fmt.Fprintln(h, n, columns)
		for rows.Next() {
			values := make([]any, len(columns))
			dest := make([]any, len(columns))
			for i := range values {
				dest[i] = &values[i]
			}
			if err := rows.Scan(dest...); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(h, values...)
		}
		rows.Close()
	}
	return hex.EncodeToString(h.Sum(nil))
}

// golden is the hash of the sample's content. When the sample is changed on
// purpose, so is this: go test prints the new one.
const golden = "13b93fb80f1f6b8469fde528397846ceca50cc49643f27b2c886842e61b2df05"

func TestSame(t *testing.T) {
	dir := t.TempDir()
	var hashes []string
	for _, name := range []string{"a.db", "b.db"} {
		file := filepath.Join(dir, name)
		start := time.Now()
		if err := Write(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		t.Logf("written in %v", time.Since(start))
		hashes = append(hashes, content(t, file))
	}
	if hashes[0] != hashes[1] || hashes[0] != golden {
		t.Errorf("the content's hashes are %s, want %s twice", hashes, golden)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("files left: %v", left)
	}
}
