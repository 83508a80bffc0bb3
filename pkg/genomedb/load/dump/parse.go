package dump

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxSchema bounds the text of a schema; Ensembl's are below 100 kB.
const maxSchema = 16 << 20

// Schema is what a file of statements defines.
type Schema struct {
	Tables []Table
	// Ignored are statements that define no table, such as views: their first
	// words and line. SET, DROP, LOCK, UNLOCK and USE are not listed.
	Ignored []string
}

// ParseSchema reads CREATE TABLE statements in MySQL's dialect. file names the
// source in errors, which are *Error.
func ParseSchema(file string, r io.Reader) (Schema, error) {
	src, err := io.ReadAll(io.LimitReader(r, maxSchema+1))
	if err != nil {
		return Schema{}, &Error{file, 1 + strings.Count(string(src), "\n"), err}
	}
	if len(src) > maxSchema {
		return Schema{}, &Error{file, 1, fmt.Errorf("a schema of more than %d MiB", maxSchema>>20)}
	}
	p := &parser{lexer: lexer{file: file, src: string(src), line: 1}}
	if err := p.advance(); err != nil {
		return Schema{}, err
	}
	var s Schema
	seen := map[string]int{}
	for p.tok.kind != end {
		t, err := p.statement(&s)
		if err != nil {
			return Schema{}, err
		}
		if t == nil {
			continue
		}
		if line, ok := seen[strings.ToLower(t.Name)]; ok {
			return Schema{}, p.errorf(t.Line, "table %s is defined a second time (first in line %d)", t.Name, line)
		}
		seen[strings.ToLower(t.Name)] = t.Line
		s.Tables = append(s.Tables, *t)
	}
	return s, nil
}

// parser reads statements with one token of lookahead.
type parser struct {
	lexer
	tok token
}

func (p *parser) advance() (err error) {
	p.tok, err = p.next()
	return err
}

// accept takes the words if the next tokens are these.
func (p *parser) accept(words ...string) (bool, error) {
	saved, tok := p.lexer, p.tok
	for _, w := range words {
		if !p.tok.is(w) {
			p.lexer, p.tok = saved, tok
			return false, nil
		}
		if err := p.advance(); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (p *parser) expect(word string) error {
	if ok, err := p.accept(word); err != nil {
		return err
	} else if !ok {
		return p.errorf(p.tok.line, "%s where %s should be", p.tok, word)
	}
	return nil
}

func (p *parser) identifier(what string) (string, error) {
	t := p.tok
	if t.kind != name && t.kind != word || t.text == "" {
		return "", p.errorf(t.line, "%s where the name of a %s should be", t, what)
	}
	if strings.ContainsAny(t.text, "\x00\"") {
		return "", p.errorf(t.line, "the name of a %s has a quote or NUL in it: %q", what, clip(t.text))
	}
	return t.text, p.advance()
}

// skipStatement goes past the next semicolon.
func (p *parser) skipStatement() error {
	for p.tok.kind != end && !p.tok.is(";") {
		if err := p.advance(); err != nil {
			return err
		}
	}
	if p.tok.kind == end {
		return nil
	}
	return p.advance()
}

func (p *parser) statement(s *Schema) (*Table, error) {
	first := p.tok
	if first.is(";") {
		return nil, p.advance()
	}
	if first.kind != word {
		return nil, p.errorf(first.line, "%s where a statement should begin", first)
	}
	switch strings.ToUpper(first.text) {
	case "SET", "DROP", "LOCK", "UNLOCK", "USE":
		return nil, p.skipStatement()
	case "INSERT", "REPLACE", "ALTER", "DELIMITER":
		return nil, p.errorf(first.line, "%s in a schema: this is no dump made with mysqldump --tab", strings.ToUpper(first.text))
	case "CREATE":
	default:
		return nil, p.errorf(first.line, "unknown statement %s", first)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if _, err := p.accept("TEMPORARY"); err != nil {
		return nil, err
	}
	ok, err := p.accept("TABLE")
	if err != nil {
		return nil, err
	}
	if !ok {
		s.Ignored = append(s.Ignored, fmt.Sprintf("line %d: CREATE %s", first.line, p.tok))
		return nil, p.skipStatement()
	}
	if _, err := p.accept("IF", "NOT", "EXISTS"); err != nil {
		return nil, err
	}
	return p.table(first.line)
}

func (p *parser) table(line int) (*Table, error) {
	id, err := p.identifier("table")
	if err != nil {
		return nil, err
	}
	if strings.Contains(id, ".") {
		return nil, p.errorf(line, "table name %s has a dot in it", id)
	}
	t := &Table{Name: id, Line: line}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	for {
		if err := p.definition(t); err != nil {
			return nil, err
		}
		if ok, err := p.accept(","); err != nil {
			return nil, err
		} else if ok {
			continue
		}
		if err := p.expect(")"); err != nil {
			return nil, err
		}
		break
	}
	if err := p.options(t); err != nil {
		return nil, err
	}
	return t, p.check(t)
}

// options reads the table's options, of which only character set and collation
// matter.
func (p *parser) options(t *Table) error {
	binary := false
	for p.tok.kind != end && !p.tok.is(";") {
		if p.tok.is("SELECT") || p.tok.is("LIKE") {
			return p.errorf(p.tok.line, "CREATE TABLE … %s needs a server to run it", p.tok)
		}
		about := p.tok.is("CHARSET") || p.tok.is("SET") || p.tok.is("COLLATE")
		if err := p.advance(); err != nil {
			return err
		}
		if !about {
			continue
		}
		if _, err := p.accept("="); err != nil {
			return err
		}
		binary = binaryCharset(p.tok.text)
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		c.Binary = c.Binary || binary && c.Affinity() == Text
	}
	if p.tok.kind == end {
		return nil
	}
	return p.advance()
}

func binaryCharset(s string) bool {
	s = strings.ToLower(s)
	return s == "binary" || strings.HasSuffix(s, "_bin")
}

// check completes the table and refuses keys of columns that it does not have.
func (p *parser) check(t *Table) error {
	if len(t.Columns) == 0 {
		return p.errorf(t.Line, "table %s has no columns", t.Name)
	}
	seen, primary := map[string]bool{}, false
	for _, c := range t.Columns {
		if n := strings.ToLower(c.Name); seen[n] {
			return p.errorf(t.Line, "table %s has two columns %s", t.Name, c.Name)
		} else {
			seen[n] = true
		}
	}
	keys := map[string]bool{}
	for i := range t.Keys {
		k := &t.Keys[i]
		if k.Kind == Primary {
			if primary {
				return p.errorf(t.Line, "table %s has two primary keys", t.Name)
			}
			primary = true
		}
		for j, part := range k.Parts {
			c, ok := t.Column(part.Column)
			if !ok {
				return p.errorf(t.Line, "key %s of table %s: no column %s", k.Name, t.Name, part.Column)
			}
			k.Parts[j].Column = c.Name
			if k.Kind == Primary {
				c.NotNull = true
			}
		}
		base := k.Name
		if base == "" { // MySQL names a key after its first column
			base = k.Parts[0].Column
		}
		k.Name = base
		for n := 2; keys[strings.ToLower(k.Name)]; n++ {
			k.Name = base + "_" + strconv.Itoa(n)
		}
		keys[strings.ToLower(k.Name)] = true
	}
	return nil
}
