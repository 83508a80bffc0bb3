package sample

import "strings"

// A gene is built in its own coordinates: base 0 is its first, read on its own
// strand. The annotator moves it to a chromosome.

type gene struct {
	spec        geneSpec
	seq         []byte
	transcripts []transcript
}

type transcript struct {
	biotype string
	exons   []span // in order of reading
	coding  *span  // on the gene, from the start codon's first base to the stop codon's last
}

// span is half open: from 0.
type span struct{ from, to int }

// cassette is the exon, from 0, that a transcript may skip. It begins and ends
// between codons.
const cassette = 2

func (r *random) gene(spec geneSpec, stops string) gene {
	g := gene{spec: spec}
	switch spec.biotype {
	case "miRNA", "snRNA":
		g.seq = r.bases(nil, r.between(80, 160))
		g.transcripts = []transcript{{biotype: spec.biotype, exons: []span{{0, len(g.seq)}}}}
		return g
	}
	coding := spec.biotype == "protein_coding"
	utr5, utr3 := r.between(60, 110), r.between(90, 260)
	if spec.chromosome == "MT" {
		utr5, utr3 = 0, 0
	}
	lengths := r.exonLengths(spec.exons, utr5, utr3)
	spliced := r.bases(nil, sum(lengths))
	if coding {
		r.codons(spliced[utr5:len(spliced)-utr3], stops)
	}
	var exons []span
	for i, n := range lengths {
		if i > 0 {
			g.seq = append(g.seq, "GT"...)
			g.seq = r.bases(g.seq, r.between(150, 1400))
			g.seq = append(g.seq, "AG"...)
		}
		exons = append(exons, span{len(g.seq), len(g.seq) + n})
		g.seq = append(g.seq, spliced[:n]...)
		spliced = spliced[n:]
	}
	whole := transcript{biotype: spec.biotype, exons: exons}
	if coding {
		last := exons[len(exons)-1]
		whole.coding = &span{utr5, last.to - utr3} // the first exon begins at 0
	}
	g.transcripts = g.alternatives(whole, utr5)
	return g
}

func sum(n []int) (s int) {
	for _, x := range n {
		s += x
	}
	return s
}

// exonLengths gives lengths that leave whole codons between the untranslated
// ends, which lie in the first and last exon.
func (r *random) exonLengths(n, utr5, utr3 int) []int {
	lengths := make([]int, n)
	for i := range lengths {
		lengths[i] = r.between(60, 240)
	}
	lengths[0] += utr5
	lengths[n-1] += utr3
	if n < 4 {
		lengths[n-1] += r.between(250, 800)
	}
	if n > cassette+1 {
		for (sum(lengths[:cassette])-utr5)%3 != 0 {
			lengths[cassette-1]++
		}
		for lengths[cassette]%3 != 0 {
			lengths[cassette]++
		}
	}
	for (sum(lengths)-utr5-utr3)%3 != 0 {
		lengths[n-1]++
	}
	return lengths
}

// codons writes ATG, random codons, and a stop over cds.
func (r *random) codons(cds []byte, stops string) {
	var codon []byte
	for i := 0; i < len(cds); i += 3 {
		for {
			codon = r.bases(codon[:0], 3)
			if !strings.Contains(stops, string(codon)) {
				break
			}
		}
		copy(cds[i:], codon)
	}
	copy(cds, "ATG")
	copy(cds[len(cds)-3:], "TAA")
}

// alternatives gives the gene's transcripts: the whole one; one that begins
// later; one without the cassette; one that keeps an intron and codes for
// nothing. Small genes have fewer.
func (g *gene) alternatives(whole transcript, utr5 int) []transcript {
	all := []transcript{whole}
	if whole.coding == nil || len(whole.exons) < 4 {
		return all
	}
	later := transcript{biotype: whole.biotype, coding: whole.coding, exons: append([]span(nil), whole.exons...)}
	later.exons[0].from += utr5 / 2
	all = append(all, later)
	if len(whole.exons) >= 6 {
		skips := transcript{biotype: whole.biotype, coding: whole.coding}
		skips.exons = append(append(skips.exons, whole.exons[:cassette]...), whole.exons[cassette+1:]...)
		all = append(all, skips)
	}
	retained := transcript{biotype: "retained_intron", exons: []span{
		whole.exons[0], {whole.exons[1].from, whole.exons[2].to},
	}}
	return append(all, retained)
}

// phases are an exon's phase and end phase in a transcript: how many bases of
// a codon lie before its first and after its last base; -1 where that is not
// coding.
func (t transcript) phases(exon int) (start, end int) {
	start, end = -1, -1
	if t.coding == nil {
		return start, end
	}
	before := 0
	for _, e := range t.exons[:exon] {
		before += max(0, min(e.to, t.coding.to)-max(e.from, t.coding.from))
	}
	e := t.exons[exon]
	here := min(e.to, t.coding.to) - max(e.from, t.coding.from)
	if here <= 0 {
		return start, end
	}
	if e.from >= t.coding.from {
		start = before % 3
	}
	if e.to <= t.coding.to {
		end = (before + here) % 3
	}
	return start, end
}
