package archive

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mirrornet/pkg/genomedb"
)

// Query is an id to look up, with or without version, and the type that it is
// known to be of.
type Query struct{ ID, Type string }

// Record is what is known of a stable id in one version.
type Record struct {
	StableID string // as asked, without version
	Version  string
	Asked    bool // Version is as the query wrote it
	Type     string
	Release  string
	Assembly string
	Current  bool   // that very version is in this database
	Latest   string // stable id with version
	Peptide  *string
	// Replacements are what the id was mapped to when its release ended.
	Replacements []Replacement

	database string // of the release
}

// Replacement is an id that took another's place, and how well it fits: 0 to 1.
type Replacement struct {
	StableID string
	Score    float64
}

// Reader reads the history that one core database tells. It is safe for
// concurrent use.
type Reader struct{ DB *genomedb.Database }

// tables are those that list the current ids of a type.
var tables = []string{"gene", "transcript", "translation", "exon", "operon", "operon_transcript", "rnaproduct"}

// Find looks ids up. Each has its record in out, or in failed what the API
// says of it, at the same place. err is a failure of the database.
func (r Reader) Find(ctx context.Context, asked []Query) (out []*Record, failed []*genomedb.Refusal, err error) {
	h := &history{reader: r, current: map[Query]int64{}, events: map[string][]*event{}}
	var all []Query
	for _, q := range asked {
		all = append(all, q)
		if stem, _, ok := cut(q.ID); ok {
			all = append(all, Query{stem, q.Type})
		}
	}
	if err := h.readCurrent(ctx, all); err != nil {
		return nil, nil, err
	}
	if err := h.readEvents(ctx, h.past(asked)); err != nil {
		return nil, nil, err
	}
	out, failed = make([]*Record, len(asked)), make([]*genomedb.Refusal, len(asked))
	for i, q := range asked {
		out[i], failed[i] = h.find(q)
	}
	if err := h.readResolved(ctx, asked, out); err != nil {
		return nil, nil, err
	}
	for i, rec := range out {
		if rec != nil {
			if refused := h.complete(rec); refused != nil {
				out[i], failed[i] = nil, refused
			}
		}
	}
	return out, failed, r.peptides(ctx, out)
}

// cut cuts what follows the last dot off an id.
func cut(id string) (stem, version string, ok bool) {
	i := strings.LastIndexByte(id, '.')
	if i < 0 {
		return id, "", false
	}
	return id[:i], id[i+1:], true
}

// history is what was read for one call.
type history struct {
	reader   Reader
	current  map[Query]int64     // versions of current ids, by folded id and type
	events   map[string][]*event // by folded id
	sessions []*session          // newest first
}

// past lists the ids of which the database of today does not say enough.
func (h *history) past(asked []Query) (ids []Query) {
	for _, q := range asked {
		if _, ok := h.current[key(q.ID, q.Type)]; ok {
			continue
		}
		ids = append(ids, q)
		if stem, version, ok := cut(q.ID); ok {
			if v, ok := h.current[key(stem, q.Type)]; !ok || itoa(v) != version {
				ids = append(ids, Query{stem, q.Type})
			}
		}
	}
	return ids
}

// find makes an id's record but for what became of it: of the id as it is, or
// else of its stem in that version.
func (h *history) find(q Query) (*Record, *genomedb.Refusal) {
	if !slices.Contains(tables, strings.ToLower(q.Type)) {
		return nil, genomedb.Refuse("The object_type '%s' is not understood by this service", q.Type)
	}
	if rec := h.latest(q.ID, q.Type); rec != nil {
		return rec, nil
	}
	stem, version, ok := cut(q.ID)
	if !ok {
		return nil, unknown(q.ID)
	}
	if !small.MatchString(version) {
		return nil, genomedb.Refuse("%s is not valid, should be a small int", version)
	}
	if rec := h.versioned(stem, version, q.Type); rec != nil {
		return rec, nil
	}
	return nil, unknown(q.ID)
}

