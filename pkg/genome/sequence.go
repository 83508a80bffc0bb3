package genome

import (
	"bytes"
	"slices"
)

// complements are IUPAC's nucleotide codes and their complements; what is none
// stands for itself.
const (
	codes       = "ACGTUMRWSYKVHDBNacgtumrwsykvhdbn"
	complements = "TGCAAKYWSRMBDHVNtgcaakywsrmbdhvn"
)

// complementTable makes the table once per call of a long sequence: 256 bytes
// on the stack.
func complementTable() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
	}
	for i := range len(codes) {
		t[codes[i]] = complements[i]
	}
	return t
}

// ReverseComplement gives the other strand, read in its own direction. IUPAC's
// ambiguity codes count, case stays, and other bytes are kept.
func ReverseComplement(seq []byte) []byte {
	t := complementTable()
	out := make([]byte, len(seq))
	for i, c := range seq {
		out[len(seq)-1-i] = t[c]
	}
	return out
}

// FASTAWidth is the line width of Ensembl's FASTA.
const FASTAWidth = 60

// Wrap breaks a sequence into lines of width bytes, each ended by a newline;
// an empty one has no line. Width 0 is FASTAWidth.
func Wrap(seq []byte, width int) []byte {
	if width <= 0 {
		width = FASTAWidth
	}
	var b bytes.Buffer
	b.Grow(len(seq) + len(seq)/width + 1)
	for line := range slices.Chunk(seq, width) {
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.Bytes()
}
