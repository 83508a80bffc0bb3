package rfc9111

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var t0 = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// at formats a date some seconds after t0.
func at(seconds int) string {
	return t0.Add(time.Duration(seconds) * time.Second).Format(http.TimeFormat)
}

// resp is a response received at t0 with no delay.
func resp(status int, lines ...string) Response {
	return Response{Status: status, Header: hdr(lines...), RequestTime: t0, ResponseTime: t0}
}

func TestStorable_RFC9111_3(t *testing.T) {
	get := func(lines ...string) Request { return Request{"GET", hdr(lines...)} }
	post := Request{"POST", nil}
	const fresh = "Cache-Control: max-age=60"
	for _, c := range []struct {
		name string
		req  Request
		resp Response
		p    Policy
		want string // start of why; "" is storable
	}{
		{"max-age", get(), resp(200, fresh), Policy{}, ""},
		{"Expires", get(), resp(200, "Expires: "+at(60)), Policy{}, ""},
		{"heuristic", get(), resp(404, "Date: "+at(0), "Last-Modified: "+at(-600)), Policy{}, ""},
		{"nothing to use it by", get(), resp(200), Policy{}, "never usable"},
		{"a validator is enough", get(), resp(200, `ETag: "a"`), Policy{}, ""},
		{"so is leave to be stale", get(), resp(200), Policy{StaleIfError: time.Hour}, ""},
		{"no-cache without validator", get(), resp(200, "Cache-Control: no-cache"), Policy{StaleIfError: time.Hour}, "never usable"},
		{"no-cache with validator", get(), resp(200, "Cache-Control: no-cache", `ETag: "a"`), Policy{}, ""},
		{"max-age=0 alone", get(), resp(200, "Cache-Control: max-age=0"), Policy{StaleWhileRevalidate: time.Hour}, "never usable"},

		{"HEAD", Request{"HEAD", nil}, resp(200, fresh), Policy{}, "method HEAD"},
		{"PUT", Request{"PUT", nil}, resp(200, fresh), Policy{StoreUnsafe: true}, "method PUT"},
		{"POST", post, resp(200, fresh), Policy{}, "method POST"},
		{"POST by catalogue", post, resp(200, fresh), Policy{StoreUnsafe: true}, ""},
		{"POST without explicit freshness", post, resp(200, "Last-Modified: "+at(-600)), Policy{StoreUnsafe: true}, "POST without"},

		{"1xx", get(), resp(103, fresh), Policy{}, "status 103"},
		{"206", get(), resp(206, fresh), Policy{}, "status 206"},
		{"304", get(), resp(304, fresh), Policy{}, "status 304"},
		{"429", get(), resp(429, fresh), Policy{}, "status 429"},
		{"403 is not heuristic", get(), resp(403, `ETag: "a"`), Policy{}, "status 403 without"},
		{"403 with freshness", get(), resp(403, fresh), Policy{}, ""},
		{"503 with freshness", get(), resp(503, fresh), Policy{}, ""},
		{"599 unknown, fresh", get(), resp(599, fresh), Policy{}, ""},
		{"599 public", get(), resp(599, "Cache-Control: public", "Last-Modified: "+at(-600)), Policy{}, ""},
		{"599 not public", get(), resp(599, "Last-Modified: "+at(-600)), Policy{}, "status 599 without"},
		{"600", get(), resp(600, fresh), Policy{}, "status 600"},

		{"request no-store", get("Cache-Control: no-store"), resp(200, fresh), Policy{}, "request no-store"},
		{"no-store", get(), resp(200, "Cache-Control: max-age=60, no-store"), Policy{}, "no-store"},
		{"no-store on another line", get(), resp(200, fresh, "Cache-Control: No-Store"), Policy{}, "no-store"},
		{"no-store malformed", get(), resp(200, fresh, "Cache-Control: no-store foo"), Policy{}, "no-store"},
		{"quoted is no directive", get(), resp(200, `Cache-Control: a="no-store", max-age=60`), Policy{}, ""},
		{"must-understand, understood", get(), resp(200, "Cache-Control: max-age=60, no-store, must-understand"), Policy{}, ""},
		{"must-understand, not understood", get(), resp(299, "Cache-Control: max-age=60, must-understand"), Policy{}, "must-understand"},
		{"private", get(), resp(200, "Cache-Control: private, max-age=60"), Policy{}, "private"},
		{"private and s-maxage conflict", get(), resp(200, "Cache-Control: private, public, s-maxage=60"), Policy{}, "private"},
		{"private with names", get(), resp(200, `Cache-Control: private="a", max-age=60`), Policy{}, ""},
		{"private with broken names", get(), resp(200, `Cache-Control: private="a b", max-age=60`), Policy{}, "private"},
		{"private with empty names", get(), resp(200, `Cache-Control: private="", max-age=60`), Policy{}, "private"},
		{"private unterminated", get(), resp(200, `Cache-Control: max-age=60, private="a`), Policy{}, "private"},

		{"Set-Cookie", get(), resp(200, fresh, "Set-Cookie: a=b"), Policy{}, "Set-Cookie"},
		{"Set-Cookie allowed", get(), resp(200, fresh, "Set-Cookie: a=b"), Policy{AllowSetCookie: true}, ""},
		{"Set-Cookie hidden", get(), resp(200, `Cache-Control: max-age=60, no-cache="set-cookie"`, "Set-Cookie: a=b"), Policy{}, ""},
		{"Vary *", get(), resp(200, fresh, "Vary: Accept", "Vary: foo, *"), Policy{}, "Vary"},

		{"§3.5", get("Authorization: x"), resp(200, fresh), Policy{}, "Authorization"},
		{"§3.5 public", get("Authorization: x"), resp(200, "Cache-Control: max-age=60, public"), Policy{}, ""},
		{"§3.5 public with argument", get("Authorization: x"), resp(200, "Cache-Control: max-age=60, public=no"), Policy{}, "Authorization"},
		{"§3.5 must-revalidate", get("Authorization: x"), resp(200, "Cache-Control: max-age=60, must-revalidate"), Policy{}, ""},
		{"§3.5 s-maxage", get("Authorization: x"), resp(200, "Cache-Control: s-maxage=60"), Policy{}, ""},

		{"RFC 9213 over no-store", get(), resp(200, "Cache-Control: no-store", "CDN-Cache-Control: max-age=60"), Policy{}, ""},
		{"RFC 9213 no-store", get(), resp(200, fresh, "CDN-Cache-Control: no-store"), Policy{}, "no-store"},
		{"RFC 9213 private", get(), resp(200, fresh, "CDN-Cache-Control: private"), Policy{}, "private"},
		{"RFC 9213 false is absent", get(), resp(200, "CDN-Cache-Control: no-store=?0, max-age=60"), Policy{}, ""},
		{"RFC 9213 broken", get(), resp(200, "Cache-Control: no-store", "CDN-Cache-Control: max-age=60, &&&"), Policy{}, "no-store"},
		{"RFC 9213 wrong type", get(), resp(200, "Cache-Control: no-store", `CDN-Cache-Control: max-age="60"`), Policy{}, "no-store"},
		{"RFC 9213 empty", get(), resp(200, "Cache-Control: no-store", "CDN-Cache-Control:"), Policy{}, "no-store"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ok, why := Storable(c.req, c.resp, c.p)
			if ok != (why == "") {
				t.Fatalf("ok %v with why %q", ok, why)
			}
			if ok != (c.want == "") || !strings.HasPrefix(why, c.want) {
				t.Errorf("got %v %q, want %q", ok, why, c.want)
			}
		})
	}
}

