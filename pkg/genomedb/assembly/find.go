package assembly

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"mirrornet/pkg/genomedb"
)

// System says which coordinate system a user wants. The zero value is any,
// the highest first.
type System struct{ Name, Version string }

var systemName = regexp.MustCompile(`^[A-Za-z]+$`)

// Slice finds the slice of a location that a user wrote; errors for users are
// the API's 400s.
func (a *Assembly) Slice(ctx context.Context, text string, want System) (Slice, error) {
	if err := CheckLocation(text); err != nil {
		return Slice{}, err
	}
	l, ok, err := ReadLocation(text)
	if err != nil {
		return Slice{}, err
	}
	if !ok {
		return Slice{}, genomedb.Refuse("Could not decode region %s", text)
	}
	return a.SliceAt(ctx, l, want, text)
}

// SliceAt finds the slice of a location, cut to its sequence. text is how the
// user wrote it.
func (a *Assembly) SliceAt(ctx context.Context, l Location, want System, text string) (Slice, error) {
	if want.Name == "" && want.Version != "" {
		want.Name = "chromosome"
	}
	if want.Name != "" && !systemName.MatchString(want.Name) {
		return Slice{}, genomedb.Refuse("Coord_system %s is not valid", want.Name)
	}
	if l.turned() {
		return Slice{}, genomedb.Refuse("Cannot request a slice whose start is greater than its end. Start: %s. End: %s", l.Start.Text, l.End.Text)
	}
	l.Name = strings.TrimPrefix(l.Name, "chr") // as UCSC's browser writes them
	s, ok, err := a.Locate(ctx, l, want)
	if err != nil {
		return Slice{}, err
	}
	if !ok {
		return Slice{}, genomedb.Refuse("No slice found for location %s", text)
	}
	if s.Start > s.On.Length && l.Start.Given() {
		return Slice{}, genomedb.Refuse("Cannot request a slice whose start (%s) is greater than %d for %s.", l.Start.Text, s.On.Length, s.On.Name)
	}
	s.End = min(s.End, s.On.Length)
	return s, nil
}

// Locate finds the slice of a location, which may reach over its sequence's
// ends, or end before its start. ok is false where there is no such sequence.
func (a *Assembly) Locate(ctx context.Context, l Location, want System) (s Slice, ok bool, err error) {
	if err := l.Start.whole("start"); err != nil {
		return Slice{}, false, err
	}
	if err := l.End.whole("end"); err != nil {
		return Slice{}, false, err
	}
	system, err := a.wanted(ctx, want, l.Name)
	if err != nil {
		return Slice{}, false, err
	}
	on, err := a.Find(ctx, l.Name, system)
	if err != nil || on == nil {
		return Slice{}, false, err
	}
	s = Slice{On: on, Start: 1, End: on.Length, Strand: l.Strand}
	if l.Start.Given() {
		s.Start = l.Start.Value
	}
	if l.End.Given() {
		s.End = l.End.Value
	}
	return s, true, nil
}

// wanted resolves a user's coordinate system; nil is any.
func (a *Assembly) wanted(ctx context.Context, want System, name string) (*CoordSystem, error) {
	switch strings.ToLower(want.Name) {
	case "", "toplevel":
		return nil, nil
	case "seqlevel":
		return a.SequenceLevel(), nil
	}
	if c := a.SystemNamed(want.Name, want.Version); c != nil {
		return c, nil
	}
	if want.Name != "chromosome" {
		return nil, genomedb.Refuse("Unknown coordinate system:name='%s' version='%s' seq region name='%s'", want.Name, want.Version, name)
	}
	// Assemblies without chromosomes may still have a karyotype.
	var best *CoordSystem
	err := a.db.Each(ctx, `SELECT DISTINCT s.coord_system_id FROM {attrib_type} t
		JOIN {seq_region_attrib} x ON x.attrib_type_id = t.attrib_type_id
		JOIN {seq_region} s ON s.seq_region_id = x.seq_region_id WHERE t.code = 'karyotype_rank'`, nil,
		func(scan func(...any) error) error {
			var id int64
			if err := scan(&id); err != nil {
				return err
			}
			if c := a.byID[id]; c != nil && (best == nil || c.Rank < best.Rank) {
				best = c
			}
			return nil
		})
	switch {
	case err != nil:
		return nil, err
	case best == nil:
		return nil, genomedb.Refuse("No coordinate system to create a chromosome slice from (because there is no suitable coordinate system to create an alias to).")
	case best.Name == "chromosome":
		return nil, genomedb.Refuse("A chromosome CoordSystem object already exists. Cannot create chromosome alias.")
	}
	return best, nil
}

// Find finds a sequence by name, by a synonym, by the start of a synonym, or
// by its name without version. system nil is any, the highest first. nil:
// there is none.
func (a *Assembly) Find(ctx context.Context, name string, system *CoordSystem) (*Sequence, error) {
	const columns = "SELECT s.seq_region_id, s.name, s.length, s.coord_system_id FROM "
	found, err := a.rows(ctx, columns+"{seq_region} s WHERE s.name = ?", system, name)
	if err != nil || len(found) > 0 {
		return first(found), err
	}
	if a.db.HasTable("seq_region_synonym") {
		const synonyms = columns + "{seq_region_synonym} y JOIN {seq_region} s ON s.seq_region_id = y.seq_region_id WHERE "
		if found, err = a.rows(ctx, synonyms+"y.synonym = ?", system, name); err != nil {
			return nil, err
		}
		if len(found) == 0 {
			// An interval, not LIKE: it uses the index on every collation.
			if found, err = a.rows(ctx, synonyms+"y.synonym >= ? AND y.synonym < ?", system, name, after(name)); err != nil {
				return nil, err
			}
		}
		if len(found) > 0 {
			return found[0], nil
		}
	}
	if found, err = a.rows(ctx, columns+"{seq_region} s WHERE s.name >= ? AND s.name < ?", system, name+".", after(name+".")); err != nil {
		return nil, err
	}
	var best *Sequence
	high := int64(-1)
	for _, s := range found {
		if len(s.Name) <= len(name) {
			continue
		}
		if version, err := strconv.ParseInt(s.Name[len(name)+1:], 10, 64); err == nil && version > high {
			best, high = s, version
		}
	}
	return best, nil
}

// after is the least text behind all that start with prefix.
func after(prefix string) string {
	b := []byte(strings.ToLower(prefix))
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0x7F {
			b[i]++
			return string(b[:i+1])
		}
	}
	return "\x7F"
}

func first(all []*Sequence) *Sequence {
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// rows reads sequences, those of the highest coordinate system first.
func (a *Assembly) rows(ctx context.Context, text string, system *CoordSystem, args ...any) ([]*Sequence, error) {
	byRank := make([][]*Sequence, len(a.systems))
	if system != nil {
		text += " AND s.coord_system_id = ?"
		args = append(args, system.ID)
	}
	err := a.db.Each(ctx, text, args, func(scan func(...any) error) error {
		var s Sequence
		var id int64
		if err := scan(&s.ID, &s.Name, &s.Length, &id); err != nil {
			return err
		}
		for i, c := range a.systems {
			if c.ID == id {
				s.System = c
				byRank[i] = append(byRank[i], &s)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []*Sequence
	for _, group := range byRank {
		for _, s := range group {
			out = append(out, a.remember(s))
		}
	}
	return out, nil
}
