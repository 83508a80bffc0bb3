package origin

import (
	"net/http/httptest"
	"strings"
	"testing"

	"mirrornet/pkg/apispec"
)

// What a POST body is read as; refused is part of what is said of it.
func TestReadBody(t *testing.T) {
	for _, tc := range []struct{ name, contentType, body, ids, refused string }{
		{"object", "application/json", `{"ids": ["a"]}`, `["a"]`, ""},
		{"nothing", "application/json", " \n", "", ""},
		{"another type", "text/plain", `{"ids": ["a"]}`, `["a"]`, ""},
		{"form", "application/x-www-form-urlencoded", "ids=a", "", ""},
		{"form of parts", "multipart/form-data; boundary=x", `{"ids": ["a"]}`, "", ""},
		{"list", "application/json", "[]", "", "must be a JSON object"},
		{"null", "application/json", "null", "", "must be a JSON object"},
		{"broken", "application/json", `{"ids":`, "", "is not JSON"},
		{"a name twice", "application/json", `{"ids": ["a"], "ids": []}`, "", `"ids" twice`},
		{"a name twice within", "application/json", `{"ids": [{"x": 1, "y": "x", "x": 2}]}`, "", `"x" twice`},
		{"a name in several objects", "application/json", `{"ids": [{"x": "x"}, {"x": {"x": 1}}]}`, `[{"x": "x"}, {"x": {"x": 1}}]`, ""},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(tc.body))
		r.Header.Set("Content-Type", tc.contentType)
		body, err := readBody(r)
		switch {
		case tc.refused == "" && err != nil:
			t.Errorf("%s: %v", tc.name, err)
		case tc.refused != "" && (err == nil || !strings.Contains(err.Error(), tc.refused)):
			t.Errorf("%s: %v, want one with %q", tc.name, err, tc.refused)
		case string(body["ids"]) != tc.ids:
			t.Errorf("%s: %s, want %s", tc.name, body["ids"], tc.ids)
		}
	}
}

// Of several values the first counts, and 0 is no word.
func TestCheckParams(t *testing.T) {
	e := &apispec.Endpoint{Params: []apispec.Param{{Name: "format", In: apispec.InQuery, Type: apispec.Enum, Allowed: []string{"full"}}}}
	for query, fine := range map[string]bool{"": true, "format=": true, "format=0": true, "format=full;format=x": true, "format=x;format=full": false, "format=x": false} {
		if err := checkParams(apispec.Request{Endpoint: e, Query: apispec.ParseQuery(query)}); (err == nil) != fine {
			t.Errorf("%s: %v", query, err)
		}
	}
}
