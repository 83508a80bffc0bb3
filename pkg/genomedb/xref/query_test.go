package xref

import (
	"strings"
	"testing"

	"mirrornet/pkg/genomedb/sample"
)

// TestMatching: the database takes patterns for what they are to the reference.
func TestMatching(t *testing.T) {
	reg, err := sample.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close()
	s, _ := reg.Resolve("human")
	db, _ := s.Database("core")
	for _, c := range []struct {
		text, signs string
		want        bool
	}{
		{"HGNC", "%", true}, {"hgnc", "%", true}, {"HGNC  ", "%", true}, {"HG_C", "%", false}, {"HG_C%", "%", true}, {`HG\NC%`, "%", true},
		{"HG_C", "%_", true}, {`HG\_C`, "%_", false}, {"H%_trans_nam_", "%_", true}, {"H|%", "%", false}, {`H\%`, "%", false}, {"%", "%", true},
	} {
		condition, arg := matching("db_name", c.text, c.signs)
		found := false
		err := db.Each(t.Context(), "SELECT db_name FROM {external_db} WHERE "+condition, []any{arg}, func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			found = found || strings.HasPrefix(name, "HGNC")
			return err
		})
		if err != nil || found != c.want {
			t.Errorf("%q with %s: %v, want %v (%v)", c.text, c.signs, found, c.want, err)
		}
	}
}
