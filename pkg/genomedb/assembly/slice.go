package assembly

import (
	"strconv"
	"strings"
)

// Slice is an interval on a sequence, 1-based and closed. It may reach over
// the sequence's ends; there are no bases there.
type Slice struct {
	On         *Sequence
	Start, End int64
	// Strand is 1 for the sequence as it stands; with any other value the
	// slice is read on the opposite strand.
	Strand int
}

// Length is the number of bases; 0 for the place between two bases.
func (s Slice) Length() int64 { return s.End - s.Start + 1 }

// Forward says whether the slice is read as its sequence stands.
func (s Slice) Forward() bool { return s.Strand == 1 }

// Name writes the slice as Ensembl does:
// chromosome:GRCh38:7:140719327:140924929:-1.
func (s Slice) Name() string {
	return strings.Join([]string{s.On.System.Name, s.On.System.Version, s.On.Name,
		strconv.FormatInt(s.Start, 10), strconv.FormatInt(s.End, 10), strconv.Itoa(s.Strand)}, ":")
}

// Expand moves the ends outwards, in reading direction; negative numbers move
// them inwards. ok is false when nothing would be left.
func (s Slice) Expand(five, three float64) (out Slice, ok bool) {
	if !s.Forward() {
		five, three = three, five
	}
	start, end := float64(s.Start)-five, float64(s.End)+three // whole numbers of 53 bits
	s.Start, s.End = int64(start), int64(end)
	return s, start <= end
}

// Sub is the part from the start-th to the end-th base in reading direction.
func (s Slice) Sub(start, end int64) (out Slice, ok bool) {
	if start < 1 || end < start || end > s.Length() {
		return Slice{}, false
	}
	if s.Forward() {
		s.Start, s.End = s.Start+start-1, s.Start+end-1
	} else {
		s.Start, s.End = s.End-end+1, s.End-start+1
	}
	return s, true
}

// Span is an interval in a slice's own coordinates: 1 is its first base in
// reading direction.
type Span struct{ Start, End int64 }

// Within writes an interval of s's sequence in s's coordinates.
func (s Slice) Within(start, end int64) Span {
	if s.Forward() {
		return Span{start - s.Start + 1, end - s.Start + 1}
	}
	return Span{s.End - end + 1, s.End - start + 1}
}
