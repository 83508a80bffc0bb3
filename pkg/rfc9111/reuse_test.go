package rfc9111

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/google/go-cmp/cmp"
)

func TestFreshnessLifetime_RFC9111_4_2_1(t *testing.T) {
	for _, c := range []struct {
		name string
		resp Response
		want string
	}{
		{"nothing", resp(200), "0s false"},
		{"max-age", resp(200, "Cache-Control: max-age=60"), "1m0s true"},
		{"max-age quoted", resp(200, `Cache-Control: max-age="60"`), "1m0s true"},
		{"s-maxage wins", resp(200, "Cache-Control: max-age=1, s-maxage=60", "Expires: "+at(5)), "1m0s true"},
		{"shorter s-maxage wins", resp(200, "Cache-Control: s-maxage=1", "Cache-Control: max-age=60"), "1s true"},
		{"of two, the shorter", resp(200, "Cache-Control: max-age=60, max-age=1"), "1s true"},
		{"of two lines, the shorter", resp(200, "Cache-Control: max-age=1", "Cache-Control: max-age=60"), "1s true"},
		{"invalid is stale", resp(200, "Cache-Control: max-age=-1", "Expires: "+at(60)), "0s true"},
		{"decimal is stale", resp(200, "Cache-Control: max-age=3600.5"), "0s true"},
		{"one invalid of two", resp(200, "Cache-Control: max-age=60, max-age=x"), "0s true"},
		{"cap", resp(200, "Cache-Control: max-age=99999999999"), "596523h14m8s true"},
		{"Expires", resp(200, "Date: "+at(-10), "Expires: "+at(20)), "30s true"},
		{"Expires past", resp(200, "Date: "+at(0), "Expires: "+at(-5)), "0s true"},
		{"Expires 0", resp(200, "Expires: 0", "Last-Modified: "+at(-600)), "0s true"},
		{"Expires without Date", resp(200, "Expires: "+at(20)), "20s true"},
		{"Expires with broken Date", resp(200, "Date: foo", "Expires: "+at(20)), "20s true"},
		{"two Expires", resp(200, "Date: "+at(0), "Expires: "+at(20), "Expires: "+at(10)), "10s true"},
		{"Expires far away", resp(200, "Date: "+at(0), "Expires: Sun, 21 Nov 2286 04:46:39 GMT"), "596523h14m8s true"},
		{"CDN over all", resp(200, "Cache-Control: max-age=1, s-maxage=2", "CDN-Cache-Control: max-age=60", "Expires: 0"), "1m0s true"},
		{"CDN hides Expires", resp(200, "CDN-Cache-Control: public", "Date: "+at(0), "Expires: "+at(60)), "0s false"},
		{"CDN negative", resp(200, "CDN-Cache-Control: max-age=-5", "Cache-Control: max-age=60"), "0s true"},
		{"CDN upper case is no dictionary", resp(200, "CDN-Cache-Control: Max-Age=5", "Cache-Control: max-age=60"), "1m0s true"},
		{"§4.2.2 tenth", resp(200, "Date: "+at(0), "Last-Modified: "+at(-600)), "1m0s false"},
		{"§4.2.2 cap", resp(200, "Date: "+at(0), "Last-Modified: "+at(-86400*100)), "24h0m0s false"},
		{"§4.2.2 future", resp(200, "Date: "+at(0), "Last-Modified: "+at(600)), "0s false"},
		{"§4.2.2 not for 403", resp(403, "Date: "+at(0), "Last-Modified: "+at(-600)), "0s false"},
		{"§4.2.2 but public", resp(403, "Cache-Control: public", "Date: "+at(0), "Last-Modified: "+at(-600)), "1m0s false"},
	} {
		d, explicit := FreshnessLifetime(c.resp)
		if got := fmt.Sprint(d, explicit); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestCurrentAge_RFC9111_4_2_3(t *testing.T) {
	received := func(delay time.Duration, lines ...string) Response {
		return Response{Status: 200, Header: hdr(lines...), RequestTime: t0.Add(-delay), ResponseTime: t0}
	}
	for _, c := range []struct {
		name string
		resp Response
		now  int
		want string
	}{
		{"resident", received(0), 7, "7s"},
		{"Age", received(0, "Age: 100"), 7, "1m47s"},
		{"delay adds to Age", received(3*time.Second, "Age: 100"), 0, "1m43s"},
		{"apparent age", received(time.Second, "Date: "+at(-30)), 5, "35s"},
		{"the larger counts", received(0, "Date: "+at(-30), "Age: 20"), 0, "30s"},
		{"Date in the future", received(0, "Date: "+at(30)), 5, "5s"},
		{"clock went back", received(0, "Age: 4"), -50, "4s"},
		{"§5.1 list: the first", received(0, "Age: 7200, 0"), 0, "2h0m0s"},
		{"§5.1 lines: the first", received(0, "Age: 0", "Age: 7200"), 0, "0s"},
		{"§5.1 no number", received(0, "Age: 7200.0"), 0, "0s"},
		{"§5.1 negative", received(0, "Age: -7200"), 0, "0s"},
		{"§1.2.2 large", received(0, "Age: 99999999999999999999"), 1, "596523h14m9s"},
		{"no times at all", Response{Header: hdr("Age: 4")}, 0, "596523h14m12s"},
	} {
		if got := CurrentAge(c.resp, t0.Add(time.Duration(c.now)*time.Second)).String(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	r := received(0)
	r.RequestTime = time.Time{}
	if got := CurrentAge(r, t0); got != 0 {
		t.Errorf("without RequestTime: %v", got)
	}
}

func TestParseDate_RFC9110_5_6_7(t *testing.T) {
	want := time.Date(2050, 8, 18, 2, 1, 18, 0, time.UTC)
	for _, s := range []string{"Thu, 18 Aug 2050 02:01:18 GMT", "THU, 18 AUG 2050 02:01:18 gMT", "Thursday, 18-Aug-50 02:01:18 GMT", "Thu Aug 18 02:01:18 2050"} {
		if got, ok := ParseDate(s); !ok || !got.Equal(want) {
			t.Errorf("%s: %v %v", s, got, ok)
		}
	}
	if got, ok := ParseDate("Sun Nov  6 08:49:37 1994"); !ok || got.Day() != 6 {
		t.Errorf("asctime: %v %v", got, ok)
	}
	for _, s := range []string{"", "0", "Thu, 18 Aug 2050 02:01:18 UTC", "Thu, 18 Aug 2050 02:01:18 AEST", "Thu, 18 Aug 50 02:01:18 GMT",
		"Thu 18 Aug 2050 02:01:18 GMT", "Thu, 18  Aug  2050 02:01:18 GMT", "Thu, 18-Aug-2050 02:01:18 GMT", "Thu, 18 Aug 2050 02.01.18 GMT",
		"Thu, 18 Aug 2050 2:01:18 GMT", "Thu, 38 Aug 2050 02:01:18 GMT", "Thursday, 18-Aug-50 02:01:18 UTC"} {
		if got, ok := ParseDate(s); ok {
			t.Errorf("%s: %v", s, got)
		}
	}
}

func TestEvaluate_RFC9111_4(t *testing.T) {
	long := Policy{StaleIfError: time.Hour, StaleWhileRevalidate: time.Minute}
	cc := func(s string) []string { return []string{"Cache-Control: " + s} }
	for _, c := range []struct {
		name string
		req  []string
		resp []string
		p    Policy
		now  int
		want string // verdict ttl fwd detail +sie
	}{
		{"fresh", nil, cc("max-age=60"), Policy{}, 59, "fresh 1s +sie"},
		{"at its end", nil, cc("max-age=60"), Policy{}, 60, "validate 0s stale"},
		{"immutable changes nothing", nil, cc("max-age=60, immutable"), Policy{}, 70, "validate -10s stale"},
		{"no-cache", nil, cc("max-age=60, no-cache"), long, 1, "validate 59s stale no-cache"},
		{"no-cache with names", nil, cc(`max-age=60, no-cache="a"`), Policy{}, 1, "fresh 59s +sie"},

		{"§5.2.1.4 request no-cache", cc("no-cache"), cc("max-age=60"), Policy{}, 1, "validate 59s request request no-cache +sie"},
		{"§5.4 Pragma", []string{"Pragma: foo, No-Cache"}, cc("max-age=60"), Policy{}, 1, "validate 59s request request no-cache +sie"},
		{"§5.4 Pragma beside Cache-Control", []string{"Pragma: no-cache", "Cache-Control: max-age=30"}, cc("max-age=60"), Policy{}, 1, "fresh 59s +sie"},
		{"§5.2.1.1 max-age=0", cc("max-age=0"), cc("max-age=60"), Policy{}, 0, "validate 1m0s request request max-age +sie"},
		{"§5.2.1.1 too old", cc("max-age=5"), cc("max-age=60"), Policy{}, 6, "validate 54s request request max-age +sie"},
		{"§5.2.1.1 young enough", cc("max-age=5"), cc("max-age=60"), Policy{}, 5, "fresh 55s +sie"},
		{"§5.2.1.1 invalid is 0", cc("max-age=x"), cc("max-age=60"), Policy{}, 5, "validate 55s request request max-age +sie"},
		{"§5.2.1.1 nothing stale", cc("max-age=600"), cc("max-age=60"), long, 70, "validate -10s stale request max-age +sie"},
		{"§5.2.1.3 min-fresh", cc("min-fresh=30"), cc("max-age=60"), Policy{}, 31, "validate 29s request request min-fresh +sie"},
		{"§5.2.1.3 met", cc("min-fresh=30"), cc("max-age=60"), Policy{}, 30, "fresh 30s +sie"},
		{"§5.2.1.3 larger of two", cc("min-fresh=1, min-fresh=40"), cc("max-age=60"), Policy{}, 30, "validate 30s request request min-fresh +sie"},
		{"§5.2.1.2 max-stale", cc("max-stale=20"), cc("max-age=60"), Policy{}, 80, "fresh -20s  request max-stale"},
		{"§5.2.1.2 too stale", cc("max-stale=20"), cc("max-age=60"), long, 81, "validate -21s stale request max-stale +sie"},
		{"§5.2.1.2 any", cc("max-stale"), cc("max-age=60"), Policy{}, 9999, "fresh -2h45m39s  request max-stale"},
		{"§5.2.1.2 smaller of two", cc("max-stale, max-stale=5"), cc("max-age=60"), Policy{}, 70, "validate -10s stale request max-stale"},
		{"§5.2.1.2 not over must-revalidate", cc("max-stale"), cc("max-age=60, must-revalidate"), Policy{}, 70, "validate -10s stale must-revalidate"},
		{"§5.2.1.2 not over s-maxage", cc("max-stale"), cc("s-maxage=60"), Policy{}, 70, "validate -10s stale"},
		{"§5.2.1.2 with max-age", cc("max-stale=100, max-age=65"), cc("max-age=60"), Policy{}, 64, "fresh -4s  request max-stale"},
		{"§5.2.1.5 no-store does not forbid use", cc("no-store"), cc("max-age=60"), Policy{}, 1, "fresh 59s +sie"},

		{"§5.2.2.2 must-revalidate", nil, cc("max-age=60, must-revalidate"), long, 61, "validate -1s stale must-revalidate"},
		{"§5.2.2.8 proxy-revalidate", nil, cc("max-age=60, proxy-revalidate, stale-if-error=60"), long, 61, "validate -1s stale must-revalidate"},
		{"§5.2.2.10 s-maxage", nil, cc("s-maxage=60"), long, 61, "validate -1s stale"},
		{"s-maxage with its own windows", nil, cc("s-maxage=60, stale-while-revalidate=5, stale-if-error=9"), Policy{}, 61, "stale-while-revalidate -1s  stale-while-revalidate +sie"},
		{"fresh though must-revalidate", nil, cc("max-age=60, must-revalidate"), long, 1, "fresh 59s +sie"},

		{"RFC 5861 §3", nil, cc("max-age=60, stale-while-revalidate=10"), Policy{}, 70, "stale-while-revalidate -10s  stale-while-revalidate"},
		{"RFC 5861 §3 over", nil, cc("max-age=60, stale-while-revalidate=10"), long, 71, "validate -11s stale +sie"},
		{"RFC 5861 §3 default", nil, cc("max-age=60"), long, 61, "stale-while-revalidate -1s  stale-while-revalidate +sie"},
		{"RFC 5861 §3 default needs a lifetime", nil, cc("max-age=0"), long, 1, "validate -1s stale +sie"},
		{"RFC 5861 §3 zero", nil, cc("max-age=60, stale-while-revalidate=0"), long, 61, "validate -1s stale +sie"},
		{"RFC 5861 §3 invalid", nil, cc("max-age=60, stale-while-revalidate=x"), long, 61, "validate -1s stale +sie"},
		{"RFC 5861 §4", nil, cc("max-age=60, stale-if-error=10"), Policy{}, 70, "validate -10s stale +sie"},
		{"RFC 5861 §4 over", nil, cc("max-age=60, stale-if-error=10, stale-while-revalidate=0"), long, 71, "validate -11s stale"},
		{"RFC 5861 §4 default over", nil, cc("max-age=60"), long, 3661, "validate -1h0m1s stale"},
		{"RFC 5861 §4 by the request", cc("stale-if-error=30"), cc("max-age=60"), Policy{}, 80, "validate -20s stale +sie"},
		{"RFC 5861 §4 refused by the request", cc("stale-if-error=0"), cc("max-age=60, stale-if-error=90"), long, 61, "stale-while-revalidate -1s  stale-while-revalidate"},
		{"RFC 5861 §4 request and s-maxage", cc("stale-if-error=30"), cc("s-maxage=60"), Policy{}, 61, "validate -1s stale"},

		{"Vary *", nil, append(cc("max-age=60"), "Vary: *"), Policy{}, 1, "miss 59s vary-miss Vary: *"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Evaluate(Request{"GET", hdr(c.req...)}, resp(200, c.resp...), c.p, t0.Add(time.Duration(c.now)*time.Second))
			got := fmt.Sprint(r.Verdict, " ", r.TTL)
			if r.Fwd != "" || r.Detail != "" {
				got += " " + r.Fwd
			}
			if r.Detail != "" {
				got += " " + r.Detail
			}
			if r.StaleIfError {
				got += " +sie"
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if want := time.Duration(c.now) * time.Second; r.Age != want {
				t.Errorf("age %v, want %v", r.Age, want)
			}
		})
	}
	fresh := resp(200, "Cache-Control: max-age=60")
	for _, method := range []string{"POST", "OPTIONS", "QUERY"} {
		if r := Evaluate(Request{method, nil}, fresh, Policy{}, t0); r.Verdict != Miss || r.Fwd != "method" {
			t.Errorf("%s: %+v", method, r)
		}
	}
	if r := Evaluate(Request{"POST", nil}, fresh, Policy{StoreUnsafe: true}, t0); r.Verdict != Fresh {
		t.Errorf("POST of the catalogue: %+v", r)
	}
	if r := Evaluate(Request{"GET", hdr("Cache-Control: only-if-cached")}, fresh, Policy{}, t0.Add(time.Hour)); !r.OnlyIfCached || r.Verdict != Validate {
		t.Errorf("only-if-cached: %+v", r)
	}
}

func TestConditionalHeader_RFC9111_4_3_1(t *testing.T) {
	for _, c := range []struct{ in, want []string }{
		{nil, nil},
		{[]string{`ETag: W/"a"`, "Last-Modified: " + at(-5)}, []string{`If-None-Match: W/"a"`, "If-Modified-Since: " + at(-5)}},
		{[]string{"Last-Modified: yesterday"}, nil},
	} {
		if diff := cmp.Diff(hdr(c.want...), ConditionalHeader(resp(200, c.in...))); diff != "" {
			t.Error(diff)
		}
	}
}

func TestUpdates_RFC9111_4_3_4(t *testing.T) {
	stored := resp(200, `ETag: "a"`, "Last-Modified: "+at(-5))
	for line, want := range map[string]bool{
		`ETag: "a"`: true, `ETag: W/"a"`: true, `ETag: "b"`: false, "X: y": true,
		"Last-Modified: " + at(-5): true, "Last-Modified: " + at(-4): false,
	} {
		if got := Updates(stored, resp(304, line)); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
	if Updates(resp(200, `ETag: W/"a"`), resp(304, `ETag: "a"`)) {
		t.Error("a strong validator must be the stored one")
	}
}

func TestUpdate_RFC9111_3_2(t *testing.T) {
	stored := resp(404, "Age: 500", "Date: "+at(-900), "Cache-Control: max-age=60", "Content-Length: 36", "Content-Encoding: zstd", "A: 1", "B: 2", "B: 3", "H: x")
	fresh := Response{Status: 304, RequestTime: t0.Add(time.Minute), ResponseTime: t0.Add(2 * time.Minute),
		Header: hdr(`Cache-Control: max-age=90, private="h"`, "Content-Length: 0", "Content-Encoding: br", "B: 4", "X-RateLimit-Limit: 5", "Set-Cookie: a=b", "Connection: C", "C: 1")}
	s, f := stored.Header.Clone(), fresh.Header.Clone()
	got := Update(stored, fresh, Policy{})
	want := Response{Status: 404, RequestTime: fresh.RequestTime, ResponseTime: fresh.ResponseTime,
		Header: hdr("Date: "+at(120), `Cache-Control: max-age=90, private="h"`, "Content-Length: 36", "Content-Encoding: zstd", "A: 1", "B: 4")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if age := CurrentAge(got, t0.Add(2*time.Minute)); age != time.Minute {
		t.Errorf("age %v: the old Age or Date counts still", age)
	}
	got.Header.Add("A", "9")
	got.Header["B"][0] = "9"
	if !cmp.Equal(s, stored.Header) || !cmp.Equal(f, fresh.Header) {
		t.Error("an argument changed")
	}
	if got := Update(Response{Status: 200}, Response{Header: hdr("Age: 3", "Date: "+at(1))}, Policy{}); got.Header.Get("Age") != "3" || got.Header.Get("Date") != at(1) {
		t.Errorf("got %v", got.Header)
	}
}

func TestInvalidates_RFC9111_4_4(t *testing.T) {
	for _, c := range []struct {
		method string
		status int
		want   bool
	}{
		{"GET", 200, false}, {"HEAD", 200, false}, {"OPTIONS", 200, false}, {"TRACE", 200, false}, {"QUERY", 200, false},
		{"POST", 200, true}, {"PUT", 204, true}, {"DELETE", 303, true}, {"M-SEARCH", 200, true},
		{"POST", 404, false}, {"POST", 500, false}, {"POST", 103, false},
	} {
		if got := Invalidates(c.method, c.status); got != c.want {
			t.Errorf("%s %d: %v", c.method, c.status, got)
		}
	}
	for _, c := range []struct {
		target, location, content string
		want                      []string
	}{
		{"http://a.org/x/y?q#f", "", "", []string{"http://a.org/x/y?q"}},
		{"http://a.org/x/y", "z", "/w?v#f", []string{"http://a.org/x/y", "http://a.org/x/z", "http://a.org/w?v"}},
		{"http://a.org/x", "http://A.org:80/z", "http://b.org/w", []string{"http://a.org/x", "http://A.org:80/z"}},
		{"http://a.org/x", "https://a.org/z", "//a.org:8080/w", []string{"http://a.org/x"}},
		{"http://a.org/x", "/x", "%zz", []string{"http://a.org/x"}},
		{"/x?q", "/z", "http://a.org/w", []string{"/x?q", "/z"}},
		{"http://a.org/x", "http://u:p@a.org/z", "", []string{"http://a.org/x", "http://a.org/z"}},
	} {
		u, err := url.Parse(c.target)
		if err != nil {
			t.Fatal(err)
		}
		if got := InvalidatedTargets(u, hdr("Location: "+c.location, "Content-Location: "+c.content)); !slices.Equal(got, c.want) {
			t.Errorf("%s %s %s: got %q, want %q", c.target, c.location, c.content, got, c.want)
		}
	}
}

func TestCacheStatus_RFC9211(t *testing.T) {
	for _, c := range []struct {
		in   CacheStatus
		want string
	}{
		{CacheStatus{Cache: "asia-1", Hit: true, TTL: 412, HasTTL: true}, "asia-1; hit; ttl=412"},
		{CacheStatus{Cache: "asia-1", Hit: true, TTL: -3, HasTTL: true, Detail: "stale-while-revalidate"}, "asia-1; hit; ttl=-3; detail=stale-while-revalidate"},
		{CacheStatus{Cache: "asia-1", Fwd: "uri-miss", FwdStatus: 200, Stored: true, Collapsed: true}, "asia-1; fwd=uri-miss; fwd-status=200; stored; collapsed"},
		{CacheStatus{Cache: "asia-1", Hit: true, Fwd: "stale", Stored: true}, "asia-1; hit"},
		{CacheStatus{Cache: "1 a", Fwd: "nonsense; x", Key: "k\"\\\u00e9\n", Detail: "two words"}, `"1 a"; fwd=miss; key="k\"\\%C3%A9%0A"; detail="two words"`},
		{CacheStatus{}, `""`},
		{CacheStatus{Cache: "a", Hit: true, HasTTL: true, TTL: 1 << 62}, "a; hit; ttl=999999999999999"},
	} {
		if got := c.in.String(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// FuzzCacheStatus parses what String writes with an independent parser.
func FuzzCacheStatus(f *testing.F) {
	f.Add("asia-1", "stale", "key", "detail", int64(5), 200, false)
	f.Add("", "", "", "é\x00\"\\", int64(-1<<63), -1, true)
	f.Fuzz(func(t *testing.T, cache, fwd, key, detail string, ttl int64, status int, hit bool) {
		s := CacheStatus{Cache: cache, Fwd: fwd, Key: key, Detail: detail, TTL: ttl, HasTTL: true, FwdStatus: status, Hit: hit, Stored: true}.String()
		list, err := httpsfv.UnmarshalList([]string{s})
		if err != nil || len(list) != 1 {
			t.Fatalf("%s: %v", s, err)
		}
		if _, ok := list[0].(httpsfv.Item).Params.Get("hit"); ok != hit {
			t.Errorf("%s: hit %v", s, ok)
		}
	})
}

// Times that make no sense make no response young.
func TestAgeDoesNotOverflow_RFC9111_4_2_3(t *testing.T) {
	now := time.Unix(1e9, 0)
	for _, asked := range []time.Time{time.Unix(-1<<40, 0), time.Unix(1<<40, 0), now} {
		resp := Response{Status: 200, Header: http.Header{"Age": {"10"}}, RequestTime: asked, ResponseTime: now}
		if age := CurrentAge(resp, now); age < 10*time.Second {
			t.Errorf("asked at %s: %s", asked, age)
		}
	}
}
