package btree

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"unsafe"
)

// Sorter puts entries of a key and data in order of their keys, in memory up
// to a budget and in files beyond it. It is for one goroutine.
type Sorter struct {
	dir    string
	budget int
	arena  []byte
	refs   []ref
	runs   []run
	file   *os.File // of all runs, already unlinked
	size   int64
}

// ref is an entry in the arena: its key, a length, its data.
type ref struct {
	prefix uint64 // the key's first bytes, so that most comparisons end here
	at     uint32
	key    uint32
}

type run struct{ start, end int64 }

// NewSorter makes one that spills into dir when it has budget bytes. The caller
// closes it.
func NewSorter(dir string, budget int) *Sorter {
	return &Sorter{dir: dir, budget: min(max(budget, 1<<16), math.MaxUint32/2)}
}

// Add copies an entry.
func (s *Sorter) Add(key, data []byte) error {
	need := len(key) + len(data) + binary.MaxVarintLen32
	if len(s.refs) > 0 && len(s.arena)+need+(len(s.refs)+1)*int(unsafe.Sizeof(ref{})) > s.budget {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if len(s.arena)+need > math.MaxUint32 {
		return fmt.Errorf("an entry of %d bytes", need)
	}
	r := ref{prefix: prefix(key), at: uint32(len(s.arena)), key: uint32(len(key))}
	s.arena = append(s.arena, key...)
	s.arena = binary.AppendUvarint(s.arena, uint64(len(data)))
	s.arena = append(s.arena, data...)
	s.refs = append(s.refs, r)
	return nil
}

func prefix(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var b [8]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

func (s *Sorter) sort() {
	slices.SortFunc(s.refs, func(a, b ref) int {
		if a.prefix != b.prefix {
			if a.prefix < b.prefix {
				return -1
			}
			return 1
		}
		return bytes.Compare(s.arena[a.at:a.at+a.key], s.arena[b.at:b.at+b.key])
	})
}

func (s *Sorter) data(r ref) []byte {
	rest := s.arena[r.at+r.key:]
	n, k := binary.Uvarint(rest)
	return rest[k : k+int(n)]
}

// spill writes what is in memory as a run.
func (s *Sorter) spill() error {
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "sort-*")
		if err != nil {
			return err
		}
		s.file = f
		if err := os.Remove(f.Name()); err != nil { // it goes when it is closed, however that comes
			return err
		}
	}
	s.sort()
	w := bufio.NewWriterSize(s.file, 1<<18)
	start := s.size
	var head [2 * binary.MaxVarintLen32]byte
	for _, r := range s.refs {
		data := s.data(r)
		h := binary.AppendUvarint(head[:0], uint64(r.key))
		h = binary.AppendUvarint(h, uint64(len(data)))
		w.Write(h)
		w.Write(s.arena[r.at : r.at+r.key])
		w.Write(data) // errors stay with the writer
		s.size += int64(len(h)) + int64(r.key) + int64(len(data))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	s.runs = append(s.runs, run{start, s.size})
	s.arena, s.refs = s.arena[:0], s.refs[:0]
	return nil
}

// Each gives all entries in order and ends the sorter's use. The slices hold
// during the call. Equal keys come in any order.
func (s *Sorter) Each(do func(key, data []byte) error) error {
	if s.file == nil {
		s.sort()
		for _, r := range s.refs {
			if err := do(s.arena[r.at:r.at+r.key], s.data(r)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(s.refs) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.arena, s.refs = nil, nil
	return s.merge(do)
}

// Close frees memory and files.
func (s *Sorter) Close() error {
	s.arena, s.refs = nil, nil
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.Close()
}

// stream reads one run.
type stream struct {
	r         *bufio.Reader
	key, data []byte
	prefix    uint64
}

func (t *stream) next() (bool, error) {
	k, err := binary.ReadUvarint(t.r)
	if err == io.EOF {
		return false, nil
	}
	n, err2 := binary.ReadUvarint(t.r)
	if err := errors.Join(err, err2); err != nil {
		return false, err
	}
	t.key = slices.Grow(t.key[:0], int(k))[:k]
	t.data = slices.Grow(t.data[:0], int(n))[:n]
	_, err = io.ReadFull(t.r, t.key)
	if err == nil {
		_, err = io.ReadFull(t.r, t.data)
	}
	t.prefix = prefix(t.key)
	return err == nil, err
}

func (t *stream) less(o *stream) bool {
	if t.prefix != o.prefix {
		return t.prefix < o.prefix
	}
	return bytes.Compare(t.key, o.key) < 0
}

// merge reads all runs at once; their buffers share the budget.
func (s *Sorter) merge(do func(key, data []byte) error) error {
	buffer := min(max(s.budget/len(s.runs), 1<<12), 1<<18)
	var heap []*stream
	for _, r := range s.runs {
		t := &stream{r: bufio.NewReaderSize(io.NewSectionReader(s.file, r.start, r.end-r.start), buffer)}
		ok, err := t.next()
		if err != nil {
			return err
		}
		if ok {
			heap = append(heap, t)
		}
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		sink(heap, i)
	}
	for len(heap) > 0 {
		t := heap[0]
		if err := do(t.key, t.data); err != nil {
			return err
		}
		ok, err := t.next()
		if err != nil {
			return err
		}
		if !ok {
			heap[0] = heap[len(heap)-1]
			heap = heap[:len(heap)-1]
		}
		sink(heap, 0)
	}
	return nil
}

// sink restores the heap's order below i.
func sink(heap []*stream, i int) {
	for {
		least := i
		for _, c := range [2]int{2*i + 1, 2*i + 2} {
			if c < len(heap) && heap[c].less(heap[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}
