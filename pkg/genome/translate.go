package genome

import "strings"

// standard is NCBI's table 1, codons in the order TTT TTC TTA TTG TCT … GGG.
const standard = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"

// tables are NCBI's genetic codes: how each differs from the standard one, and
// its start codons.
var tables = map[int]struct{ name, differences, starts string }{
	1:  {"Standard", "", "TTG CTG ATG"},
	2:  {"Vertebrate Mitochondrial", "AGA* AGG* ATAM TGAW", "ATT ATC ATA ATG GTG"},
	3:  {"Yeast Mitochondrial", "ATAM CTTT CTCT CTAT CTGT TGAW", "ATA ATG GTG"},
	4:  {"Mold, Protozoan and Coelenterate Mitochondrial; Mycoplasma; Spiroplasma", "TGAW", "TTA TTG CTG ATT ATC ATA ATG GTG"},
	5:  {"Invertebrate Mitochondrial", "AGAS AGGS ATAM TGAW", "TTG ATT ATC ATA ATG GTG"},
	6:  {"Ciliate, Dasycladacean and Hexamita Nuclear", "TAAQ TAGQ", "ATG"},
	9:  {"Echinoderm and Flatworm Mitochondrial", "AAAN AGAS AGGS TGAW", "ATG GTG"},
	10: {"Euplotid Nuclear", "TGAC", "ATG"},
	11: {"Bacterial, Archaeal and Plant Plastid", "", "TTG CTG ATT ATC ATA ATG GTG"},
	12: {"Alternative Yeast Nuclear", "CTGS", "CTG ATG"},
	13: {"Ascidian Mitochondrial", "AGAG AGGG ATAM TGAW", "TTG ATA ATG GTG"},
	14: {"Alternative Flatworm Mitochondrial", "AAAN AGAS AGGS TAAY TGAW", "ATG"},
	15: {"Blepharisma Nuclear", "TAGQ", "ATG"},
	16: {"Chlorophycean Mitochondrial", "TAGL", "ATG"},
	21: {"Trematode Mitochondrial", "AAAN AGAS AGGS ATAM TGAW", "ATG GTG"},
	22: {"Scenedesmus obliquus Mitochondrial", "TCA* TAGL", "ATG"},
	23: {"Thraustochytrium Mitochondrial", "TTA*", "ATT ATG GTG"},
	24: {"Rhabdopleuridae Mitochondrial", "AGAS AGGK TGAW", "TTG CTG ATG GTG"},
	25: {"Candidate Division SR1 and Gracilibacteria", "TGAG", "TTG ATG GTG"},
	26: {"Pachysolen tannophilus Nuclear", "CTGA", "CTG ATG"},
	27: {"Karyorelict Nuclear", "TAAQ TAGQ TGAW", "ATG"},
	28: {"Condylostoma Nuclear", "TAAQ TAGQ TGAW", "ATG"},
	29: {"Mesodinium Nuclear", "TAAY TAGY", "ATG"},
	30: {"Peritrich Nuclear", "TAAE TAGE", "ATG"},
	31: {"Blastocrithidia Nuclear", "TAAE TAGE TGAW", "ATG"},
	32: {"Balanophoraceae Plastid", "TAGW", "TTG CTG ATT ATC ATA ATG GTG"},
	33: {"Cephalodiscidae Mitochondrial", "AGAS AGGK TAAY TGAW", "TTG CTG ATG GTG"},
}

// CodonTable is a genetic code. The zero CodonTable translates nothing: get one
// from Codons.
type CodonTable struct {
	ID     int
	Name   string // NCBI's
	amino  [64]byte
	starts string
}

// Codons gives NCBI's codon table of that number; 0 is the standard one.
func Codons(id int) (*CodonTable, bool) {
	if id == 0 {
		id = 1
	}
	t, ok := tables[id]
	if !ok {
		return nil, false
	}
	c := &CodonTable{ID: id, Name: t.name, starts: t.starts}
	copy(c.amino[:], standard)
	for d := range strings.FieldsSeq(t.differences) {
		i, _ := index(d[0], d[1], d[2])
		c.amino[i] = d[3]
	}
	return c, true
}

// base is a base's place in NCBI's order, or -1.
func base(c byte) int {
	switch c {
	case 'T', 't', 'U', 'u':
		return 0
	case 'C', 'c':
		return 1
	case 'A', 'a':
		return 2
	case 'G', 'g':
		return 3
	}
	return -1
}

func index(a, b, c byte) (int, bool) {
	x, y, z := base(a), base(b), base(c)
	return x<<4 | y<<2 | z, x|y|z >= 0
}

// Start says whether a protein may begin with the codon.
func (t *CodonTable) Start(codon string) bool {
	codon = strings.ReplaceAll(strings.ToUpper(codon), "U", "T")
	return len(codon) == 3 && strings.Contains(t.starts, codon)
}

// Translate gives the amino acids of a coding sequence from its first base: *
// for a stop, X for a codon that could be several, B, Z and J for IUPAC's pairs,
// - for a gap. Of an incomplete last codon two bases count where they decide.
func (t *CodonTable) Translate(cds []byte) []byte {
	protein := make([]byte, 0, len(cds)/3+1)
	for ; len(cds) >= 3; cds = cds[3:] {
		if i, ok := index(cds[0], cds[1], cds[2]); ok {
			protein = append(protein, t.amino[i])
		} else {
			protein = append(protein, t.ambiguous(cds[0], cds[1], cds[2]))
		}
	}
	if len(cds) == 2 {
		if a := t.ambiguous(cds[0], cds[1], 'N'); a != 'X' {
			protein = append(protein, a)
		}
	}
	return protein
}

// bases are those that an IUPAC code can be.
func bases(code byte) string {
	switch code &^ 0x20 {
	case 'A', 'C', 'G', 'T':
		return string(rune(code &^ 0x20))
	case 'U':
		return "T"
	case 'M':
		return "AC"
	case 'R':
		return "AG"
	case 'W':
		return "AT"
	case 'S':
		return "CG"
	case 'Y':
		return "CT"
	case 'K':
		return "GT"
	case 'V':
		return "ACG"
	case 'H':
		return "ACT"
	case 'D':
		return "AGT"
	case 'B':
		return "CGT"
	case 'N':
		return "ACGT"
	}
	return ""
}

// ambiguous translates a codon with IUPAC's ambiguity codes.
func (t *CodonTable) ambiguous(a, b, c byte) byte {
	if a == '-' && b == '-' && c == '-' {
		return '-'
	}
	var seen [128]bool
	var only byte
	n := 0
	for _, x := range bases(a) {
		for _, y := range bases(b) {
			for _, z := range bases(c) {
				i, _ := index(byte(x), byte(y), byte(z))
				if only = t.amino[i]; !seen[only] {
					seen[only] = true
					n++
				}
			}
		}
	}
	switch {
	case n == 1:
		return only
	case n == 2 && seen['D'] && seen['N']:
		return 'B'
	case n == 2 && seen['E'] && seen['Q']:
		return 'Z'
	case n == 2 && seen['I'] && seen['L']:
		return 'J'
	}
	return 'X'
}
