package site

import (
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// maxNames bounds the names of one folder; a release of all Ensembl's genomes
// has some thousands.
const maxNames = 50_000

// maxListing bounds a listing's bytes.
const maxListing = 16 << 20

// Listing is what a folder holds, each name once.
type Listing struct {
	Folders []string
	Files   []string
}

// link finds the targets of links, with quotes of either kind or none.
var link = regexp.MustCompile(`(?is)<a\b[^>]*?\bhref\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+)`)

// ParseListing reads the HTML that a server makes of the folder at base. Links
// that do not go to a direct child of it are left out: parents, other sites,
// orders of sorting.
func ParseListing(base *url.URL, page []byte) (Listing, error) {
	var l Listing
	if len(page) > maxListing {
		return l, fmt.Errorf("a listing of more than %d MiB", maxListing>>20)
	}
	seen := map[string]bool{}
	for _, m := range link.FindAllSubmatch(page, -1) {
		name, folder := child(base, html.UnescapeString(strings.Trim(string(m[1]), `"'`)))
		if name == "" || seen[name] {
			continue
		}
		if seen[name] = true; len(seen) > maxNames {
			return Listing{}, fmt.Errorf("a listing of more than %d names", maxNames)
		}
		if folder {
			l.Folders = append(l.Folders, name)
		} else {
			l.Files = append(l.Files, name)
		}
	}
	if len(seen) == 0 {
		return l, errors.New("no links to files or folders below it: this is no listing of a folder")
	}
	slices.Sort(l.Folders)
	slices.Sort(l.Files)
	return l, nil
}

// child gives the name that a link has below base, "" for any other link.
func child(base *url.URL, href string) (name string, folder bool) {
	href = strings.TrimSpace(href)
	ref, err := url.Parse(href)
	if err != nil || ref.RawQuery != "" || ref.ForceQuery || ref.Fragment != "" {
		return "", false
	}
	to := base.ResolveReference(ref)
	dir := base.EscapedPath()
	rest, ok := strings.CutPrefix(to.EscapedPath(), dir[:strings.LastIndexByte(dir, '/')+1])
	if !ok || to.Scheme != base.Scheme || to.Host != base.Host {
		return "", false
	}
	rest, folder = strings.CutSuffix(rest, "/")
	name, err = url.PathUnescape(rest)
	if err != nil || !plainName(name) {
		return "", false
	}
	return name, folder
}

// plainName says whether a name is safe to use as a file's.
func plainName(name string) bool {
	return name != "" && name[0] != '.' && len(name) <= 255 && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`/\<>:"|?*%`, r)
	})
}
