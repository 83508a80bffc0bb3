package apispec

import (
	"strings"
	"testing"
)

func TestValidCallback(t *testing.T) {
	for s, want := range map[string]bool{
		"foo": true, "a.b_c": true, "$": true, "_1": true, "jQuery19_17": true, "this.f": true, "a.default": true,
		strings.Repeat("a", 128): true, strings.Repeat("a", 129): false,
		"": false, ".": false, "a.": false, ".a": false, "a..b": false, "1a": false, "a.1": false, "a b": false, "a-b": false,
		"<script>": false, "a(": false, "a[0]": false, "é": false, "alert;": false, "a\n": false, "delete": false, "typeof.x": false,
	} {
		if got := ValidCallback(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
