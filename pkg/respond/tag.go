package respond

import "strings"

// tag is an entity tag (RFC 9110 §8.8.3). The zero tag is none; an empty
// opaque part, which the grammar allows, is taken for none.
type tag struct {
	opaque string // between the quotes
	weak   bool
}

func (t tag) String() string {
	if t.weak {
		return `W/"` + t.opaque + `"`
	}
	return `"` + t.opaque + `"`
}

// of is the tag of a coding's form. A weak tag stands for all forms.
func (t tag) of(coding string) tag {
	if t.weak || t.opaque == "" || coding == "" {
		return t
	}
	t.opaque += "-" + coding
	return t
}

// covers reports whether other, as a client sent it, names a form of t.
func (t tag) covers(other tag) bool {
	if t.opaque == "" {
		return false
	}
	if other.opaque == t.opaque {
		return true
	}
	coding, ok := strings.CutPrefix(other.opaque, t.opaque+"-")
	return ok && !t.weak && isCoding(coding)
}

// scanTag reads the entity tag at the start of s; false where there is none.
func scanTag(s string) (t tag, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	s, t.weak = strings.CutPrefix(s, "W/")
	if !strings.HasPrefix(s, `"`) {
		return tag{}, s, false
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			t.opaque = s[1:i]
			return t, s[i+1:], true
		case c < 0x21 || c == 0x7f:
			return tag{}, s, false
		}
	}
	return tag{}, s, false
}

// tagList is what If-Match or If-None-Match lists.
type tagList struct {
	any  bool // "*"
	tags []tag
}

// parseTags reads all lines; each as far as it makes sense.
func parseTags(lines []string) (l tagList) {
	for _, s := range lines {
		for {
			s = strings.TrimLeft(s, " \t,")
			if strings.HasPrefix(s, "*") {
				l.any = true
				break
			}
			t, rest, ok := scanTag(s)
			if !ok {
				break
			}
			l.tags = append(l.tags, t)
			s = rest
		}
	}
	return l
}
