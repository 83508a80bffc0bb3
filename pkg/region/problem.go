package region

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one thing to mend in the folder.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line"` // from 1
	Col    int    `json:"col"`  // from 1
	What   string `json:"what"`
	Advice string `json:"advice"` // what to write instead
}

func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s; %s", p.File, p.Line, p.Col, p.What, p.Advice)
}

// Problems are all problems of one set of files, by file, line and column. As an
// error it prints one per line.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}

// err avoids the typed nil: an empty list is a nil error.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	ps.sort()
	return ps
}
