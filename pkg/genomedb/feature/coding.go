package feature

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"mirrornet/pkg/genomedb/assembly"
)

// edit replaces bases or residues Start to End by Text; End is Start-1 for an
// insertion before Start.
type edit struct {
	start, end int64
	text       string
}

func (e edit) growth() int64 { return int64(len(e.text)) - (e.end - e.start + 1) }

// edits reads the edits among attributes of these codes, first to last.
func edits(all []Attribute, codes ...string) (out []edit) {
	for _, a := range all {
		if !slices.Contains(codes, a.Code) {
			continue
		}
		f := strings.Fields(a.Value)
		if len(f) < 2 {
			continue
		}
		start, err1 := strconv.ParseInt(f[0], 10, 64)
		end, err2 := strconv.ParseInt(f[1], 10, 64)
		if err1 != nil || err2 != nil || start < 1 || end < start-1 {
			continue
		}
		e := edit{start: start, end: end}
		if len(f) > 2 {
			e.text = f[2]
		}
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	return out
}

// apply makes the edits, last to first, so that none moves another.
func apply(seq []byte, all []edit) []byte {
	for _, e := range slices.Backward(all) {
		if e.end <= int64(len(seq)) {
			seq = slices.Replace(seq, int(e.start-1), int(e.end), []byte(e.text)...)
		}
	}
	return seq
}

func (t *Transcript) rnaEdits() []edit { return edits(t.Attributes, "_rna_edit") }

// Length is the length of the spliced transcript.
func (t *Transcript) Length() (n int64) {
	for _, e := range t.Exons {
		n += e.At.Length()
	}
	for _, e := range t.rnaEdits() {
		n += e.growth()
	}
	return n
}

// attribute is the number in the first attribute of a code.
func (t *Transcript) attribute(code string) (int64, bool) {
	for _, a := range t.Attributes {
		if a.Code == code {
			n, err := strconv.ParseInt(strings.TrimSpace(a.Value), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// coding is the interval of the spliced transcript that a translation covers.
// ok is false where there is none.
func (t *Transcript) coding(p *Translation) (start, end int64, ok bool) {
	if t.Predicted {
		n := t.Length()
		return 1, n, n > 0
	}
	if p == nil {
		return 0, 0, false
	}
	all := t.rnaEdits()
	start = t.before(p.First) + p.Start
	end = t.before(p.Last) + p.End
	if len(all) > 0 {
		if n, ok := t.attribute("_transl_start"); ok {
			start = n
		} else {
			for _, e := range slices.Backward(all) {
				if e.start < start {
					start += e.growth()
				}
			}
		}
		if n, ok := t.attribute("_transl_end"); ok {
			end = n
		} else {
			for _, e := range slices.Backward(all) {
				if e.start <= end+1 {
					end += e.growth()
				}
			}
		}
	}
	return start, end, start >= 1 && end >= start
}

// before is the number of spliced bases before an exon.
func (t *Transcript) before(x *Exon) (n int64) {
	for _, e := range t.Exons {
		if e == x {
			break
		}
		n += e.At.Length()
	}
	return n
}

// genomic maps an interval of the spliced transcript onto the genome, in
// reading direction.
func (t *Transcript) genomic(start, end int64) (out []assembly.Slice) {
	for _, b := range t.merged() {
		from, to := max(start, b.start), min(end, b.end)
		if from > to {
			continue
		}
		at, _ := b.at.Sub(from-b.start+1, to-b.start+1)
		out = append(out, at)
	}
	return out
}

// UTR5 and UTR3 are the untranslated intervals before and behind the canonical
// translation.
func (t *Transcript) UTR5() []assembly.Slice {
	if start, _, ok := t.coding(t.Translation); ok && start > 1 {
		return t.genomic(1, start-1)
	}
	return nil
}

func (t *Transcript) UTR3() []assembly.Slice {
	if _, end, ok := t.coding(t.Translation); ok && end < t.Length() {
		return t.genomic(end+1, t.Length())
	}
	return nil
}

// Residues finds which residues of the canonical translation the genomic
// interval codes for, all told. ok is false where it codes for none.
func (t *Transcript) Residues(start, end int64) (first, last int64, ok bool) {
	codingStart, codingEnd, has := t.coding(t.Translation)
	if !has || len(t.Exons) == 0 {
		return 0, 0, false
	}
	shift := max(int64(t.Exons[0].Phase), 0)
	for _, b := range t.blocks() {
		from, to := max(start, b.at.Start), min(end, b.at.End)
		if from > to {
			continue
		}
		w := b.at.Within(from, to)
		s, e := max(b.start+w.Start-1, codingStart), min(b.start+w.End-1, codingEnd)
		if s > e {
			continue
		}
		s, e = (s-codingStart+1+shift+2)/3, (e-codingStart+1+shift+2)/3
		if !ok || s < first {
			first = s
		}
		last, ok = max(last, e), true
	}
	return first, last, ok
}
