package archive

import (
	"slices"
	"strconv"
)

// unique lists the ids of the queries kept, each once.
func unique(all []Query, keep func(Query) bool) []string {
	var ids []string
	for _, q := range all {
		if keep == nil || keep(q) {
			ids = append(ids, fold(q.ID))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func atoi(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
