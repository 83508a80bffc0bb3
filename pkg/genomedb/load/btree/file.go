package btree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// File appends pages to a database file that SQLite does not have open. It is
// for one goroutine.
type File struct {
	f       *os.File
	size    int    // of a page
	usable  int    // without what the header reserves
	next    uint32 // number of the next page, from 1
	pending []byte // pages that are not written yet
}

const (
	headerSize  = 100
	magic       = "SQLite format 3\x00"
	flushBytes  = 1 << 20
	lockingByte = 1 << 30 // the page that holds it stays unused
)

// Open opens a database file to append after its first pages; 0: after all
// that its header counts. What lies beyond is cut off. The caller closes it.
func Open(path string, pages uint32) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	file, err := open(f, pages)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return file, nil
}

func open(f *os.File, pages uint32) (*File, error) {
	head := make([]byte, headerSize)
	if _, err := io.ReadFull(f, head); err != nil || string(head[:16]) != magic {
		return nil, errors.New("no SQLite file")
	}
	size := int(binary.BigEndian.Uint16(head[16:]))
	if size == 1 {
		size = 1 << 16
	}
	if size < 512 || size&(size-1) != 0 {
		return nil, fmt.Errorf("pages of %d bytes", size)
	}
	counted := binary.BigEndian.Uint32(head[28:])
	if binary.BigEndian.Uint32(head[24:]) != binary.BigEndian.Uint32(head[92:]) || counted == 0 {
		return nil, errors.New("the header does not count its pages")
	}
	if binary.BigEndian.Uint32(head[52:]) != 0 {
		return nil, errors.New("auto_vacuum is on")
	}
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if pages == 0 {
		pages = counted
	}
	if pages < counted || st.Size() < int64(pages)*int64(size) {
		return nil, fmt.Errorf("%d bytes where %d pages of %d should be", st.Size(), max(pages, counted), size)
	}
	if err := f.Truncate(int64(pages) * int64(size)); err != nil {
		return nil, err
	}
	return &File{f: f, size: size, usable: size - int(head[20]), next: pages + 1}, nil
}

// Pages is how many there are.
func (f *File) Pages() uint32 { return f.next - 1 }

// Truncate takes back the pages after the first.
func (f *File) Truncate(pages uint32) error {
	if err := f.flush(); err != nil {
		return err
	}
	if pages < f.Pages() {
		f.next = pages + 1
		return f.f.Truncate(int64(pages) * int64(f.size))
	}
	return nil
}

// Sync makes the pages outlive a power cut.
func (f *File) Sync() error { return errors.Join(f.flush(), f.f.Sync()) }

// Count writes into the header how many pages there are. SQLite then takes
// them for its own.
func (f *File) Count() error {
	if err := f.Sync(); err != nil {
		return err
	}
	head := make([]byte, headerSize)
	if _, err := f.f.ReadAt(head, 0); err != nil {
		return err
	}
	change := binary.BigEndian.Uint32(head[24:]) + 1
	binary.BigEndian.PutUint32(head[24:], change)
	binary.BigEndian.PutUint32(head[28:], f.Pages())
	binary.BigEndian.PutUint32(head[92:], change)
	_, err := f.f.WriteAt(head[24:], 24)
	return errors.Join(err, f.f.Sync())
}

// Close closes the file, with what is in it.
func (f *File) Close() error { return errors.Join(f.flush(), f.f.Close()) }

func (f *File) flush() error {
	if len(f.pending) == 0 {
		return nil
	}
	at := int64(f.next-1)*int64(f.size) - int64(len(f.pending))
	_, err := f.f.WriteAt(f.pending, at)
	f.pending = f.pending[:0]
	return err
}

// locking is the number of the page that SQLite locks bytes of.
func (f *File) locking() uint32 { return uint32(lockingByte/f.size) + 1 }

// upcoming is the number that the page after n has.
func (f *File) upcoming(n uint32) uint32 {
	if n++; n == f.locking() {
		n++
	}
	return n
}

// page gives a page of zeros to fill before the next call, and its number.
func (f *File) page() ([]byte, uint32, error) {
	if f.next == 1<<32-2 {
		return nil, 0, errors.New("the file has as many pages as SQLite can have")
	}
	if f.next == f.locking() {
		f.grow()
	}
	n := f.next
	if len(f.pending)+f.size > flushBytes {
		if err := f.flush(); err != nil {
			return nil, 0, err
		}
	}
	return f.grow(), n, nil
}

func (f *File) grow() []byte {
	start := len(f.pending)
	if cap(f.pending) < start+f.size {
		grown := make([]byte, start, max(flushBytes+f.size, start+f.size))
		copy(grown, f.pending)
		f.pending = grown
	}
	f.pending = f.pending[:start+f.size]
	p := f.pending[start:]
	clear(p)
	f.next++
	return p
}
