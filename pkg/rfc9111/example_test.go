package rfc9111_test

import (
	"fmt"
	"net/http"
	"time"

	"mirrornet/pkg/rfc9111"
)

func Example() {
	received := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	req := rfc9111.Request{Method: "GET"}
	resp := rfc9111.Response{Status: 200, RequestTime: received, ResponseTime: received,
		Header: http.Header{"Cache-Control": {"max-age=60, stale-if-error=3600"}, "Etag": {`"v1"`}}}
	ok, _ := rfc9111.Storable(req, resp, rfc9111.Policy{})
	fmt.Println("storable:", ok)

	for _, after := range []time.Duration{10 * time.Second, 70 * time.Second} {
		r := rfc9111.Evaluate(req, resp, rfc9111.Policy{}, received.Add(after))
		fmt.Println(r.Verdict, r.TTL, r.StaleIfError)
	}
	fmt.Println(rfc9111.ConditionalHeader(resp))

	// The origin answers 304 and a longer lifetime.
	later := received.Add(71 * time.Second)
	resp = rfc9111.Update(resp, rfc9111.Response{Status: 304, RequestTime: later, ResponseTime: later,
		Header: http.Header{"Cache-Control": {"max-age=600"}}}, rfc9111.Policy{})
	r := rfc9111.Evaluate(req, resp, rfc9111.Policy{}, later)
	fmt.Println(r.Verdict, r.TTL)
	fmt.Println(rfc9111.CacheStatus{Cache: "asia-1", Hit: true, TTL: int64(r.TTL.Seconds()), HasTTL: true})
	// Output:
	// storable: true
	// fresh 50s true
	// validate -10s true
	// map[If-None-Match:["v1"]]
	// fresh 10m0s
	// asia-1; hit; ttl=600
}
