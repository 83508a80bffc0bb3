package sequence_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/sequence"
	"mirrornet/pkg/genome"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/sample"
	"mirrornet/pkg/origin"
)

const (
	longLength = 10_500_000
	contig     = 100_000
	longGap    = 5_000_001 // one contig is missing from here on
)

// long is an origin over the sample genome with one more chromosome, of 10.5
// million bases in contigs of either strand, and what its bases are.
func long(t testing.TB) (http.Handler, []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "long.sqlite")
	if err := sample.Write(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	exec := func(table, columns string, values ...any) {
		t.Helper()
		marks := strings.TrimSuffix(strings.Repeat("?,", len(values)), ",")
		if _, err := db.ExecContext(t.Context(), `INSERT INTO "homo_sapiens_core_115_38.`+table+`" (`+columns+`) VALUES (`+marks+`)`, values...); err != nil {
			t.Fatal(err)
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	bases := make([]byte, longLength)
	for i := range bases {
		bases[i] = "ACGT"[rnd.IntN(4)]
	}
	exec("seq_region", "seq_region_id, name, coord_system_id, length", 9000, "LONG", 1, longLength)
	for i := 0; i*contig < longLength; i++ {
		start, end := i*contig+1, min((i+1)*contig, longLength)
		part := bases[start-1 : end]
		if start == longGap {
			copy(part, strings.Repeat("N", len(part)))
			continue
		}
		strand := 1
		stored := string(part)
		if i%3 == 1 {
			strand, stored = -1, string(genome.ReverseComplement([]byte(stored)))
		}
		id := 9001 + i
		exec("seq_region", "seq_region_id, name, coord_system_id, length", id, fmt.Sprint("LC", i), 2, len(part))
		exec("assembly", "asm_seq_region_id, cmp_seq_region_id, asm_start, asm_end, cmp_start, cmp_end, ori", 9000, id, start, end, 1, len(part), strand)
		exec("dna", "seq_region_id, sequence", id, stored)
	}
	for i := range 3000 {
		start := 1 + rnd.IntN(longLength-400)
		exec("repeat_feature", "repeat_feature_id, seq_region_id, seq_region_start, seq_region_end, seq_region_strand, repeat_start, repeat_end, repeat_consensus_id, analysis_id",
			900_000+i, 9000, start, start+rnd.IntN(400), 0, 1, 10, 1, 5)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	reg, err := genomedb.Open(t.Context(), genomedb.Config{SQLite: file})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reg.Close() })
	h, err := origin.New(origin.Config{Modules: []ensembl.Module{sequence.Module()}, Genome: reg})
	if err != nil {
		t.Fatal(err)
	}
	return h, bases
}

func TestLong(t *testing.T) {
	h, bases := long(t)
	t.Run("same", func(t *testing.T) { testStream(t, h, bases) })
	t.Run("memory", func(t *testing.T) { testStreamMemory(t, h) })
	runtime.KeepAlive(bases) // not to be given back while others are measured
}

// testStream: a long sequence is written piece by piece, and is what it would
// be in one.
func testStream(t *testing.T, h http.Handler, bases []byte) {
	const start, end = 1_000_007, 3_300_011 // not at the ends of contigs or pieces
	want := string(bases[start-1 : end])
	target := fmt.Sprintf("/sequence/region/human/LONG:%d..%d", start, end)
	if got := text(t, h, target+":1"); got != want {
		t.Error("forward: another sequence")
	}
	back := string(genome.ReverseComplement([]byte(want)))
	if got := text(t, h, target+":-1"); got != back {
		t.Error("backward: another sequence")
	}
	fasta := ask(h, "GET", target+":-1", "text/x-fasta", "").Body.String()
	name, lines, _ := strings.Cut(fasta, "\n")
	if name != fmt.Sprintf(">chromosome:GRCh38:LONG:%d:%d:-1", start, end) || lines != string(genome.Wrap([]byte(back), 60)) {
		t.Errorf("FASTA: another sequence under %.80s", name)
	}
	var value struct{ ID, Query, Seq string }
	w := ask(h, "GET", target+":-1", "application/json", "")
	if err := json.Unmarshal(w.Body.Bytes(), &value); err != nil || value.Seq != back || value.Query != fmt.Sprintf("LONG:%d..%d:-1", start, end) {
		t.Errorf("JSON: %v, %s", err, value.Query)
	}
	if n := w.Header().Get("Content-Length"); n != fmt.Sprint(w.Body.Len()) {
		t.Errorf("Content-Length %s of %d bytes", n, w.Body.Len())
	}
	if head := ask(h, "HEAD", target+":-1", "application/json", ""); head.Header().Get("Content-Length") != w.Header().Get("Content-Length") || head.Header().Get("ETag") != w.Header().Get("ETag") || head.Body.Len() != 0 {
		t.Errorf("HEAD: %v", head.Header())
	}
	if xml := ask(h, "GET", target+":1", sequence.SeqXML, "").Body.String(); !strings.Contains(xml, "<DNAseq>"+want+"</DNAseq>") {
		t.Error("SeqXML: another sequence")
	}
	// Masks: what is asked for in parts that are not streamed is the same.
	for _, mask := range []string{"mask=soft", "mask=hard", "mask_feature=1"} {
		for _, strand := range []string{"1", "-1"} {
			whole := text(t, h, target+":"+strand+"?"+mask)
			first := text(t, h, fmt.Sprintf("/sequence/region/human/LONG:%d..%d:%s?%s", start, start+999_999, strand, mask))
			at := 0
			if strand == "-1" {
				at = len(whole) - 1_000_000
			}
			if whole[at:at+1_000_000] != first {
				t.Errorf("%s, strand %s: another sequence", mask, strand)
			}
		}
	}
}

// testStreamMemory: ten million bases do not cost ten megabytes, whatever the
// format.
func testStreamMemory(t *testing.T, h http.Handler) {
	for _, format := range []string{"text/plain", "text/x-fasta", "application/json"} {
		r, err := http.NewRequest("GET", "/sequence/region/human/LONG:1..10000000:-1?mask=soft;content-type="+format, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.RequestURI = r.URL.RequestURI()
		w := &weigher{header: http.Header{}, before: heap()}
		h.ServeHTTP(w, r)
		if w.status != 200 || w.bytes < 10_000_000 {
			t.Fatalf("%s: %d, %d bytes", format, w.status, w.bytes)
		}
		if w.most > 3<<20 {
			t.Errorf("%s: %d kB more are in use while it is written", format, w.most>>10)
		}
		t.Logf("%s: %d bytes written, at most %d kB more in use", format, w.bytes, w.most>>10)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// weigher counts what is in use whenever something is written.
type weigher struct {
	header       http.Header
	status       int
	bytes        int
	before, most int64
}

var _ io.Writer = (*weigher)(nil)

func (w *weigher) Header() http.Header { return w.header }
func (w *weigher) WriteHeader(s int)   { w.status = s }
func (w *weigher) Write(b []byte) (int, error) {
	w.bytes += len(b)
	w.most = max(w.most, heap()-w.before)
	return len(b), nil
}
