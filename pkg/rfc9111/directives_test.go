package rfc9111

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hdr makes a header of "Name: value" lines.
func hdr(lines ...string) http.Header {
	h := http.Header{}
	for _, l := range lines {
		name, value, ok := strings.Cut(l, ":")
		if !ok {
			panic("no colon in " + l)
		}
		h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return h
}

func TestDirectives_RFC9111_5_2(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{``, ``},
		{`max-age=5`, `max-age=5`},
		{` , ,max-age=5,, no-store ,`, `max-age=5 no-store`},
		{`MaX-aGe=5`, `max-age=5`},
		{`private="a, b", public`, `private="a, b" public`},
		{`ext="max-age=1", max-age=9`, `ext="max-age=1" max-age=9`},
		{`ext="a\"b, c"`, `ext="a"b, c"`},
		{`max-age =5`, `max-age!`},
		{`max-age= 5`, `max-age!`},
		{`max-age=`, `max-age!`},
		{`max-age=5 6, no-store`, `max-age! no-store`},
		{`max-age=5;x, no-store`, `max-age! no-store`},
		{`ext="unterminated, no-store`, `ext! no-store`},
		{`x y="a, b", no-store`, `x! no-store`},
		{`(), "no-cache", no-store`, `no-store`},
		{`no-store=""`, `no-store=""`},
		{`=5, max-age=6`, `max-age=6`},
	} {
		var got []string
		for d := range directives([]string{c.in}) {
			s := d.name
			switch d.arg {
			case token:
				s += "=" + d.value
			case quoted:
				s += `="` + d.value + `"`
			case malformed:
				s += "!"
			}
			got = append(got, s)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q: got %q, want %q", c.in, s, c.want)
		}
	}
}

func TestDeltaSeconds_RFC9111_1_2_2(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0s", "003600": "1h0m0s", "2147483647": "596523h14m7s", "2147483648": "596523h14m8s",
		"2147483649": "596523h14m8s", "99999999999999999999999999": "596523h14m8s",
		"": "-", "-1": "-", "+1": "-", "1.0": "-", "1a": "-", "a1": "-", " 1": "-", "'1'": "-", "٣": "-",
		"99999999999999999999999999a": "-",
	} {
		got := "-"
		if d, ok := deltaSeconds(in); ok {
			got = d.String()
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestFieldNames(t *testing.T) {
	for in, want := range map[string]string{
		"set-cookie": "[Set-Cookie] true", " a , B,": "[A B] true", "": "[] false", ",": "[] false", "a b": "[] false",
	} {
		names, ok := fieldNames(in)
		if got := fmt.Sprint(names, ok); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestNoTransform(t *testing.T) {
	for in, want := range map[string]bool{
		"no-transform": true, "max-age=1, No-Transform": true, `x="no-transform"`: false, "": false,
	} {
		if got := NoTransform(hdr("Cache-Control: " + in)); got != want {
			t.Errorf("%q: got %v", in, got)
		}
	}
}

// FuzzDirectives looks for input that hides a directive: a member that stands
// at the end, after a comma, is always found, and the numbers stay in range.
func FuzzDirectives(f *testing.F) {
	for _, s := range []string{"", "max-age=5", `a="b,c"`, `a="`, `a="\`, "no-cache=\"x, y\", private", "max-age =1", ",,=,;", "\x00", `"`, `max-age="1`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for d := range directives([]string{s}) {
			if d.name != strings.ToLower(d.name) || tokenLength(d.name) != len(d.name) {
				t.Errorf("name %q", d.name)
			}
			if n, ok := d.seconds(); n < 0 || n > maxDelta || !ok && n != 0 {
				t.Errorf("%q: %v %v", d.value, n, ok)
			}
		}
		h := http.Header{"Cache-Control": {s, "no-store"}}
		if !parseResponse(h).noStore || !parseRequest(h).noStore {
			t.Error("no-store on a second line is lost")
		}
		if !strings.ContainsAny(s, `"`) && !parseResponse(http.Header{"Cache-Control": {s + ",no-store"}}).noStore {
			t.Error("no-store at the end is lost")
		}
		h = http.Header{"Cdn-Cache-Control": {s}, "Cache-Control": {"no-store"}}
		if r := parseResponse(h); !r.targeted && !r.noStore {
			t.Error("neither field counts")
		}
		_, _ = VaryFields(http.Header{"Vary": {s}})
		_, _ = ParseDate(s)
	})
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 8:49:37 GMT", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := ParseDate(s)
		if !ok {
			return
		}
		// What it takes, net/http takes too, once the zone's case is mended.
		want, err := http.ParseTime(strings.Replace(strings.Trim(s, " \t"), s[max(0, len(s)-3):], strings.ToUpper(s[max(0, len(s)-3):]), 1))
		if err == nil && !got.Equal(want) {
			t.Errorf("%q: %v, net/http says %v", s, got, want)
		}
		if got.Location() != time.UTC && got.Location().String() != "GMT" {
			t.Errorf("%q: zone %v", s, got.Location())
		}
	})
}
