package mapping_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/ensembl/mapping"
)

// serve is an origin with this module over the sample genome.
func serve(t testing.TB) http.Handler { return goldentest.Sample(t, mapping.Module()) }

func ask(h http.Handler, method, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", nil)
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI = path, "", query, target
	r.Header.Set("Accept", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

type side struct {
	Sequence   string `json:"seq_region_name"`
	Assembly   string
	Start, End int64
	Strand     json.Number
	Gap        int
}

func (s side) String() string {
	return fmt.Sprintf("%s:%d-%d:%s", s.Sequence, s.Start, s.End, s.Strand)
}

// converted asks and reads mappings with their originals.
func converted(t interface {
	Helper()
	Fatalf(string, ...any)
}, h http.Handler, target string) (out []struct{ Mapped, Original side }) {
	t.Helper()
	w := ask(h, "GET", target)
	var answer struct {
		Mappings []struct{ Mapped, Original side }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		t.Fatalf("%s: %d %s", target, w.Code, w.Body)
	}
	return answer.Mappings
}

// TestStatements: what the statements promise, the sample genome answers.
func TestStatements(t *testing.T) {
	h := serve(t)
	for _, e := range mapping.Module().Endpoints {
		targets := e.Spec.Canaries
		for _, x := range e.Spec.Examples {
			targets = append(targets, x.Target)
		}
		for _, target := range targets {
			if w := ask(h, "GET", target); w.Code != 200 || !strings.Contains(w.Body.String(), `"start"`) {
				t.Errorf("%s: %d %s", target, w.Code, w.Body)
			}
		}
	}
}

// TestAssemblies: a region of one assembly, mapped to the other and back, is
// itself, as far as it maps.
func TestAssemblies(t *testing.T) {
	h := serve(t)
	rapid.Check(t, func(t *rapid.T) {
		from, to := "GRCh37", "GRCh38"
		if rapid.Bool().Draw(t, "backward") {
			from, to = to, from
		}
		start := rapid.Int64Range(1, 419_000).Draw(t, "start")
		end := start + rapid.Int64Range(0, 850).Draw(t, "length")
		strand := rapid.SampledFrom([]int{1, -1}).Draw(t, "strand")
		region := fmt.Sprintf("7:%d-%d:%d", start, end, strand)
		bases := int64(0)
		for _, m := range converted(t, h, "/map/human/"+from+"/"+region+"/"+to) {
			bases += m.Original.End - m.Original.Start + 1
			if m.Original.End-m.Original.Start != m.Mapped.End-m.Mapped.Start || m.Mapped.Assembly != to || m.Original.Assembly != from {
				t.Fatalf("%s: %v onto %v", region, m.Original, m.Mapped)
			}
			back := converted(t, h, fmt.Sprintf("/map/human/%s/%v/%s", to, m.Mapped, from))
			if len(back) != 1 || back[0].Mapped.Start != m.Original.Start || back[0].Mapped.End != m.Original.End || back[0].Mapped.Strand != m.Original.Strand {
				t.Fatalf("%s: %v maps to %v, and back to %v", region, m.Original, m.Mapped, back)
			}
		}
		if missing := end - start + 1 - bases; missing < 0 || missing > 150 {
			t.Fatalf("%s: %d bases map", region, bases)
		}
	})
}

// TestTranscripts: a coding sequence is a stretch of the spliced transcript,
// and three of its bases are a residue; what maps adds up.
func TestTranscripts(t *testing.T) {
	h := serve(t)
	places := func(t *rapid.T, target string) (all []string, bases int64) {
		w := ask(h, "GET", target)
		var answer struct{ Mappings []side }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
			t.Fatalf("%s: %d %s", target, w.Code, w.Body)
		}
		for _, m := range answer.Mappings {
			all = append(all, m.String())
			bases += m.End - m.Start + 1
		}
		return all, bases
	}
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Int64Range(1, 40).Draw(t, "first")
		last := first + rapid.Int64Range(0, 60).Draw(t, "residues")
		protein, bases := places(t, fmt.Sprintf("/map/translation/ENSP00000288602/%d..%d", first, last))
		coding, _ := places(t, fmt.Sprintf("/map/cds/ENST00000288602/%d..%d", 3*first-2, 3*last))
		if fmt.Sprint(protein) != fmt.Sprint(coding) || bases != 3*(last-first+1) {
			t.Fatalf("residues %d–%d lie at %v, %d bases; their codons at %v", first, last, protein, bases, coding)
		}
		start := rapid.Int64Range(1, 500).Draw(t, "start")
		end := start + rapid.Int64Range(0, 500).Draw(t, "length")
		at := start
		for _, m := range converted(t, h, fmt.Sprintf("/map/cdna/ENST00000288602/%d-%d?include_original_region=1", start, end)) {
			if m.Original.Start != at || m.Original.End-m.Original.Start != m.Mapped.End-m.Mapped.Start {
				t.Fatalf("%d–%d: %v at %v, want from %d", start, end, m.Original, m.Mapped, at)
			}
			at = m.Original.End + 1
		}
		if at != end+1 {
			t.Fatalf("%d–%d maps up to %d", start, end, at-1)
		}
	})
}

// FuzzRequests: whatever is asked, the answer is no failure of the server.
func FuzzRequests(f *testing.F) {
	h := serve(f)
	f.Add("cdna/ENST00000288602/100..300", "include_original_region=1")
	f.Add("cds/ENST00000288602/300-100", "species=human;db_type=core")
	f.Add("translation/ENSP00000288602.3/1..99999999999999999999", "")
	f.Add("cdna/.1/1..1", "db_type=stable_ids;species=human")
	f.Add("human/GRCh37/X:1000000..1000100:1/GRCh38", "")
	f.Add("human/0/SMPX000001.1:1-0/0", "coord_system=contig;target_coord_system=toplevel")
	f.Add("human/GRCh38/7:300000-200000:0/GRCh37", "coord_system=toplevel;target_coord_system=seqlevel")
	f.Add("mouse/GRCm39/1:-1E3,0 M./x", "target_coord_system=contig")
	f.Fuzz(func(t *testing.T, path, query string) {
		if strings.ContainsAny(path+query, " \r\n") {
			return
		}
		if w := ask(h, "GET", "/map/"+path+"?"+query); w.Code >= 500 {
			t.Errorf("/map/%s?%s: %d %s", path, query, w.Code, w.Body)
		}
	})
}

func BenchmarkMap(b *testing.B) {
	h := serve(b)
	for name, target := range map[string]string{
		"cdna": "/map/cdna/ENST00000288602/100..300", "translation": "/map/translation/ENSP00000288602/100..300",
		"assembly": "/map/human/GRCh37/X:1000000..1000100:1/GRCh38",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ask(h, "GET", target)
			}
		})
	}
}
