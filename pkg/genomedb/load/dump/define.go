package dump

import (
	"strconv"
	"strings"
)

// definition reads one column or key of a table.
func (p *parser) definition(t *Table) error {
	if p.tok.kind == word {
		if ok, err := p.keyDefinition(t); ok || err != nil {
			return err
		}
	}
	return p.column(t)
}

// keyDefinition reads a key or constraint, if that is next.
func (p *parser) keyDefinition(t *Table) (bool, error) {
	var symbolName string
	if ok, err := p.accept("CONSTRAINT"); err != nil {
		return false, err
	} else if ok && !p.tok.is("PRIMARY") && !p.tok.is("UNIQUE") && !p.tok.is("FOREIGN") && !p.tok.is("CHECK") {
		if symbolName, err = p.identifier("constraint"); err != nil {
			return false, err
		}
	}
	kind := Index
	switch {
	case p.tok.is("PRIMARY"):
		kind, symbolName = Primary, "PRIMARY"
		if err := p.advance(); err != nil {
			return false, err
		}
		if err := p.expect("KEY"); err != nil {
			return false, err
		}
	case p.tok.is("FOREIGN"), p.tok.is("CHECK"):
		return true, p.skipDefinition()
	case p.tok.is("FULLTEXT"), p.tok.is("SPATIAL"):
		return true, p.skipDefinition()
	case p.tok.is("UNIQUE"):
		kind = Unique
		fallthrough
	case p.tok.is("KEY"), p.tok.is("INDEX"):
		if err := p.advance(); err != nil {
			return false, err
		}
		if kind == Unique {
			if ok, err := p.accept("KEY"); err != nil {
				return false, err
			} else if !ok {
				if _, err := p.accept("INDEX"); err != nil {
					return false, err
				}
			}
		}
		if !p.tok.is("(") && !p.tok.is("USING") {
			id, err := p.identifier("key")
			if err != nil {
				return false, err
			}
			symbolName = id
		}
	case symbolName != "":
		return false, p.errorf(p.tok.line, "%s where PRIMARY KEY, UNIQUE, FOREIGN KEY or CHECK should be", p.tok)
	default:
		return false, nil
	}
	parts, err := p.keyParts()
	if err != nil {
		return false, err
	}
	t.Keys = append(t.Keys, Key{kind, symbolName, parts})
	return true, p.skipDefinition() // USING BTREE, COMMENT …
}

