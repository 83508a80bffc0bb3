package overlap

import (
	"strconv"

	"mirrornet/pkg/genomedb/assembly"
)

// blocks are features that have more than BED's first six columns.
type blocks interface {
	// appendColumns adds the columns, each with a tab before it.
	appendColumns(b []byte) []byte
}

// appendBED writes features as BED, with names of sequences as UCSC has them.
func appendBED(b []byte, q *query, all []found) ([]byte, error) {
	names := map[*assembly.Sequence]string{}
	for _, group := range all {
		for _, f := range group.list {
			p := f.Place()
			name, ok := names[p.Sequence]
			if !ok {
				name = p.Sequence.Name // TODO
				names[p.Sequence] = name
			}
			b = append(b, name...)
			b = append(b, '\t')
			b = strconv.AppendInt(b, p.Start-1, 10)
			b = append(b, '\t')
			b = strconv.AppendInt(b, p.End, 10)
			b = append(b, '\t')
			b = append(b, f.Label()...)
			b = append(b, "\t1000\t"...)
			if p.Strand == -1 != p.Reverse {
				b = append(b, '-')
			} else {
				b = append(b, '+')
			}
			if more, ok := f.(blocks); ok {
				b = more.appendColumns(b)
			}
			b = append(b, '\n')
		}
	}
	return b, nil
}
