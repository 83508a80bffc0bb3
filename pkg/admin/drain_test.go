package admin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mirrornet/pkg/drain"
)

func TestDrains(t *testing.T) {
	d, err := drain.New(drain.Config{Node: "asia-1"})
	if err != nil {
		t.Fatal(err)
	}
	const token = "a long random text"
	h := New(Config{Token: token, Drains: d})
	for _, step := range []struct {
		method, path, body, token, site string
		status                          int
		want, holds                     string // holds: the drains after it
	}{
		{"GET", "/drains", "", "", "", 200, "[]", ""},
		{"POST", "/drains", `{"kind":"region","name":"asia","for":"2h","why":"disks"}`, "", "", 403, "Bearer TOKEN", ""},
		{"POST", "/drains", `{"kind":"region","name":"asia","for":"2h","why":"disks"}`, token, "cross-site", 403, "another site", ""},
		{"POST", "/drains", `{"kind":"region","name":"asia","for":"2h","why":"disks"}`, token, "", 200, `"by": "asia-1"`, "asia"},
		{"POST", "/drains", `{"kind":"node","name":"useast-1","for":"90m"}`, token, "", 200, `"name": "useast-1"`, "asia useast-1"},
		{"POST", "/drains", `{"kind":"node","name":"x","for":"for ever"}`, token, "", 400, "is no duration", "asia useast-1"},
		{"POST", "/drains", `{"kind":"node","name":"x","for":"1s"}`, token, "", 422, "give between 1m and 168h", "asia useast-1"},
		{"POST", "/drains", `{"kind":"node","node":"x","for":"1h"}`, token, "", 400, "unknown field", "asia useast-1"},
		{"POST", "/drains", `{"why":"` + strings.Repeat("x", 5000) + `"}`, token, "", 400, "too large", "asia useast-1"},
		{"GET", "/drains", "", "", "", 200, `"why": "disks"`, "asia useast-1"},
		{"DELETE", "/drains/region/asia", "", "", "", 403, "Bearer TOKEN", "asia useast-1"},
		{"DELETE", "/drains/node/asia", "", token, "", 404, "node asia is not drained", "asia useast-1"},
		{"DELETE", "/drains/region/asia", "", token, "", 200, "true", "useast-1"},
		{"DELETE", "/drains/region/asia", "", token, "", 404, "is not drained", "useast-1"},
		{"POST", "/drains", `{"kind":"node","name":"<b>/x%2f","for":"90m"}`, token, "", 200, `x%2f`, "<b>/x%2f useast-1"},
		{"DELETE", "/drains/node/%3Cb%3E%2Fx%252f", "", token, "", 200, "true", "useast-1"},
		{"POST", "/drains", `{"kind":"node","name":"a%2","for":"90m"}`, token, "", 200, `a%2`, "a%2 useast-1"},
		{"DELETE", "/drains/node/a%252", "", token, "", 200, "true", "useast-1"},
	} {
		r := httptest.NewRequest(step.method, step.path, strings.NewReader(step.body))
		r.Host = "localhost:9080"
		if step.token != "" {
			r.Header.Set("Authorization", "Bearer "+step.token)
		}
		if step.site != "" {
			r.Header.Set("Sec-Fetch-Site", step.site)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != step.status || !strings.Contains(w.Body.String(), step.want) {
			t.Errorf("%s %s %s: %d %s, want %d with %q", step.method, step.path, step.body, w.Code, w.Body, step.status, step.want)
		}
		var names []string
		for _, k := range d.List() {
			names = append(names, k.Name)
		}
		if got := strings.Join(names, " "); got != step.holds {
			t.Errorf("after %s %s %s: %q are drained, want %q", step.method, step.path, step.body, got, step.holds)
		}
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/drains", nil)
	r.Host = "localhost"
	New(Config{}).ServeHTTP(w, r)
	if w.Code != 404 {
		t.Errorf("without drains: %d", w.Code)
	}
}
