package lookup

import (
	"context"
	"errors"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb/feature"
)

// symbols finds the genes of names. The location of each is written as the
// user wrote the species.
func (m *module) symbols(ctx context.Context, c ensembl.Call, labels []string) (map[string]*feature.Object, error) {
	r, err := m.finder(c).Reader(ctx, c.Path["species"], "core")
	if err != nil {
		return nil, err
	}
	genes, err := r.GenesByLabel(ctx, labels)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*feature.Object, len(genes))
	for label, g := range genes {
		out[label] = &feature.Object{Location: feature.Location{Species: c.Path["species"], Kind: "core", Type: "Gene"}, Reader: r, Gene: g}
	}
	return out, nil
}

func symbolOptions(c ensembl.Call) options {
	o := read(c)
	o.phenotypes = false
	return o
}

func (m *module) getSymbol(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	_, hasSpecies := c.Path["species"]
	symbol, hasSymbol := c.Path["symbol"]
	switch {
	case !hasSpecies:
		return ensembl.Answer{}, ensembl.BadRequest("Species must be provided as part of the URL.")
	case !hasSymbol:
		return ensembl.Answer{}, ensembl.BadRequest("Symbol must be provided as part of the URL.")
	}
	found, err := m.symbols(ctx, c, []string{symbol})
	if err != nil {
		return ensembl.Answer{}, err
	}
	if found[symbol] == nil {
		return ensembl.Answer{}, ensembl.BadRequest("No valid lookup found for symbol %s", symbol)
	}
	entries, failed, err := describe(ctx, c.Genome, []string{symbol}, found, symbolOptions(c))
	if err != nil {
		return ensembl.Answer{}, err
	}
	if e := failed[symbol]; e != nil {
		return ensembl.Answer{}, e
	}
	e := entries[symbol]
	e.ID = found[symbol].Gene.StableID
	return ensembl.Answer{Value: e, Tags: append(feature.Tags(found), "id:"+e.ID)}, nil
}

func (m *module) postSymbol(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	if c.Path["species"] == "" {
		return ensembl.Answer{}, ensembl.BadRequest("Species must be provided as part of the URL.")
	}
	labels, ok, err := list(c, "symbols")
	if err != nil {
		return ensembl.Answer{}, err
	}
	if !ok {
		return ensembl.Answer{}, ensembl.BadRequest("POST body must contain 'symbols' key with array of values")
	}
	found, err := m.symbols(ctx, c, labels)
	var refused *ensembl.Error
	if errors.As(err, &refused) { // an unknown species has no symbols
		return ensembl.Answer{Value: map[string]*entry{}}, nil
	}
	if err != nil {
		return ensembl.Answer{}, err
	}
	entries, _, err := describe(ctx, c.Genome, labels, found, symbolOptions(c))
	if err != nil {
		return ensembl.Answer{}, err
	}
	for label, e := range entries {
		e.ID = found[label].Gene.StableID
	}
	return ensembl.Answer{Value: entries, Tags: feature.Tags(found)}, nil
}
