package origin

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
)

// exampleModule has one endpoint, whose id says what it does.
func exampleModule(stated, elsewhere []string) ensembl.Module {
	return ensembl.Module{Name: "examples", Endpoints: []ensembl.Endpoint{{
		Spec: apispec.Endpoint{ID: "said", Method: "GET", Path: "/said/{what}", Group: "Things", Summary: "A thing", Formats: []string{apispec.JSON, apispec.FASTA}, Freshness: fresh,
			Params: []apispec.Param{{Name: "what", In: apispec.InPath, Type: apispec.String}}, Examples: ensembl.Examples(apispec.JSON, stated...)},
		Elsewhere: ensembl.Examples(apispec.JSON, elsewhere...),
		Handle: func(_ context.Context, c ensembl.Call) (ensembl.Answer, error) {
			what := c.Path["what"]
			switch {
			case strings.HasPrefix(what, "works"):
				return ensembl.Answer{Value: what}, nil
			case what == "fails":
				return ensembl.Answer{}, errors.New("it does")
			case what == "panics":
				panic("it does")
			case what == "empty":
				return ensembl.Answer{Value: map[string]any{"a": nil, "b": []any{map[string]any{}, ""}}}, nil
			}
			return ensembl.Answer{}, ensembl.NotFound("no %s", what)
		},
	}}}
}

func TestExamplesThatWork(t *testing.T) {
	for _, tc := range []struct {
		stated, elsewhere, want string
		noData                  bool
	}{
		{stated: "works works2", elsewhere: "works3", want: "works works2"},
		{stated: "unknown works empty", elsewhere: "empty works2 works3 works4", want: "works works2 works3"},
		{stated: "fails unknown panics", elsewhere: "fails unknown", want: "fails panics"}, // which says nothing of the data
		{stated: "unknown empty", elsewhere: "unknown", want: "unknown", noData: true},
		{},
	} {
		targets := func(s string) (list []string) {
			for _, what := range strings.Fields(s) {
				list = append(list, "/said/"+what)
			}
			return list
		}
		h, err := New(Config{Modules: []ensembl.Module{exampleModule(targets(tc.stated), targets(tc.elsewhere))}, Genome: tinyOf(t, 115)})
		if err != nil {
			t.Fatal(err)
		}
		e := h.Catalogue().Endpoints[0]
		var got []string
		for _, x := range e.Examples {
			got = append(got, x.Target)
		}
		if !reflect.DeepEqual(got, targets(tc.want)) || e.NoData != tc.noData {
			t.Errorf("of %q and %q the catalogue shows %q, without data: %v", tc.stated, tc.elsewhere, got, e.NoData)
		}
		if page := ask(h, "GET", "/documentation/info/said", "").Body.String(); strings.Contains(page, "has no answer to any") != tc.noData {
			t.Errorf("the page of %q: %s", tc.stated, page)
		}
	}
	// What an upstream has is not known.
	h, err := New(Config{Modules: []ensembl.Module{exampleModule([]string{"/said/unknown"}, []string{"/said/works"})}, Upstream: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	if e := h.Catalogue().Endpoints[0]; len(e.Examples) != 1 || e.Examples[0].Target != "/said/unknown" || e.NoData {
		t.Errorf("before an upstream: %+v", e.Examples)
	}
}

func TestShows(t *testing.T) {
	for _, tc := range []struct {
		contentType, body string
		want              bool
	}{
		{apispec.JSON, `[]`, false}, {apispec.JSON, `{"mappings":[]}`, false}, {apispec.JSON, `{"A":null}`, false}, {apispec.JSON, `{"A":0}`, true}, {apispec.JSON, `[false]`, true},
		{apispec.JSON, `{"A":null,"B":{"id":"B"}}`, true}, {apispec.JSON, `{`, false},
		{apispec.XML, "<opt>\n</opt>\n", false}, {apispec.XML, "<opt>\n  <data />\n</opt>\n", false}, {apispec.XML, `<opt><data id="1"/></opt>`, true}, {apispec.XML, `<opt>text</opt>`, true},
		{apispec.GFF3, "##gff-version 3\n##sequence-region 7 1 2\n", false}, {apispec.GFF3, "##gff-version 3\n7\t.\tgene\n", true},
		{apispec.FASTA, ">chromosome:X\nNNNN\nNN\n", false}, {apispec.FASTA, ">chromosome:X\nNNNN\nNA\n", true}, {apispec.Plain, "", false}, {apispec.Plain, "ACGT", true},
	} {
		a := asked{header: http.Header{"Content-Type": {tc.contentType}}, body: []byte(tc.body), whole: true}
		if got := a.shows(tc.contentType); got != tc.want {
			t.Errorf("%s %q: %v", tc.contentType, tc.body, got)
		}
		if a.shows(apispec.BED) {
			t.Errorf("%s passes for another type", tc.contentType)
		}
	}
}
