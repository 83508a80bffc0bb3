package keys

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"mirrornet/pkg/apispec"
)

// sense is what a request asks for, before it is written one way or another.
type sense struct {
	e      *apispec.Endpoint
	names  []string // the parameters of the path
	path   map[string]string
	query  []apispec.Value // by declared name
	format string
	call   string // JSONP function, with format JSONP
	list   []string
	member []apispec.Value // of a POST's body beside the list; values are JSON
}

func (s sense) clone() sense {
	path := map[string]string{}
	for n, v := range s.path {
		path[n] = v
	}
	s.path, s.query = path, slices.Clone(s.query)
	s.list, s.member = slices.Clone(s.list), slices.Clone(s.member)
	return s
}

// draw draws a request to an endpoint.
func (v *values) draw(r *rand.Rand, e *apispec.Endpoint) sense {
	s := sense{e: e, names: names(pick(r, patterns(r, e))), format: e.Formats[0]}
	s.path = v.path(r, e, s.names)
	if often(r, 0.5) {
		s.format = pick(r, e.Formats)
	}
	if s.format == apispec.JSONP && often(r, 0.9) {
		s.call = pick(r, []string{"f", "my.show", "$_1"})
	}
	for i := range e.Params {
		p := &e.Params[i]
		if p.In == apispec.InQuery && (p.Required || often(r, 0.6/float64(len(e.Params)))) {
			s.query = append(s.query, apispec.Value{Name: p.Name, Value: v.value(r, p)})
		}
	}
	if e.Body != nil {
		s.list = v.elements(r, e, s.path)
		for i := range e.Body.Fields {
			if p := &e.Body.Fields[i]; p.Name != e.Body.ListOf && often(r, 0.1) {
				s.member = append(s.member, apispec.Value{Name: p.Name, Value: member(r, p, v.value(r, p))})
			}
		}
	}
	return s
}

// member is a value of a body's field in JSON: a text or a bare word.
func member(r *rand.Rand, p *apispec.Param, value string) string {
	if (p.Type == apispec.Boolean || p.Type == apispec.Integer) && json.Valid([]byte(value)) && often(r, 0.5) {
		return value
	}
	return quoted(value)
}

// patterns are the paths of an endpoint, its own more often than others.
func patterns(r *rand.Rand, e *apispec.Endpoint) []string {
	if often(r, 0.8) {
		return []string{e.Path}
	}
	return append([]string{e.Path}, e.Aliases...)
}

func names(pattern string) (list []string) {
	for seg := range strings.SplitSeq(pattern, "/") {
		if strings.HasPrefix(seg, "{") {
			list = append(list, strings.Trim(seg, "{}"))
		}
	}
	return list
}

// hand is how a sense is written: none of it is to be heard in the answer.
type hand struct {
	pattern  int    // which of the paths with these parameters
	order    uint64 // of pairs and members
	sep      string
	escape   uint64 // 0: only what must be
	plus     bool   // a space is "+"
	typed    string // how the format is said: suffix, parameter, accept, field or default
	spelled  bool   // defaults and false are written
	empty    bool   // false is written as nothing
	steer    []string
	aliases  bool
	upper    bool // case-blind values
	slash    bool
	head     bool
	loose    bool // JSON with spaces, escapes and another order
	call     string
	unheard  []field
	host     string
	protocol string
}

var typings = []string{"suffix", "parameter", "accept", "field", "default"}

func drawHand(r *rand.Rand) hand {
	return hand{sep: ";", typed: pick(r, typings)}
}

// suffixes by media type.
var suffixes = map[string]string{
	apispec.JSON: "json", apispec.XML: "xml", apispec.JSONP: "jsonp", apispec.Plain: "txt", apispec.FASTA: "fasta", "text/x-seqxml+xml": "seqxml",
}

