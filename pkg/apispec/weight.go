package apispec

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What says a type weighs, in the reference, 3 for its best place, 2 and 1 for
// the others; of the types that Accept lists without a weight, each is a
// thousandth lighter than the one before. An explicit weight stands for itself,
// so that "text/xml, application/json;q=1" asks a GET for JSON, and 0 is no
// refusal.
type weighed struct {
	name   string
	weight float64
}

// Asked lists the media types that a request asks for, most wanted first,
// without "*/*". suffixType is that of a path suffix, "" for none.
func Asked(method, parameter, suffixType string, h http.Header) (types []string) {
	var list []weighed
	add := func(t string, weight float64) {
		if t != "" && !slices.ContainsFunc(list, func(w weighed) bool { return w.name == t }) {
			list = append(list, weighed{t, weight})
		}
	}
	accept, contentType := 1.0, 3.0
	if method == "POST" {
		accept, contentType = 3, 2
	}
	sent, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	if suffixType != "" {
		sent = suffixType
	}
	add(lower(strings.TrimSpace(sent)), contentType)
	if method != "POST" && parameter != "0" {
		add(parameter, 2)
	}
	places := 0.0
	for _, member := range members(strings.Join(h.Values("Accept"), ",")) {
		weight, ok := member.weight()
		if !ok {
			places++
			weight = accept - places/1000
		}
		add(member[0], weight)
	}
	slices.SortStableFunc(list, func(a, b weighed) int {
		switch {
		case a.weight > b.weight:
			return -1
		case a.weight < b.weight:
			return 1
		}
		return 0
	})
	for _, w := range list {
		if w.name != "*/*" {
			types = append(types, w.name)
		}
	}
	return types
}

// member is one of a field's list: a name and its value, and so for each of its
// parameters. Names are in lower case.
type member []string

// weight is what the first parameter says, if it is q. ok is false if it says
// nothing.
func (m member) weight() (weight float64, ok bool) {
	if len(m) < 4 || m[2] != "q" {
		return 0, false
	}
	weight, _ = strconv.ParseFloat(decimal.FindString(m[3]), 64) // no number: 0
	return weight, true
}

var decimal = regexp.MustCompile(`^\d*\.?\d{0,9}`)

// members splits a field into its members.
func members(field string) (list []member) {
	var m member
	end := func() {
		if m != nil {
			list = append(list, m)
		}
		m = nil
	}
	for field != "" {
		switch c := field[0]; {
		case c == ',':
			end()
			field = field[1:]
			continue
		case strings.IndexByte(" \t;=", c) >= 0:
			field = field[1:]
			continue
		}
		n := strings.IndexAny(field, " \t;=,")
		if n < 0 {
			n = len(field)
		}
		name, value := lower(field[:n]), ""
		field = strings.TrimLeft(field[n:], " \t")
		if rest, ok := strings.CutPrefix(field, "="); ok {
			value, field = quotedOrPlain(strings.TrimLeft(rest, " \t"))
		}
		m = append(m, name, value)
	}
	end()
	return list
}

func quotedOrPlain(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		n := strings.IndexAny(s, " \t;,")
		if n < 0 {
			n = len(s)
		}
		return s[:n], s[n:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:]
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
