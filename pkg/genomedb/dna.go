package genomedb

// In a file made by package load, the table dna holds each sequence in pieces,
// found by their place: SQLite reads a value whole, and a chromosome is too
// long for that where some hundred bases are asked for. The column place is
// the rowid; seq_region_id and sequence are Ensembl's.
const (
	DNAPiece   = 16 << 10 // bases of a piece; the last one of a sequence may be shorter
	DNAPlace   = "place"
	dnaBits    = 24
	MaxDNA     = DNAPiece << dnaBits // bases of a sequence
	MaxDNAOwns = 1<<(63-dnaBits) - 1 // the highest seq_region_id
)

// DNAOwner is the seq_region_id of a piece.
func DNAOwner(place int64) int64 { return place >> dnaBits }

// DNAPlaceOf is where the piece lies that has the base at offset, counted from
// 0, of a sequence.
func DNAPlaceOf(seqRegion, offset int64) int64 { return seqRegion<<dnaBits | offset/DNAPiece }
