package lane

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Alias is a request that was answered, and its answer. It does not change
// once it is in a Table.
type Alias struct {
	Key        []byte // from AppendKey
	Class      uint32 // of clients, see [Config]
	Generation uint64 // as it was before the decision began
	// Version is what Current was before the stored response was looked up;
	// Current is raised when something else is stored in its place. Nil: never.
	Version uint64
	Current *atomic.Uint64
	// Head is the status line and the fields with the empty line behind them,
	// cut where the two numbers of the present stand, in seconds:
	// Head[0] Age Head[1] ttl Head[2]. It frames the body by Content-Length,
	// has a Date, and keeps the connection open.
	Head [3][]byte
	Body []byte // nil for HEAD and 304
	// Fetch, if not nil, gives the body for each answer, in place of Body. It
	// may block. False: net/http has the request. The body is as long as Head
	// says, and belongs to whoever gave it.
	Fetch func() ([]byte, bool)
	// Age of the stored response, and time to the end of its freshness, at At.
	Age, TTL time.Duration
	At       time.Time
	Until    time.Time // answers before it only
	// Alike, if not nil, makes it the answer to all targets and values of Cookie
	// (nil: none) of which it says true: to look there elsewhere. Its key is from [AppendAnyKey], and of a GET;
	// its head is Head[0] target Head[1] length of the body Head[2], and its body
	// is Body, the target, and a newline.
	Alike     func(target, cookie []byte) bool
	Status    int
	Data      any   // for Hit
	DataBytes int64 // memory that Data takes
}

// appendHead appends the head as it is at now.
func (a *Alias) appendHead(b []byte, now time.Time) []byte {
	passed := max(0, now.Sub(a.At))
	b = append(b, a.Head[0]...)
	b = appendSeconds(b, a.Age+passed)
	b = append(b, a.Head[1]...)
	b = appendSeconds(b, a.TTL-passed)
	return append(b, a.Head[2]...)
}

// appendElsewhere appends head and body of an answer that holds for many
// targets. It gives the length of the body.
func (a *Alias) appendElsewhere(b, target []byte) ([]byte, int) {
	length := len(a.Body) + len(target) + 1
	b = append(append(append(b, a.Head[0]...), target...), a.Head[1]...)
	b = append(strconv.AppendInt(b, int64(length), 10), a.Head[2]...)
	return append(append(append(b, a.Body...), target...), '\n'), length
}

// appendSeconds writes whole seconds, and 0 for less than none: time that is
// left may be up between the look at Until and this.
func appendSeconds(b []byte, d time.Duration) []byte {
	var digits [20]byte
	i := len(digits)
	for n := max(0, d/time.Second); n > 0 || i == len(digits); n /= 10 {
		i--
		digits[i] = '0' + byte(n%10)
	}
	return append(b, digits[i:]...)
}

// Table holds aliases, bounded by the bytes that they take. Reads take no lock;
// what was not read since the hand last passed goes first (CLOCK). It holds the
// aliases of one generation: the first of a newer one ends all older ones.
//
// It is safe for concurrent use.
type Table struct {
	seed  maphash.Seed
	index []atomic.Pointer[entry] // chains, by hash; as many as a power of two
	seen  []atomic.Uint32         // one hash each, see Again
	limit int64

	bytes, evictions atomic.Int64
	count            atomic.Int64
	alike            atomic.Int64 // of those, with Alike

	mu         sync.Mutex // guards writes to all below, and to the chains
	hand       *entry     // in the ring; nil: empty
	generation uint64     // of all entries
}

type entry struct {
	*Alias
	hash       uint64
	size       int64
	used       atomic.Bool
	next       atomic.Pointer[entry] // in the chain
	left, ring *entry                // neighbours; under the Table's mu
}

// overhead is what an entry takes besides its alias' contents: entry, Alias,
// and what the allocator rounds up.
const overhead = 320

func (a *Alias) size() int64 {
	return int64(cap(a.Key)+cap(a.Head[0])+cap(a.Head[1])+cap(a.Head[2])+cap(a.Body)) + a.DataBytes + overhead
}

// NewTable makes a table that takes no more than about so many bytes, its own
// index included. With less than a few kilobytes it keeps nothing.
func NewTable(limit int64) *Table {
	slots := 1 << bits.Len64(uint64(max(0, limit))>>11) // 0.5 to 1 kB each
	t := &Table{seed: maphash.MakeSeed(), index: make([]atomic.Pointer[entry], slots), seen: make([]atomic.Uint32, 2*slots), limit: limit}
	t.bytes.Store(int64(16 * slots))
	return t
}

