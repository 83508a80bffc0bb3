package cachekey

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

func TestCanonicalJSON(t *testing.T) {
	for _, tc := range []struct {
		want   string // "": not to be expressed
		bodies []string
	}{
		{`{"expand":1,"ids":["A","b"]}`, []string{`{"ids":["A","b"],"expand":1}`, "\n{ \"expand\":\t1 ,\r\"ids\": [ \"\\u0041\", \"b\" ] } "}},
		{`{"ids":["b","A"]}`, []string{`{"ids":["b","A"]}`}},                   // the order of a batch is the API's to judge
		{`{"ids":["A","A"]}`, []string{`{"ids":["A","A"]}`}},                   // and so are duplicates
		{`{"n":1.0}`, []string{`{"n":1.0}`}}, {`{"n":1}`, []string{`{"n":1}`}}, // numbers are texts
		{`{"n":"1"}`, []string{`{"n":"1"}`}},
		{`{"a":{"b":[],"c":{}}}`, []string{`{"a":{"c":{},"b":[]}}`}},
		{"", []string{``, ` `, `[]`, `null`, `"x"`, `{`, `{}x`, `{} {}`, `{"a":1,"a":1}`, `{"a":1,"A":2}`, `{"a":{"b":1,"B":2}}`, `{"k":1,"\u212a":2}`,
			`{"a":"\ud800"}`, `{"\udfff":1}`, `{"a":"\ufffd"}`, "{\"a\":\"\xff\"}", "\ufeff{}"}},
	} {
		for _, body := range tc.bodies {
			got, ok := canonicalJSON([]byte(body))
			if string(got) != tc.want || ok != (tc.want != "") {
				t.Errorf("%q: %v %q, want %q", body, ok, got, tc.want)
			}
		}
	}
}

// The canonical form says what the body says, to any parser: it is its own
// form, and no other body has it by accident.
func FuzzCanonicalJSON(f *testing.F) {
	for _, s := range []string{`{"ids":["A","\u0041"],"n":1e400,"x":{"b":[true,null],"a":-0.0}}`, `{"a":1,"\u0041":2}`, `{"a":"\ud800\udc00"}`, ` [{"ids":1}] `, "{\"\u2028\":\"<&>\"}"} {
		f.Add([]byte(s))
	}
	decode := func(b []byte) (v any, err error) {
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		err = d.Decode(&v)
		return v, err
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		form, ok := canonicalJSON(body)
		if !ok {
			return
		}
		said, err := decode(body)
		if err != nil {
			t.Fatalf("%q is no JSON, and %q its form", body, form)
		}
		if says, err := decode(form); err != nil || !reflect.DeepEqual(said, says) {
			t.Errorf("%q says %v, its form %q %v %v", body, said, form, says, err)
		}
		if again, ok := canonicalJSON(form); !ok || !bytes.Equal(again, form) {
			t.Errorf("%q is not its own form: %v %q", form, ok, again)
		}
		var spaced bytes.Buffer
		if err := json.Indent(&spaced, body, " ", "\t"); err != nil {
			t.Fatal(err)
		}
		if other, ok := canonicalJSON(spaced.Bytes()); !ok || !bytes.Equal(other, form) {
			t.Errorf("spaces matter: %q %v %q", form, ok, other)
		}
	})
}
