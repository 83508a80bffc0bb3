package origin

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func TestEncode(t *testing.T) {
	for _, tc := range []struct{ name, json, xml, yaml string }{
		{"scalars", `{"ping":1}`, "<opt>\n  <data ping=\"1\" />\n</opt>\n", "--- \nping: 1\n"},
		{"list", `{"releases":[115]}`, "<opt>\n  <data>\n    <releases>115</releases>\n  </data>\n</opt>\n", "--- \nreleases: \n  - 115\n"},
		{"list at the top", `["coding","snoncoding"]`, "<opt>\n  <data>coding</data>\n  <data>snoncoding</data>\n</opt>\n", "--- \n- coding\n- snoncoding\n"},
		{"key first", `[{"b":"1","name":"x","a":null}]`, "<opt>\n  <data name=\"x\" a=\"\" b=\"1\" />\n</opt>\n", "--- \n- \n  a: ~\n  b: 1\n  name: x\n"},
		{"object of objects", `{"B":{"v":1},"A":{"v":2}}`, "<opt>\n  <data name=\"A\" v=\"2\" />\n  <data name=\"B\" v=\"1\" />\n</opt>\n", "--- \nA: \n  v: 2\nB: \n  v: 1\n"},
		{"empty", `{"a":[],"b":{}}`, "<opt>\n  <data>\n    <b></b>\n  </data>\n</opt>\n", "--- \na: []\n\nb: {}\n\n"},
		{"texts", `{"a":"15.11","b":"","c":"NULL","d":"x: y","e":"it's #1","f":"true"}`,
			"<opt>\n  <data a=\"15.11\" b=\"\" c=\"NULL\" d=\"x: y\" e=\"it's #1\" f=\"true\" />\n</opt>\n",
			"--- \na: '15.11'\nb: ''\nc: 'NULL'\nd: \"x: y\"\ne: \"it's #1\"\nf: 'true'\n"},
		{"list of lists", `[[1,2],[3]]`, "<opt>\n  <data>\n    <anon>1</anon>\n    <anon>2</anon>\n  </data>\n  <data>\n    <anon>3</anon>\n  </data>\n</opt>\n",
			"--- \n- \n  - 1\n  - 2\n- \n  - 3\n"},
		{"markup", `{"a":"<\"&\u0001>"}`, "<opt>\n  <data a=\"&lt;&quot;&amp;&gt;\" />\n</opt>\n", "--- \na: \"<\\\"&\\x01>\"\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n, err := parseTree([]byte(tc.json))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(encodeXML(n)); got != tc.xml {
				t.Errorf("XML\n%s\nwant\n%s", got, tc.xml)
			}
			if got := string(encodeYAML(n)); got != tc.yaml {
				t.Errorf("YAML\n%s\nwant\n%s", got, tc.yaml)
			}
		})
	}
}

// FuzzEncode: whatever a handler answers, the forms of it can be read.
func FuzzEncode(f *testing.F) {
	f.Add([]byte(`{"a b":[1,"x",null,{"c":{}}],"-":"\u0000 <&>'\"","d":{"e":{"f":1}}}`))
	f.Add([]byte(`[[],[[]],{"":""},"- x","? y","x:","%","@","!","|",">","=","<<","1_000","0x1"]`))
	f.Add([]byte(`{"name":{"name":1},"id":"2026-11-24","z":"12:30:45","y":"\ufffe\u2028"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v any
		if json.Unmarshal(b, &v) != nil {
			return
		}
		again, err := encodeJSON(v)
		if err != nil {
			t.Fatal(err)
		}
		n, err := parseTree(again)
		if err != nil {
			t.Fatal(err)
		}
		dec := xml.NewDecoder(bytes.NewReader(encodeXML(n)))
		for {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("XML: %v in %q", err, encodeXML(n))
			}
		}
		var y any
		if err := yaml.Unmarshal(encodeYAML(n), &y); err != nil && !strings.Contains(err.Error(), "already defined") && !strings.Contains(err.Error(), "invalid map key") {
			t.Fatalf("YAML: %v in %q", err, encodeYAML(n))
		}
		if err := yaml.Unmarshal(errorYAML(string(b)), &y); err != nil {
			t.Fatalf("YAML: %v in %q", err, errorYAML(string(b)))
		}
		if page, err := jsonPageBody(again); err != nil || bytes.ContainsAny(stripSpans(page), "<>") {
			t.Fatalf("HTML: %v in %q", err, page)
		}
	})
}

func jsonPageBody(b []byte) (string, error) {
	var pretty bytes.Buffer
	err := json.Indent(&pretty, b, "", "  ")
	return highlight(pretty.Bytes()), err
}

func stripSpans(s string) []byte {
	for _, tag := range []string{`<span class="k">`, `<span class="s">`, `<span class="n">`, `</span>`} {
		s = strings.ReplaceAll(s, tag, "")
	}
	return []byte(s)
}

func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"ids":["a"]}`))
	f.Add([]byte(` null `))
	f.Add([]byte(`[{}]`))
	f.Add([]byte(`{"a":1}{`))
	f.Fuzz(func(t *testing.T, b []byte) {
		body, err := parseBody(b)
		if (body == nil) == (err == nil) {
			t.Errorf("%q: %v, %v", b, body, err)
		}
	})
}

// What the library of the reference's answers writes.
func TestYAMLAnswer(t *testing.T) {
	for s, want := range map[string]string{
		"": "''", "~": "'~'", "NULL": "'NULL'", "no": "'no'", "1.5": "'1.5'", "12": "12", "a b": "a b", "it's": "it's", "a: b": `"a: b"`, "a:": `"a:"`, ":a": `":a"`,
		"x #y": `"x #y"`, "x#y": "x#y", "#y": `"#y"`, "-a": "-a", "- a": `"- a"`, "[a]": `"[a]"`, "*a": `"*a"`, " a": `" a"`, "a ": `"a "`, "a\nb": `"a\nb"`,
		`a"b`: `a"b`, `"ab"`: `"\"ab\""`, "?a": "?a", ",a": ",a", "(a)": "(a)", "2001-01-01": "2001-01-01", "it's: so": `"it's: so"`, "é": "é",
	} {
		if got := yamlAnswer(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}
