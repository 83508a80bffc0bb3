package origin

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mirrornet/pkg/ensembl"
)

type node struct {
	Name     string   `json:"name"`
	Size     *int64   `json:"size"`
	Score    rounded  `json:"score"`
	Own      own      `json:"own"`
	Text     int      `json:"text,string"`
	Parent   *node    `json:"parent,omitempty"`
	Children []*node  `json:"children,omitzero"`
	Late     **string `json:"late,omitempty"`
	Secret   string   `json:"-"`
	Plain    bool
	hidden   int
	*extra
}

type extra struct {
	More []string `json:"more"`
}

type rounded float64

func (rounded) MarshalJSON() ([]byte, error) { return []byte("1"), nil }

type own struct{}

func (own) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }

// TestSchemas: what encoding/json makes of a type, in JSON Schema.
func TestSchemas(t *testing.T) {
	for name, c := range map[string]struct {
		answer any
		want   string
	}{
		"scalars":           {map[string]int{}, `{"type":"object","additionalProperties":{"type":"integer"}}`},
		"a list":            {[]string{}, `{"type":"array","items":{"type":"string"}}`},
		"a list or null":    {new([]string), `{"type":["array","null"],"items":{"type":"string"}}`},
		"elements or null":  {[]**bool{}, `{"type":"array","items":{"type":["boolean","null"]}}`},
		"a number as text":  {json.Number(""), `{"type":"number"}`},
		"whatever it is":    {map[string]any{}, `{"type":"object","additionalProperties":{}}`},
		"one of two":        {ensembl.Either{1.5, []own{}}, `{"anyOf":[{"type":"number"},{"type":"array","items":{}}]}`},
		"an object or null": {map[string]*node{}, `{"type":"object","additionalProperties":{"anyOf":[{"$ref":"#/components/schemas/origin.node"},{"type":"null"}]}}`},
		"an unnamed object": {struct{ A extra }{}, `{"type":"object","required":["A"],"properties":{"A":{"$ref":"#/components/schemas/origin.extra"}}}`},
	} {
		s := schemas{named: obj{}}
		got, err := json.Marshal(s.answer(c.answer))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(parsed(t, c.want), parsed(t, string(got))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	s := schemas{named: obj{}}
	s.answer(node{hidden: 1})
	got, err := json.Marshal(s.named["origin.node"])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"object","required":["name","size","score","own","text","Plain"],"properties":{
		"name":{"type":"string"},"size":{"type":["integer","null"]},"score":{"type":"number"},"own":{},"text":{"type":"string"},
		"parent":{"$ref":"#/components/schemas/origin.node"},"children":{"type":"array","items":{"$ref":"#/components/schemas/origin.node"}},
		"late":{"type":["string","null"]},"Plain":{"type":"boolean"},"more":{"type":"array","items":{"type":"string"}}}}`
	if diff := cmp.Diff(parsed(t, want), parsed(t, string(got))); diff != "" {
		t.Error(diff)
	}
}

func parsed(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}
