package apispec

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Index finds a catalogue's endpoints by method and path. It is immutable and
// safe for concurrent use.
type Index struct {
	catalogue *Catalogue
	root      node
	hashes    map[*Endpoint]string
}

// node is one level of the path tree. Literal segments win over parameters.
type node struct {
	literal map[string]*node
	param   *node
	rest    *node           // of a pattern that ends in {name...}
	leaf    map[string]leaf // by method
}

type leaf struct {
	endpoint *Endpoint
	names    []string // of the parameters, in path order
}

// NewIndex validates c and indexes it. c must not change afterwards.
func NewIndex(c *Catalogue) (*Index, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	ix := &Index{catalogue: c, hashes: map[*Endpoint]string{}}
	for i := range c.Endpoints {
		e := &c.Endpoints[i]
		ix.hashes[e] = e.Hash()
		if c.Release != "" {
			ix.hashes[e] = hash([2]string{ix.hashes[e], c.Release})
		}
		for _, p := range append([]string{e.Path}, e.Aliases...) {
			if err := ix.insert(e, p); err != nil {
				return nil, err
			}
		}
	}
	return ix, nil
}

func (ix *Index) insert(e *Endpoint, pattern string) error {
	n, names := &ix.root, []string(nil)
	for _, seg := range segments(pattern) {
		if name, ok := paramSegment(seg); ok {
			next := &n.param
			if isRest(seg) {
				next = &n.rest
			}
			if *next == nil {
				*next = &node{}
			}
			names, n = append(names, name), *next
			continue
		}
		if n.literal == nil {
			n.literal = map[string]*node{}
		}
		if n.literal[seg] == nil {
			n.literal[seg] = &node{}
		}
		n = n.literal[seg]
	}
	if n.leaf == nil {
		n.leaf = map[string]leaf{}
	}
	if other, ok := n.leaf[e.Method]; ok && other.endpoint != e {
		return fmt.Errorf("catalogue: %s %s is stated by both %q and %q", e.Method, pattern, other.endpoint.ID, e.ID)
	}
	n.leaf[e.Method] = leaf{e, names}
	return nil
}

// Catalogue is what was indexed.
func (ix *Index) Catalogue() *Catalogue { return ix.catalogue }

// Hash identifies the endpoint's statement and the release of the data: what an
// answer was made by. A cache key holds it, so that answers of two catalogues
// or of two releases never share one.
func (ix *Index) Hash(e *Endpoint) string { return ix.hashes[e] }

// Match finds the endpoint of a method (HEAD is matched as GET) and an escaped
// path, and the decoded values of its path parameters. methods are those that
// the path does have when the method is not among them.
func (ix *Index) Match(method, escapedPath string) (e *Endpoint, params map[string]string, methods []string) {
	if method == "HEAD" {
		method = "GET"
	}
	segs, ok := DecodePath(escapedPath)
	if !ok {
		return nil, nil, nil
	}
	var values []string
	var found map[string]leaf
	var walk func(n *node, rest, vals []string) bool
	walk = func(n *node, rest, vals []string) bool {
		if len(rest) == 0 {
			if n.leaf == nil {
				return false
			}
			if _, ok := n.leaf[method]; ok || found == nil {
				found, values = n.leaf, slices.Clone(vals)
			}
			return found[method].endpoint != nil
		}
		if next := n.literal[rest[0]]; next != nil && walk(next, rest[1:], vals) {
			return true
		}
		if n.param != nil && walk(n.param, rest[1:], append(vals, rest[0])) {
			return true
		}
		return n.rest != nil && walk(n.rest, nil, append(vals, strings.Join(rest, "/")))
	}
	walk(&ix.root, segs, make([]string, 0, 4))
	l, ok := found[method]
	if !ok {
		for m := range found {
			methods = append(methods, m)
		}
		slices.Sort(methods)
		return nil, nil, methods
	}
	params = make(map[string]string, len(values))
	for i, name := range l.names {
		params[name] = values[i]
	}
	return l.endpoint, params, nil
}

// DecodePath splits an escaped path at its slashes as the reference does: the
// whole path is decoded first, so that %2F is a slash, and each segment a
// second time. A path ends at a zero byte. Slashes at both ends do not count.
// ok is false for an escape that is none and for bytes that are not UTF-8.
func DecodePath(escapedPath string) (segs []string, ok bool) {
	if strings.IndexByte(escapedPath, '%') < 0 {
		return segments(escapedPath), utf8.ValidString(escapedPath)
	}
	path, err := url.PathUnescape(escapedPath)
	if err != nil {
		return nil, false
	}
	path, _, _ = strings.Cut(path, "\x00")
	segs = segments(path)
	for i, s := range segs {
		if segs[i] = unescapeAgain(s); !utf8.ValidString(segs[i]) {
			return nil, false
		}
	}
	return segs, true
}

// unescapeAgain decodes what looks like an escape and leaves other percent
// signs alone.
func unescapeAgain(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(c))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// segments splits a path; slashes at its ends are passed over, as the API does.
func segments(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}
