package genome

import "fmt"

// Interval is a stretch of a sequence, 1-based and closed: 1 to 1 is the first
// base.
type Interval struct {
	Name   string // of the sequence, such as X
	Start  int64  // 1 or more
	End    int64  // 0 where it is the sequence's end, which is not known yet
	Strand int8   // 1 as the sequence stands; with any other value, read on the other strand
}

// Length is the number of bases, 0 where the end is not known or before the
// start.
func (i Interval) Length() int64 {
	return max(0, i.End-i.Start+1)
}

// Forward says whether the interval is read as its sequence stands.
func (i Interval) Forward() bool { return i.Strand == 1 }

// Overlaps says whether the two share a base, on whichever strand. An unknown
// end reaches everything.
func (i Interval) Overlaps(o Interval) bool {
	return i.Name == o.Name && (o.End == 0 || i.Start <= o.End) && (i.End == 0 || o.Start <= i.End)
}

// Contains says whether all of o lies in i, on whichever strand.
func (i Interval) Contains(o Interval) bool {
	return i.Name == o.Name && i.Start <= o.Start && (i.End == 0 || o.End != 0 && o.End <= i.End)
}

// Clamp fills in an unknown end and cuts the interval to a sequence of length
// bases. ok is false where nothing is left.
func (i Interval) Clamp(length int64) (clamped Interval, ok bool) {
	if i.End == 0 || i.End > length {
		i.End = length
	}
	i.Start = max(1, i.Start)
	return i, i.Start <= i.End
}

// Expand moves the ends outwards in reading direction (inwards for negative
// numbers), not below 1. ok is false where nothing is left. The end must be
// known.
func (i Interval) Expand(five, three int64) (expanded Interval, ok bool) {
	if !i.Forward() {
		five, three = three, five
	}
	i.Start = max(1, i.Start-five)
	i.End += three
	return i, i.Start <= i.End
}

// String writes the interval as the API's users write regions: X:1-1000:-1, or
// X:1 with an unknown end.
func (i Interval) String() string {
	if i.End == 0 {
		return fmt.Sprintf("%s:%d", i.Name, i.Start)
	}
	return fmt.Sprintf("%s:%d-%d:%d", i.Name, i.Start, i.End, i.Strand)
}
