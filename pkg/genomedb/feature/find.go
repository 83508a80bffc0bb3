package feature

import (
	"context"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
)

// Finder finds objects of a registry by stable id.
type Finder struct {
	Genome     *genomedb.Registry
	Assemblies *assembly.Cache
}

// Object is what an id names: one of the pointers is set.
type Object struct {
	Location
	Reader *Reader // of its database

	Gene       *Gene
	Transcript *Transcript
	Protein    *Protein
	Exon       *Exon
}

// Reader opens the database of a kind of a species; errors are the API's 400s.
func (f *Finder) Reader(ctx context.Context, species, kind string) (*Reader, error) {
	s, ok := f.Genome.Resolve(species)
	if !ok && f.Known(species) {
		return nil, genomedb.Refuse("Do not know anything about the species %s and %s database", species, kind)
	}
	if !ok {
		return nil, genomedb.Refuse("Can not find internal name for species '%s'", species)
	}
	db, ok := s.Database(kind)
	if !ok {
		return nil, genomedb.Refuse("There is no %s database of species '%s'", kind, species)
	}
	if !db.HasTable("seq_region") || !db.HasTable("coord_system") {
		return nil, genomedb.Refuse("The %s database of species '%s' has no sequences", kind, species)
	}
	a, err := f.Assemblies.Of(ctx, f.Genome, db)
	if err != nil {
		return nil, err
	}
	return &Reader{db, a}, nil
}

// Locate says where ids are. Those that are nowhere are missing; where the
// filter names all of species, kind and type, every id is there.
func (f *Finder) Locate(ctx context.Context, ids []string, filter Filter) (map[string]Location, error) {
	return locate(ctx, f.Genome, ids, filter)
}

// Known says whether a name is a species', or that of another set of databases,
// such as multi.
func (f *Finder) Known(species string) bool {
	if _, ok := f.Genome.Resolve(species); ok {
		return true
	}
	return slices.ContainsFunc(f.Genome.Databases(), func(d *genomedb.Database) bool { return strings.EqualFold(d.Owner, species) })
}

// Find loads what ids name. Each id is in found, or in failed with what the
// API says of it. err is a failure of the database.
func (f *Finder) Find(ctx context.Context, ids []string, filter Filter) (found map[string]*Object, failed map[string]*genomedb.Refusal, err error) {
	found, failed = map[string]*Object{}, map[string]*genomedb.Refusal{}
	located, err := locate(ctx, f.Genome, ids, filter)
	if err != nil {
		return nil, nil, err
	}
	groups, order := map[Location][]string{}, []Location{}
	for _, id := range ids {
		l, ok := located[id]
		if !ok {
			failed[id] = genomedb.Refuse("ID '%s' not found", id)
			continue
		}
		if groups[l] == nil {
			order = append(order, l)
		}
		groups[l] = append(groups[l], id)
	}
	for _, l := range order {
		if !understood(l.Type) {
			for _, id := range groups[l] {
				failed[id] = genomedb.Refuse("Object, %s, type's adaptor does not support fetching by a stable ID for ID '%s'", l.Type, id)
			}
			continue
		}
		objects, err := f.load(ctx, l, groups[l])
		if e, ok := err.(*genomedb.Refusal); ok {
			for _, id := range groups[l] {
				failed[id] = e
			}
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		for _, id := range groups[l] {
			if o := objects[id]; o != nil {
				found[id] = o
			} else {
				failed[id] = genomedb.Refuse("No object found for ID %s", id)
			}
		}
	}
	return found, failed, nil
}

// foreign are types that have ids, but are not objects of this package.
var foreign = []string{"genetree", "family", "operon", "operontranscript"}

// understood says whether objects of a type are found by their ids.
func understood(kind string) bool {
	kind = strings.ToLower(kind)
	return slices.Contains([]string{"gene", "transcript", "translation", "exon", predicted}, kind) || slices.Contains(foreign, kind)
}

// load loads the objects of one type in one database.
func (f *Finder) load(ctx context.Context, l Location, ids []string) (map[string]*Object, error) {
	kind := strings.ToLower(l.Type)
	if slices.Contains(foreign, kind) {
		return nil, nil
	}
	r, err := f.Reader(ctx, l.Species, l.Kind)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "gene":
		return objects(r, l, func() (map[string]*Gene, error) { return r.GenesByID(ctx, ids) }, func(o *Object, g *Gene) { o.Gene = g })
	case "translation":
		return objects(r, l, func() (map[string]Protein, error) { return r.ProteinsByID(ctx, ids) }, func(o *Object, p Protein) { o.Protein = &p })
	case "exon":
		return objects(r, l, func() (map[string]*Exon, error) { return r.ExonsByID(ctx, ids) }, func(o *Object, x *Exon) { o.Exon = x })
	case predicted:
		return objects(r, l, func() (map[string]*Transcript, error) { return r.PredictedByLabel(ctx, ids) }, func(o *Object, t *Transcript) { o.Transcript = t })
	}
	return objects(r, l, func() (map[string]*Transcript, error) { return r.TranscriptsByID(ctx, ids) }, func(o *Object, t *Transcript) { o.Transcript = t })
}

func objects[T any](r *Reader, l Location, load func() (map[string]T, error), set func(*Object, T)) (map[string]*Object, error) {
	rows, err := load()
	if err != nil {
		return nil, err
	}
	out := make(map[string]*Object, len(rows))
	for id, row := range rows {
		o := &Object{Location: l, Reader: r}
		set(o, row)
		out[id] = o
	}
	return out, nil
}

// Tags are the invalidation tags of the species that objects are of.
func Tags(found map[string]*Object) (tags []string) {
	for _, o := range found {
		if tag := "species:" + o.Reader.DB.Owner; !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return tags
}
