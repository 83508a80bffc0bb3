// Package apispec is the endpoint catalogue: what an API says of itself, once,
// as data. An API module states its endpoints here; the origin makes its
// routes, input checks, OpenAPI document and pages from that statement, and
// the edges make their cache keys from it. It is published as JSON at
// [WellKnown].
//
// The package also reads a request the way the API does ([Index.Resolve]), so
// that origin and edge can never disagree on what was asked.
//
// # Decisions
//
// 2026-11-23: negotiation follows the Ensembl REST API (request Content-Type >
// ?content-type= > Accept for GET; Accept > Content-Type for POST), because
// its users' scripts rely on it. It lives here, not in the origin, since the
// edges must apply the same precedence to make keys.
//
// 2026-11-25: an origin shows the examples that its data has an answer to, so
// a catalogue differs with the data. What is written for readers is therefore
// no part of an entry's hash, which is in the edges' keys; the catalogue's own hash,
// which is its ETag, is of everything, so that edges read it anew.
package apispec

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// WellKnown is the path at which an origin publishes its catalogue.
const WellKnown = "/.well-known/catalogue.json"

// MaxBytes bounds a catalogue's JSON form.
const MaxBytes = 4 << 20

// Media types of the Ensembl REST API.
const (
	JSON  = "application/json"
	JSONP = "text/javascript"
	XML   = "text/xml"
	YAML  = "text/x-yaml"
	HTML  = "text/html"
	FASTA = "text/x-fasta"
	GFF3  = "text/x-gff3"
	BED   = "text/x-bed"
	Plain = "text/plain"
)

// Catalogue is the statement of a whole API. It is immutable once published.
type Catalogue struct {
	Title     string     `json:"title"`
	Version   string     `json:"version"` // of the API's software, as /info/rest says it
	Release   string     `json:"release"` // of the data
	Endpoints []Endpoint `json:"endpoints"`
}

// Endpoint is one method on one path.
type Endpoint struct {
	ID          string `json:"id"`     // unique in the catalogue
	Group       string `json:"group"`  // heading in the documentation
	Method      string `json:"method"` // GET (implies HEAD) or POST
	Path        string `json:"path"`   // "/lookup/id/{id}": a {name} is one whole segment
	Summary     string `json:"summary"`
	Description string `json:"description,omitempty"`
	// Aliases are further paths that name the same endpoint, with a subset of
	// the parameters. A last {name...} is one or more whole segments.
	Aliases []string `json:"aliases,omitempty"`
	Params  []Param  `json:"params,omitempty"`
	Body    *Body    `json:"body,omitempty"` // POST only
	// Formats are the media types of good answers; the first is the default.
	// JSONP is offered by listing [JSONP] beside [JSON].
	Formats []string `json:"formats"`
	// Refuse415 makes a type that is asked for and not offered a 415 instead
	// of the default format.
	Refuse415 bool      `json:"refuse_unsupported_type,omitempty"`
	Freshness Freshness `json:"freshness"`
	// Tags are invalidation tags; "{name}" stands for a parameter's value.
	Tags []string `json:"tags,omitempty"`
	// Canaries are targets (path and query) that answer 200 on a sound origin.
	Canaries []string  `json:"canaries,omitempty"`
	Examples []Example `json:"examples,omitempty"`
	// NoData says that the data served now has no answer to any example.
	NoData bool `json:"no_data,omitempty"`
}

// Type is the type of a parameter's value.
type Type string

const (
	String  Type = "string"
	Integer Type = "integer"
	Float   Type = "float"
	// Boolean follows the reference: absent, empty and "0" are false, all else true.
	Boolean Type = "boolean"
	Enum    Type = "enum"
)

// In says where a parameter stands.
type In string

const (
	InPath  In = "path"
	InQuery In = "query"
)

// Param is one parameter of an endpoint.
type Param struct {
	Name        string   `json:"name"`
	In          In       `json:"in"`
	Type        Type     `json:"type"`
	Required    bool     `json:"required,omitempty"`
	Default     string   `json:"default,omitempty"`
	Allowed     []string `json:"allowed,omitempty"` // of an Enum
	Aliases     []string `json:"aliases,omitempty"` // other names of the query parameter
	Repeated    bool     `json:"repeated,omitempty"`
	CaseBlind   bool     `json:"case_blind,omitempty"` // values that differ in case alone are the same
	Lenient     bool     `json:"lenient,omitempty"`    // what is not of the type is passed on, not refused
	Description string   `json:"description,omitempty"`
	Examples    []string `json:"examples,omitempty"`
}

// Body describes the JSON object that a POST endpoint reads.
type Body struct {
	Fields   []Param `json:"fields"`
	ListOf   string  `json:"list_of"`             // the field that holds the batch
	MaxItems int     `json:"max_items,omitempty"` // of ListOf; 0: no limit
	// Safe says that the endpoint only reads: equal bodies get equal answers,
	// and an edge may store them.
	Safe bool `json:"safe,omitempty"`
}

// Freshness is how long answers hold, in seconds. Zero means not at all.
type Freshness struct {
	MaxAge               int `json:"max_age"`
	StaleWhileRevalidate int `json:"stale_while_revalidate,omitempty"` // RFC 5861
	StaleIfError         int `json:"stale_if_error,omitempty"`         // RFC 5861
	Negative             int `json:"negative,omitempty"`               // max-age of 400 and 404
}