func TestStoredHeader_RFC9111_3_1(t *testing.T) {
	in := hdr("Content-Type: text/plain", "Connection: close, X-Hop", "X-Hop: 1", "Keep-Alive: 5", "TE: trailers", "Trailer: a",
		"Transfer-Encoding: chunked", "Upgrade: h2c", "Proxy-Authenticate: x", "Proxy-Connection: close",
		"X-RateLimit-Remaining: 5", "RateLimit: a", "RateLimit-Policy: b", "X-Rate-Limit-Reset: 1", "Retry-After: 5",
		"Access-Control-Allow-Origin: *", "Set-Cookie: a=b", "A: 1", "B: 2", "C: 3", "C: 4",
		`Cache-Control: no-cache="a", max-age=5, private="b"`, `ETag: "x"`)
	before := in.Clone()
	want := []string{"C", "Cache-Control", "Content-Type", "Etag", "Retry-After"}
	got := StoredHeader(Response{Status: 200, Header: in}, Policy{})
	names := make([]string, 0, len(got))
	for name := range got {
		names = append(names, name)
	}
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	got.Add("C", "5")
	got["C"][0] = "changed"
	if diff := cmp.Diff(before, in); diff != "" {
		t.Error("the input changed:", diff)
	}
	if got := StoredHeader(Response{Header: in}, Policy{AllowSetCookie: true}); got.Get("Set-Cookie") != "a=b" {
		t.Error("Set-Cookie is gone though allowed")
	}
}

