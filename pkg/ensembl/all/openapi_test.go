package all_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl/all"
	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/genomedb/sample"
	"mirrornet/pkg/origin"
)

type operation struct {
	OperationID string `json:"operationId"`
	Parameters  []struct {
		Name, In string
		Required bool
		Schema   map[string]any
	}
	RequestBody struct {
		Content map[string]struct {
			Schema struct {
				Properties map[string]any
				Required   []string
			}
		}
	}
	Responses map[string]struct{ Content map[string]any }
}

// served is an origin over the sample genome, and its document.
func served(t *testing.T) (h *origin.Handler, paths map[string]map[string]operation) {
	t.Helper()
	genome, err := sample.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { genome.Close() })
	if h, err = origin.New(origin.Config{Modules: all.Modules(), Genome: genome}); err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal(h.OpenAPI(), &document); err != nil {
		t.Fatal(err)
	}
	return h, document.Paths
}

// TestOpenAPICovers: the document has each method on each path of the
// catalogue, with its parameters, the fields of its body and its formats, and
// nothing else.
func TestOpenAPICovers(t *testing.T) {
	h, paths := served(t)
	operations := 0
	for _, item := range paths {
		operations += len(item)
	}
	same := func(where, what string, got, want []string) {
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %s %q, want %q", where, what, got, want)
		}
	}
	for _, e := range h.Catalogue().Endpoints {
		for _, path := range append([]string{e.Path}, e.Aliases...) {
			if apispec.PassesOver(path) {
				continue
			}
			where := e.Method + " " + path
			operations--
			op, ok := paths[path][strings.ToLower(e.Method)]
			if !ok {
				t.Errorf("%s is not in the document", where)
				continue
			}
			var got, want, required []string
			for _, p := range op.Parameters {
				got = append(got, p.In+" "+p.Name)
				if p.Required {
					required = append(required, p.Name)
				}
				if d, enum := p.Schema["default"], p.Schema["enum"]; d != nil && enum != nil && !slices.Contains(enum.([]any), d) {
					t.Errorf("%s: the default %v of %s is not among %v", where, d, p.Name, enum)
				}
			}
			var must []string
			for _, p := range e.Params {
				if p.In == apispec.InPath && !strings.Contains(path+"/", "{"+p.Name+"}/") {
					continue
				}
				want = append(want, string(p.In)+" "+p.Name)
				if p.Required || p.In == apispec.InPath {
					must = append(must, p.Name)
				}
			}
			if e.Method == "GET" && len(e.Formats) > 1 {
				want = append(want, "query content-type")
			}
			if e.Offers(apispec.JSONP) {
				want = append(want, "query callback")
			}
			same(where, "parameters", got, want)
			same(where, "required parameters", required, must)
			got, want = nil, slices.Clone(e.Formats)
			for f := range op.Responses["200"].Content {
				got = append(got, f)
			}
			same(where, "formats", got, want)
			got, want, must = nil, nil, nil
			body := op.RequestBody.Content[apispec.JSON].Schema
			for f := range body.Properties {
				got = append(got, f)
			}
			if e.Body != nil {
				for _, f := range e.Body.Fields {
					want = append(want, f.Name)
					if f.Required {
						must = append(must, f.Name)
					}
				}
			}
			same(where, "fields of the body", got, want)
			same(where, "required fields of the body", body.Required, must)
		}
	}
	if operations != 0 {
		t.Errorf("the document has %d operations that the catalogue does not", operations)
	}
}

// answers validates answers in JSON against the document.
type answers struct {
	document any
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema
}

func newAnswers(t *testing.T, document []byte) *answers {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	a := &answers{document: v, compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	if err := a.compiler.AddResource("openapi.json", v); err != nil {
		t.Fatal(err)
	}
	return a
}

// check gives what is wrong with an answer with a status of an endpoint.
func (a *answers) check(t *testing.T, e *apispec.Endpoint, status int, body []byte) error {
	t.Helper()
	at := "openapi.json#/components/schemas/Error"
	if status == 200 {
		escaped := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(e.Path)
		at = "openapi.json#/paths/" + escaped + "/" + strings.ToLower(e.Method) + "/responses/200/content/application~1json/schema"
	}
	s := a.schemas[at]
	if s == nil {
		var err error
		if s, err = a.compiler.Compile(at); err != nil {
			t.Fatal(err)
		}
		a.schemas[at] = s
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// TestOpenAPIAnswers: the schemas hold for the answers to all examples and for
// what the reference was recorded to answer, and do not hold for anything.
func TestOpenAPIAnswers(t *testing.T) {
	h, _ := served(t)
	a := newAnswers(t, h.OpenAPI())
	c := h.Catalogue()
	for i := range c.Endpoints {
		e := &c.Endpoints[i]
		if !e.Offers(apispec.JSON) {
			continue
		}
		for _, x := range e.Examples {
			r := httptest.NewRequest(e.Method, x.Target, strings.NewReader(x.Body))
			r.Header.Set("Accept", apispec.JSON)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Header().Get("Content-Type") != apispec.JSON {
				continue // the example asks for another format
			}
			if err := a.check(t, e, w.Code, w.Body.Bytes()); err != nil {
				t.Errorf("%s %s: %v", e.Method, x.Target, err)
			}
		}
		if strings.HasPrefix(e.ID, "lookup") && a.check(t, e, 200, []byte(`{"id": 1}`)) == nil {
			t.Errorf("%s: the schema allows an id that is a number", e.ID)
		}
	}

	shared := os.Getenv("MIRRORNET_SHARED")
	if shared == "" {
		shared = "../../../../shared"
	}
	f, err := os.Open(filepath.Join(shared, "ensembl", "golden.jsonl"))
	if err != nil {
		t.Logf("without the reference's recorded answers: %v", err)
		return
	}
	defer f.Close()
	index, err := apispec.NewIndex(c)
	if err != nil {
		t.Fatal(err)
	}
	checked := map[string]int{}
	for dec := json.NewDecoder(bufio.NewReader(f)); dec.More(); {
		var r goldentest.Record
		if err := dec.Decode(&r); err != nil {
			t.Fatal(err)
		}
		if r.Text == nil || !strings.HasPrefix(r.Response["content-type"], apispec.JSON) {
			continue
		}
		path, query, _ := strings.Cut(r.Path, "?")
		head := http.Header{}
		for k, v := range r.Headers {
			head.Set(k, v)
		}
		req, _, ok := index.Resolve(r.Method, path, query, head)
		if !ok || r.Status != 200 && r.Status != 400 || r.Method == "OPTIONS" || r.Status == 200 && strings.HasPrefix(*r.Text, `{"error":`) {
			continue // the reference refuses with a 200, too
		}
		if err := a.check(t, req.Endpoint, r.Status, []byte(*r.Text)); err != nil {
			t.Errorf("%s: %s %s: %v\n%.300s", r.ID, r.Method, r.Path, err, *r.Text)
			continue
		}
		checked[req.Endpoint.ID]++
	}
	t.Logf("recorded answers that the schemas allow: %v", checked)
	if len(checked) < 30 {
		t.Errorf("recorded answers of %d endpoints, want 30", len(checked))
	}
}
