package assembly

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mirrornet/pkg/genome"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load"
)

// tiny is a genome of three layers. Chromosome 1 (100 bases) is contig a
// forward at 1–20, a gap, contig b backward at 31–50, and scaffold s at 51–90,
// which is contig k forward at its 1–30; a gap follows. Patch P is of length
// 103: its 41–53 stand for 1's 41–50. Y's 11–20 are the PAR of 1's 31–40.
var tiny = map[string]string{
	"table.sql": `
CREATE TABLE coord_system (coord_system_id int(10) unsigned NOT NULL, species_id int(10) unsigned NOT NULL, name varchar(40) NOT NULL,
  version varchar(255) DEFAULT NULL, rank int(11) NOT NULL, attrib set('default_version','sequence_level') DEFAULT NULL, PRIMARY KEY (coord_system_id));
CREATE TABLE seq_region (seq_region_id int(10) unsigned NOT NULL, name varchar(255) NOT NULL, coord_system_id int(10) unsigned NOT NULL,
  length int(10) unsigned NOT NULL, PRIMARY KEY (seq_region_id), UNIQUE KEY name_cs_idx (name,coord_system_id));
CREATE TABLE seq_region_synonym (seq_region_synonym_id int(10) unsigned NOT NULL, seq_region_id int(10) unsigned NOT NULL,
  synonym varchar(250) NOT NULL, external_db_id int(10) unsigned DEFAULT NULL, PRIMARY KEY (seq_region_synonym_id), KEY syn (synonym));
CREATE TABLE assembly (asm_seq_region_id int(10) unsigned NOT NULL, cmp_seq_region_id int(10) unsigned NOT NULL, asm_start int(10) NOT NULL,
  asm_end int(10) NOT NULL, cmp_start int(10) NOT NULL, cmp_end int(10) NOT NULL, ori tinyint(4) NOT NULL, KEY c (cmp_seq_region_id), KEY a (asm_seq_region_id,asm_start));
CREATE TABLE assembly_exception (assembly_exception_id int(10) unsigned NOT NULL, seq_region_id int(10) unsigned NOT NULL,
  seq_region_start int(10) unsigned NOT NULL, seq_region_end int(10) unsigned NOT NULL, exc_type enum('HAP','PAR','PATCH_FIX','PATCH_NOVEL') NOT NULL,
  exc_seq_region_id int(10) unsigned NOT NULL, exc_seq_region_start int(10) unsigned NOT NULL, exc_seq_region_end int(10) unsigned NOT NULL, ori int(11) NOT NULL, PRIMARY KEY (assembly_exception_id));
CREATE TABLE dna (seq_region_id int(10) unsigned NOT NULL, sequence longtext NOT NULL, PRIMARY KEY (seq_region_id));
CREATE TABLE meta (meta_id int(11) NOT NULL, species_id int(10) unsigned DEFAULT '1', meta_key varchar(40) NOT NULL, meta_value varchar(255) DEFAULT NULL, PRIMARY KEY (meta_id));
CREATE TABLE meta_coord (table_name varchar(40) NOT NULL, coord_system_id int(10) unsigned NOT NULL, max_length int(11) DEFAULT NULL);
CREATE TABLE repeat_feature (repeat_feature_id int(10) unsigned NOT NULL, seq_region_id int(10) unsigned NOT NULL, seq_region_start int(10) unsigned NOT NULL,
  seq_region_end int(10) unsigned NOT NULL, PRIMARY KEY (repeat_feature_id), KEY seq_region_idx (seq_region_id,seq_region_start));
`,
	"coord_system.txt":       "1\t1\tchromosome\tT1\t1\tdefault_version\n2\t1\tscaffold\tT1\t2\tdefault_version\n3\t1\tcontig\t\\N\t3\tdefault_version,sequence_level\n4\t1\tchromosome\tT0\t4\t\\N\n",
	"seq_region.txt":         "10\t1\t1\t100\n11\tP\t1\t103\n12\tY\t1\t30\n20\ts\t2\t40\n30\ta.1\t3\t20\n31\tb.1\t3\t24\n32\tk.1\t3\t30\n33\tk.12\t3\t10\n34\tp.1\t3\t13\n40\t1\t4\t100\n",
	"seq_region_synonym.txt": "1\t10\tNC_1.7\t\\N\n2\t10\tchr1\t\\N\n",
	"assembly.txt":           "10\t30\t1\t20\t1\t20\t1\n10\t31\t31\t50\t3\t22\t-1\n10\t20\t51\t90\t1\t40\t1\n10\t32\t51\t80\t1\t30\t1\n40\t20\t11\t50\t1\t40\t-1\n20\t32\t1\t30\t1\t30\t1\n11\t34\t41\t53\t1\t13\t1\n",
	"assembly_exception.txt": "1\t11\t41\t53\tPATCH_FIX\t10\t41\t50\t1\n2\t12\t11\t20\tPAR\t10\t31\t40\t1\n",
	"dna.txt":                "30\tAACCGGTTAACCGGTTAACC\n31\tGGACGTACGTTTGCATGCAATTCC\n32\tCATCATCATCATCATGATGATGATGATGAT\n33\tAAAAACCCCC\n34\tTTTTTGGGGGTTT\n",
	"meta.txt":               "1\t1\tassembly.mapping\tchromosome:T1|contig\n2\t1\tassembly.mapping\tchromosome:T1|scaffold:T1|contig\n3\t1\tassembly.mapping\tchromosome:T1#scaffold:T1\n4\t1\tassembly.mapping\tscaffold:T1|contig\n6\t1\tassembly.mapping\tchromosome:T0|scaffold:T1|contig\n5\t1\tspecies.production_name\ttiny\n",
	"meta_coord.txt":         "repeat_feature\t1\t10\nrepeat_feature\t3\t10\n",
	"repeat_feature.txt":     "1\t10\t5\t8\n2\t10\t38\t42\n3\t31\t1\t5\n4\t11\t45\t46\n5\t10\t33\t35\n",
}

