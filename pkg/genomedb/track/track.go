package track

import (
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
)

// Track reads the features of one database on one slice.
type Track struct {
	DB       *genomedb.Database
	Assembly *assembly.Assembly // of the slice
	Slice    assembly.Slice
	Words    *Words // of DB
}

// marks are n placeholders.
func marks(n int) string { return "?" + strings.Repeat(",?", n-1) }
