// Package snippet writes a request to an API as a program of some language.
//
// # Decisions
//
// 2026-11-25: a language is data: a text with marks. What fills them in is a few
// lines, here and in the explorer's script, so that a program is stated once and
// follows what is typed into a form.
package snippet

import (
	"fmt"
	"regexp"
	"strings"

	"mirrornet/pkg/apispec"
)

// Request is what programs ask for.
type Request struct {
	Method string // GET or POST
	URL    string
	Accept string // media type of the answer
	Body   string // JSON, of a POST
}

// Language is how programs of one language are written.
type Language struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Quoting Quoting `json:"quoting"`
	// Text is a program with marks. ‹get|…›, ‹post|…›, ‹json|…› and ‹text|…› stand for
	// what they hold where the method, or the kind of answer, is that one; «url»,
	// «accept» and «body» stand for these, quoted, «field» for the whole field Accept.
	Text string `json:"text"`
}

// Quoting is how a language writes a string.
type Quoting string

const (
	Shell  Quoting = "shell"  // a POSIX shell's single quotes, which know no escape
	Single Quoting = "single" // those of Perl and Ruby, which know two
	Double Quoting = "double" // double quotes with the escapes that C's children share
)

var (
	choice = regexp.MustCompile(`‹(\w+)\|([^›]*)›`)
	mark   = regexp.MustCompile(`«(\w+)»`)
)

// Program is the request in the language.
func (l Language) Program(r Request) string {
	holds := map[string]bool{"get": r.Method != "POST", "post": r.Method == "POST", "json": r.Accept == apispec.JSON, "text": r.Accept != apispec.JSON}
	values := map[string]string{"url": r.URL, "accept": r.Accept, "field": "Accept: " + r.Accept, "body": r.Body}
	text := choice.ReplaceAllStringFunc(l.Text, func(s string) string {
		if m := choice.FindStringSubmatch(s); holds[m[1]] {
			return m[2]
		}
		return ""
	})
	return mark.ReplaceAllStringFunc(text, func(s string) string { return l.Quoting.Quote(values[mark.FindStringSubmatch(s)[1]]) })
}

var single = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// Quote writes a string as the languages of that quoting read it.
func (q Quoting) Quote(s string) string {
	switch q {
	case Shell:
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	case Single:
		return "'" + single.Replace(s) + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ', r >= 0x7f && r < 0xa0:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
