package overlap

import (
	"context"
	"strconv"
)

// blocks are features that have more than BED's first six columns.
type blocks interface {
	// appendColumns adds the columns, each with a tab before it.
	appendColumns(b []byte) []byte
}

// appendBED writes features as BED, with the sequence's name as UCSC has it.
func appendBED(ctx context.Context, b []byte, q *query, all []found) ([]byte, error) {
	ucsc := ""
	for _, group := range all {
		for _, f := range group.list {
			p := f.Place()
			name := p.Sequence.Name
			if name == q.Slice.On.Name {
				if ucsc == "" {
					t, err := q.trackOf(ctx, q.Core.DB)
					if err != nil {
						return nil, err
					}
					if ucsc, err = t.UCSC(ctx); err != nil {
						return nil, err
					}
				}
				name = ucsc
			}
			b = append(b, name...)
			b = append(b, '\t')
			b = strconv.AppendInt(b, p.Start-1, 10)
			b = append(b, '\t')
			b = strconv.AppendInt(b, p.End, 10)
			b = append(b, '\t')
			b = append(b, f.Label()...)
			b = append(b, "\t1000\t"...)
			if p.OnSequence() == -1 {
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
