package ensembl

import (
	_ "embed"
	"regexp"
	"strings"

	"mirrornet/pkg/apispec"
)

// pages.txt lists the reference's documentation pages: name, method, and path
// with {} for each parameter.
//
//go:embed pages.txt
var pages string

var parameter = regexp.MustCompile(`\{[^{}]*\}`)

// PageName is the name of an endpoint's documentation page: the reference's,
// where it has the endpoint, so that links to its pages lead to ours; else the
// endpoint's id.
func PageName(e *apispec.Endpoint) string {
	path := parameter.ReplaceAllString(e.Path, "{}")
	for line := range strings.Lines(pages) {
		if f := strings.Fields(line); len(f) == 3 && f[1] == e.Method && f[2] == path {
			return f[0]
		}
	}
	return e.ID
}
