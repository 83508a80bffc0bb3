package overlap

import (
	"context"
	"errors"
	"slices"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
)

// errNone is what a source gives where the reference has no list at all: for
// JSON that is nothing; GFF3 and BED are refused.
var errNone = errors.New("no list of features")

// found are the features of one type.
type found struct {
	kind string
	list []Feature
}

// answer finds what a query wants, type after type, and writes it.
func (m *module) answer(ctx context.Context, q *query) (ensembl.Answer, error) {
	all, err := m.find(ctx, q)
	if err != nil {
		return ensembl.Answer{}, err
	}
	a := ensembl.Answer{Tags: []string{"species:" + q.Core.DB.Owner}}
	switch q.Format {
	case apispec.GFF3:
		a.Text = appendGFF3(nil, q, all)
	case apispec.BED:
		a.Text, err = appendBED(ctx, []byte{}, q, all)
	default:
		a.Value = list(all)
	}
	return a, err
}

func (m *module) find(ctx context.Context, q *query) ([]found, error) {
	wanted := q.Query.All("feature")
	if len(wanted) == 0 || len(wanted) == 1 && (wanted[0] == "" || wanted[0] == "0") {
		return nil, ensembl.BadRequest("No feature given. Please specify a feature to retrieve from this service")
	}
	var all []found
	done := make([]string, 0, len(wanted))
	for _, kind := range wanted {
		kind = strings.ToLower(kind)
		if kind == "cds" && q.BED() {
			kind = "transcript" // BED's lines of transcripts show their coding part
		}
		if kind == "none" || slices.Contains(done, kind) {
			continue
		}
		source := m.sources[kind]
		if source == nil {
			return nil, ensembl.BadRequest("The feature type %s is not understood", kind)
		}
		features, err := source(ctx, q)
		if err == nil && q.trims() {
			features, err = q.trim(features)
		}
		switch {
		case errors.Is(err, errNone) && (q.GFF3() || q.BED()):
			return nil, ensembl.BadRequest("There are no features of type %s here", kind)
		case err != nil && !errors.Is(err, errNone):
			return nil, err
		}
		done = append(done, kind)
		all = append(all, found{kind, features})
	}
	return all, nil
}

func (q *query) trims() bool {
	return q.Query.Bool("trim_upstream") || q.Query.Bool("trim_downstream")
}

// trim leaves out features that reach over an end of the slice. The reference
// has no list where nothing is left.
func (q *query) trim(features []Feature) ([]Feature, error) {
	if len(features) > 0 && q.Core.Assembly.Circular(q.Slice.On) {
		return nil, ensembl.BadRequest("Features of a circular sequence cannot be trimmed")
	}
	low, high := q.Query.Bool("trim_upstream"), q.Query.Bool("trim_downstream")
	if !q.Slice.Forward() {
		low, high = high, low
	}
	var kept []Feature
	for _, f := range features {
		p := f.Place()
		if low && p.Start < q.Slice.Start || high && p.End > q.Slice.End {
			continue
		}
		kept = append(kept, f)
	}
	if kept == nil {
		return nil, errNone
	}
	return kept, nil
}

// list is the answer in JSON.
type list []found

// summary is what the answer tells of a feature, whatever its type, and what it
// tells of most. See the Fields of each type for the others.
type summary struct {
	FeatureType string `json:"feature_type"`
	Start       int64  `json:"start"`
	End         int64  `json:"end"`
	Strand      int    `json:"strand"`
	Sequence    string `json:"seq_region_name"`
	Assembly    string `json:"assembly_name,omitempty"`

	ID          string   `json:"id,omitempty"`
	Version     int64    `json:"version,omitempty"`
	Parent      string   `json:"Parent,omitempty"`
	Name        string   `json:"external_name,omitempty"`
	Description **string `json:"description,omitempty"` // not there, or null
	Biotype     string   `json:"biotype,omitempty"`
	Source      string   `json:"source,omitempty"`
	LogicName   string   `json:"logic_name,omitempty"`
}

// MarshalJSON is AppendJSON for encoding/json.
func (l list) MarshalJSON() ([]byte, error) { return l.AppendJSON(nil), nil }

// AppendJSON writes the features, each with its type.
func (l list) AppendJSON(b []byte) []byte {
	n := 0
	for _, group := range l {
		n += len(group.list)
	}
	const usual = 480 // bytes of a feature
	f := Fields{json: append(slices.Grow(b, 2+n*usual), '[')}
	first := true
	for _, group := range l {
		for _, feature := range group.list {
			if !first {
				f.json = append(f.json, ',')
			}
			first = false
			f.json = append(f.json, '{')
			f.first = true
			feature.Fields(&f)
			f.Text("feature_type", group.kind)
			f.json = append(f.json, '}')
		}
	}
	return append(f.json, ']')
}
