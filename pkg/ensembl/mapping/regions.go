package mapping

import (
	"context"
	"encoding/json"
	"strconv"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb/assembly"
)

func (m *module) regions(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	find, text := m.finder(c), c.Path["region"]
	if find.Known(c.Path["species"]) {
		if err := assembly.CheckLocation(text); err != nil {
			return ensembl.Answer{}, err
		}
	}
	r, err := find.Reader(ctx, c.Path["species"], "core")
	if err != nil {
		return ensembl.Answer{}, err
	}
	l, ok, err := assembly.ReadLocation(text)
	if err != nil {
		return ensembl.Answer{}, err
	}
	if !ok {
		return ensembl.Answer{}, ensembl.BadRequest("Could not decode region %s", text)
	}
	s, ok, err := r.Assembly.Locate(ctx, l, assembly.System{Name: orChromosome(c.Query.Get(system.Name)), Version: c.Path[from.Name]})
	if err != nil {
		return ensembl.Answer{}, err
	}
	if !ok {
		return ensembl.Answer{}, ensembl.BadRequest("'No slice found for %s on coord_system %s and assembly %s'",
			l.Name, orChromosome(c.Query.Get(system.Name)), c.Path[from.Name])
	}
	parts, err := r.Assembly.Convert(ctx, s, assembly.System{Name: orChromosome(c.Query.Get(target.Name)), Version: c.Path[to.Name]})
	if err != nil {
		return ensembl.Answer{}, err
	}
	out := make([]conversion, len(parts))
	for i, p := range parts {
		original := s
		original.Start, original.End = s.Start+p.Start-1, s.Start+p.End-1
		out[i] = conversion{Mapped: side(p.To), Original: side(original)}
		out[i].Mapped.Strand.text = p.Same && l.StrandText
	}
	return ensembl.Answer{Value: mappings[conversion]{out}, Tags: []string{"species:" + r.DB.Owner}}, nil
}

// orChromosome is a parameter with the API's default, which stands in for
// every value that is false there.
func orChromosome(s string) string {
	if s == "" || s == "0" {
		return "chromosome"
	}
	return s
}

// conversion is a part of the region and where it lies.
type conversion struct {
	Mapped   stretchOf `json:"mapped"`
	Original stretchOf `json:"original"`
}

type stretchOf struct {
	Assembly string `json:"assembly"`
	System   string `json:"coord_system"`
	End      int64  `json:"end"`
	Sequence string `json:"seq_region_name"`
	Start    int64  `json:"start"`
	Strand   strand `json:"strand"`
}

// strand is written as a number, or as text where it is given back as the
// user wrote it.
type strand struct {
	value int
	text  bool
}

func (s strand) MarshalJSON() ([]byte, error) {
	if s.text {
		return []byte(strconv.Quote(strconv.Itoa(s.value))), nil
	}
	return []byte(strconv.Itoa(s.value)), nil
}

func side(s assembly.Slice) stretchOf {
	return stretchOf{s.On.System.Version, s.On.System.Name, s.End, s.On.Name, s.Start, strand{value: s.Strand}}
}

func marshal(v any) ([]byte, error) { return json.Marshal(v) }
