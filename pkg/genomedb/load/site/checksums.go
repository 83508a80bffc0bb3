package site

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Sum is a file's checksum and size as BSD's sum prints them, which is what
// Ensembl's CHECKSUMS files have: "27542 160 name".
type Sum struct {
	Check  uint16
	Blocks int64 // of 1,024 bytes, the last one begun
}

func (s Sum) String() string { return fmt.Sprintf("%05d %d", s.Check, s.Blocks) }

// maxChecksums bounds the text of a CHECKSUMS file.
const maxChecksums = 16 << 20

// ParseChecksums reads a CHECKSUMS file: sums by the names of files. A fault is
// told with its line.
func ParseChecksums(text []byte) (map[string]Sum, error) {
	if len(text) > maxChecksums {
		return nil, &LineError{1, fmt.Errorf("more than %d MiB", maxChecksums>>20)}
	}
	sums := map[string]Sum{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 3 {
			return nil, &LineError{n, fmt.Errorf("%d words where a line is SUM BLOCKS NAME, as the command sum writes it", len(fields))}
		}
		check, err := strconv.ParseUint(fields[0], 10, 16)
		if err != nil {
			return nil, &LineError{n, fmt.Errorf("%.20q is no checksum of the command sum (0 to 65535)", fields[0])}
		}
		blocks, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil || blocks < 0 || blocks > 1<<50 {
			return nil, &LineError{n, fmt.Errorf("%.20q is no number of blocks", fields[1])}
		}
		name := strings.TrimPrefix(fields[2], "./")
		if !plainName(name) {
			return nil, &LineError{n, fmt.Errorf("%.100q is no name of a file beside it", name)}
		}
		sum := Sum{uint16(check), blocks}
		if other, ok := sums[name]; ok && other != sum {
			return nil, &LineError{n, fmt.Errorf("%.100s has two different sums", name)}
		}
		sums[name] = sum
	}
	return sums, nil
}

// LineError is a fault in a line, from 1.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// Summer computes the Sum of what is written to it.
type Summer struct {
	check uint32
	size  int64
}

// Write never fails.
func (s *Summer) Write(p []byte) (int, error) {
	c := s.check
	for _, b := range p {
		c = (c>>1 | c<<15) & 0xffff
		c = (c + uint32(b)) & 0xffff
	}
	s.check = c
	s.size += int64(len(p))
	return len(p), nil
}

// Sum of what was written.
func (s *Summer) Sum() Sum { return Sum{uint16(s.check), (s.size + 1023) / 1024} }

var _ io.Writer = (*Summer)(nil)
