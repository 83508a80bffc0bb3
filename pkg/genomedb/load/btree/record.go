package btree

import (
	"encoding/binary"
	"math"

	"mirrornet/pkg/genomedb/load/dump"
)

// AppendRecord appends values as a record of SQLite's.
func AppendRecord(to []byte, values []dump.Value) []byte {
	size := 0
	for i := range values {
		size += varintLen(serialType(&values[i]))
	}
	// The header begins with its own length, which counts itself.
	header := size + 1
	if header > 127 {
		header = size + varintLen(uint64(size+2))
	}
	to = appendVarint(to, uint64(header))
	for i := range values {
		to = appendVarint(to, serialType(&values[i]))
	}
	for i := range values {
		to = appendBody(to, &values[i])
	}
	return to
}

// whole says whether a float is stored as an integer, as SQLite does where that
// is exact and shorter.
func whole(f float64) (int64, bool) {
	n := int64(f)
	return n, float64(n) == f && n > -1<<47 && n < 1<<47 && !(f == 0 && math.Signbit(f))
}

func serialType(v *dump.Value) uint64 {
	n := v.Int
	switch v.Kind {
	case dump.IsNull:
		return 0
	case dump.IsText:
		return uint64(len(v.Data))*2 + 13
	case dump.IsBlob:
		return uint64(len(v.Data))*2 + 12
	case dump.IsFloat:
		w, ok := whole(v.Float)
		if !ok {
			return 7
		}
		n = w
	}
	switch {
	case n == 0:
		return 8
	case n == 1:
		return 9
	}
	if n < 0 {
		n = ^n
	}
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<15:
		return 2
	case n < 1<<23:
		return 3
	case n < 1<<31:
		return 4
	case n < 1<<47:
		return 5
	}
	return 6
}

func appendBody(to []byte, v *dump.Value) []byte {
	n := v.Int
	switch v.Kind {
	case dump.IsNull:
		return to
	case dump.IsText, dump.IsBlob:
		return append(to, v.Data...)
	case dump.IsFloat:
		w, ok := whole(v.Float)
		if !ok {
			return binary.BigEndian.AppendUint64(to, math.Float64bits(v.Float))
		}
		n = w
	}
	switch serialType(v) {
	case 1:
		return append(to, byte(n))
	case 2:
		return append(to, byte(n>>8), byte(n))
	case 3:
		return append(to, byte(n>>16), byte(n>>8), byte(n))
	case 4:
		return append(to, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	case 5:
		return append(to, byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	case 6:
		return binary.BigEndian.AppendUint64(to, uint64(n))
	}
	return to // 0 and 1 are in the type
}

func varintLen(v uint64) int {
	n := 1
	for v >>= 7; v != 0 && n < 9; v >>= 7 {
		n++
	}
	return n
}

// appendVarint writes SQLite's: seven bits a byte from the most significant, a
// ninth byte has eight.
func appendVarint(to []byte, v uint64) []byte {
	if v < 0x80 {
		return append(to, byte(v))
	}
	if v > 1<<56-1 {
		for shift := 57; shift >= 8; shift -= 7 {
			to = append(to, byte(v>>shift)|0x80)
		}
		return append(to, byte(v))
	}
	for n := varintLen(v) - 1; n > 0; n-- {
		to = append(to, byte(v>>(7*n))|0x80)
	}
	return append(to, byte(v)&0x7f)
}
