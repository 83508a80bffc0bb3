package rfc9111

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseRange_RFC9110_14_1_2(t *testing.T) {
	for in, want := range map[string]string{
		"bytes=0-4": "0-4", "Bytes = 5-": "5--1", "bytes=-5": "-1-5", "bytes=7-7": "7-7",
		"bytes=5-4": "no", "bytes=-": "no", "bytes=-0": "no", "bytes=0-1,3-4": "no", "bytes=a-b": "no", "lines=0-4": "no", "bytes": "no",
		"bytes=0-99999999999999999999": "no", "bytes=+1-2": "no", "": "no",
	} {
		got := "no"
		if r, ok := ParseRange(hdr("Range: " + in)); ok {
			got = fmt.Sprintf("%d-%d", r.First, r.Last)
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	if _, ok := ParseRange(hdr("Range: bytes=0-1", "Range: bytes=2-3")); ok {
		t.Error("two lines are no one range")
	}
}

func TestParseContentRange_RFC9110_14_4(t *testing.T) {
	for in, want := range map[string]string{
		"bytes 0-4/10": "bytes 0-4/10", "BYTES 0-4/*": "bytes 0-4/*", " bytes 9-9/10 ": "bytes 9-9/10",
		"bytes */10": "", "bytes 5-4/10": "", "bytes 0-10/10": "", "bytes 0-4": "", "bytes=0-4/10": "", "lines 0-4/10": "", "bytes 0-4/x": "", "": "",
	} {
		got := ""
		if c, ok := ParseContentRange(in); ok {
			got = c.String()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestSlice_RFC9111_3_3(t *testing.T) {
	for _, c := range []struct {
		name, stored, body string
		asked              string
		want, at           string // "": not within
	}{
		{"inside", "bytes 4-9/20", "456789", "bytes=5-7", "567", "bytes 5-7/20"},
		{"all of it", "bytes 4-9/20", "456789", "bytes=4-9", "456789", "bytes 4-9/20"},
		{"before it", "bytes 4-9/20", "456789", "bytes=3-5", "", ""},
		{"beyond it", "bytes 4-9/20", "456789", "bytes=8-10", "", ""},
		{"to the end, not held", "bytes 4-9/20", "456789", "bytes=5-", "", ""},
		{"to the end, held", "bytes 4-9/10", "456789", "bytes=5-", "56789", "bytes 5-9/10"},
		{"past the end", "bytes 4-9/10", "456789", "bytes=5-99", "56789", "bytes 5-9/10"},
		{"outside of the whole", "bytes 4-9/10", "456789", "bytes=10-", "", ""},
		{"the last ones", "bytes 4-9/10", "456789", "bytes=-2", "89", "bytes 8-9/10"},
		{"more than there are", "bytes 0-9/10", "0123456789", "bytes=-99", "0123456789", "bytes 0-9/10"},
		{"the last ones, length unknown", "bytes 4-9/*", "456789", "bytes=-2", "", ""},
		{"length unknown", "bytes 4-9/*", "456789", "bytes=5-6", "56", "bytes 5-6/*"},
		{"a short part ends where its source did", "bytes 4-9/10", "45678", "bytes=6-", "678", "bytes 6-8/10"},
		{"and has nothing behind that", "bytes 4-9/10", "45678", "bytes=-1", "", ""},
		{"a body that is too long", "bytes 4-5/10", "45678", "bytes=4-5", "", ""},
		{"no Content-Range", "", "45678", "bytes=4-5", "", ""},
	} {
		r, ok := ParseRange(hdr("Range: " + c.asked))
		if !ok {
			t.Fatal(c.asked)
		}
		h := http.Header{}
		if c.stored != "" {
			h.Set("Content-Range", c.stored)
		}
		body, at, ok := r.Slice(Response{Status: 206, Header: h}, []byte(c.body))
		if string(body) != c.want || at != c.at || ok != (c.want != "") {
			t.Errorf("%s: %q %q %v", c.name, body, at, ok)
		}
	}
}

func TestStrongValidator_RFC9110_8_8(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{[]string{`ETag: "a"`}, `Etag "a"`},
		{[]string{`ETag: W/"a"`, "Date: " + at(0), "Last-Modified: " + at(-600)}, " "}, // the weak one counts
		{[]string{"ETag: a"}, " "},
		{[]string{"Date: " + at(0), "Last-Modified: " + at(-60)}, "Last-Modified " + at(-60)},
		{[]string{"Date: " + at(0), "Last-Modified: " + at(-59)}, " "},
		{[]string{"Last-Modified: " + at(-600)}, " "},
		{nil, " "},
	} {
		name, value := StrongValidator(resp(206, c.lines...))
		if got := name + " " + value; got != c.want {
			t.Errorf("%q: got %q", c.lines, got)
		}
	}
}

func TestCombine_RFC9111_3_4(t *testing.T) {
	part := func(at, tag string, more ...string) Response {
		return resp(206, append([]string{"Content-Range: bytes " + at, "ETag: " + tag, "Content-Length: 5"}, more...)...)
	}
	for _, c := range []struct {
		name          string
		stored, fresh Response
		a, b          string
		limit         int
		want          string // status, Content-Range lines, body; "": not combined
	}{
		{"the rest", part("0-4/10", `"x"`), part("5-9/10", `"x"`), "01234", "56789", 99, `200 [] 0123456789`},
		{"the beginning", part("5-9/10", `"x"`), part("0-4/10", `"x"`), "56789", "01234", 99, `200 [] 0123456789`},
		{"overlapping", part("0-6/10", `"x"`), part("4-9/10", `"x"`), "0123456", "456789", 99, `200 [] 0123456789`},
		{"one in the other", part("0-6/10", `"x"`), part("2-3/10", `"x"`), "0123456", "23", 99, `206 [bytes 0-6/10] 0123456`},
		{"with a gap", part("0-1/10", `"x"`), part("4-5/10", `"x"`), "01", "45", 99, `206 [bytes 0-1/10 bytes 4-5/10] 0145`},
		{"the length is learnt", part("0-4/*", `"x"`), part("5-9/10", `"x"`), "01234", "56789", 99, `200 [] 0123456789`},
		{"no length", part("0-4/*", `"x"`), part("5-9/*", `"x"`), "01234", "56789", 99, `206 [bytes 0-9/*] 0123456789`},

		{"another tag", part("0-4/10", `"x"`), part("5-9/10", `"y"`), "01234", "56789", 99, ""},
		{"weak tags", part("0-4/10", `W/"x"`), part("5-9/10", `W/"x"`), "01234", "56789", 99, ""},
		{"another coding", part("0-4/10", `"x"`), part("5-9/10", `"x"`, "Content-Encoding: gzip"), "01234", "56789", 99, ""},
		{"another length", part("0-4/10", `"x"`), part("5-9/11", `"x"`), "01234", "56789", 99, ""},
		{"beyond the length", part("0-4/5", `"x"`), part("5-9/*", `"x"`), "01234", "56789", 99, ""},
		{"bytes that differ", part("0-6/10", `"x"`), part("4-9/10", `"x"`), "0123456", "4x6789", 99, ""},
		{"a short part", part("0-4/10", `"x"`), part("5-9/10", `"x"`), "0123", "56789", 99, ""},
		{"too long", part("0-4/10", `"x"`), part("5-9/10", `"x"`), "01234", "56789", 9, ""},
	} {
		out, body, ok := Combine(c.stored, c.fresh, []byte(c.a), []byte(c.b), Policy{}, c.limit)
		got := ""
		if ok {
			got = fmt.Sprint(out.Status, " ", out.Header["Content-Range"], " ", string(body))
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	// §3.2: the fields of the new response, over those stored.
	out, _, _ := Combine(part("0-4/10", `"x"`, "A: 1", "B: 2", "Age: 50"), part("5-9/10", `"x"`, "A: 3"), []byte("01234"), []byte("56789"), Policy{}, 99)
	if diff := cmp.Diff(hdr(`ETag: "x"`, "A: 3", "B: 2", "Date: "+at(0)), out.Header); diff != "" {
		t.Error(diff)
	}
	if OnePart(resp(206, "Content-Range: bytes 0-4/10", "Content-Range: bytes 6-7/10")) || OnePart(resp(206)) || !OnePart(part("0-4/10", "")) {
		t.Error("OnePart")
	}
	for _, c := range []struct{ at, want string }{{"0-4/10", "bytes=5-"}, {"1-5/10", ""}} {
		if got, _ := Missing(part(c.at, `"x"`), 5); got != c.want && c.want != "" {
			t.Errorf("missing of %s: %s", c.at, got)
		} else if _, ok := Missing(part(c.at, `"x"`), 5); ok != (c.want != "") {
			t.Errorf("missing of %s: %v", c.at, ok)
		}
	}
}

// Parts of one representation, in whatever order and overlap, are never put
// together wrongly, and make the whole once nothing is missing.
func TestCombineAny(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 1, 60).Draw(t, "content")
		n := len(content)
		have := make([]bool, n)
		stored, body := Response{}, []byte(nil)
		for range rapid.IntRange(1, 12).Draw(t, "parts") {
			first := rapid.IntRange(0, n-1).Draw(t, "first")
			last := rapid.IntRange(first, n-1).Draw(t, "last")
			length := int64(n)
			if rapid.Bool().Draw(t, "unknown") {
				length = -1
			}
			fresh := resp(206, `ETag: "x"`, "Content-Range: "+ContentRange{int64(first), int64(last), length}.String())
			for i := first; i <= last; i++ {
				have[i] = true
			}
			part := bytes.Clone(content[first : last+1])
			if stored.Status == 0 {
				stored, body = fresh, part
				continue
			}
			var ok bool
			if stored, body, ok = Combine(stored, fresh, body, part, Policy{}, n); !ok {
				t.Fatalf("not combined: %v", stored.Header)
			}
			if stored.Status == 200 {
				break
			}
		}
		if stored.Status == 200 {
			if !bytes.Equal(body, content) {
				t.Fatalf("%q, want %q", body, content)
			}
			return
		}
		for first := range n {
			for last := first; last < n; last++ {
				held := true
				for i := first; i <= last; i++ {
					held = held && have[i]
				}
				got, _, ok := ByteRange{int64(first), int64(last)}.Slice(stored, body)
				if ok != held || ok && !bytes.Equal(got, content[first:last+1]) {
					t.Fatalf("%d-%d of %v: %q %v", first, last, stored.Header["Content-Range"], got, ok)
				}
			}
		}
	})
}

func TestHeadUpdates_RFC9111_4_3_5(t *testing.T) {
	stored := resp(200, `ETag: "a"`, "Last-Modified: "+at(-60))
	for _, c := range []struct {
		head Response
		want bool
	}{
		{resp(200), true},
		{resp(200, `ETag: "a"`, "Content-Length: 5"), true},
		{resp(200, `ETag: "b"`), false},
		{resp(200, "Last-Modified: "+at(-50)), false},
		{resp(200, `ETag: "a"`, "Content-Length: 6"), false},
		{resp(404), false},
	} {
		if got := HeadUpdates(stored, c.head, 5); got != c.want {
			t.Errorf("%d %v: %v", c.head.Status, c.head.Header, got)
		}
	}
}

// FuzzParts reads Range and Content-Range of anyone: what it answers lies
// within what is held, and nothing panics.
func FuzzParts(f *testing.F) {
	f.Add("bytes=0-4", "bytes 0-9/10", "", []byte("0123456789"), 10)
	f.Add("bytes=-5", "bytes 4-9/10", "bytes 0-3/10", []byte("01234"), 5)
	f.Add("bytes=9223372036854775799-", "bytes 0-9223372036854775798/9223372036854775799", "bytes 5-6/*", []byte("x"), 1)
	f.Fuzz(func(t *testing.T, asked, a, b string, body []byte, cut int) {
		cut = max(0, min(cut, len(body)))
		x := Response{Status: 206, Header: http.Header{"Content-Range": {a}, "Etag": {`"x"`}}}
		y := Response{Status: 206, Header: http.Header{"Content-Range": {b}, "Etag": {`"x"`}}}
		out, whole, ok := Combine(x, y, body[:cut], body[cut:], Policy{}, 1<<20)
		if ok && len(whole) > len(body) {
			t.Errorf("%d bytes of %d", len(whole), len(body))
		}
		if !ok {
			out, whole = x, body
		}
		r, valid := ParseRange(http.Header{"Range": {asked}})
		if got, _, ok := r.Slice(out, whole); valid && ok && len(got) > len(whole) {
			t.Errorf("%d bytes of %d", len(got), len(whole))
		}
		if c, ok := ParseContentRange(a); ok {
			if again, ok := ParseContentRange(c.String()); !ok || again != c {
				t.Errorf("%q: %v, then %v", a, c, again)
			}
		}
	})
}

// FuzzTargeted reads CDN-Cache-Control of anyone: broken, it is as if it were
// absent; else Cache-Control does not count.
func FuzzTargeted(f *testing.F) {
	for _, s := range []string{"max-age=60", "no-store, max-age=5", "max-age=60, &&&", `max-age="60"`, "max-age=-5;a=1", "private=(a b)", "max-age=1.5", "no-store=?0", "", "s-maxage=999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h := http.Header{"Cdn-Cache-Control": {s}, "Cache-Control": {"no-store, max-age=7"}, "Expires": {at(60)}}
		r := parseResponse(h)
		life, explicit := freshnessLifetime(Response{Status: 200, Header: h, ResponseTime: t0}, r)
		switch {
		case life < 0 || life > maxDelta:
			t.Errorf("%q: lifetime %v", s, life)
		case !r.targeted && (!r.noStore || !explicit || life.Seconds() != 7):
			t.Errorf("%q: absent, and yet it counts: %+v", s, r)
		case r.targeted && explicit != (r.maxAge.set || r.sMaxAge.set):
			t.Errorf("%q: Expires counts beside it", s)
		}
	})
}
