package btree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"mirrornet/pkg/genomedb/load/dump"
)

// Tags begin a value in a key: NULL sorts before numbers, these before text,
// that before blobs. An integer's tag is tagZero and more or less by how many
// bytes follow.
const (
	tagNull  = 1
	tagZero  = 16
	tagFloat = 32
	tagText  = 48
	tagBlob  = 64
)

// AppendKey appends a value so that keys sort as SQLite sorts the values, in a
// column whose numbers are all integers or all floats. With fold, text sorts as
// in COLLATE NOCASE.
func AppendKey(to []byte, v *dump.Value, fold bool) []byte {
	switch v.Kind {
	case dump.IsInt:
		return appendKeyInt(to, v.Int)
	case dump.IsFloat:
		bits := math.Float64bits(v.Float + 0) // one zero
		if bits>>63 != 0 {
			bits = ^bits
		} else {
			bits |= 1 << 63
		}
		return binary.BigEndian.AppendUint64(append(to, tagFloat), bits)
	case dump.IsText:
		return appendKeyBytes(append(to, tagText), v.Data, fold)
	case dump.IsBlob:
		return appendKeyBytes(append(to, tagBlob), v.Data, false)
	}
	return append(to, tagNull)
}

func appendKeyInt(to []byte, n int64) []byte {
	size := 0
	for m := n; m != 0 && m != -1; m >>= 8 {
		size++
	}
	if n < 0 {
		if n == -1 {
			size = 1
		}
		to = append(to, byte(tagZero-size))
	} else {
		to = append(to, byte(tagZero+size))
	}
	for i := size - 1; i >= 0; i-- {
		to = append(to, byte(n>>(8*i)))
	}
	return to
}

// appendKeyBytes ends with two zeros, and writes a zero as 0 255.
func appendKeyBytes(to, data []byte, fold bool) []byte {
	start := len(to)
	if bytes.IndexByte(data, 0) < 0 {
		to = append(to, data...)
	} else {
		for _, c := range data {
			if to = append(to, c); c == 0 {
				to = append(to, 255)
			}
		}
	}
	if fold {
		for i, c := range to[start:] {
			if c >= 'A' && c <= 'Z' {
				to[start+i] = c + 'a' - 'A'
			}
		}
	}
	return append(to, 0, 0)
}

var errKey = errors.New("no key of numbers")

// decodeNumbers reads the values of a key that has no text or blob.
func decodeNumbers(key []byte, values []dump.Value) error {
	for i := range values {
		if len(key) == 0 {
			return errKey
		}
		tag := key[0]
		key = key[1:]
		switch {
		case tag == tagNull:
			values[i] = dump.Value{}
		case tag == tagFloat && len(key) >= 8:
			bits := binary.BigEndian.Uint64(key)
			if bits>>63 != 0 {
				bits &^= 1 << 63
			} else {
				bits = ^bits
			}
			values[i] = dump.Value{Kind: dump.IsFloat, Float: math.Float64frombits(bits)}
			key = key[8:]
		case tag >= tagZero-8 && tag <= tagZero+8:
			size, n := int(tag)-tagZero, int64(0)
			if size < 0 {
				size, n = -size, -1
			}
			if len(key) < size {
				return errKey
			}
			for _, c := range key[:size] {
				n = n<<8 | int64(c)
			}
			values[i] = dump.Value{Kind: dump.IsInt, Int: n}
			key = key[size:]
		default:
			return errKey
		}
	}
	if len(key) > 0 {
		return errKey
	}
	return nil
}

// AppendRowid and Rowid keep a rowid as eight bytes that sort like it.
func AppendRowid(to []byte, rowid int64) []byte {
	return binary.BigEndian.AppendUint64(to, uint64(rowid)^1<<63)
}

// Rowid reads what AppendRowid wrote.
func Rowid(b []byte) int64 { return int64(binary.BigEndian.Uint64(b) ^ 1<<63) }