// small are versions that the database can hold.
var small = regexp.MustCompile(`^[0-9]{1,5}$`)

func unknown(id string) *genomedb.Refusal {
	return genomedb.Refuse("The archive has no record of %s", id)
}

// latest is the newest incarnation of an id, of any type where kind is "".
func (h *history) latest(id, kind string) *Record {
	if v, ok := h.current[key(id, kind)]; ok {
		rec := h.now(id, kind)
		rec.Version, rec.Current = strconv.FormatInt(v, 10), true
		return rec
	}
	var last *event
	for _, e := range h.events[fold(id)] {
		if (kind == "" || strings.EqualFold(e.kind, kind)) && e.later(last) {
			last = e
		}
	}
	if last == nil {
		return nil
	}
	return last.of(id, last.new.id == id)
}

// versioned is an id in one version.
func (h *history) versioned(id, version, kind string) *Record {
	n, _ := strconv.ParseInt(version, 10, 64)
	if v, ok := h.current[key(id, kind)]; ok && v == n {
		rec := h.now(id, kind)
		rec.Version, rec.Asked, rec.Current = version, true, true
		return rec
	}
	var last *event
	for _, e := range h.events[fold(id)] {
		if (sameID(e.old.id, id) && e.old.version == n || sameID(e.new.id, id) && e.new.version == n) && e.later(last) {
			last = e
		}
	}
	if last == nil {
		return nil
	}
	rec := last.of(id, last.new.id == id && last.new.version == n)
	rec.Version, rec.Asked = version, true
	return rec
}

// now is an id of this database.
func (h *history) now(id, kind string) *Record {
	db := h.reader.DB
	return &Record{StableID: id, Type: kind, Release: db.MetaFirst("schema_version"), Assembly: db.MetaFirst("assembly.default"), database: db.Name}
}

// complete says what became of an id that is not current.
func (h *history) complete(rec *Record) *genomedb.Refusal {
	rec.Latest = rec.StableID + "." + rec.Version
	if rec.Current {
		return nil
	}
	if rec.Asked {
		newest := h.latest(rec.StableID, h.resolve(rec.StableID))
		if newest == nil {
			return unknown(rec.StableID)
		}
		rec.Latest = newest.StableID + "." + newest.Version
	}
	for _, id := range h.successors(rec) {
		score, ok := h.score(rec, id)
		if !ok {
			return genomedb.Refuse("The archive does not say how %s became %s", rec.StableID, id)
		}
		rec.Replacements = append(rec.Replacements, Replacement{id, score})
	}
	return nil
}

// resolve tells an id's type by its form, or by its history; "" is any.
func (h *history) resolve(id string) string {
	if kind := formOf(id); kind != "" {
		return kind
	}
	for _, e := range h.events[fold(id)] {
		return e.kind
	}
	return ""
}

// forms are how ids of each type end.
var forms = []struct {
	kind string
	form *regexp.Regexp
}{
	{"Gene", regexp.MustCompile(`G\d+(\.\d+)?$`)}, {"Transcript", regexp.MustCompile(`T\d+(\.\d+)?$`)},
	{"Translation", regexp.MustCompile(`P\d+(\.\d+)?$`)}, {"Exon", regexp.MustCompile(`E\d+(\.\d+)?$`)},
}

func formOf(id string) string {
	if strings.HasPrefix(id, "AGAP") { // of mosquitoes
		switch {
		case strings.Contains(id, "-RA"):
			return "Transcript"
		case strings.Contains(id, "-PA"):
			return "Translation"
		}
		return "Gene"
	}
	for _, f := range forms {
		if f.form.MatchString(id) {
			return f.kind
		}
	}
	return ""
}

// fold and sameID are how the database compares ids: case and trailing blanks
// do not count.
func fold(id string) string     { return strings.ToLower(strings.TrimRight(id, " ")) }
func sameID(a, b string) bool   { return a != "" && fold(a) == fold(b) }
func key(id, kind string) Query { return Query{fold(id), strings.ToLower(kind)} }
