package variation

import "strings"

// ranks orders the consequences of variants: the most severe is 1. A term that
// is not here is less severe than all.
var ranks = func() map[string]int {
	out := map[string]int{}
	for i, c := range Consequences() {
		out[c.Term] = i + 1
	}
	return out
}()

// worse says whether a is more severe than b. "" is no consequence.
func worse(a, b string) bool {
	if a == "" || b == "" {
		return b == ""
	}
	of := func(term string) int {
		if n, ok := ranks[term]; ok {
			return n
		}
		return len(ranks) + 1
	}
	x, y := of(a), of(b)
	return x < y || x == y && a < b
}

// MostSevere is the most severe of consequences that are written with commas
// between them, as the database has them. None is sequence_variant.
func MostSevere(list string) string {
	if list == "" {
		return "sequence_variant"
	}
	most := ""
	for term := range strings.SplitSeq(list, ",") {
		if worse(term, most) {
			most = term
		}
	}
	return most
}

// Terms narrows a search to variants with one of these consequences. nil does
// not narrow it; an empty one finds nothing.
type Terms map[string]bool

// has says whether one of the consequences in list is wanted.
func (t Terms) has(list string) bool {
	if t == nil {
		return true
	}
	for term := range strings.SplitSeq(list, ",") {
		if t[term] {
			return true
		}
	}
	return false
}
