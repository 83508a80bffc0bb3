package region

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// pos is a place in a file, for problems found after its parsing.
type pos struct{ line, col int }

// A doc reads one YAML file into values and gathers its problems and the places
// of its fields.
type doc struct {
	file     string
	root     *yaml.Node // nil: nothing could be read
	at       map[string]pos
	problems Problems
}

func newDoc(file string, data []byte) *doc {
	d := &doc{file: file, at: map[string]pos{}}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		d.add(pos{}, err.Error(), "write YAML")
		return d
	}
	var first, second yaml.Node
	switch err := loader.Load(&first); {
	case errors.Is(err, io.EOF):
		d.add(pos{}, "the file is empty", "write its settings or remove it")
		return d
	case err != nil:
		d.syntax(err)
		return d
	}
	if err := loader.Load(&second); err == nil {
		d.add(pos{second.Line, second.Column}, "a second document follows ---", "keep one document per file")
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
	}
	if len(first.Content) == 1 {
		d.root = first.Content[0]
	}
	return d
}

func (d *doc) syntax(err error) {
	advice := "check the indentation (spaces, no tabs), the brackets and the quotes around here"
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		what := e.Message
		if e.ContextMsg != "" {
			what += " " + e.ContextMsg
		}
		d.add(pos{e.Mark.Line, e.Mark.Column}, "not YAML: "+what, advice)
		return
	}
	d.add(pos{}, "not YAML: "+strings.ReplaceAll(err.Error(), "\n", " "), advice)
}

func (d *doc) add(p pos, what, advice string) {
	d.problems = append(d.problems, Problem{File: d.file, Line: max(p.line, 1), Col: max(p.col, 1), What: what, Advice: advice})
}

func (d *doc) fail(n *yaml.Node, advice, format string, args ...any) {
	d.add(pos{n.Line, n.Column}, fmt.Sprintf(format, args...), advice)
}

// fields reads a mapping whose keys are all in known, and returns the values
// that are given. A nil or null n has none.
func (d *doc) fields(n *yaml.Node, path string, known ...string) map[string]*yaml.Node {
	out := map[string]*yaml.Node{}
	if n == nil || isNull(n) {
		return out
	}
	if path != "" {
		path += "."
	}
	if n.Kind != yaml.MappingNode {
		where := strings.TrimSuffix(path, ".")
		if where == "" {
			where = "the file"
		}
		d.fail(n, "write keys and values: "+strings.Join(known, ", "), "%s is %s, not a mapping", where, kind(n))
		return out
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := pos{value.Line, value.Column}
		switch _, twice := d.at[path+key.Value]; {
		case key.Kind != yaml.ScalarNode || !slices.Contains(known, key.Value):
			d.fail(key, advise(key.Value, known), "unknown key %s", keyText(path, key))
		case twice:
			d.fail(key, "keep one of the two", "%s%s is given twice", path, key.Value)
		default:
			d.at[path+key.Value] = at
			if !isNull(value) {
				out[key.Value] = value
			}
		}
	}
	return out
}

// text reads a scalar; "" if n is nil or not one. Quotes are optional everywhere.
func (d *doc) text(n *yaml.Node, path, example string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		d.fail(n, "write one value: "+example, "%s is %s", path, kind(n))
		return ""
	}
	return n.Value
}

// number reads a decimal number; ok is false if there is none or it is bad.
func (d *doc) number(n *yaml.Node, path, example string) (f float64, ok bool) {
	if n == nil {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.Value, 64)
	if n.Kind != yaml.ScalarNode || err != nil || strings.ContainsAny(n.Value, "_xXnN") {
		d.fail(n, "write a decimal number: "+example, "%s is %s, not a number", path, kind(n))
		return 0, false
	}
	return f, true
}

// list calls item for each scalar of a sequence.
func (d *doc) list(n *yaml.Node, path, example string, item func(*yaml.Node)) {
	if n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "write a list: "+example, "%s is %s, not a list", path, kind(n))
		return
	}
	for _, v := range n.Content {
		if v.Kind != yaml.ScalarNode || isNull(v) {
			d.fail(v, "write plain values: "+example, "%s holds %s", path, kind(v))
			continue
		}
		item(v)
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias (*" + n.Value + "), which is not read here"
	}
	if isNull(n) {
		return "empty"
	}
	return strconv.Quote(n.Value)
}

func keyText(path string, n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		return path + "(" + kind(n) + ")"
	}
	return strconv.Quote(path + n.Value)
}

// advise names the known key that key was probably meant to be.
func advise(key string, known []string) string {
	all := "known here: " + strings.Join(known, ", ")
	if k := nearest(key, known); k != "" {
		return fmt.Sprintf("write %q; %s", k, all)
	}
	return all
}

// nearest is the word that is at most two slips from key, or "".
func nearest(key string, words []string) (best string) {
	slips := 3
	for _, w := range words {
		if n := editDistance(strings.ToLower(key), w); n < slips && n < len(w) {
			best, slips = w, n
		}
	}
	return best
}

// editDistance is Levenshtein's, for short words; 9 for long ones.
func editDistance(a, b string) int {
	if len(a) > 20 || len(b) > 20 {
		return 9
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
