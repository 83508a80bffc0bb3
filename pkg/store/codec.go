package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"net/http"
	"slices"
	"time"
)

// The content of a record, as both tiers keep it: these fields in order.
// Integers are varints; a string is its length and its bytes; a time is seconds
// and nanoseconds since 1970, UTC.
//
//	status, request time, response time,
//	number of field lines, of tags, of variant fields,
//	field lines (name, value) by name, tags, variant fields,
//	body coding (0 none, 1 zstd), body length without coding, body to the end
//
// A field name is its place in fieldNames, from 1, or 0 and a string. A field
// value begins with twice its length, or with twice its place in fieldValues and
// one.
//
// A record for memcached stands between a head and a sum: magic and version,
// until, key, content, and the CRC-32C of all before it. A record of any other
// version is unreadable: raise the version with any change of the above.
const (
	recordMagic   = "MNR"
	recordVersion = 2
	recordSum     = crc32.Size
	bodyPlain     = 0
	bodyZstd      = 1
)

var (
	errForeign  = errors.New("store: not a record")
	errVersion  = errors.New("store: a record of another version")
	errChecksum = errors.New("store: a record with a wrong checksum")
	errLengths  = errors.New("store: a record with wrong lengths")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode makes a record for memcached.
func encode(r *Response, until time.Time) []byte {
	coding, body := r.Body.form(r.Header)
	b := make([]byte, 0, 512+len(r.Key)+len(body))
	b = append(append(b, recordMagic...), recordVersion)
	b = appendString(appendTime(b, until), r.Key)
	b = append(appendHead(b, r, coding), body...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decode reads such a record. What it returns shares the record's memory.
func decode(b []byte) (r *Response, until time.Time, err error) {
	if len(b) < len(recordMagic)+1+recordSum || string(b[:len(recordMagic)]) != recordMagic {
		return nil, until, errForeign
	}
	if b[len(recordMagic)] != recordVersion {
		return nil, until, errVersion
	}
	sum := len(b) - recordSum
	if crc32.Checksum(b[:sum], castagnoli) != binary.BigEndian.Uint32(b[sum:]) {
		return nil, until, errChecksum
	}
	in := reader{rest: b[len(recordMagic)+1 : sum]}
	until = in.time()
	key := in.string()
	if r, err = in.response(); err == nil {
		r.Key = key
	}
	return r, until, err
}

// appendHead appends a record's content up to its body.
func appendHead(b []byte, r *Response, coding byte) []byte {
	b = binary.AppendVarint(b, int64(r.Status))
	b = appendTime(b, r.RequestTime)
	b = appendTime(b, r.ResponseTime)
	lines := 0
	for _, values := range r.Header {
		lines += len(values)
	}
	for _, n := range [...]int{lines, len(r.Tags), len(r.Vary)} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		place := binary.AppendUvarint(nil, fieldPlaces[name])
		for _, value := range r.Header[name] {
			if b = append(b, place...); place[0] == 0 {
				b = appendString(b, name)
			}
			if place, ok := fieldValuePlaces[value]; ok {
				b = binary.AppendUvarint(b, place<<1|1)
			} else {
				b = append(binary.AppendUvarint(b, uint64(len(value))<<1), value...)
			}
		}
	}
	for _, list := range [...][]string{r.Tags, r.Vary} {
		for _, s := range list {
			b = appendString(b, s)
		}
	}
	return binary.AppendUvarint(append(b, coding), uint64(r.Body.Len()))
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(b, t.Unix()), uint64(t.Nanosecond()))
}

// reader takes fields off a record. After the first fault it is bad and gives
// zero values. Strings share the record's memory.
type reader struct {
	rest []byte
	bad  bool
}

// response reads a record's content to its end.
func (r *reader) response() (*Response, error) {
	out := &Response{Status: int(r.varint()), RequestTime: r.time(), ResponseTime: r.time()}
	lines, tags, vary := r.count(), r.count(), r.count()
	if lines+tags+vary > len(r.rest) { // each is a byte at least
		return nil, errLengths
	}
	list := make([]string, lines+tags+vary)
	if lines > 0 {
		out.Header = make(http.Header, lines)
	}
	first, name := 0, ""
	for i := range lines {
		next := r.name()
		if i > 0 && next != name {
			out.Header[name] = list[first:i:i]
			first = i
		}
		name, list[i] = next, r.value()
	}
	if lines > 0 {
		out.Header[name] = list[first:lines:lines]
	}
	for i := lines; i < len(list); i++ {
		list[i] = r.string()
	}
	if tags > 0 {
		out.Tags = list[lines : lines+tags : lines+tags]
	}
	if vary > 0 {
		out.Vary = list[lines+tags:]
	}
	coding, size := r.byte(), r.uvarint()
	body := r.rest
	switch {
	case r.bad || size > MaxBody:
		return nil, errLengths
	case coding == bodyPlain && uint64(len(body)) == size:
		out.Body = Body{plain: body, size: len(body)}
	case coding == bodyZstd && size > 0 && len(body) > 0:
		out.Body = Body{frame: body, size: int(size)}
	default:
		return nil, errBody
	}
	return out, nil
}

func (r *reader) fail() { r.bad, r.rest = true, nil }

func (r *reader) uvarint() uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 { // most are short
		v := r.rest[0]
		r.rest = r.rest[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// count is a length or a number of fields. There are never more than bytes.
func (r *reader) count() int {
	v := r.uvarint()
	if v > uint64(len(r.rest)) {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) string() string {
	n := r.count()
	s := stringOf(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

func (r *reader) name() string {
	place := r.uvarint()
	switch {
	case place == 0:
		return r.string()
	case place > uint64(len(fieldNames)):
		r.fail()
		return ""
	}
	return fieldNames[place-1]
}

func (r *reader) value() string {
	v := r.uvarint()
	switch n := v >> 1; {
	case v&1 == 1 && n < uint64(len(fieldValues)):
		return fieldValues[n]
	case v&1 == 0 && n <= uint64(len(r.rest)):
		s := stringOf(r.rest[:n])
		r.rest = r.rest[n:]
		return s
	}
	r.fail()
	return ""
}

func (r *reader) time() time.Time {
	sec, nsec := r.varint(), r.uvarint()
	if nsec >= 1e9 {
		r.fail()
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}
