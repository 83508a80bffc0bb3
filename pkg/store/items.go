package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// A record that fits goes into one item. A larger one is cut into chunks, with
// a manifest in place of the record:
//
//	"MNC", version, digest of the record (8 bytes), record length (4 bytes)
//
// Chunk i is named by the record's name, the digest and i.
const (
	manifestMagic   = "MNC"
	manifestVersion = 1
	manifestBytes   = len(manifestMagic) + 1 + 8 + 4
	maxRecord       = MaxBody + 1<<20 // a body that does not compress, and its head
)

var (
	errTorn = errors.New("store: a record with chunks missing")
	errKey  = errors.New("store: a record of another key")
	errSlow = errors.New("store: no time left for the chunks")
)

// read fetches and decodes the record of a key; nil without error when there
// is none. It begins no exchange after the timeout has passed once.
func (m *Memcached) read(ctx context.Context, key string) (*Response, time.Time, error) {
	began := time.Now()
	name, s := m.place(key)
	item, err := s.one(ctx, name)
	if err != nil || item == nil {
		return nil, time.Time{}, err
	}
	b := item.Value
	if digest, size, ok := parseManifest(b); ok {
		if time.Since(began) > m.timeout {
			return nil, time.Time{}, errSlow
		}
		if b, err = join(ctx, s, name, digest, size); err != nil {
			return nil, time.Time{}, err
		}
	}
	r, until, err := decode(b)
	if err != nil {
		return nil, until, err
	}
	if r.Key != key { // equal digests, or somebody else's item
		return nil, until, errKey
	}
	return r, until, nil
}

func join(ctx context.Context, s *server, name, digest string, size int) ([]byte, error) {
	names := make([]string, (size+chunkBytes-1)/chunkBytes)
	for i := range names {
		names[i] = chunkName(name, digest, i)
	}
	items, err := s.get(ctx, names)
	if err != nil {
		return nil, err
	}
	if len(items) != len(names) {
		return nil, errTorn
	}
	slices.SortFunc(items, func(a, b *memcache.Item) int { return cmp.Compare(a.Key, b.Key) })
	b := make([]byte, 0, size)
	for _, it := range items {
		b = append(b, it.Value...)
	}
	if len(b) != size { // what the bytes are, the record's own sum says
		return nil, errTorn
	}
	return b, nil
}

// write puts a record, its chunks before their manifest, so that a manifest
// never stands before what it names.
func (m *Memcached) write(ctx context.Context, op *operation) error {
	name, s := m.place(op.key)
	now := m.now()
	expiry, ok := expiration(op.until.Sub(now), now)
	if !ok {
		return nil
	}
	b := encode(op.response, op.until)
	if len(b) > maxRecord {
		return errTooLarge
	}
	if len(b) <= chunkBytes {
		return s.set(ctx, &memcache.Item{Key: name, Value: b, Expiration: expiry})
	}
	digest, size := digestOf(b), len(b)
	for i := 0; len(b) > 0; i++ {
		n := min(chunkBytes, len(b))
		if err := s.set(ctx, &memcache.Item{Key: chunkName(name, digest, i), Value: b[:n], Expiration: expiry}); err != nil {
			return err
		}
		b = b[n:]
	}
	return s.set(ctx, &memcache.Item{Key: name, Value: manifest(digest, size), Expiration: expiry})
}

func chunkName(name, digest string, i int) string { return fmt.Sprintf("%s:%s:%02d", name, digest, i) }

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

func manifest(digest string, size int) []byte {
	b := append([]byte(manifestMagic), manifestVersion)
	b, _ = hex.AppendDecode(b, []byte(digest)) // made by digestOf
	return binary.BigEndian.AppendUint32(b, uint32(size))
}

// parseManifest is false for anything that write would not have made.
func parseManifest(b []byte) (digest string, size int, ok bool) {
	if len(b) != manifestBytes || string(b[:3]) != manifestMagic || b[3] != manifestVersion {
		return "", 0, false
	}
	size = int(binary.BigEndian.Uint32(b[12:]))
	return hex.EncodeToString(b[4:12]), size, size > chunkBytes && size <= maxRecord
}

// expiration is a time to keep in memcached's terms: seconds from now up to 30
// days, the seconds since 1970 beyond. It is rounded up: the record itself
// says until when it holds.
func expiration(keep time.Duration, now time.Time) (int32, bool) {
	if keep <= 0 {
		return 0, false
	}
	seconds := int64((keep + time.Second - 1) / time.Second)
	if keep > maxRelative {
		seconds += now.Unix()
	}
	return int32(min(seconds, math.MaxInt32)), true
}
