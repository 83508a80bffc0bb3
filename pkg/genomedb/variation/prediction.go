package variation

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// Predictions are the scores that a program gives all substitutions of a
// protein's residues. A nil one has none.
type Predictions struct{ scores []byte }

// residues are the columns of the matrix of scores.
const residues = "ACDEFGHIKLMNPQRSTVWY"

const (
	matrixHeader = "VEP"
	noScore      = 0xFFFF
	scoreBits    = 1<<10 - 1
	// longestMatrix bounds what is unpacked: titin has 36,000 residues.
	longestMatrix = 64 << 20
)

// Analyses whose predictions can be asked for.
const (
	SIFT     = "sift"
	PolyPhen = "polyphen_humvar"
)

// Predictions finds the predictions for a protein by the MD5 of its residues,
// by analysis.
func (r *Reader) Predictions(ctx context.Context, md5 string) (map[string]*Predictions, error) {
	if !r.DB.HasTable("protein_function_predictions") || !r.DB.HasTable("translation_md5") {
		return nil, nil
	}
	out := map[string]*Predictions{}
	err := r.DB.Each(ctx, `SELECT a.value, p.prediction_matrix FROM {translation_md5} t
		JOIN {protein_function_predictions} p ON p.translation_md5_id = t.translation_md5_id
		JOIN {attrib} a ON a.attrib_id = p.analysis_attrib_id
		WHERE t.translation_md5 = ? AND a.value IN ('`+SIFT+`', '`+PolyPhen+`')`, []any{md5},
		func(scan func(...any) error) error {
			var analysis string
			var packed []byte
			if err := scan(&analysis, &packed); err != nil || len(packed) == 0 {
				return err
			}
			p, err := Unpack(packed)
			if err != nil {
				return fmt.Errorf("%s of the protein %s: %w", analysis, md5, err)
			}
			out[strings.ToLower(analysis)] = p
			return nil
		})
	return out, err
}

// Unpack reads predictions as the database packs them.
func Unpack(packed []byte) (*Predictions, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	scores, err := io.ReadAll(io.LimitReader(z, longestMatrix))
	if err != nil {
		return nil, err
	}
	scores, ok := bytes.CutPrefix(scores, []byte(matrixHeader))
	if !ok {
		return nil, fmt.Errorf("predictions without the header %q", matrixHeader)
	}
	return &Predictions{scores}, nil
}

// Score is the score of a residue at a position, which counts from 1; nil where
// there is none.
func (p *Predictions) Score(position int64, residue byte) *float64 {
	column := strings.IndexByte(residues, residue)
	if p == nil || position < 1 || column < 0 || position > int64(len(p.scores)) {
		return nil
	}
	at := 2 * ((position-1)*int64(len(residues)) + int64(column))
	if at+2 > int64(len(p.scores)) {
		return nil
	}
	packed := binary.LittleEndian.Uint16(p.scores[at:])
	if packed == noScore {
		return nil
	}
	score := float64(packed&scoreBits) / 1000
	return &score
}