func open(t testing.TB) *Assembly {
	t.Helper()
	dir := t.TempDir()
	from := filepath.Join(dir, "tiny", "core")
	if err := os.MkdirAll(from, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range tiny {
		if err := os.WriteFile(filepath.Join(from, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	db := filepath.Join(dir, "tiny.sqlite")
	if _, err := load.Run(t.Context(), load.Config{From: dir, DB: db}); err != nil {
		t.Fatal(err)
	}
	reg, err := genomedb.Open(t.Context(), genomedb.Config{SQLite: db})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reg.Close() })
	core, ok := reg.Owned("tiny", "core")
	if !ok {
		t.Fatal("no core database of tiny")
	}
	var cache Cache
	a, err := cache.Of(t.Context(), reg, core)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := cache.Of(t.Context(), reg, core); again != a {
		t.Error("the cache forgot an assembly")
	}
	return a
}

// chromosome is chromosome 1 of tiny, written out.
var chromosome = "AACCGGTTAACCGGTTAACC" + strings.Repeat("N", 10) +
	string(genome.ReverseComplement([]byte("ACGTACGTTTGCATGCAATT"))) +
	"CATCATCATCATCATGATGATGATGATGAT" + strings.Repeat("N", 20)

func TestBases(t *testing.T) {
	a := open(t)
	tests := []struct{ region, want string }{
		{"1:1-100", chromosome},
		{"1", chromosome},
		{"chr1:1-100", chromosome},
		{"NC_1.7:1-100", chromosome},
		{"NC_1:1-4", "AACC"}, // the start of a synonym
		{"1:15-35:1", chromosome[14:35]},
		{"1:15-35:-1", string(genome.ReverseComplement([]byte(chromosome[14:35])))},
		{"1:90-300", chromosome[89:]},
		{"k:1-3", "AAA"}, // the highest version of k
		{"k.1:1-3", "CAT"},
		{"s:28-32", "GATNN"},
		{"P:39-55", chromosome[38:40] + "TTTTTGGGGGTTT" + chromosome[50:52]},
		{"P:1-103:-1", string(genome.ReverseComplement([]byte(chromosome[:40] + "TTTTTGGGGGTTT" + chromosome[50:])))},
		{"Y:9-22", "NN" + chromosome[30:40] + "NN"},
		{"Y:9-22:-1", "NN" + string(genome.ReverseComplement([]byte(chromosome[30:40]))) + "NN"},
	}
	for _, tt := range tests {
		s, err := a.Slice(t.Context(), tt.region, System{})
		if err != nil {
			t.Errorf("%s: %v", tt.region, err)
			continue
		}
		got, err := a.Bases(t.Context(), s)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s (%s) = %s, %v; want %s", tt.region, s.Name(), got, err, tt.want)
		}
	}
}

func TestSliceErrors(t *testing.T) {
	a := open(t)
	tests := []struct {
		region string
		system System
		want   string
	}{
		{"z:1-2", System{}, "No slice found for location z:1-2"},
		{"1:101-200", System{}, "Cannot request a slice whose start (101) is greater than 100 for 1."},
		{"1:9-8", System{}, "Cannot request a slice whose start is greater than its end. Start: 9. End: 8"},
		{"1:1M-2M", System{}, "Attribute start was not a number. Expected an Integer"},
		{"1:1-2", System{Name: "contig"}, "No slice found for location 1:1-2"},
		{"1:1-2", System{Name: "w1"}, "Coord_system w1 is not valid"},
		{"1:1-2", System{Name: "wibble"}, "Unknown coordinate system:name='wibble' version='' seq region name='1'"},
	}
	for _, tt := range tests {
		if _, err := a.Slice(t.Context(), tt.region, tt.system); err == nil || err.Error() != tt.want {
			t.Errorf("%s on %v: %v, want %s", tt.region, tt.system, err, tt.want)
		}
	}
	s, err := a.Slice(t.Context(), "1:1-2", System{Version: "T0"})
	if err != nil || s.Name() != "chromosome:T0:1:1:2:1" {
		t.Errorf("1 on T0 = %v, %v", s, err)
	}
	// T0 is s turned over at 11–50, and nothing else.
	s.Start, s.End = 19, 22
	if got, err := a.Bases(t.Context(), s); err != nil || string(got) != "NNAT" {
		t.Errorf("bases on T0 = %s, %v, want NNAT", got, err)
	}
}

func TestProject(t *testing.T) {
	a := open(t)
	show := func(segs []Segment) (out []string) {
		for _, s := range segs {
			out = append(out, fmt.Sprintf("%d-%d %s", s.Start, s.End, s.To.Name()))
		}
		return out
	}
	tests := []struct {
		region, system string
		want           []string
	}{
		{"1:11-60:1", "contig", []string{"1-10 contig::a.1:11:20:1", "21-40 contig::b.1:3:22:-1", "41-50 contig::k.1:1:10:1"}},
		{"1:11-60:-1", "contig", []string{"1-10 contig::k.1:1:10:-1", "11-30 contig::b.1:3:22:1", "41-50 contig::a.1:11:20:-1"}},
		{"1:45-60", "scaffold", []string{"7-16 scaffold:T1:s:1:10:1"}},
		{"b.1:1-10", "chromosome", []string{"3-10 chromosome:T1:1:43:50:-1"}},
		{"k.1:1-10", "scaffold", []string{"1-10 scaffold:T1:s:1:10:1"}},
		{"Y:9-12", "contig", []string{"3-4 contig::b.1:21:22:-1"}},
		{"P:38-42", "contig", []string{"1-3 contig::b.1:13:15:-1", "4-5 contig::p.1:1:2:1"}},
	}
	for _, tt := range tests {
		s, err := a.Slice(t.Context(), tt.region, System{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Project(t.Context(), s, a.SystemNamed(tt.system, ""))
		if err != nil || !slices.Equal(show(got), tt.want) {
			t.Errorf("%s onto %s = %q, %v; want %q", tt.region, tt.system, show(got), err, tt.want)
		}
	}
}

func TestOverlapping(t *testing.T) {
	a := open(t)
	tests := []struct {
		region string
		want   []Span
	}{
		{"1:6-40", []Span{{0, 3}, {28, 30}, {33, 37}}},   // as they lie, over the ends too
		{"1:6-40:-1", []Span{{-1, 3}, {6, 8}, {33, 36}}}, // and turned over
		{"b.1:1-10", []Span{{1, 5}}},                     // of its own
		{"1:45-50", []Span{{4, 8}}},                      // b's 1–5 lie at 48–52
		{"P:36-50", []Span{{10, 11}}},                    // its own; the one that crosses its edge is not
		{"Y:1-30", []Span{{13, 15}}},                     // the chromosome's, from the PAR; the one that crosses its end is not
	}
	for _, tt := range tests {
		s, err := a.Slice(t.Context(), tt.region, System{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Overlapping(t.Context(), s, "repeat_feature")
		slices.SortFunc(got, func(a, b Span) int { return int(a.Start - b.Start) })
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("repeats on %s = %v, %v; want %v", tt.region, got, err, tt.want)
		}
	}
}

// TestParts: every part of every slice reads as the whole does there, on both
// strands and through a layout.
func TestParts(t *testing.T) {
	a := open(t)
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"1", "P", "Y", "s", "b.1"}).Draw(t, "name")
		on, err := a.Find(ctx, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := a.Bases(ctx, Slice{on, 1, on.Length, 1})
		if err != nil {
			t.Fatal(err)
		}
		start := rapid.Int64Range(1, on.Length).Draw(t, "start")
		end := rapid.Int64Range(start, on.Length).Draw(t, "end")
		strand := rapid.SampledFrom([]int{1, -1}).Draw(t, "strand")
		want := bytes.Clone(whole[start-1 : end])
		if strand < 0 {
			want = genome.ReverseComplement(want)
		}
		s := Slice{on, start, end, strand}
		got, err := a.Bases(ctx, s)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s = %s, %v; want %s", s.Name(), got, err, want)
		}
		l, err := a.Layout(ctx, Slice{on, max(1, start-5), min(end+5, on.Length), -1})
		if err != nil {
			t.Fatal(err)
		}
		if got, err = l.Bases(ctx, s); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s through a layout = %s, %v; want %s", s.Name(), got, err, want)
		}
	})
}

func TestSliceArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Slice{Start: rapid.Int64Range(1, 1000).Draw(t, "start"), Strand: rapid.SampledFrom([]int{1, -1}).Draw(t, "strand")}
		s.End = s.Start + rapid.Int64Range(0, 1000).Draw(t, "length")
		from := rapid.Int64Range(1, s.Length()).Draw(t, "from")
		to := rapid.Int64Range(from, s.Length()).Draw(t, "to")
		sub, ok := s.Sub(from, to)
		if !ok || sub.Length() != to-from+1 {
			t.Fatalf("Sub(%d, %d) of %v = %v, %v", from, to, s, sub, ok)
		}
		if w := s.Within(sub.Start, sub.End); w != (Span{from, to}) {
			t.Fatalf("Within gives %v for what Sub(%d, %d) gave", w, from, to)
		}
		back, ok := sub.Expand(float64(from-1), float64(s.Length()-to))
		if !ok || back != s {
			t.Fatalf("Expand gives %v, want %v", back, s)
		}
	})
}

// Ends that fall between bases are cut to whole ones, as the reference does.
func TestExpandByParts(t *testing.T) {
	s, ok := Slice{Start: 100, End: 200, Strand: 1}.Expand(1.5, 1.5)
	if !ok || s.Start != 98 || s.End != 201 {
		t.Errorf("%d to %d, %v; want 98 to 201", s.Start, s.End, ok)
	}
	if _, ok := (Slice{Start: 100, End: 200, Strand: -1}).Expand(-60, -60); ok {
		t.Error("less than nothing is left, and no word of it")
	}
}
