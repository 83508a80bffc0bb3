package genome

import (
	"fmt"
	"strconv"
	"strings"
)

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

// String writes the interval so that Parse reads it: X:1-1000:-1, or X:1 with
// an unknown end.
func (i Interval) String() string {
	if i.End == 0 {
		return fmt.Sprintf("%s:%d", i.Name, i.Start)
	}
	return fmt.Sprintf("%s:%d-%d:%d", i.Name, i.Start, i.End, i.Strand)
}

// maxPosition bounds positions, so that sums of two fit.
const maxPosition = 1 << 60

// Parse reads a region as the API writes it: name, name:start, and
// name:start-end with an optional :strand. Between start and end stands "-",
// "..", "_" or ":"; either may be missing; digits may be grouped by commas;
// HGVS's "g." before the start is skipped. The strand is 1 where there is none.
// Errors are sentences for the API's users.
func Parse(region string) (Interval, error) {
	name, rest, _ := strings.Cut(region, ":")
	if name == "" || strings.ContainsFunc(name, notInName) {
		//lint:ignore ST1005 a sentence for the API's users
		return Interval{}, fmt.Errorf("Location %s not understood", region)
	}
	i := Interval{Name: name, Start: 1, Strand: 1}
	start, rest := number(strings.TrimPrefix(rest, "g."))
	end := ""
	if rest != "" {
		var ok bool
		if rest, ok = separator(rest); !ok {
			return Interval{}, undecodable(region)
		}
		end, rest = number(rest)
	}
	if rest != "" {
		s, ok := strings.CutPrefix(rest, ":")
		switch s {
		case "1", "+1", "+", "":
		case "-1", "-":
			i.Strand = -1
		case "0":
			i.Strand = 0
		default:
			ok = false
		}
		if !ok {
			return Interval{}, undecodable(region)
		}
	}
	var ok bool
	if start != "" {
		if i.Start, ok = position(start); !ok {
			return Interval{}, fmt.Errorf("%s is not a valid start", start)
		}
		i.Start = max(1, i.Start)
	}
	if end != "" {
		if i.End, ok = position(end); !ok || i.End == 0 {
			return Interval{}, fmt.Errorf("%s is not a valid end", end)
		}
		if i.Start > i.End {
			//lint:ignore ST1005 a sentence for the API's users
			return Interval{}, fmt.Errorf("Cannot request a slice whose start is greater than its end. Start: %d. End: %d", i.Start, i.End)
		}
	}
	return i, nil
}

func undecodable(region string) error {
	//lint:ignore ST1005 a sentence for the API's users
	return fmt.Errorf("Could not decode region %s", region)
}

func letterOrDigit(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func notInName(c rune) bool {
	return !letterOrDigit(c) && c != '_' && c != '.' && c != '-'
}

// number cuts what should be a number from the front: a sign, then letters,
// digits and commas, so that errors can quote all of it.
func number(s string) (token, rest string) {
	i := 0
	if strings.HasPrefix(s, "-") {
		i = 1
	}
	for i < len(s) && (letterOrDigit(rune(s[i])) || s[i] == ',') {
		i++
	}
	if s[:i] == "-" { // a separator
		return "", s
	}
	return s[:i], s[i:]
}

func separator(s string) (rest string, ok bool) {
	for _, sep := range []string{"..", "-", "_", ":"} {
		if rest, ok := strings.CutPrefix(s, sep); ok {
			return rest, true
		}
	}
	return s, false
}

func position(token string) (int64, bool) {
	n, err := strconv.ParseInt(strings.ReplaceAll(token, ",", ""), 10, 64)
	return n, err == nil && n >= 0 && n <= maxPosition
}