// A Connection option must not make a response more cacheable than it was.
func TestConnectionCannotHideCacheControl_RFC9110_7_6_1(t *testing.T) {
	in := hdr("Connection: Cache-Control, x-a, Set-Cookie", "Cache-Control: no-cache", "X-A: 1", `ETag: "a"`)
	h := StoredHeader(Response{Header: in}, Policy{})
	if h.Get("Cache-Control") != "no-cache" || h.Get("X-A") != "" {
		t.Errorf("stored %v", h)
	}
	RemoveHopByHop(in)
	if diff := cmp.Diff(hdr("Cache-Control: no-cache", `ETag: "a"`), in); diff != "" {
		t.Error(diff)
	}
}

func TestVary_RFC9111_4_1(t *testing.T) {
	fields, any := VaryFields(hdr("Vary: b, Accept ,,", "Vary: ACCEPT"))
	if any || !slices.Equal(fields, []string{"Accept", "B"}) {
		t.Errorf("got %v %v", fields, any)
	}
	if _, any := VaryFields(hdr("Vary: a, *")); !any {
		t.Error("* is lost")
	}
	key := func(fields string, lines ...string) string {
		return VaryKey(strings.Split(fields, ","), hdr(lines...))
	}
	type req []string
	for _, c := range []struct {
		fields string
		a, b   req
		same   bool
	}{
		{"Foo", req{"Foo: 1"}, req{"Foo: 1", "Bar: 2"}, true},
		{"Foo", req{"Foo: 1"}, req{"Foo: 2"}, false},
		{"Foo", req{"Foo: 1, 2"}, req{"Foo: 1", "Foo: 2"}, true},
		{"Foo", req{"Foo: 1,2"}, req{"Foo:  1 ,  2 "}, true},
		{"Foo", req{"Foo: 1, 2"}, req{"Foo: 2, 1"}, false},
		{"Foo", req{`Foo: "a,b"`}, req{`Foo: "a, b"`}, false},
		{"Foo", req{}, req{"Foo:"}, false},
		{"Foo", req{}, req{"Bar: 1"}, true},
		{"Foo", req{"Foo: A"}, req{"Foo: a"}, false},
		{"Accept-Language", req{"Accept-Language: EN"}, req{"Accept-Language: en"}, true},
		{"Accept-Language", req{"Accept-Language: en, de"}, req{"Accept-Language: De,eN"}, true},
		{"Accept-Language", req{"Accept-Language: en, de;q=0.5"}, req{"Accept-Language: de ; q=0.500", "Accept-Language: en;q=1.0"}, true},
		{"Accept-Language", req{"Accept-Language: en, de;q=0.5"}, req{"Accept-Language: de, en;q=0.5"}, false},
		{"Accept-Language", req{"Accept-Language: en;q=0"}, req{"Accept-Language: en"}, false},
		{"Accept-Language", req{"Accept-Language: en;q=0.0"}, req{"Accept-Language: en;q=0"}, true},
		{"Accept-Language", req{"Accept-Language: en;q=10"}, req{"Accept-Language: en;q=1"}, false},
		{"Accept", req{"Accept: a/b, c/d"}, req{"Accept: c/d, a/b"}, false},
		{"A,B", req{"A: 1;B=1:2", "B: 3"}, req{"A: 1", "B: 2;B=1:3"}, false},
		{"A,B", req{"A: x"}, req{"B: x"}, false},
	} {
		if got := key(c.fields, c.a...) == key(c.fields, c.b...); got != c.same {
			t.Errorf("%s of %q and %q: same %v", c.fields, c.a, c.b, got)
		}
	}
	h := hdr("A: 1", "B: 2")
	if VaryKey([]string{"a", "B"}, h) != VaryKey([]string{"b", "A", "a"}, h) {
		t.Error("order and case of names count")
	}
	if VaryKey(nil, h) != "" {
		t.Error("no fields: want the empty key")
	}
}