// write writes s.
func write(s sense, h hand) ask {
	a := ask{method: s.e.Method, host: h.host, proto: h.protocol, fields: slices.Clone(h.unheard)}
	if h.head && a.method == "GET" {
		a.method = "HEAD"
	}
	r := rand.New(rand.NewPCG(h.escape, 1))
	var same []string
	for _, p := range append([]string{s.e.Path}, s.e.Aliases...) {
		if n := names(p); len(n) == len(s.names) && !slices.ContainsFunc(s.names, func(x string) bool { return !slices.Contains(n, x) }) {
			same = append(same, p)
		}
	}
	for seg := range strings.SplitSeq(same[h.pattern%len(same)][1:], "/") {
		if strings.HasPrefix(seg, "{") {
			name := strings.Trim(seg, "{}")
			seg = folded(s.e, name, s.path[name], h.upper)
		}
		a.path += "/" + escaped(r, seg, h.escape != 0, false)
	}
	var pairs []string
	pair := func(name, value string) {
		pairs = append(pairs, escaped(r, name, h.escape != 0, h.plus)+"="+escaped(r, value, h.escape != 0, h.plus))
	}
	for _, q := range s.query {
		p, _ := s.e.Param(q.Name)
		if !h.spelled && !repeated(s, q.Name) && absent(p, q.Value) {
			continue
		}
		if h.empty && p.Type == apispec.Boolean && q.Value == "0" {
			q.Value = ""
		}
		if h.aliases && len(p.Aliases) > 0 {
			q.Name = p.Aliases[0]
		}
		pair(q.Name, folded(s.e, p.Name, q.Value, h.upper))
	}
	if h.spelled {
		for i := range s.e.Params {
			p := &s.e.Params[i]
			if p.In == apispec.InQuery && p.Default != "" && !slices.ContainsFunc(s.query, func(q apispec.Value) bool { return q.Name == p.Name }) {
				pair(p.Name, p.Default)
			}
		}
	}
	typed := h.typed
	if _, ok := suffixes[s.format]; !ok && typed == "suffix" || s.format != s.e.Formats[0] && typed == "default" || h.slash && typed == "suffix" {
		typed = "accept"
	}
	if s.e.Body != nil && (typed != "field" || s.format == "text/plain") { // a text's type says nothing of the body
		typed = "accept"
		a.fields = append(a.fields, field{"Content-Type", apispec.JSON})
	}
	switch typed {
	case "suffix":
		a.path += "." + suffixes[s.format]
	case "parameter":
		pair("content-type", s.format)
		a.fields = append(a.fields, field{"Accept", "*/*"})
	case "accept":
		a.fields = append(a.fields, field{"Accept", s.format})
	case "field":
		a.fields = append(a.fields, field{"Content-Type", s.format})
	}
	if s.format == apispec.JSONP && s.call != "" {
		call := s.call
		if h.call != "" {
			call = h.call
		}
		pair("callback", call)
	}
	if h.slash {
		a.path += "/"
	}
	pairs = append(pairs, h.steer...)
	if h.order != 0 && !slices.ContainsFunc(s.query, func(q apispec.Value) bool { return repeated(s, q.Name) }) {
		rand.New(rand.NewPCG(h.order, 2)).Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
	}
	a.query = strings.Join(pairs, h.sep)
	if s.e.Body != nil {
		a.body = s.json(h)
	}
	return a
}

// absent reports a value that the catalogue calls as good as none.
func absent(p *apispec.Param, value string) bool {
	if p.Type == apispec.Boolean {
		return value == "0" || value == ""
	}
	return p.Default != "" && (value == p.Default || p.CaseBlind && strings.EqualFold(value, p.Default))
}

func repeated(s sense, name string) bool {
	n := 0
	for _, q := range s.query {
		if q.Name == name {
			n++
		}
	}
	return n > 1
}

// folded is a case-blind value in upper case, where that is wanted.
func folded(e *apispec.Endpoint, name, value string, upper bool) string {
	if p, ok := e.Param(name); ok && p.CaseBlind && upper {
		return strings.Map(func(c rune) rune {
			if 'a' <= c && c <= 'z' { // what other letters' cases are is the origin's secret
				return c - 'a' + 'A'
			}
			return c
		}, value)
	}
	return value
}

func (s sense) json(h hand) string {
	list, _ := json.Marshal(s.list)
	members := []string{quoted(s.e.Body.ListOf) + ":" + string(list)}
	for _, m := range s.member {
		members = append(members, quoted(m.Name)+":"+m.Value)
	}
	if !h.loose {
		return "{" + strings.Join(members, ",") + "}"
	}
	slices.Reverse(members)
	return "\n{ " + strings.Join(members, " ,\t") + "} "
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// escaped percent-encodes what must be, and with more some of the rest.
func escaped(r *rand.Rand, s string, more, plus bool) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~:,", c) >= 0
		switch {
		case c == ' ' && plus:
			b.WriteByte('+')
		case plain && !(more && r.IntN(4) == 0):
			b.WriteByte(c)
		case more && r.IntN(2) == 0:
			fmt.Fprintf(&b, "%%%02x", c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
