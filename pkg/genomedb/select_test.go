package genomedb_test

import (
	"testing"

	"mirrornet/pkg/genomedb"
)

func TestLike(t *testing.T) {
	for pattern, want := range map[string]string{
		"": "", "FOX%": "FOX%", "F_X": "F_X", `NM\_0%`: "NM|_0%", `a\%b`: "a|%b", "a|b": "a||b", `a\|b`: "a||b", `a\xb`: "axb", `a\\b`: `a\b`, `a\`: `a\`, "[x": "[x",
	} {
		if got := genomedb.Like(pattern); got != want {
			t.Errorf("Like(%q) = %q, want %q", pattern, got, want)
		}
	}
}
