package assembly

import (
	"math"
	"regexp"
	"strconv"

	"mirrornet/pkg/genomedb"
)

// Location is a stretch of a sequence as a user writes it: X, X:100, X:1-100,
// X:1..100:-1. Between the numbers stands "-", "..", "_", ":" or nothing;
// digits may be grouped by commas and blanks, and "g." may stand before them.
type Location struct {
	Name       string
	Start, End Position
	// Strand is 1 where the location names none. Anything but 1 is read
	// backward.
	Strand int
	// StrandText says that the strand was written as a number, which the API
	// gives back as text.
	StrandText bool
}

// Position is a place that a user wrote; the zero value is none.
type Position struct {
	Text  string // "" where there is none
	Value int64
}

// Given says whether there is a position.
func (p Position) Given() bool { return p.Text != "" }

func positionAt(n int64) Position { return Position{strconv.FormatInt(n, 10), n} }

var (
	plain    = regexp.MustCompile(`^([0-9A-Za-z_.]+):([0-9]{1,12})(?:-|\.\.)([0-9]{1,12})(?::(-?1))?$`)
	checked  = regexp.MustCompile(`^([0-9A-Za-z_.]+):?(-?[\pL\pM\pN_]*)(\.|_|-|:*)(-?[0-9A-Z]*):?(-?[0-9]?)`)
	location = regexp.MustCompile(`(?im)^((?:[\pL\pM\pN_]|\.|-)+)\s*:?\s*(?:g\.)?(-?[0-9, EMKG]+)?(?:-|\.\.|:|_)?([0-9, EMKG]+)?(?:-|\.\.|:|_)?([+-1]|-1)?$`)
	digits   = regexp.MustCompile(`[0-9]`)
	blank    = regexp.MustCompile(`\s+|,`)
	numeric  = regexp.MustCompile(`^-?[0-9]+(?:[eE][0-9]+)?`)
)

// CheckLocation refuses what the API refuses before it reads a location.
func CheckLocation(text string) error {
	m := checked.FindStringSubmatch(text)
	if m == nil {
		return genomedb.Refuse("Location %s not understood", text)
	}
	start, end, strand := m[2], m[4], m[5]
	if falsy(start) {
		start = "1"
	}
	if falsy(end) {
		end = strconv.FormatInt(number(start)+1, 10)
	}
	if falsy(strand) {
		strand = "1"
	}
	switch {
	case number(start) < 0 || !digits.MatchString(start):
		return genomedb.Refuse("%s is not a valid start", start)
	case !digits.MatchString(end):
		return genomedb.Refuse("%s is not a valid end", end)
	case strand != "1" && strand != "-1":
		return genomedb.Refuse("%s is not a valid strand", strand)
	}
	return nil
}

func falsy(s string) bool { return s == "" || s == "0" }

// ReadLocation reads a location. ok is false for what is none.
func ReadLocation(text string) (l Location, ok bool, err error) {
	if m := plain.FindStringSubmatch(text); m != nil && m[2][0] != '0' && m[3][0] != '0' { // as nearly all are
		return Location{m[1], positionOf(m[2]), positionOf(m[3]), strandOf(m[4]), m[4] != ""}, true, nil
	}
	m := location.FindStringSubmatch(text)
	if m == nil {
		return Location{}, false, nil
	}
	l = Location{Name: m[1], Start: positionOf(m[2]), End: positionOf(m[3]), Strand: strandOf(m[4])}
	l.StrandText = m[4] == "1" || m[4] == "-1" || m[4] == "0"
	if m[2] != "" && l.Start.Value < 1 {
		if m[3] == "" { // X:-10 is X:1-10
			l.End = positionAt(-l.Start.Value)
		}
		l.Start = positionAt(1)
	}
	if l.End.Given() && l.End.Value < 1 {
		return l, true, genomedb.Refuse("Cannot request negative or 0 end indexes through this interface. Given %s but expected something greater than 0", l.End.Text)
	}
	return l, true, nil
}

func strandOf(text string) int {
	switch text {
	case "", "1", "+":
		return 1
	case "0":
		return 0
	}
	return -1
}

func positionOf(text string) Position {
	text = blank.ReplaceAllString(text, "")
	return Position{text, number(text)}
}

// number reads the number that a text begins with, as Perl does; 0 for none.
// Beyond any genome it is not exact.
func number(text string) int64 {
	f, _ := strconv.ParseFloat(numeric.FindString(text), 64)
	return int64(math.Max(-maxPosition, math.Min(f, maxPosition)))
}

// maxPosition bounds positions, so that sums of some fit, and a float64 is
// exact.
const maxPosition = 1 << 52

// whole refuses a position that is no number.
func (p Position) whole(name string) error {
	if p.Given() && numeric.FindString(p.Text) != p.Text {
		return genomedb.Refuse("Attribute %s was not a number. Expected an Integer", name)
	}
	return nil
}

// turned says whether the end lies before the start.
func (l Location) turned() bool {
	return l.Start.Given() && l.End.Given() && l.Start.Value > l.End.Value
}