// Fits reports whether an alias of that many bytes is kept.
func (t *Table) Fits(bytes int64) bool { return bytes <= t.limit/8 }

// Len is the number of aliases.
func (t *Table) Len() int { return int(t.count.Load()) }

// Bytes is the memory that the table takes.
func (t *Table) Bytes() int64 { return t.bytes.Load() }

// Evictions counts the aliases that had to go for others.
func (t *Table) Evictions() int64 { return t.evictions.Load() }

func (t *Table) hash(key []byte, class uint32) uint64 {
	return maphash.Bytes(t.seed, key) ^ uint64(class)*0x9e3779b97f4a7c15
}

// Again reports whether it was asked for key and class before, as far as a
// small memory goes: it forgets, and in one of some thousand millions of cases
// takes another key for this one.
func (t *Table) Again(key []byte, class uint32) bool {
	h := t.hash(key, class)
	slot := &t.seen[(h>>32)&uint64(len(t.seen)-1)]
	if slot.Load() == uint32(h) {
		return true
	}
	slot.Store(uint32(h))
	return false
}

// Get finds an alias of the generation that may answer at now; nil: none.
func (t *Table) Get(key []byte, class uint32, generation uint64, now time.Time) *Alias {
	h := t.hash(key, class)
	for e := t.index[h&uint64(len(t.index)-1)].Load(); e != nil; e = e.next.Load() {
		if e.hash != h || e.Class != class || !bytes.Equal(e.Key, key) {
			continue
		}
		if e.Generation != generation || !now.Before(e.Until) || e.Current != nil && e.Current.Load() != e.Version {
			if t.mu.TryLock() { // never waited for here: the hand takes it too
				t.remove(e)
				t.mu.Unlock()
			}
			return nil
		}
		if !e.used.Load() {
			e.used.Store(true)
		}
		return e.Alias
	}
	return nil
}

// Put keeps a, in place of the alias with its key and class, and evicts others
// as needed. It does not keep one of a generation that is over, nor one that
// would take more than an eighth of the table.
func (t *Table) Put(a *Alias) {
	e := &entry{Alias: a, hash: t.hash(a.Key, a.Class), size: a.size()}
	if !t.Fits(e.size) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if a.Generation < t.generation {
		return
	}
	if a.Generation > t.generation {
		for t.hand != nil {
			t.remove(t.hand)
		}
		t.generation = a.Generation
	}
	slot := &t.index[e.hash&uint64(len(t.index)-1)]
	for old := slot.Load(); old != nil; old = old.next.Load() {
		if old.hash == e.hash && old.Class == a.Class && bytes.Equal(old.Key, a.Key) {
			t.remove(old)
			break
		}
	}
	for t.hand != nil && t.bytes.Load()+e.size > t.limit {
		if t.hand.used.Swap(false) {
			t.hand = t.hand.ring
			continue
		}
		t.evictions.Add(1)
		t.remove(t.hand)
	}
	e.next.Store(slot.Load())
	slot.Store(e)
	if t.hand == nil {
		e.left, e.ring, t.hand = e, e, e
	} else { // behind the hand, which comes to it last
		e.left, e.ring = t.hand.left, t.hand
		e.left.ring, t.hand.left = e, e
	}
	t.bytes.Add(e.size)
	t.count.Add(1)
	if a.Alike != nil {
		t.alike.Add(1)
	}
}

// remove takes e out, if it is still in. Readers that stand on it go on from
// it, so its own link stays. The caller holds mu.
func (t *Table) remove(e *entry) {
	if e.ring == nil {
		return
	}
	at := &t.index[e.hash&uint64(len(t.index)-1)]
	for at.Load() != e {
		at = &at.Load().next
	}
	at.Store(e.next.Load())
	if t.hand == e {
		if t.hand = e.ring; e.ring == e {
			t.hand = nil
		}
	}
	e.left.ring, e.ring.left = e.ring, e.left
	e.left, e.ring = nil, nil
	t.bytes.Add(-e.size)
	t.count.Add(-1)
	if e.Alike != nil {
		t.alike.Add(-1)
	}
}