// Example is one request that works against the API's own data.
type Example struct {
	Target      string `json:"target"` // path and query
	ContentType string `json:"content_type"`
	Body        string `json:"body,omitempty"`
}

// CacheControl is the Cache-Control value for an answer with this status.
func (f Freshness) CacheControl(status int) string {
	switch {
	case status == 200 && f.MaxAge > 0:
		v := fmt.Sprintf("public, max-age=%d", f.MaxAge)
		if f.StaleWhileRevalidate > 0 {
			v += fmt.Sprintf(", stale-while-revalidate=%d", f.StaleWhileRevalidate)
		}
		if f.StaleIfError > 0 {
			v += fmt.Sprintf(", stale-if-error=%d", f.StaleIfError)
		}
		return v
	case (status == 400 || status == 404) && f.Negative > 0:
		return fmt.Sprintf("public, max-age=%d", f.Negative)
	default:
		return "no-store"
	}
}

// StaleFor is the time past freshness for which a stored answer may stand in
// for a failed fetch.
func (f Freshness) StaleFor() time.Duration { return time.Duration(f.StaleIfError) * time.Second }

// Param finds a parameter by its name or an alias.
func (e *Endpoint) Param(name string) (*Param, bool) {
	for i := range e.Params {
		p := &e.Params[i]
		if p.Name == name || p.In == InQuery && slices.Contains(p.Aliases, name) {
			return p, true
		}
	}
	return nil, false
}

// Offers reports whether the endpoint answers in that media type.
func (e *Endpoint) Offers(mediaType string) bool { return slices.Contains(e.Formats, mediaType) }

// Hash identifies what the entry says of requests and their answers. Two entries
// with the same hash read a request as the same, and may share stored answers:
// what is written for readers alone is left out, so that a better sentence, or an
// example that suits other data, makes no edge's store useless.
func (e *Endpoint) Hash() string {
	plain := *e
	plain.Group, plain.Summary, plain.Description = "", "", ""
	plain.Canaries, plain.Examples, plain.NoData = nil, nil, false
	plain.Params = unexplained(e.Params)
	if e.Body != nil {
		b := *e.Body
		b.Fields = unexplained(b.Fields)
		plain.Body = &b
	}
	return hash(&plain)
}

func unexplained(params []Param) []Param {
	params = slices.Clone(params)
	for i := range params {
		params[i].Description, params[i].Examples = "", nil
	}
	return params
}

// Hash identifies the catalogue's whole statement, its release included.
func (c *Catalogue) Hash() string { return hash(c) }

func hash(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // only strings, numbers and booleans are in there
		panic(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// Decode reads and validates a catalogue's JSON form, at most [MaxBytes].
// Unknown fields are passed over, so that an edge can read a newer origin.
func Decode(r io.Reader) (*Catalogue, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("catalogue: longer than %d bytes", MaxBytes)
	}
	var c Catalogue
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("catalogue: not the JSON of one: %w", err)
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &c, nil
}

// Validate reports every fault of the catalogue.
func (c *Catalogue) Validate() error {
	var errs []error
	seen := map[string]bool{}
	for i := range c.Endpoints {
		e := &c.Endpoints[i]
		fault := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("catalogue: endpoint %q: %s", e.ID, fmt.Sprintf(format, args...)))
		}
		if e.ID == "" || seen[e.ID] {
			fault("id is empty or used twice; give each endpoint its own")
		}
		seen[e.ID] = true
		if e.Method != "GET" && e.Method != "POST" {
			fault("method %q; write GET or POST", e.Method)
		}
		if len(e.Formats) == 0 {
			fault("formats is empty; list at least one media type")
		}
		for _, p := range append([]string{e.Path}, e.Aliases...) {
			for _, name := range pathNames(p) {
				if q, ok := e.Param(name); !ok || q.In != InPath {
					fault("path %q names {%s}, which params does not declare in path", p, name)
				}
			}
			if !strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/") && p != "/" {
				fault("path %q; start it with a slash and end it without one", p)
			}
		}
		for _, p := range e.Params {
			if p.Type == Enum && len(p.Allowed) == 0 {
				fault("parameter %q is an enum with nothing allowed", p.Name)
			}
			if p.In != InPath && p.In != InQuery {
				fault("parameter %q stands in %q; write path or query", p.Name, p.In)
			}
		}
		f := e.Freshness
		if min(f.MaxAge, f.StaleWhileRevalidate, f.StaleIfError, f.Negative) < 0 {
			fault("freshness has a negative number of seconds")
		}
	}
	return errors.Join(errs...)
}

func pathNames(pattern string) (names []string) {
	for seg := range strings.SplitSeq(pattern, "/") {
		if n, ok := paramSegment(seg); ok {
			names = append(names, n)
		}
	}
	return names
}

func paramSegment(seg string) (name string, ok bool) {
	if len(seg) > 2 && seg[0] == '{' && seg[len(seg)-1] == '}' {
		return strings.TrimSuffix(seg[1:len(seg)-1], restMark), true
	}
	return "", false
}

// restMark in the last segment of an alias says that it stands for one or more
// segments: what the reference passes over behind a whole path.
const restMark = "..."

func isRest(seg string) bool { return strings.HasSuffix(seg, restMark+"}") }

// PassesOver reports whether a path pattern ends in a {name...}.
func PassesOver(pattern string) bool { return isRest(pattern) }
