package respond_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"mirrornet/pkg/respond"
	"mirrornet/pkg/store"
)

func ExampleWrite() {
	stored := respond.Source{Status: 200, Body: store.NewBody([]byte(`{"ping":1}`)),
		Header: http.Header{"Content-Type": {"application/json"}, "Etag": {`"r115"`}}}

	for _, field := range [][2]string{{"Accept", "*/*"}, {"If-None-Match", `"r115"`}, {"Range", "bytes=1-6"}} {
		r := httptest.NewRequest("GET", "/info/ping", nil)
		r.Header.Set(field[0], field[1])
		w := httptest.NewRecorder()
		status, n, err := respond.Write(w, r, stored, http.Header{"Cache-Status": {"asia-1; hit"}}, respond.Options{})
		fmt.Println(status, n, err, w.Body, w.Header().Get("Cache-Status"))
	}
	// Output:
	// 200 10 <nil> {"ping":1} asia-1; hit
	// 304 0 <nil>  asia-1; hit
	// 206 6 <nil> "ping" asia-1; hit
}
