package feature

import "testing"

func TestNewFilter(t *testing.T) {
	for _, tc := range []struct {
		species, kind, objectType string
		typed                     bool
		want                      Filter
	}{
		{"human", "core", "gene", true, Filter{Species: "human", Kind: "core", Type: "gene"}},
		{"0", "0", "0", true, Filter{Listed: true}},
		{"", "", "", true, Filter{Listed: true}},
		{"", "", "", false, Filter{}},
	} {
		if got := NewFilter(tc.species, tc.kind, tc.objectType, tc.typed); got != tc.want {
			t.Errorf("%+v: %+v", tc, got)
		}
	}
}
