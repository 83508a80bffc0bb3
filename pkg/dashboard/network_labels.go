package dashboard

import (
	"cmp"
	"math"
	"slices"
	"unicode/utf8"

	"mirrornet/pkg/dashboard/worldmap"
)

// The map is drawn for two widths of its box: letters keep their size in a unit
// of the map, so narrow has larger ones, and says less.
type labelSize struct {
	font   float64 // of a name
	small  float64 // of the word below it
	mark   float64 // radius that is kept clear around a mark
	margin float64
	far    float64 // how far a label best stands from its mark
	brief  bool    // says the word of those that serve only where few are
}

// fewSpots is how many labels have room for all that they say on a narrow map.
const fewSpots = 6

var (
	wideLabels   = labelSize{font: 20, small: 17, mark: 14, margin: 4, far: 90}
	narrowLabels = labelSize{font: 33, small: 28, mark: 20, margin: 5, far: 110, brief: true}
)

// Letters of no font in use are wider than this on the average of a name, in
// terms of its size.
const (
	boldWidth = 0.68
	wordWidth = 0.66
	pipWidth  = 0.8
)

// longestName is how much of a name a label holds; its title holds it all.
const longestName = 22

// spot is something on the map that has a label.
type spot struct {
	x, y   float64
	name   string
	word   string // below the name; "" none
	room   string // the longest that word may become: a label stays where it is
	pips   int    // after the word
	fixed  bool   // its mark may not be moved
	Wide   label
	Narrow label
}

// label is where a spot's words are.
type label struct {
	Shown  bool
	Name   string
	Word   string  // "" when there is no room for it, too
	X, Y   float64 // where the name's line is anchored
	WordY  float64
	Anchor string // of the text: start, end, middle
	Leader string // path from mark to label; "" when it stands beside it
	box    box
}

type box struct{ x0, y0, x1, y1 float64 }

func (a box) overlaps(b box) bool { return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1 }

func (a box) onMap() bool {
	return a.x0 >= 0 && a.y0 >= 0 && a.x1 <= worldmap.Width && a.y1 <= worldmap.Height
}

// around is the part of the map that a mark takes.
func (s *spot) around(r float64) box { return box{s.x - r, s.y - r, s.x + r, s.y + r} }

// apart moves marks that would lie on each other, as little as that takes.
func apart(spots []*spot) {
	least := 2 * wideLabels.mark
	for range 60 {
		moved := false
		for i, a := range spots {
			for j, b := range spots[:i] {
				dx, dy := a.x-b.x, a.y-b.y
				d := math.Hypot(dx, dy)
				if d >= least || a.fixed && b.fixed {
					continue
				}
				if d < 0.01 { // the same place: each goes its own way
					dx, dy, d = math.Cos(float64(i*7+j)), math.Sin(float64(i*7+j)), 1
				}
				push := (least - min(d, least) + 0.1) / 2
				if a.fixed || b.fixed {
					push *= 2
				}
				if !a.fixed {
					a.x, a.y = a.x+dx/d*push, a.y+dy/d*push
				}
				if !b.fixed {
					b.x, b.y = b.x-dx/d*push, b.y-dy/d*push
				}
				moved = true
			}
		}
		for _, s := range spots {
			edge := wideLabels.mark
			s.x, s.y = min(max(s.x, edge), worldmap.Width-edge), min(max(s.y, edge), worldmap.Height-edge)
		}
		if !moved {
			return
		}
	}
}

// place finds room for every spot's label: none lies on another or on a mark, all
// are on the map. One that would stand far from its mark loses its word first, then
// its place; the table beside the map has all.
func place(spots []*spot, size labelSize, of func(*spot) *label) {
	var taken []box
	for _, s := range spots {
		taken = append(taken, s.around(size.mark))
	}
	// Those in a crowd choose first: they have the least choice.
	order := slices.Clone(spots)
	slices.SortStableFunc(order, func(a, b *spot) int { return cmp.Compare(crowd(b, spots), crowd(a, spots)) })
	for _, s := range order {
		l := of(s)
		*l = label{Name: shorten(s.name)}
		for _, try := range []struct {
			word bool
			far  float64
		}{{true, size.far}, {false, size.far}, {true, 2 * size.far}, {false, 3 * size.far}} {
			if try.word && (s.word == "" || size.brief && s.word == "serving" && len(spots) > fewSpots) {
				continue
			}
			if s.put(l, size, try.word, try.far, taken) {
				taken = append(taken, l.box)
				break
			}
		}
	}
}

func crowd(s *spot, spots []*spot) (n int) {
	for _, o := range spots {
		if math.Hypot(o.x-s.x, o.y-s.y) < 120 {
			n++
		}
	}
	return n
}

func shorten(name string) string {
	if utf8.RuneCountInString(name) <= longestName {
		return name
	}
	return string([]rune(name)[:longestName-1]) + "…"
}

// put puts a label at the nearest free place.
func (s *spot) put(l *label, size labelSize, word bool, furthest float64, taken []box) bool {
	width := float64(utf8.RuneCountInString(l.Name)) * size.font * boldWidth
	height := size.font * 1.1
	if word {
		letters, pips := max(utf8.RuneCountInString(s.word), utf8.RuneCountInString(s.room)), float64(s.pips)
		if size.brief {
			letters, pips = utf8.RuneCountInString(s.word), 0
		}
		width = max(width, size.small*(wordWidth*float64(letters)+pipWidth*pips+0.4))
		height += size.small * 1.15
	}
	try := func(x, y float64) bool { // of the upper left corner
		b := box{x - size.margin, y - size.margin/2, x + width + size.margin, y + height + size.margin/2}
		if !b.onMap() || slices.ContainsFunc(taken, b.overlaps) {
			return false
		}
		l.Shown, l.box = true, b
		if word {
			l.Word = s.word
		}
		// Words begin at the mark, whatever room is kept for longer ones.
		switch {
		case x >= s.x:
			l.Anchor, l.X = "start", x
		case x+width <= s.x:
			l.Anchor, l.X = "end", x+width
		default:
			l.Anchor, l.X = "middle", x+width/2
		}
		l.Y, l.WordY = y+size.font*0.85, y+size.font*1.1+size.small*0.85
		return true
	}
	near := size.mark + size.margin + 1
	for _, at := range [][2]float64{{near, -height / 2}, {-near - width, -height / 2}, {-width / 2, near}, {-width / 2, -near - height},
		{near * 0.8, near * 0.6}, {near * 0.8, -near*0.6 - height}, {-near*0.8 - width, near * 0.6}, {-near*0.8 - width, -near*0.6 - height}} {
		if try(s.x+at[0], s.y+at[1]) {
			return true
		}
	}
	for far := near + size.font/2; far <= furthest; far += size.font / 2 {
		for i := range 24 {
			angle := float64(i) * math.Pi / 12
			// the middle of the label, beyond its own half in that direction
			x := s.x + math.Cos(angle)*(far+width/2) - width/2
			y := s.y + math.Sin(angle)*(far+height/2) - height/2
			if try(x, y) {
				l.Leader = "M" + units(s.x) + " " + units(s.y) + "L" + units(min(max(s.x, l.box.x0), l.box.x1)) + " " + units(min(max(s.y, l.box.y0), l.box.y1))
				return true
			}
		}
	}
	return false
}