// skipDefinition goes to the comma or parenthesis that ends a definition.
func (p *parser) skipDefinition() error {
	for depth := 0; ; {
		switch {
		case p.tok.kind == end || p.tok.is(";"):
			return p.errorf(p.tok.line, "%s inside a definition", p.tok)
		case depth == 0 && (p.tok.is(",") || p.tok.is(")")):
			return nil
		case p.tok.is("("):
			depth++
		case p.tok.is(")"):
			depth--
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
}

func (p *parser) keyParts() ([]KeyPart, error) {
	if ok, err := p.accept("USING"); err != nil {
		return nil, err
	} else if ok {
		if _, err := p.identifier("kind of index"); err != nil {
			return nil, err
		}
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var parts []KeyPart
	for {
		id, err := p.identifier("column")
		if err != nil {
			return nil, err
		}
		part := KeyPart{Column: id}
		if p.tok.is("(") {
			if part.Prefix, err = p.size(); err != nil {
				return nil, err
			}
		}
		parts = append(parts, part)
		for p.tok.is("ASC") || p.tok.is("DESC") {
			if err := p.advance(); err != nil {
				return nil, err
			}
		}
		if ok, err := p.accept(","); err != nil {
			return nil, err
		} else if ok {
			continue
		}
		return parts, p.expect(")")
	}
}

// size reads (n) or (n,m) and gives n.
func (p *parser) size() (int, error) {
	if err := p.expect("("); err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(p.tok.text)
	if err != nil || p.tok.kind != word || n < 0 {
		return 0, p.errorf(p.tok.line, "%s where a size should be", p.tok)
	}
	if err := p.advance(); err != nil {
		return 0, err
	}
	if ok, err := p.accept(","); err != nil {
		return 0, err
	} else if ok {
		if err := p.advance(); err != nil {
			return 0, err
		}
	}
	return n, p.expect(")")
}

// column reads a column with its type and attributes.
func (p *parser) column(t *Table) error {
	line := p.tok.line
	id, err := p.identifier("column")
	if err != nil {
		return err
	}
	c := Column{Name: id}
	if p.tok.kind != word {
		return p.errorf(p.tok.line, "column %s: %s where its type should be", id, p.tok)
	}
	c.Type = strings.ToLower(p.tok.text)
	affinity, ok := types[c.Type]
	if !ok {
		return p.errorf(line, "column %s has the unknown type %s", id, p.tok)
	}
	if err := p.advance(); err != nil {
		return err
	}
	if p.tok.is("PRECISION") || p.tok.is("VARYING") {
		if err := p.advance(); err != nil {
			return err
		}
	}
	switch {
	case c.Type == "enum" || c.Type == "set":
		if c.Values, err = p.members(); err != nil {
			return err
		}
	case p.tok.is("("):
		if c.Size, err = p.size(); err != nil {
			return err
		}
	}
	for !p.tok.is(",") && !p.tok.is(")") {
		if err := p.attribute(t, &c); err != nil {
			return err
		}
	}
	c.Binary = c.Binary && affinity == Text
	t.Columns = append(t.Columns, c)
	return nil
}

func (p *parser) members() ([]string, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var values []string
	for {
		if p.tok.kind != text {
			return nil, p.errorf(p.tok.line, "%s where a quoted value of the enumeration should be", p.tok)
		}
		values = append(values, p.tok.text)
		if err := p.advance(); err != nil {
			return nil, err
		}
		if ok, err := p.accept(","); err != nil {
			return nil, err
		} else if ok {
			continue
		}
		return values, p.expect(")")
	}
}

// attribute reads one word of what follows a column's type.
func (p *parser) attribute(t *Table, c *Column) error {
	w := p.tok
	if w.kind != word {
		return p.errorf(w.line, "column %s: unexpected %s", c.Name, w)
	}
	if err := p.advance(); err != nil {
		return err
	}
	switch strings.ToUpper(w.text) {
	case "UNSIGNED":
		c.Unsigned = true
	case "ZEROFILL": // implies it
		c.Unsigned = true
	case "SIGNED", "NULL", "VIRTUAL", "STORED", "PERSISTENT", "INVISIBLE", "VISIBLE", "ALWAYS", "GENERATED", "ASCII", "UNICODE":
	case "BINARY":
		c.Binary = true
	case "NOT":
		c.NotNull = true
		return p.expect("NULL")
	case "AUTO_INCREMENT":
		c.Auto = true
	case "CHARACTER":
		if err := p.expect("SET"); err != nil {
			return err
		}
		fallthrough
	case "CHARSET", "COLLATE":
		c.Binary = c.Binary || binaryCharset(p.tok.text)
		return p.advance()
	case "COMMENT", "STORAGE", "COLUMN_FORMAT":
		return p.advance()
	case "PRIMARY", "UNIQUE", "KEY":
		kind, id := Unique, c.Name
		if !w.is("UNIQUE") {
			kind, id = Primary, "PRIMARY"
		}
		if !w.is("KEY") {
			if _, err := p.accept("KEY"); err != nil {
				return err
			}
		}
		t.Keys = append(t.Keys, Key{kind, id, []KeyPart{{Column: c.Name}}})
	case "DEFAULT":
		return p.defaultValue(c)
	case "ON": // UPDATE CURRENT_TIMESTAMP
		if err := p.expect("UPDATE"); err != nil {
			return err
		}
		if err := p.advance(); err != nil {
			return err
		}
		return p.parenthesis()
	case "AS", "CHECK":
		return p.parenthesis()
	case "REFERENCES":
		return p.skipDefinition()
	default:
		return p.errorf(w.line, "column %s: unknown attribute %s", c.Name, w)
	}
	return nil
}

// parenthesis skips one, if it is next.
func (p *parser) parenthesis() error {
	if !p.tok.is("(") {
		return nil
	}
	for depth := 0; ; {
		switch {
		case p.tok.is("("):
			depth++
		case p.tok.is(")"):
			depth--
		case p.tok.kind == end:
			return p.errorf(p.tok.line, "parenthesis is not closed")
		}
		if err := p.advance(); err != nil || depth == 0 {
			return err
		}
	}
}

// defaultValue reads a literal. Expressions and the current time have no value
// that a dump's rows would need.
func (p *parser) defaultValue(c *Column) error {
	sign := ""
	if p.tok.is("-") || p.tok.is("+") {
		sign = p.tok.text
		if err := p.advance(); err != nil {
			return err
		}
	}
	t := p.tok
	switch {
	case t.is("("):
		return p.parenthesis()
	case t.kind == text, t.kind == word && t.text[0] >= '0' && t.text[0] <= '9':
		v := sign + t.text
		c.Default = &v
	case t.kind == word:
		if len(t.text) == 1 && strings.ContainsAny(t.text, "bBxX") { // b'0', x'00'
			if err := p.advance(); err != nil {
				return err
			}
			if n, err := strconv.ParseInt(p.tok.text, map[bool]int{true: 2, false: 16}[t.is("b")], 64); err == nil && types[c.Type] == Integer {
				v := strconv.FormatInt(n, 10)
				c.Default = &v
			}
		} else if t.is("TRUE") || t.is("FALSE") {
			v := map[bool]string{true: "1", false: "0"}[t.is("TRUE")]
			c.Default = &v
		}
	default:
		return p.errorf(t.line, "column %s: %s where its default should be", c.Name, t)
	}
	if err := p.advance(); err != nil {
		return err
	}
	return p.parenthesis() // CURRENT_TIMESTAMP(6)
}
