package load

import (
	"strings"
	"testing"

	"mirrornet/pkg/genomedb/load/dump"
)

// TestPlaceKey: every table of features is indexed by place, whatever its dump
// says.
func TestPlaceKey(t *testing.T) {
	const place = "seq_region_id int NOT NULL, seq_region_start int NOT NULL, seq_region_end int NOT NULL"
	for columns, want := range map[string]bool{
		place + ", KEY k (seq_region_id, seq_region_start)": false,
		place + ", KEY k (seq_region_start, seq_region_id)": true,
		place + ", KEY k (kind, seq_region_id), kind int":   true,
		place: true,
		"seq_region_id int NOT NULL, name varchar(40)":            false,
		"seq_region_start int NOT NULL, KEY k (seq_region_start)": false,
	} {
		s, err := dump.ParseSchema("t.sql", strings.NewReader("CREATE TABLE f (f_id int NOT NULL AUTO_INCREMENT, "+columns+", PRIMARY KEY (f_id));"))
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(createIndexes("d", &s.Tables[0]), "\n")
		if got := strings.Contains(all, "mirrornet_place_idx"); got != want {
			t.Errorf("%s: %s", columns, all)
		}
	}
}
