package btree

import "encoding/binary"

// Kinds of page.
const (
	indexInterior = 2
	tableInterior = 5
	indexLeaf     = 10
	tableLeaf     = 13
)

// node is a page that is being filled.
type node struct {
	cells []byte
	ends  []int // of each cell in cells
}

func (n *node) add(cell []byte) {
	n.cells = append(n.cells, cell...)
	n.ends = append(n.ends, len(n.cells))
}

func (n *node) last() []byte {
	start := 0
	if k := len(n.ends); k > 1 {
		start = n.ends[k-2]
	}
	return n.cells[start:]
}

func (n *node) pop() {
	n.cells = n.cells[:len(n.cells)-len(n.last())]
	n.ends = n.ends[:len(n.ends)-1]
}

func (n *node) reset() { n.cells, n.ends = n.cells[:0], n.ends[:0] }

// tree fills the leaves from the left and keeps one page of each level in
// memory.
//
// A cell of an interior page is the number of a page and what parts that from
// the next: in a table, its last rowid; in an index, an entry, which is then in
// no leaf.
type tree struct {
	file  *File
	table bool
	leaf  node
	above []node // interior levels from the lowest
	cell  []byte // scratch
	rowid int64  // of a table's last row
}

// interiorRoom and leafRoom are the bytes for cells and their pointers.
func (t *tree) leafRoom() int     { return t.file.usable - 8 }
func (t *tree) interiorRoom() int { return t.file.usable - 12 }

func (n *node) fits(cell, room int) bool { return len(n.cells)+cell+2*len(n.ends)+2 <= room }

// write appends a page; right is the last child of an interior one.
func (t *tree) write(n *node, right uint32) (uint32, error) {
	page, number, err := t.file.page()
	if err != nil {
		return 0, err
	}
	kind, head := byte(indexLeaf), 8
	switch {
	case t.table && right != 0:
		kind = tableInterior
	case t.table:
		kind = tableLeaf
	case right != 0:
		kind = indexInterior
	}
	if right != 0 {
		head = 12
		binary.BigEndian.PutUint32(page[8:], right)
	}
	page[0] = kind
	binary.BigEndian.PutUint16(page[3:], uint16(len(n.ends)))
	start := t.file.usable - len(n.cells)
	binary.BigEndian.PutUint16(page[5:], uint16(start)) // 65536 is 0
	copy(page[start:], n.cells)
	at := 0
	for i, end := range n.ends {
		binary.BigEndian.PutUint16(page[head+2*i:], uint16(start+at))
		at = end
	}
	return number, nil
}

// put adds a cell to the leaves.
func (t *tree) put(cell []byte) error {
	if !t.leaf.fits(len(cell), t.leafRoom()) {
		if err := t.split(); err != nil {
			return err
		}
	}
	t.leaf.add(cell)
	return nil
}

// split ends the leaf.
func (t *tree) split() error {
	var parting []byte
	if t.table {
		parting = appendVarint(t.cell[:0], uint64(t.rowid))
	} else {
		parting = append(t.cell[:0], t.leaf.last()...)
		t.leaf.pop()
	}
	t.cell = parting
	number, err := t.write(&t.leaf, 0)
	t.leaf.reset()
	if err != nil {
		return err
	}
	return t.raise(0, number, parting)
}

// raise adds a page to an interior level.
func (t *tree) raise(level int, number uint32, parting []byte) error {
	if level == len(t.above) {
		t.above = append(t.above, node{})
	}
	n := &t.above[level]
	if !n.fits(4+len(parting), t.interiorRoom()) {
		// The last child becomes the page's right one, what parts it from the
		// next goes up. So no page is left with one child.
		last := append([]byte(nil), n.last()...)
		n.pop()
		full, err := t.write(n, binary.BigEndian.Uint32(last))
		if err != nil {
			return err
		}
		n.reset()
		if err := t.raise(level+1, full, last[4:]); err != nil {
			return err
		}
		n = &t.above[level]
	}
	n.cells = binary.BigEndian.AppendUint32(n.cells, number)
	n.cells = append(n.cells, parting...)
	n.ends = append(n.ends, len(n.cells))
	return nil
}

// finish writes what is left and gives the root's number.
func (t *tree) finish() (uint32, error) {
	number, err := t.write(&t.leaf, 0)
	for i := range t.above {
		if err != nil {
			break
		}
		number, err = t.write(&t.above[i], number)
	}
	return number, err
}

// payload appends to a cell as much of a payload as belongs into it, with the
// rest in pages of its own.
func (t *tree) payload(cell, data []byte) ([]byte, error) {
	u := t.file.usable
	most := u - 35
	if !t.table {
		most = (u-12)*64/255 - 23
	}
	if len(data) <= most {
		return append(cell, data...), nil
	}
	local := (u-12)*32/255 - 23
	if k := local + (len(data)-local)%(u-4); k <= most {
		local = k
	}
	cell = append(cell, data[:local]...)
	first := true
	for rest := data[local:]; len(rest) > 0; {
		page, number, err := t.file.page()
		if err != nil {
			return nil, err
		}
		if first {
			cell = binary.BigEndian.AppendUint32(cell, number)
			first = false
		}
		n := copy(page[4:u], rest)
		if rest = rest[n:]; len(rest) > 0 {
			binary.BigEndian.PutUint32(page, t.file.upcoming(number))
		}
	}
	return cell, nil
}
