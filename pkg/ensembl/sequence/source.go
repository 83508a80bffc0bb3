package sequence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genome"
	"mirrornet/pkg/genomedb/assembly"
)

const (
	// streamFrom is the length, in bases, beyond which a sequence is written
	// piece by piece.
	streamFrom = 1 << 20
	// block is the length of such a piece: a multiple of a FASTA line.
	block = 4096 * genome.FASTAWidth
)

// streamed says that a long sequence is written piece by piece in that format.
func streamed(format string) bool {
	switch format {
	case apispec.JSON, apispec.FASTA, apispec.Plain, SeqXML:
		return true
	}
	return false
}

// source is the sequence of a slice, of which parts can be read.
type source struct {
	slice  assembly.Slice
	layout *assembly.Layout
	hidden []assembly.Span // written as N
	lower  []assembly.Span // in lower case
	flip   bool            // upper case for lower, and lower for upper
}

// read reads from base start to base end of the slice, in reading direction.
func (s *source) read(ctx context.Context, start, end int64) ([]byte, error) {
	if start > end || s.layout == nil {
		return nil, nil
	}
	part, ok := s.slice.Sub(start, end)
	if !ok {
		return nil, errors.New("sequence: a part beyond the slice")
	}
	seq, err := s.layout.Bases(ctx, part)
	if err != nil {
		return nil, err
	}
	for _, at := range s.hidden {
		p := within(seq, shift(at, start))
		copy(p, bytes.Repeat([]byte{'N'}, len(p)))
	}
	for _, at := range s.lower {
		toLower(within(seq, shift(at, start)))
	}
	if s.flip {
		for i, c := range seq {
			if strings.IndexByte("ACGTacgt", c) >= 0 {
				seq[i] = c ^ 0x20
			}
		}
	}
	return seq, nil
}

// shift writes a span in coordinates of the part that begins at start.
func shift(s assembly.Span, start int64) assembly.Span {
	return assembly.Span{Start: s.Start - start + 1, End: s.End - start + 1}
}

// within is the part of seq in a span that may reach over its ends.
func within(seq []byte, s assembly.Span) []byte {
	start, end := max(s.Start, 1), min(s.End, int64(len(seq)))
	if start > end {
		return nil
	}
	return seq[start-1 : end]
}

func toLower(b []byte) {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
}

// stream is the answer of one piece that has a source, in the call's format.
func stream(c ensembl.Call, p piece) (*ensembl.Stream, error) {
	n := p.source.slice.Length()
	var before, after string
	length, line := n, n
	switch c.Format {
	case apispec.FASTA:
		before = string(fasta([]piece{p}))
		line = genome.FASTAWidth
		length += (n + line - 1) / line // a line end each
	case SeqXML:
		p.seq = mark
		before, after, _ = strings.Cut(string(seqXML([]piece{p})), string(mark))
	case apispec.JSON:
		p.seq = mark
		b, err := encode(p.value())
		if err != nil {
			return nil, err
		}
		at := strings.LastIndex(b, jsonMark) // seq is the last field
		before, after = b[:at], b[at+len(jsonMark):]
	}
	return &ensembl.Stream{Length: int64(len(before)) + length + int64(len(after)), Write: func(ctx context.Context, w io.Writer) error {
		if _, err := io.WriteString(w, before); err != nil {
			return err
		}
		for at := int64(1); at <= n; at += block {
			seq, err := p.source.read(ctx, at, min(at+block-1, n))
			if err != nil {
				return err
			}
			if c.Format == apispec.FASTA {
				seq = genome.Wrap(seq, genome.FASTAWidth)
			}
			if _, err := w.Write(seq); err != nil {
				return err
			}
		}
		_, err := io.WriteString(w, after)
		return err
	}}, nil
}

// mark stands where the sequence goes, and is escaped in what users wrote.
var mark = []byte("\x00")

const jsonMark = `\u0000`

// encode writes JSON as the origin does.
func encode(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}
