package overlap_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"mirrornet/pkg/ensembl/overlap"
)

// TestStatements: what the statements promise, the sample genome answers, and
// has something to say.
func TestStatements(t *testing.T) {
	h := serve(t)
	for _, e := range overlap.Module().Endpoints {
		for _, x := range e.Spec.Examples {
			if w := get(h, x.Target, x.ContentType); w.Code != 200 || w.Body.Len() < 100 {
				t.Errorf("example %s: %d %s", x.Target, w.Code, w.Body)
			}
		}
		for _, target := range e.Spec.Canaries {
			if w := get(h, target, ""); w.Code != 200 || w.Body.Len() < 100 {
				t.Errorf("canary %s: %d %s", target, w.Code, w.Body)
			}
		}
	}
}

type feature struct {
	ID, Parent string
	Type       string `json:"feature_type"`
	Start, End int64
	Strand     int
}

func list(t testing.TB, h http.Handler, target string) (all []feature) {
	t.Helper()
	w := get(h, target, "application/json")
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || w.Code != 200 {
		t.Fatalf("%s: %d %s, %v", target, w.Code, w.Body, err)
	}
	return all
}

// chromosome is all that an origin gives of a chromosome of the sample.
const chromosome = "/overlap/region/human/7:1-400000"

// TestTypes: the sample genome has features of all types, on the region.
func TestTypes(t *testing.T) {
	h := serve(t)
	for _, kind := range []string{"gene", "transcript", "exon", "cds", "mane", "repeat", "simple", "misc", "band"} {
		all := list(t, h, chromosome+"?feature="+kind)
		if len(all) == 0 {
			t.Errorf("no %s", kind)
		}
		for _, f := range all {
			if f.Type != kind || f.End < 1 || f.Start > 400_000 {
				t.Errorf("%s: %+v", kind, f)
			}
		}
	}
}

// TestParts: what is found on the parts of a region is what is found on the
// whole, and the other strand sees the same from the other side.
func TestParts(t *testing.T) {
	h := serve(t)
	for _, kinds := range []string{"feature=gene", "feature=transcript", "feature=repeat", "feature=simple", "feature=misc", "feature=cds;feature=exon"} {
		whole, parts := map[string]bool{}, map[string]bool{}
		for _, f := range list(t, h, chromosome+"?"+kinds) {
			whole[fmt.Sprint(f)] = true
		}
		for at := 1; at < 400_000; at += 40_000 {
			for _, f := range list(t, h, fmt.Sprintf("/overlap/region/human/7:%d-%d?%s", at, at+39_999, kinds)) {
				parts[fmt.Sprint(f)] = true
			}
		}
		for f := range whole {
			if !parts[f] {
				t.Errorf("%s: %s is on no part", kinds, f)
			}
		}
		if len(whole) != len(parts) {
			t.Errorf("%s: %d on the whole, %d on its parts", kinds, len(whole), len(parts))
		}
		for _, f := range list(t, h, chromosome+":-1?"+kinds) {
			f.Strand = -f.Strand
			if !whole[fmt.Sprint(f)] {
				t.Errorf("%s: the other strand has %+v", kinds, f)
			}
		}
	}
}

// TestTrim: features that reach over an end are left out where that is asked for.
func TestTrim(t *testing.T) {
	h := serve(t)
	for _, g := range list(t, h, chromosome+"?feature=gene") {
		for _, test := range []struct {
			from, to int64
			strand   int
			trim     string
			found    bool
		}{
			{g.Start, g.End, 1, "trim_upstream=1;trim_downstream=1", true},
			{g.Start + 1, g.End, 1, "trim_upstream=1", false}, {g.Start + 1, g.End, 1, "trim_downstream=1", true},
			{g.Start, g.End - 1, 1, "trim_upstream=1", true}, {g.Start, g.End - 1, 1, "trim_downstream=1", false},
			{g.Start + 1, g.End, -1, "trim_upstream=1", true}, {g.Start + 1, g.End, -1, "trim_downstream=1", false},
			{g.Start + 1, g.End, 1, "trim_upstream=0;trim_downstream=", true},
		} {
			target := fmt.Sprintf("/overlap/region/human/7:%d-%d:%d?feature=gene;%s", test.from, test.to, test.strand, test.trim)
			if all := list(t, h, target); len(all) == 1 != test.found {
				t.Errorf("%s: %+v", target, all)
			}
		}
	}
}

