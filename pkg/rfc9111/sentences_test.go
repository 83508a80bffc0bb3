package rfc9111

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// Each sentence of RFC 9111 that binds a shared cache and that this package
// can keep, by section and a few of its words. What only the data path can
// keep (writing through, Age, preconditions, only-if-cached) has its table in
// package edge.
func TestSentences(t *testing.T) {
	get := func(lines ...string) Request { return Request{"GET", hdr(lines...)} }
	ok := func(req Request, r Response, p ...Policy) bool {
		ok, _ := Storable(req, r, append(p, Policy{})[0])
		return ok
	}
	// uses tells the verdict on a stored response some seconds after t0.
	uses := func(after int, req Request, lines ...string) Verdict {
		return Evaluate(req, resp(200, lines...), Policy{}, t0.Add(time.Duration(after)*time.Second)).Verdict
	}
	// whenDisconnected tells whether it may stand in for a failed origin.
	whenDisconnected := func(after int, req Request, lines ...string) bool {
		return Evaluate(req, resp(200, lines...), Policy{StaleIfError: time.Hour}, t0.Add(time.Duration(after)*time.Second)).StaleIfError
	}
	same := func(field, a, b string) bool {
		return VaryKey([]string{field}, hdr(field+": "+a)) == VaryKey([]string{field}, hdr(field+": "+b))
	}
	life := func(lines ...string) time.Duration { d, _ := FreshnessLifetime(resp(200, lines...)); return d }
	stored := func(lines ...string) http.Header { return StoredHeader(resp(200, lines...), Policy{}) }
	const fresh, tag = "Cache-Control: max-age=60", `ETag: "a"`
	part := resp(206, fresh, "Content-Range: bytes 0-4/10", tag)

	for _, c := range []struct {
		section, words string
		holds          bool
	}{
		{"1.2.2", "if any of its subsequent calculations overflows … consider the value to be 2147483648",
			life("Cache-Control: max-age=99999999999999999999") == 1<<31*time.Second},
		{"1.2.2", "a delta-seconds value greater than the greatest integer it can represent",
			CurrentAge(resp(200, "Age: 99999999999999999999"), t0) == 1<<31*time.Second},

		{"3", "the request method is understood by the cache", ok(get(), resp(200, fresh)) && !ok(Request{"QUERY", nil}, resp(200, fresh)) && !ok(Request{"PUT", nil}, resp(200, fresh))},
		{"3", "the response status code is final", !ok(get(), resp(103, fresh))},
		{"3", "if the response status code is 206 or 304 … the cache understands the response status code",
			!ok(get(), resp(206, fresh)) && !ok(get(), resp(304, fresh)) && ok(get(), part, Policy{StoreParts: true})},
		{"3", "or the \"must-understand\" cache directive is present: the cache understands the response status code",
			!ok(get(), resp(299, "Cache-Control: must-understand, max-age=60")) && ok(get(), resp(200, "Cache-Control: must-understand, max-age=60"))},
		{"3", "the \"no-store\" cache directive is not present in the response", !ok(get(), resp(200, "Cache-Control: no-store, max-age=60"))},
		{"3", "the \"private\" response directive is either not present or allows a shared cache to store a modified response",
			!ok(get(), resp(200, "Cache-Control: private, max-age=60")) && ok(get(), resp(200, `Cache-Control: private="x", max-age=60`))},
		{"3", "the Authorization header field is not present in the request or a response directive is present that explicitly allows shared caching",
			!ok(get("Authorization: x"), resp(200, fresh)) && ok(get("Authorization: x"), resp(200, "Cache-Control: public, max-age=60"))},
		{"3", "a \"public\" response directive", ok(get(), resp(403, "Cache-Control: public", tag))},
		{"3", "an Expires header field", ok(get(), resp(403, "Expires: "+at(60)))},
		{"3", "a max-age response directive", ok(get(), resp(403, fresh))},
		{"3", "an s-maxage response directive and the cache is shared", ok(get(), resp(403, "Cache-Control: s-maxage=60"))},
		{"3", "a status code that is defined as heuristically cacheable", ok(get(), resp(404, tag)) && !ok(get(), resp(403, tag))},

		{"3.1", "Caches MUST include all received response header fields — including unrecognised ones", stored("X-Unknown: 1", "Content-Foo: 2").Get("X-Unknown") == "1"},
		{"3.1", "The Connection header field and fields whose names are listed in it are required … to be removed",
			len(stored("Connection: a, close", "A: 1", "Keep-Alive: 5")) == 0},
		{"3.1", "Header fields that are specific to the proxy that a cache uses … MUST NOT be stored",
			len(stored("Proxy-Authenticate: x", "Proxy-Authentication-Info: y", "Proxy-Authorization: z")) == 0},

		{"3.2", "MUST add each header field in the provided response to the stored response, replacing field values that are already present",
			slices.Equal(Update(resp(200, "A: 1", "A: 2"), resp(304, "A: 3", "B: 4"), Policy{}).Header["A"], []string{"3"}) &&
				Update(resp(200, "A: 1"), resp(304, "B: 4"), Policy{}).Header.Get("B") == "4"},
		{"3.2", "the Content-Length header field", Update(resp(200, "Content-Length: 5"), resp(304, "Content-Length: 0"), Policy{}).Header.Get("Content-Length") == "5"},
		{"3.2", "excepted from storage in Section 3.1", Update(resp(200), resp(304, "Connection: x", "X: 1", "TE: a"), Policy{}).Header.Get("X") == ""},
		{"3.2", "that the stored response depends upon", Update(resp(200, "Content-Encoding: a"), resp(304, "Content-Encoding: b"), Policy{}).Header.Get("Content-Encoding") == "a"},

		{"3.3", "a 206 (Partial Content) response MAY be stored as if it were an incomplete 200", ok(get("Range: bytes=0-4"), part, Policy{StoreParts: true})},
		{"3.3", "MUST NOT store incomplete or partial-content responses if … does not understand the range units", !OnePart(resp(206, "Content-Range: lines 0-4/10"))},
		{"3.3", "MUST NOT use an incomplete response to answer requests unless … wholly within the incomplete response", !answers(ByteRange{3, 6}, part) && answers(ByteRange{3, 4}, part)},
		{"3.4", "if they all share the same strong validator", combines(`"a"`, `"a"`) && !combines(`"a"`, `"b"`) && !combines(`W/"a"`, `W/"a"`) && !combines("", "")},

		{"3.5", "unless … a response directive that allows it to be stored by a shared cache: must-revalidate, public, and s-maxage",
			ok(get("Authorization: x"), resp(200, "Cache-Control: must-revalidate, max-age=60")) && ok(get("Authorization: x"), resp(200, "Cache-Control: s-maxage=60")) &&
				!ok(get("Authorization: x"), resp(200, "Cache-Control: proxy-revalidate, max-age=60"))},

		{"4", "the request method associated with the stored response allows it to be used", uses(1, Request{"POST", nil}, fresh) == Miss && uses(1, Request{"HEAD", nil}, fresh) == Fresh},
		{"4", "the stored response does not contain the no-cache directive, unless it is successfully validated", uses(1, get(), "Cache-Control: no-cache, max-age=60", tag) == Validate},
		{"4", "fresh, or allowed to be served stale, or successfully validated",
			uses(59, get(), fresh, tag) == Fresh && uses(61, get(), fresh, tag) == Validate && uses(61, get("Cache-Control: max-stale"), fresh, tag) == Fresh},

		{"4.1", "unless all the presented request header fields nominated by that Vary field value match", !same("Foo", "1", "2") && same("Foo", "1", "1")},
		{"4.1", "adding or removing whitespace, where allowed", same("Foo", "1,2", " 1 ,  2")},
		{"4.1", "combining multiple header field lines with the same field name", VaryKey([]string{"Foo"}, hdr("Foo: 1", "Foo: 2")) == VaryKey([]string{"Foo"}, hdr("Foo: 1, 2"))},
		{"4.1", "reordering field values when order is not significant; case-normalization", same("Accept-Language", "en, de;q=0.5", "De;q=0.5,EN") && !same("Foo", "a, b", "b, a") && !same("Foo", "a", "A")},
		{"4.1", "it can only match another request if it is also absent there", VaryKey([]string{"Foo"}, hdr()) != VaryKey([]string{"Foo"}, hdr("Foo: 1"))},
		{"4.1", "A stored response with a Vary header field value containing a member \"*\" always fails to match", uses(1, get(), fresh, "Vary: a, *") == Miss && !ok(get(), resp(200, fresh, "Vary: *"))},

		{"4.2", "a recipient SHOULD match the field value case-insensitively", life("Date: "+at(0), "Expires: "+strings.ToUpper(at(60))) == time.Minute},
		{"4.2", "MUST NOT allow local time zones to influence", life("Date: "+at(0), "Expires: "+at(60)) == time.Minute},
		{"4.2", "SHOULD consider a date with a zone abbreviation other than \"GMT\" to be invalid", life("Date: "+at(0), "Expires: "+strings.Replace(at(60), "GMT", "UTC", 1)) == 0},
		{"4.2.1", "If the cache is shared and the s-maxage response directive is present, use its value", life("Cache-Control: max-age=1, s-maxage=60", "Expires: "+at(5)) == time.Minute},
		{"4.2.1", "If the max-age response directive is present, use its value", life("Cache-Control: max-age=60", "Expires: "+at(5)) == time.Minute},
		{"4.2.1", "its value minus the value of the Date response header field", life("Date: "+at(-60), "Expires: "+at(0)) == time.Minute},
		{"4.2.1", "when there is more than one value … the most restrictive", life("Cache-Control: max-age=60", "Cache-Control: max-age=5") == 5*time.Second},
		{"4.2.1", "encouraged to consider responses that have invalid freshness information to be stale", life("Cache-Control: max-age=a60", "Expires: "+at(60)) == 0},
		{"4.2.2", "MUST NOT use heuristics to determine freshness when an explicit expiration time is present", life("Expires: 0", "Date: "+at(0), "Last-Modified: "+at(-6000)) == 0},
		{"4.2.2", "MUST NOT use heuristics on … status codes not defined as heuristically cacheable", func() bool { d, _ := FreshnessLifetime(resp(403, "Last-Modified: "+at(-6000))); return d == 0 }()},
		{"4.2.3", "MUST interpret this value relative to the time the request was initiated", CurrentAge(Response{Header: hdr("Age: 5"), RequestTime: t0.Add(-3 * time.Second), ResponseTime: t0}, t0) == 8*time.Second},
		{"4.2.3", "corrected_initial_age = max(apparent_age, corrected_age_value)", CurrentAge(resp(200, "Date: "+at(-30), "Age: 20"), t0.Add(time.Second)) == 31*time.Second},
		{"4.2.4", "MUST NOT generate a stale response if it is prohibited by an explicit in-protocol directive",
			!whenDisconnected(61, get(), "Cache-Control: max-age=60, no-cache") && !whenDisconnected(61, get(), "Cache-Control: max-age=60, must-revalidate") &&
				!whenDisconnected(61, get(), "Cache-Control: max-age=60, proxy-revalidate") && !whenDisconnected(61, get(), "Cache-Control: s-maxage=60")},
		{"4.2.4", "unless it is disconnected or doing so is explicitly permitted", uses(61, get(), fresh) == Validate && whenDisconnected(61, get(), fresh)},

		{"4.3.1", "using the value of the ETag field … the Last-Modified field", ConditionalHeader(resp(200, `ETag: W/"x"`, "Last-Modified: "+at(-5))).Get("If-None-Match") == `W/"x"`},
		{"4.3.4", "one or more strong validators … with one of those same strong validators are selected", Updates(resp(200, tag), resp(304, tag)) && !Updates(resp(200, `ETag: W/"a"`), resp(304, tag))},
		{"4.3.4", "MUST NOT use the new response to update any stored responses", !Updates(resp(200, tag), resp(304, `ETag: "b"`))},
		{"4.3.4", "no strong validators but does contain one or more weak validators", Updates(resp(200, `ETag: W/"a"`), resp(304, `ETag: W/"a"`)) && !Updates(resp(200, `ETag: W/"a"`), resp(304, `ETag: W/"b"`))},
		{"4.3.4", "does not include any form of validator … then that stored response is identified", Updates(resp(200, tag), resp(304))},
		{"4.3.5", "matching values for any received validator fields … Content-Length matches", HeadUpdates(resp(200, tag), resp(200, tag, "Content-Length: 3"), 3) && !HeadUpdates(resp(200, tag), resp(200, "Content-Length: 4"), 3)},
		{"4.4", "MUST invalidate the target URI when it receives a non-error status code in response to an unsafe request method (including methods whose safety is unknown)",
			Invalidates("PUT", 204) && Invalidates("X", 302) && !Invalidates("PUT", 500) && !Invalidates("GET", 200)},
		{"4.4", "MUST NOT trigger an invalidation … if the origin of the URI to be invalidated differs", len(InvalidatedTargets(&url.URL{Scheme: "http", Host: "a", Path: "/x"}, hdr("Location: http://b/y"))) == 1},

		{"5.1", "SHOULD use the first member of the field value, discarding subsequent ones", CurrentAge(resp(200, "Age: 5, 7", "Age: 9"), t0) == 5*time.Second},
		{"5.1", "if the field value is invalid … a cache SHOULD ignore the field", CurrentAge(resp(200, "Age: old"), t0) == 0},
		{"5.2", "Cache directives are identified by a token, to be compared case-insensitively", !ok(get(), resp(200, "Cache-Control: NO-STORE, MAX-AGE=60"))},
		{"5.2", "recipients ought to accept both forms", life(`Cache-Control: max-age="60"`) == time.Minute},
		{"5.2.1.1", "max-age … unless the max-stale request directive is also present, the client is not willing to receive a stale response", uses(9, get("Cache-Control: max-age=8"), fresh) == Validate && uses(61, get("Cache-Control: max-age=99"), "Cache-Control: max-age=60, stale-while-revalidate=9") == Validate},
		{"5.2.1.2", "max-stale … a response that has exceeded its freshness lifetime by no more than the specified number of seconds", uses(65, get("Cache-Control: max-stale=5"), fresh) == Fresh && uses(66, get("Cache-Control: max-stale=5"), fresh) == Validate},
		{"5.2.1.3", "min-fresh … still be fresh for at least the specified number of seconds", uses(50, get("Cache-Control: min-fresh=10"), fresh) == Fresh && uses(51, get("Cache-Control: min-fresh=10"), fresh) == Validate},
		{"5.2.1.4", "no-cache … prefers stored response not be used without successful validation", uses(1, get("Cache-Control: no-cache"), fresh) == Validate},
		{"5.2.1.5", "no-store … MUST NOT store any part of either this request or any response to it", !ok(get("Cache-Control: no-store"), resp(200, fresh))},
		{"5.2.1.6", "no-transform", NoTransform(hdr("Cache-Control: no-transform"))},
		{"5.2.1.7", "only-if-cached", Evaluate(get("Cache-Control: only-if-cached"), resp(200, fresh), Policy{}, t0).OnlyIfCached},
		{"5.2.2.2", "MUST NOT reuse that response … until it has been successfully validated by the origin", uses(61, get("Cache-Control: max-stale"), "Cache-Control: max-age=60, must-revalidate") == Validate},
		{"5.2.2.2", "if a cache is disconnected, the cache MUST generate an error response", !whenDisconnected(61, get(), "Cache-Control: max-age=60, must-revalidate")},
		{"5.2.2.3", "SHOULD ignore the no-store directive in responses that contain both", ok(get(), resp(200, "Cache-Control: no-store, must-understand, max-age=60"))},
		{"5.2.2.4", "in its unqualified form … MUST NOT be used to satisfy any other request without forwarding it for validation", uses(1, get("Cache-Control: max-stale"), "Cache-Control: no-cache", tag) == Validate},
		{"5.2.2.4", "if the listed header fields are excluded from the subsequent response", uses(1, get(), `Cache-Control: no-cache="x", max-age=60`) == Fresh && stored(`Cache-Control: no-cache="x"`, "X: 1").Get("X") == ""},
		{"5.2.2.5", "MUST NOT store any part of either the immediate request or the response", !ok(get(), resp(200, fresh, "Cache-Control: no-store"))},
		{"5.2.2.7", "a shared cache MUST NOT store the response", !ok(get(), resp(200, fresh, "Cache-Control: private"))},
		{"5.2.2.7", "MUST NOT store the listed header fields … but MAY store the remainder", stored(`Cache-Control: private="x, y"`, "X: 1", "Z: 2").Get("X") == "" && stored(`Cache-Control: private="x"`, "Z: 2").Get("Z") == "2"},
		{"5.2.2.8", "proxy-revalidate … a shared cache MUST NOT reuse that response", uses(61, get("Cache-Control: max-stale"), "Cache-Control: max-age=60, proxy-revalidate") == Validate},
		{"5.2.2.9", "public … MAY store the response even if it would otherwise be prohibited", ok(get("Authorization: x"), resp(200, "Cache-Control: public, max-age=60"))},
		{"5.2.2.10", "MUST NOT reuse a stale response with s-maxage to satisfy another request until it has been successfully validated", uses(61, get("Cache-Control: max-stale"), "Cache-Control: s-maxage=60") == Validate},
		{"5.2.3", "A cache MUST ignore unrecognized cache directives", life("Cache-Control: foo=bar, max-age=60, baz") == time.Minute},
		{"5.3", "MUST interpret invalid date formats, especially the value \"0\", as representing a time in the past", life("Expires: 0", "Date: "+at(0)) == 0 && uses(1, get(), "Expires: 0") == Validate},
		{"5.3", "with the max-age directive, a recipient MUST ignore the Expires header field", life("Cache-Control: max-age=60", "Expires: 0") == time.Minute},
		{"5.4", "When Cache-Control is not present … consider the no-cache request pragma-directive", uses(1, get("Pragma: no-cache"), fresh) == Validate && uses(1, get("Pragma: no-cache", "Cache-Control: max-age=9"), fresh) == Fresh},
		{"5.5", "Warning … obsoletes it", stored("Warning: 199 - x").Get("Warning") != ""}, // a field like any other: passed on, never made
		{"RFC 5861 3", "stale-while-revalidate … MAY serve the response … up to the indicated number of seconds", uses(64, get(), "Cache-Control: max-age=60, stale-while-revalidate=4") == StaleWhileRevalidate && uses(65, get(), "Cache-Control: max-age=60, stale-while-revalidate=4") == Validate},
		{"RFC 5861 4", "stale-if-error … a cached stale response MAY be used", whenDisconnected(64, get(), "Cache-Control: max-age=60, stale-if-error=4") && !whenDisconnected(65, get(), "Cache-Control: max-age=60, stale-if-error=4")},
		{"RFC 9213 2.2", "MUST use its value … to the exclusion of Cache-Control and Expires", life("CDN-Cache-Control: max-age=60", "Cache-Control: max-age=1, s-maxage=2", "Expires: 0") == time.Minute},
		{"RFC 9213 2.2", "if parsing … fails … it MUST be ignored", life(`CDN-Cache-Control: max-age="60"`, "Cache-Control: max-age=1") == time.Second},
	} {
		if !c.holds {
			t.Errorf("§%s: %q", c.section, c.words)
		}
	}
}

// answers tells whether a part of five bytes answers a range.
func answers(r ByteRange, part Response) bool {
	_, _, ok := r.Slice(part, []byte("01234"))
	return ok
}

func combines(a, b string) bool {
	_, _, ok := Combine(resp(206, "Content-Range: bytes 0-0/2", "ETag: "+a), resp(206, "Content-Range: bytes 1-1/2", "ETag: "+b), []byte("0"), []byte("1"), Policy{}, 9)
	return ok
}
