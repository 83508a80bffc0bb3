package dump

import (
	"fmt"
	"strings"
)

// Error is a fault in a file of a dump, with what is wrong there.
type Error struct {
	File string
	Line int // from 1
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

type kind byte

const (
	end    kind = iota
	word        // bare word or number
	name        // `quoted identifier`
	text        // 'string' or "string"
	symbol      // one byte
)

type token struct {
	kind kind
	text string // a word as written; a name or string without its quotes and escapes
	line int
}

// is compares a bare word (case-blind) or symbol.
func (t token) is(s string) bool {
	return (t.kind == word || t.kind == symbol) && strings.EqualFold(t.text, s)
}

func (t token) String() string {
	switch t.kind {
	case end:
		return "the end of the file"
	case name:
		return "`" + clip(t.text) + "`"
	case text:
		return "'" + clip(t.text) + "'"
	}
	return clip(t.text)
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// lexer cuts SQL into tokens. Comments are dropped, but the text of a version
// comment (/*!40101 … */) counts, as MySQL runs it.
type lexer struct {
	file      string
	src       string
	pos, line int
	versioned bool // inside /*! */
}

func (l *lexer) errorf(line int, format string, args ...any) error {
	return &Error{l.file, line, fmt.Errorf(format, args...)}
}

func (l *lexer) at(s string) bool { return strings.HasPrefix(l.src[l.pos:], s) }

func (l *lexer) skip(n int) {
	l.line += strings.Count(l.src[l.pos:l.pos+n], "\n")
	l.pos += n
}

func (l *lexer) skipLine() {
	if i := strings.IndexByte(l.src[l.pos:], '\n'); i >= 0 {
		l.skip(i + 1)
	} else {
		l.pos = len(l.src)
	}
}

func (l *lexer) next() (token, error) {
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v':
			l.skip(1)
		case c == '#' || l.at("-- ") || l.at("--\n") || l.at("--\r") || l.at("--\t") || l.src[l.pos:] == "--":
			l.skipLine()
		case l.at("/*!") && !l.versioned:
			l.versioned = true
			l.skip(3)
			for l.pos < len(l.src) && l.src[l.pos] >= '0' && l.src[l.pos] <= '9' {
				l.pos++
			}
		case l.versioned && l.at("*/"):
			l.versioned = false
			l.skip(2)
		case l.at("/*"):
			i := strings.Index(l.src[l.pos+2:], "*/")
			if i < 0 {
				return token{}, l.errorf(l.line, "comment without */")
			}
			l.skip(i + 4)
		case c == '`' || c == '\'' || c == '"':
			return l.quoted(c)
		case wordByte(c):
			start := l.pos
			for l.pos < len(l.src) && wordByte(l.src[l.pos]) {
				l.pos++
			}
			return token{word, l.src[start:l.pos], l.line}, nil
		default:
			l.pos++
			return token{symbol, string(rune(c)), l.line}, nil
		}
	}
	if l.versioned {
		return token{}, l.errorf(l.line, "comment without */")
	}
	return token{end, "", l.line}, nil
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c == '.' || c == '@' || c >= 0x80 ||
		c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// quoted reads from one quote to the next; a doubled quote is one, and in
// strings a backslash escapes.
func (l *lexer) quoted(q byte) (token, error) {
	t := token{text, "", l.line}
	if q == '`' {
		t.kind = name
	}
	var b strings.Builder
	for i := l.pos + 1; i < len(l.src); i++ {
		switch c := l.src[i]; {
		case c == '\\' && q != '`' && i+1 < len(l.src):
			i++
			b.WriteByte(unescape(l.src[i]))
		case c == q && i+1 < len(l.src) && l.src[i+1] == q:
			i++
			b.WriteByte(q)
		case c == q:
			l.skip(i + 1 - l.pos)
			t.text = b.String()
			return t, nil
		default:
			b.WriteByte(c)
		}
	}
	return t, l.errorf(t.line, "quote %c is not closed", q)
}

// unescape gives the byte that a backslash and c stand for in MySQL.
func unescape(c byte) byte {
	switch c {
	case '0':
		return 0
	case 'b':
		return '\b'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'Z':
		return 0x1a
	}
	return c
}