// TestFormats: GFF3 and BED have a line for each feature, in their terms.
func TestFormats(t *testing.T) {
	h := serve(t)
	const kinds = "?feature=gene;feature=transcript;feature=exon;feature=cds;feature=repeat;feature=simple;feature=misc;feature=band;feature=mane"
	all := list(t, h, chromosome+kinds)
	gff := strings.Split(strings.TrimSuffix(get(h, chromosome+kinds, "text/x-gff3").Body.String(), "\n"), "\n")
	if len(gff) != len(all)+2 || gff[0] != "##gff-version 3" || gff[1] != "##sequence-region   7 1 400000" {
		t.Errorf("GFF3 of %d features has %d lines and begins %q", len(all), len(gff), gff[:2])
	}
	for _, line := range gff[2:] {
		columns := strings.Split(line, "\t")
		if len(columns) != 9 || columns[0] != "7" || !strings.Contains("+-.", columns[6]) {
			t.Errorf("GFF3: %q", line)
		}
	}
	bed := strings.Split(strings.TrimSuffix(get(h, chromosome+strings.Replace(kinds, "feature=cds;", "", 1), "text/x-bed").Body.String(), "\n"), "\n")
	for _, line := range bed {
		if n := strings.Count(line, "\t"); n != 5 && n != 19 || !strings.HasPrefix(line, "chr7\t") {
			t.Errorf("BED: %q", line)
		}
	}
}

// FuzzRequests: whatever is asked, the answer is no failure of the server.
func FuzzRequests(f *testing.F) {
	h := serve(f)
	f.Add("region/human/7:1-400000:-1", "feature=gene;feature=transcript;feature=cds;feature=exon;biotype=protein_coding", "application/json")
	f.Add("region/human/7:1-400000", "feature=repeat;feature=simple;feature=misc;feature=band;feature=mane;trim_upstream=1", "text/x-gff3")
	f.Add("region/human/X:100-9000000", "feature=transcript;logic_name=ensembl;db_type=otherfeatures", "text/x-bed")
	f.Add("region/9606/SMP7010000.1:1-70000", "coord_system=contig;feature=exon;feature=constrained;species_set=birds", "text/xml")
	f.Add("id/ENSG00000157764.99", "feature=cds;object_type=gene;species=human;db_type=core", "text/x-bed")
	f.Add("translation/ENSP00000288602", "feature=protein_feature;type=Pfam;so_term=SO:0001583", "application/json")
	f.Fuzz(func(t *testing.T, path, query, contentType string) {
		if strings.ContainsAny(path+query, " \r\n") {
			return
		}
		if w := get(h, "/overlap/"+path+"?"+query, contentType); w.Code >= 500 {
			t.Errorf("/overlap/%s?%s as %s: %d %s", path, query, contentType, w.Code, w.Body)
		}
	})
}

// TestContigs: what lies on a contig is what lies on its piece of the
// chromosome, unless it reaches over the piece's ends. The sample begins every
// second contig with 500 bases of its own, and turns every third round.
func TestContigs(t *testing.T) {
	h := serve(t)
	const first, piece = 10_000, 80_000
	for n := range int64(2) {
		from := first + n*piece
		skip := n % 2 * 500
		for _, strand := range []int{1, -1} {
			on := list(t, h, fmt.Sprintf("/overlap/region/human/SMP7%06d.1:1-%d:%d?feature=repeat;feature=simple;coord_system=contig", from, piece+skip, strand))
			want := map[string]bool{}
			for _, f := range list(t, h, fmt.Sprintf("/overlap/region/human/7:%d-%d:%d?feature=repeat;feature=simple", from+1, from+piece, strand)) {
				if f.Start > from && f.End <= from+piece {
					want[fmt.Sprint(f)] = true
				}
			}
			if len(want) == 0 {
				t.Fatalf("nothing on piece %d", n)
			}
			for _, f := range on {
				f.Start, f.End = f.Start+from-skip, f.End+from-skip
				if !want[fmt.Sprint(f)] {
					t.Errorf("contig %d has %+v, the chromosome has not", n, f)
				}
			}
			if len(on) != len(want) {
				t.Errorf("contig %d has %d features, its piece has %d", n, len(on), len(want))
			}
		}
	}
}
