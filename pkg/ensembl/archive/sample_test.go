package archive_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"mirrornet/pkg/ensembl/archive"
	"mirrornet/pkg/ensembl/goldentest"
)

// serve is an origin with this module over the sample genome.
func serve(t testing.TB) http.Handler { return goldentest.Sample(t, archive.Module()) }

func ask(h http.Handler, method, target, contentType, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	u, err := url.ParseRequestURI(target)
	if err != nil { // net/http's server would not ask the handler
		return w
	}
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	r.URL, r.RequestURI = u, target
	r.Header.Set("Content-Type", contentType)
	h.ServeHTTP(w, r)
	return w
}

// TestStatements: what the statements promise, the sample genome answers.
func TestStatements(t *testing.T) {
	h := serve(t)
	for _, e := range archive.Module().Endpoints {
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

// TestHistory: ids of today, of yesterday, gone, and in other forms; and a
// batch says of each what is said of it alone.
func TestHistory(t *testing.T) {
	h := serve(t)
	cases := []struct{ id, want string }{
		{"ENSG00000157764", `{"id":"ENSG00000157764","version":14,"release":"115","is_current":"1","assembly":"GRCh38","type":"Gene","possible_replacement":[],"latest":"ENSG00000157764.14","peptide":null}`},
		{"ENSG00000157764.014", `{"id":"ENSG00000157764","version":"014","release":"115","is_current":"1","assembly":"GRCh38","type":"Gene","possible_replacement":[],"latest":"ENSG00000157764.014","peptide":null}`},
		{"ENSG00000157764.13", `{"id":"ENSG00000157764","version":"13","release":"113","is_current":"","assembly":"GRCh38","type":"Gene","possible_replacement":[{"stable_id":"ENSG00000157764","score":0.96875}],"latest":"ENSG00000157764.14","peptide":null}`},
		{"ENSG00000248378", `{"id":"ENSG00000248378","version":1,"release":"114","is_current":"","assembly":"GRCh38","type":"Gene","possible_replacement":[{"stable_id":"ENSG00000157764","score":0.875}],"latest":"ENSG00000248378.1","peptide":null}`},
		{"ensp00000423456", `{"id":"ensp00000423456","version":1,"release":"114","is_current":"","assembly":"GRCh38","type":"Translation","possible_replacement":[{"stable_id":"ENSP00000493543","score":0.875}],"latest":"ensp00000423456.1","peptide":"MSAMPLEPEPTIDE"}`},
	}
	var ids, want []string
	for _, c := range cases {
		if w := ask(h, "GET", "/archive/id/"+c.id, "application/json", ""); w.Code != 200 || w.Body.String() != c.want {
			t.Errorf("%s: %d %s", c.id, w.Code, w.Body)
		}
		ids, want = append(ids, c.id, c.id+"9"), append(want, c.want)
	}
	body, err := json.Marshal(map[string][]string{"id": append(ids, ids[0])})
	if err != nil {
		t.Fatal(err)
	}
	all := "[" + strings.Join(append(want, want[0]), ",") + "]"
	if w := ask(h, "POST", "/archive/id", "application/json", string(body)); w.Code != 200 || w.Body.String() != all {
		t.Errorf("as a batch: %d %s", w.Code, w.Body)
	}
	for _, c := range []struct{ id, want string }{
		{"ENSG00000157764.1", "The archive has no record of ENSG00000157764.1"},
		{"ENSG00000157764.123456", "123456 is not valid, should be a small int"},
		{"ENSG00000248378.1", "No object found for ENSG00000248378.1"},
		{"ENSG00000248378?species=human;db_type=core;object_type=wibble", "The object_type 'wibble' is not understood by this service"},
		{"ENSG00000248378?species=wibble;db_type=core;object_type=gene", "Can not find internal name for species 'wibble'"},
	} {
		if w := ask(h, "GET", "/archive/id/"+c.id, "application/json", ""); w.Code != 400 || w.Body.String() != `{"error":"`+c.want+`"}` {
			t.Errorf("%s: %d %s", c.id, w.Code, w.Body)
		}
	}
}

// FuzzRequests: whatever is asked, the answer is no failure of the server.
func FuzzRequests(f *testing.F) {
	h := serve(f)
	f.Add("/ENSG00000157764.13", "", "")
	f.Add("/.1", "species=human;db_type=core;object_type=gene", "")
	f.Add("/ENSG00000248378", "object_type=Exon", "")
	f.Add("", "", `{"id":["ENSP00000423456",null,7,{},"ENSG00000157764.x"]}`)
	f.Add("/AGAP1-RA.2", "species=human;db_type=core;object_type=operon_transcript", `{"id":{}}`)
	f.Fuzz(func(t *testing.T, path, query, body string) {
		if strings.ContainsAny(path+query, " \r\n") {
			return
		}
		for _, method := range []string{"GET", "POST"} {
			if w := ask(h, method, "/archive/id"+path+"?"+query, "application/json", body); w.Code >= 500 {
				t.Errorf("%s /archive/id%s?%s %s: %d %s", method, path, query, body, w.Code, w.Body)
			}
		}
	})
}
