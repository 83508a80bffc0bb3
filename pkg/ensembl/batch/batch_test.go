package batch

import (
	"encoding/json"
	"slices"
	"testing"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
)

func call(t *testing.T, body, query string) ensembl.Call {
	t.Helper()
	c := ensembl.Call{Request: apispec.Request{Query: apispec.ParseQuery(query)}}
	if err := json.Unmarshal([]byte(body), &c.Body); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestList(t *testing.T) {
	tests := []struct {
		body string
		want []string
		ok   bool
		bad  bool
	}{
		{`{"ids":["a","b"]}`, []string{"a", "b"}, true, false},
		{`{"ids":["a",7,null,"b"]}`, []string{"a", "7", "", "b"}, true, false},
		{`{"ids":[]}`, nil, true, false},
		{`{"ids":null}`, nil, true, false},
		{`{}`, nil, false, false},
		{`{"ids":"a"}`, nil, true, true},
		{`{"ids":{"a":1}}`, nil, true, true},
		{`{"ids":[["a"],{},true,false]}`, []string{"[]", "{}", "1", ""}, true, false},
		{`{"ids":["a","b","c","d","e"]}`, nil, true, true},
	}
	for _, tt := range tests {
		got, ok, err := List(call(t, tt.body, ""), "ids", 4)
		if !slices.Equal(got, tt.want) || ok != tt.ok || (err != nil) != tt.bad {
			t.Errorf("List(%s) = %q, %v, %v; want %q, %v, error %v", tt.body, got, ok, err, tt.want, tt.ok, tt.bad)
		}
	}
}

func TestOption(t *testing.T) {
	tests := []struct {
		body, query string
		want        string
		flag        bool
	}{
		{`{}`, "x=5", "5", true},
		{`{"x":1}`, "x=0", "1", true},
		{`{"x":"0"}`, "x=1", "0", false},
		{`{"x":true}`, "", "1", true},
		{`{"x":false}`, "x=1", "", false},
		{`{"x":null}`, "x=1", "", false},
		{`{"x":""}`, "", "", false},
		{`{"x":{"a": 1}}`, "", "{}", true},
		{`{"x":[1, 2]}`, "", "[]", true},
		{`{}`, "", "", false},
	}
	for _, tt := range tests {
		c := call(t, tt.body, tt.query)
		if got := Option(c, "x"); got != tt.want {
			t.Errorf("Option(%s, %s) = %q, want %q", tt.body, tt.query, got, tt.want)
		}
		if got := Flag(c, "x"); got != tt.flag {
			t.Errorf("Flag(%s, %s) = %v, want %v", tt.body, tt.query, got, tt.flag)
		}
	}
}

func FuzzList(f *testing.F) {
	f.Add(`{"ids":["a",1,null]}`)
	f.Add(`{"ids":[[]]}`)
	f.Fuzz(func(t *testing.T, body string) {
		c := ensembl.Call{}
		if json.Unmarshal([]byte(body), &c.Body) != nil {
			return
		}
		items, _, err := List(c, "ids", 10)
		if err == nil && len(items) > 10 {
			t.Fatalf("%d items pass a limit of 10", len(items))
		}
		Flag(c, "ids")
	})
}
