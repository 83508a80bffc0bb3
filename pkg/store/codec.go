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

// The record: magic and version, then the fields below in order, then the
// CRC-32C of all before it. Integers are varints; a string is its length and
// its bytes; a time is seconds and nanoseconds since 1970, UTC.
//
//	until, key, status, request time, response time,
//	header (count; name, count, values), tags (count; …), vary (count; …),
//	body coding (0 none, 1 zstd), body length, length as coded, body as coded
//
// A record of any other version is unreadable: raise the version with any
// change of the above.
const (
	recordMagic   = "MNR"
	recordVersion = 1
	bodyPlain     = 0
	bodyZstd      = 1
)

var errForeign = errors.New("store: a record of another version")

// codec writes and reads records. It is safe for concurrent use.
type codec struct {
	crc *crc32.Table
}

func newCodec() *codec { return &codec{crc32.MakeTable(crc32.Castagnoli)} }

func (c *codec) encode(r *Response, until time.Time) []byte {
	coding, body := r.Body.form(r.Header)
	b := make([]byte, 0, 512+len(r.Key)+len(body))
	b = append(append(b, recordMagic...), recordVersion)
	b = appendTime(b, until)
	b = appendString(b, r.Key)
	b = binary.AppendVarint(b, int64(r.Status))
	b = appendTime(b, r.RequestTime)
	b = appendTime(b, r.ResponseTime)
	b = binary.AppendUvarint(b, uint64(len(r.Header)))
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		b = appendList(appendString(b, name), r.Header[name])
	}
	b = appendList(b, r.Tags)
	b = appendList(b, r.Vary)
	b = append(b, coding)
	b = binary.AppendUvarint(b, uint64(r.Body.Len()))
	b = binary.AppendUvarint(b, uint64(len(body)))
	b = append(b, body...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, c.crc))
}

// decode reads a record. errForeign says that another version wrote it.
func (c *codec) decode(b []byte) (r *Response, until time.Time, err error) {
	if len(b) < len(recordMagic)+1+4 || string(b[:len(recordMagic)]) != recordMagic {
		return nil, until, errors.New("store: not a record")
	}
	if b[len(recordMagic)] != recordVersion {
		return nil, until, errForeign
	}
	sum := len(b) - 4
	if crc32.Checksum(b[:sum], c.crc) != binary.BigEndian.Uint32(b[sum:]) {
		return nil, until, errors.New("store: a record with a wrong checksum")
	}
	in := reader{rest: b[len(recordMagic)+1 : sum]}
	until = in.time()
	r = &Response{Key: in.string()}
	r.Status = int(in.varint())
	r.RequestTime, r.ResponseTime = in.time(), in.time()
	if n := in.count(); n > 0 {
		r.Header = make(http.Header, n)
		for range n {
			if in.bad {
				break
			}
			name := in.string()
			r.Header[name] = in.list()
		}
	}
	r.Tags, r.Vary = in.list(), in.list()
	coding, plain, coded := in.byte(), in.uvarint(), in.count()
	body := in.take(coded)
	switch {
	case in.bad || len(in.rest) > 0 || plain > MaxBody:
		return nil, until, errors.New("store: a record with wrong lengths")
	case coding == bodyPlain && uint64(coded) == plain:
		r.Body = Body{plain: body, size: coded}
	case coding == bodyZstd && plain > 0 && coded > 0:
		r.Body = Body{frame: body, size: int(plain)}
	default:
		return nil, until, errors.New("store: a record with another body than it says")
	}
	return r, until, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendList(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(b, t.Unix()), uint64(t.Nanosecond()))
}

// reader takes fields off a record. After the first fault it is bad and gives
// zero values.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) fail() { r.bad, r.rest = true, nil }

func (r *reader) uvarint() uint64 {
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

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.fail()
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) string() string { return string(r.take(r.count())) }

func (r *reader) list() (list []string) {
	n := r.count()
	for range n {
		if r.bad {
			return nil
		}
		list = append(list, r.string())
	}
	return list
}

func (r *reader) time() time.Time {
	sec, nsec := r.varint(), r.uvarint()
	if nsec >= 1e9 {
		r.fail()
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}
