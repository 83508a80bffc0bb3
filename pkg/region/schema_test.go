package region

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func compiled(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json") // checks it against the draft's own schema
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The schema takes every good file, its canonical text and the shipped files,
// and refuses every bad one but those whose fault no schema can see.
func TestSchema(t *testing.T) {
	region, network := compiled(t, RegionSchema()), compiled(t, NetworkSchema())
	blind := map[string]string{ // what only Load sees
		"Asia_1": "the name of the file", "two": "a second document", "alias": "aliases and merge keys", "mask": "bits behind a mask", "softhard": "two fields against each other",
		"mapped": "IPv4 in IPv6 form", "twice": "a key given twice", "network-wild": "that a pattern allows every name", "port": "how high a port may be",
	}
	files, _ := filepath.Glob("testdata/*.yaml")
	more, _ := filepath.Glob("../../regions/*.yaml")
	seen := map[string]int{}
	for _, file := range append(files, more...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, kind, _ := strings.Cut(filepath.Base(file), ".")
		schema := region
		if strings.HasPrefix(name, "network") {
			schema = network
		}
		var value any
		if err := yaml.Load(data, &value); err != nil {
			continue // no YAML of one document
		}
		wrong := schema.Validate(value)
		bad := strings.HasPrefix(kind, "bad.")
		if bad && blind[name] != "" {
			seen["blind"]++
			continue
		}
		if bad != (wrong != nil) {
			t.Errorf("%s: %v", file, wrong)
		}
		if bad {
			seen["bad"]++
			continue
		}
		seen["good"]++
		if kind == "good.yaml" {
			text, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			if err := yaml.Load(text, &value); err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(value); err != nil {
				t.Errorf("the canonical text of %s: %v", file, err)
			}
		}
	}
	if seen["good"] < 8 || seen["bad"] < 20 {
		t.Errorf("%v files were tried", seen)
	}
}

// Every field of the table is read by the parser, and none beside it.
func TestFieldsAreRead(t *testing.T) {
	var walk func(prefix string, fields []field)
	walk = func(prefix string, fields []field) {
		for _, f := range fields {
			if f.help == "" {
				t.Errorf("%s%s has no help", prefix, f.key)
			}
			if f.form == mapping {
				walk(prefix+f.key+".", f.of)
				continue
			}
			// A mapping is wrong everywhere; who does not read a field does not see it.
			text := prefix + f.key
			yaml := "{" + strings.ReplaceAll(text, ".", ": {") + ": {wibble: 1}" + strings.Repeat("}", strings.Count(text, ".")+1)
			_, rerr := ParseRegion("x", "x", []byte(yaml))
			_, nerr := ParseNetwork("x", []byte(yaml))
			want := text + " is a mapping"
			if rerr == nil || nerr == nil || !strings.Contains(rerr.Error()+"\n"+nerr.Error(), want) {
				t.Errorf("%s: nobody says %q:\n%v\n%v", yaml, want, rerr, nerr)
			}
		}
	}
	walk("", regionFields())
	walk("", networkFields())
}
