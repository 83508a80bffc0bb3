package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"
)

// MaxBody is the longest body that is kept, in bytes.
const MaxBody = 16 << 20

// Key is the SHA-256 of a full key text: a name of fixed length for tiers that
// bound theirs. The text is kept in the record and compared when it is read.
type Key [sha256.Size]byte

// KeyOf is the Key of a full key text.
func KeyOf(text string) Key { return sha256.Sum256([]byte(text)) }

// String is the key in hexadecimal, 64 characters.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Response is one stored response, or a variants record: what names the fields
// by which the responses of one key differ (Status 0, Vary set).
//
// A Response that was given to a store or came from one is shared. Nobody may
// change it, its Header or its Body; make a copy instead. The strings of one that
// came from a store are parts of its record: clone what is to outlive it.
type Response struct {
	Key    string // full key text; "" is never stored
	Status int
	Header http.Header
	Body   Body
	// RequestTime and ResponseTime are those of RFC 9111 §4.2.3.
	RequestTime  time.Time
	ResponseTime time.Time
	Tags         []string // invalidation tags
	Vary         []string // of a variants record: the field names
}

// Variants reports whether r names the fields to choose a response by, instead
// of being one.
func (r *Response) Variants() bool { return r.Status == 0 }

// Tier names the place that a response was found in.
type Tier string

const (
	TierMemory    Tier = "memory"
	TierMemcached Tier = "memcached"
)

// Store keeps stored responses by their full key text. It is safe for
// concurrent use. No method reports an error: a store that fails misses, and
// counts it in its tier's Stats.
type Store interface {
	// Get finds the response of that key. It may outlive ctx by the tier's own
	// bound, and returns nothing that was put for longer ago than it should be
	// kept.
	Get(ctx context.Context, key string) (r *Response, from Tier, ok bool)
	// Put keeps r for that time, and replaces what has its Key. keep ≤ 0 and an
	// empty Key are not stored. The store may refuse.
	Put(ctx context.Context, r *Response, keep time.Duration)
	// Delete forgets what has that key.
	Delete(ctx context.Context, key string)
}

// keeper is a Store that knows how much longer a record is kept, so that a
// tier above it keeps its copy no longer.
type keeper interface {
	Store
	get(ctx context.Context, key string) (r *Response, left time.Duration, from Tier, ok bool)
}

var (
	_ keeper = (*Memory)(nil)
	_ keeper = (*Memcached)(nil)
	_ keeper = (*tiered)(nil)
)
