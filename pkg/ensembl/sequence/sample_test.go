package sequence_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/sequence"
	"mirrornet/pkg/genome"
	"mirrornet/pkg/genomedb/sample"
	"mirrornet/pkg/origin"
)

// serve is an origin with this module over the sample genome.
func serve(t testing.TB) http.Handler {
	t.Helper()
	reg, err := sample.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reg.Close() })
	h, err := origin.New(origin.Config{Modules: []ensembl.Module{sequence.Module()}, Genome: reg,
		Limits: ensembl.Limits{Sequence: 200_000}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func ask(h http.Handler, method, target, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI = path, "", query, target
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestStatements: what the statements promise, the sample genome answers.
func TestStatements(t *testing.T) {
	h := serve(t)
	for _, e := range sequence.Module().Endpoints {
		for _, x := range e.Spec.Examples {
			if w := ask(h, e.Spec.Method, x.Target, x.ContentType, x.Body); w.Code != 200 {
				t.Errorf("example %s %s: %d %s", e.Spec.Method, x.Target, w.Code, w.Body)
			}
		}
		for _, target := range e.Spec.Canaries {
			if w := ask(h, "GET", target, "", ""); w.Code != 200 {
				t.Errorf("canary %s: %d %s", target, w.Code, w.Body)
			}
		}
	}
}

func text(t testing.TB, h http.Handler, target string) string {
	t.Helper()
	w := ask(h, "GET", target, "text/plain", "")
	if w.Code != 200 {
		t.Fatalf("%s: %d %s", target, w.Code, w.Body)
	}
	return w.Body.String()
}

// TestSplicing: coding sequences translate to proteins, lie in spliced ones,
// and are what the genome says at the exons.
func TestSplicing(t *testing.T) {
	h := serve(t)
	table, _ := genome.Codons(1)
	for _, id := range []string{"ENST00000288602", "ENST00000380152", "ENST00000369980"} {
		at := "/sequence/id/" + id
		cdna, cds, protein := text(t, h, at+"?type=cdna"), text(t, h, at+"?type=cds"), text(t, h, at+"?type=protein")
		if got := strings.TrimSuffix(string(table.Translate([]byte(cds))), "*"); got != protein {
			t.Errorf("%s: the coding sequence gives %.40s…, the protein is %.40s…", id, got, protein)
		}
		if !strings.Contains(cdna, cds) {
			t.Errorf("%s: the coding sequence is not in the spliced one", id)
		}
		masked := text(t, h, at+"?type=cdna;mask_feature=1")
		if strings.ToUpper(masked) != cdna || strings.Trim(masked, "acgtn") != cds {
			t.Errorf("%s: upper case in the masked spliced sequence is not the coding one", id)
		}
		masked = text(t, h, at+"?mask_feature=1")
		exons := strings.Map(func(c rune) rune {
			if c >= 'a' {
				return -1
			}
			return c
		}, masked)
		if exons != cdna || strings.ToUpper(masked) != text(t, h, at) {
			t.Errorf("%s: upper case in the masked genomic sequence is not the spliced one", id)
		}
	}
}

// TestTrim: a part is a part of the whole.
func TestTrim(t *testing.T) {
	h := serve(t)
	for _, id := range []string{"ENST00000288602", "ENSG00000139618", "ENSP00000288602"} {
		for _, kind := range []string{"genomic", "cdna", "cds"} {
			if strings.HasPrefix(id, "ENSG") && kind != "genomic" {
				continue
			}
			at := "/sequence/id/" + id + "?type=" + kind
			whole := text(t, h, at)
			for _, part := range [][2]int{{1, 1}, {3, 9}, {1, len(whole)}, {len(whole), len(whole)}} {
				got := text(t, h, fmt.Sprintf("%s;start=%d;end=%d", at, part[0], part[1]))
				if got != whole[part[0]-1:part[1]] {
					t.Errorf("%s: %d–%d is %.40s, want %.40s", at, part[0], part[1], got, whole[part[0]-1:])
				}
			}
			for _, bad := range []string{"start=9;end=3", "start=-1", fmt.Sprintf("end=%d", len(whole)+1), fmt.Sprintf("end=%d", len(whole)+2), fmt.Sprintf("start=%d", len(whole)+1)} {
				w := ask(h, "GET", at+";"+bad, "application/json", "")
				if w.Code != 400 && !(w.Code == 200 && strings.HasSuffix(bad, fmt.Sprint(len(whole)+1))) {
					t.Errorf("%s;%s: %d %.100s, want 400", at, bad, w.Code, w.Body)
				}
			}
		}
	}
}

// TestRegion: strands are reverse complements, masks change nothing but case
// or N, and limits hold.
func TestRegion(t *testing.T) {
	h := serve(t)
	at := "/sequence/region/human/7:100000-130000"
	forward := text(t, h, at+":1")
	if got := string(genome.ReverseComplement([]byte(text(t, h, at+":-1")))); got != forward {
		t.Error("the reverse strand is not the reverse complement")
	}
	soft, hard := text(t, h, at+":1?mask=soft"), text(t, h, at+":1?mask=hard")
	for i := range forward {
		if masked := soft[i] >= 'a'; masked && hard[i] != 'N' || !masked && hard[i] != forward[i] || soft[i]&^0x20 != forward[i] {
			t.Fatalf("base %d: %c, soft %c, hard %c", i, forward[i], soft[i], hard[i])
		}
	}
	if got := text(t, h, at+":-1?expand_5prime=3;expand_3prime=2"); !strings.Contains(got, string(genome.ReverseComplement([]byte(forward)))) || len(got) != len(forward)+5 {
		t.Errorf("expanded to %d bases", len(got))
	}
	for target, want := range map[string]int{
		"/sequence/region/human/7:20-10":                         400,
		"/sequence/region/human/7:1-200001":                      400,
		"/sequence/region/human/7:1-10?mask=wibble":              400,
		"/sequence/region/human/7:1-10?mask=soft;mask_feature=1": 400,
		"/sequence/region/human/7:1-10?expand_5prime=-50":        400,
		"/sequence/region/nobody/7:1-10":                         400,
	} {
		if w := ask(h, "GET", target, "application/json", ""); w.Code != want || !strings.Contains(w.Body.String(), `"error"`) {
			t.Errorf("%s: %d %.100s, want %d", target, w.Code, w.Body, want)
		}
	}
}

// FuzzRequests: whatever is asked, the answer is no failure of the server.
func FuzzRequests(f *testing.F) {
	h := serve(f)
	f.Add("id/ENSG00000157764", "type=protein;multiple_sequences=1;start=5;end=9", "")
	f.Add("id/ENST00000288602", "type=cds;start=-1;end=999999999999999999", "")
	f.Add("id/ENSP00000288602", "start=1;end=0", "")
	f.Add("id/ENSE00001154485", "expand_5prime=-9223372036854775808;mask=soft", "")
	f.Add("region/human/7:100000-130000:-1", "mask=hard;expand_3prime=9223372036854775807", "")
	f.Add("region/human/7:1152921504606846976", "coord_system=contig;coord_system_version=x", "")
	f.Add("id", "", `{"ids":["ENST00000288602","ENSG00000157764"],"type":"protein","start":"9","end":2}`)
	f.Add("region/human", "", `{"regions":["X:1-9",null,"7:1-2:-1"],"mask":7}`)
	f.Fuzz(func(t *testing.T, path, query, body string) {
		if strings.ContainsAny(path+query, " \r\n") {
			return
		}
		for _, method := range []string{"GET", "POST"} {
			if w := ask(h, method, "/sequence/"+path+"?"+query, "application/json", body); w.Code >= 500 {
				t.Errorf("%s /sequence/%s?%s %s: %d %s", method, path, query, body, w.Code, w.Body)
			}
		}
	})
}

func BenchmarkSequence(b *testing.B) {
	h := serve(b)
	for name, target := range map[string]string{
		"gene": "/sequence/id/ENSG00000157764", "protein": "/sequence/id/ENSP00000288602", "region": "/sequence/region/human/7:100000-130000",
		"masked": "/sequence/region/human/7:100000-130000?mask=soft",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ask(h, "GET", target, "application/json", "")
			}
		})
	}
}
