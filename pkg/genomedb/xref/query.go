package xref

import (
	"strings"

	"mirrornet/pkg/genomedb"
)

// matching compares a column with a text: as a pattern where the text has one
// of the signs, else as it is.
func matching(column, text, signs string) (condition string, arg any) {
	if strings.ContainsAny(text, signs) {
		return column + " LIKE ? ESCAPE '|'", genomedb.Like(text)
	}
	return column + " = ?", trim(text)
}

// trim and fold are how the databases compare texts: trailing blanks and case
// do not count.
func trim(s string) string { return strings.TrimRight(s, " ") }
func fold(s string) string { return strings.ToLower(trim(s)) }
