package load

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mirrornet/pkg/genomedb/load/site"
)

// isSite says whether a Config's From is a site's address.
func isSite(from string) bool {
	scheme, _, ok := strings.Cut(from, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

const (
	maxFolders   = 400     // that are listed to find the dumps
	maxSums      = 4 << 20 // bytes of a CHECKSUMS file
	maxPage      = 16 << 20
	maxSiteDepth = 4
)

// releaseFolder is a release's on Ensembl's FTP site.
var releaseFolder = regexp.MustCompile(`^release-(\d+)$`)

// explorer finds dumps on a site.
type explorer struct {
	ctx     context.Context
	client  *site.Client
	want    selection
	found   []source
	visited int
}

// findSite lists the dumps at and below an address that are wanted. It follows
// release-N, mysql and folders that are named as databases.
func findSite(ctx context.Context, from string, client *site.Client, want selection) ([]source, error) {
	base, err := url.Parse(from)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("%s is no address such as https://ftp.ensembl.org/pub/", from)
	}
	if base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("%s: the address of a folder has no query", from)
	}
	if !strings.HasSuffix(base.Path, "/") {
		base = base.JoinPath("/")
	}
	e := &explorer{ctx: ctx, client: client, want: want}
	if err := e.folder(base, 0); err != nil {
		return nil, err
	}
	slices.SortFunc(e.found, func(a, b source) int { return strings.Compare(a.dir, b.dir) })
	return e.found, nil
}

func lastPart(at *url.URL) (base, parent string) {
	parts := strings.Split(strings.Trim(at.Path, "/"), "/")
	base = parts[len(parts)-1]
	if len(parts) > 1 {
		parent = parts[len(parts)-2]
	}
	return base, parent
}

func (e *explorer) folder(at *url.URL, depth int) error {
	if e.visited++; e.visited > maxFolders {
		return fmt.Errorf("more than %d folders to look into: narrow it down with a species, a kind or the address of one folder", maxFolders)
	}
	page, final, err := e.client.Get(e.ctx, at, maxPage)
	if err != nil {
		return err
	}
	l, err := site.ParseListing(final, page)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if slices.ContainsFunc(l.Files, func(n string) bool { return strings.HasSuffix(strings.TrimSuffix(n, ".gz"), ".sql") }) {
		return e.dump(final, l)
	}
	if depth == maxSiteDepth {
		return nil
	}
	next, err := e.follow(at, l.Folders)
	if err != nil {
		return err
	}
	for _, name := range next {
		if err := e.folder(final.JoinPath(name, "/"), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// maxUnknown is how many folders of unknown names are looked into.
const maxUnknown = 50

// follow chooses of a folder's folders those to look into: a release, mysql,
// databases that are wanted; where there are none of these, all.
func (e *explorer) follow(at *url.URL, folders []string) (next []string, err error) {
	var releases []string
	known := false
	base, _ := lastPart(at)
	for _, name := range folders {
		if m := releaseFolder.FindStringSubmatch(name); m != nil {
			known = true
			if n, _ := strconv.Atoi(m[1]); e.want.release == 0 || n == e.want.release {
				releases = append(releases, name)
			}
			continue
		}
		entry, release, err := identify(name, name, base)
		known = known || err == nil || name == "mysql"
		if name == "mysql" || err == nil && e.want.takes(source{entry: entry, release: release}) {
			next = append(next, name)
		}
	}
	if len(releases) > 1 {
		return nil, fmt.Errorf("%s has %d releases (%s … %s): say which one with its number", at, len(releases), releases[0], releases[len(releases)-1])
	}
	if !known && len(folders) <= maxUnknown {
		next = folders
	}
	return append(next, releases...), nil
}

func (e *explorer) dump(at *url.URL, l site.Listing) error {
	var files []file
	for _, name := range l.Files {
		files = append(files, file{name: name, from: at.JoinPath(name), size: -1})
	}
	base, parent := lastPart(at)
	s, ok, err := assemble(at.String(), base, parent, files, e.want, func(f file) ([]byte, error) {
		text, _, err := e.client.Get(e.ctx, f.from, maxSums)
		return text, err
	})
	if err != nil || !ok {
		return err
	}
	if err := e.version(&s.schema); err != nil {
		return err
	}
	for table, f := range s.tables {
		if err := e.version(&f); err != nil {
			return err
		}
		s.tables[table] = f
	}
	e.found = append(e.found, s)
	return nil
}

// version gives a file its stamp: of what CHECKSUMS says, else of what the
// server does.
func (e *explorer) version(f *file) error {
	if f.sum != nil {
		f.size, f.stamp = f.sum.Blocks*1024, f.sum.String()
		return nil
	}
	v, err := e.client.Head(e.ctx, f.from)
	if err != nil {
		return err
	}
	f.size, f.stamp = v.Size, fmt.Sprintf("%s %s %d", v.ETag, v.LastModified, v.Size)
	return nil
}
