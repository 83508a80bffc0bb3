package archive

import (
	"context"
	"strings"

	"mirrornet/pkg/genomedb"
)

// event says what became of an id between two releases. One of the sides may
// have no id: it appeared, or went.
type event struct {
	old, new side
	kind     string
	score    float64
	session  *session
}

type side struct {
	id      string
	version int64
}

// session is a step from one release to the next.
type session struct {
	id       int64
	old, new release
	created  string // as the database writes times: comparable
}

type release struct{ database, number, assembly string }

// later says whether an event is the one to go by, rather than another: the
// newest, and of equal age the best match.
func (e *event) later(other *event) bool {
	switch {
	case other == nil:
		return true
	case e.session.created != other.session.created:
		return e.session.created > other.session.created
	}
	return e.score > other.score
}

// of makes the record of an id whose last event this is: of the release after
// it, or of the one before it where the id then went.
func (e *event) of(id string, after bool) *Record {
	s, r := e.old, e.session.old
	if after {
		s, r = e.new, e.session.new
	}
	return &Record{StableID: id, Version: itoa(s.version), Type: typed(e.kind), Release: r.number, Assembly: r.assembly, database: r.database}
}

// typed is a type as the API writes it: Gene.
func typed(kind string) string {
	if kind == "" {
		return ""
	}
	return strings.ToUpper(kind[:1]) + strings.ToLower(kind[1:])
}

// successors are the ids that an id was mapped to when its release ended.
// Where the history has a gap there, the id itself stands for those of a later
// release that had it.
func (h *history) successors(rec *Record) (ids []string) {
	for _, e := range h.events[fold(rec.StableID)] {
		if sameID(e.old.id, rec.StableID) && sameName(e.session.old.database, rec.database) && e.new.id != "" {
			ids = append(ids, e.new.id)
		}
	}
	if len(ids) > 0 {
		return ids
	}
	for _, database := range h.after(rec.database) {
		for _, e := range h.events[fold(rec.StableID)] {
			if sameID(e.old.id, rec.StableID) && sameName(e.session.old.database, database) {
				return []string{e.old.id}
			}
		}
	}
	return nil
}

// after lists the databases of the releases after one, the next one first.
func (h *history) after(database string) (newer []string) {
	seen := map[string]bool{}
	for _, s := range h.sessions {
		for _, name := range []string{s.new.database, s.old.database} {
			if name == database {
				return newer
			}
			if !seen[name] {
				seen[name] = true
				newer = append([]string{name}, newer...)
			}
		}
	}
	return newer
}

// score is how well an id fits as what another became: by the event that ended
// the other's release, or else the last one that led to it.
func (h *history) score(rec *Record, successor string) (score float64, ok bool) {
	own := release{rec.database, rec.Release, rec.Assembly}
	began := false
	for _, s := range h.sessions {
		began = began || s.new.same(own)
	}
	ends := false
	for _, e := range h.events[fold(rec.StableID)] {
		switch {
		case sameID(e.old.id, rec.StableID) && sameID(e.new.id, successor) && e.session.old.same(own):
			score, ok, ends = e.score, true, true
		case sameID(e.new.id, rec.StableID) && sameID(e.old.id, successor) && began && !ends:
			score, ok = e.score, true
		}
	}
	return score, ok
}

func (r release) same(o release) bool {
	return sameName(r.database, o.database) && sameName(r.assembly, o.assembly) && r.number == o.number
}

func sameName(a, b string) bool { return strings.EqualFold(a, b) }

// readCurrent reads the versions of ids that are in the database today.
func (h *history) readCurrent(ctx context.Context, all []Query) error {
	for _, table := range tables {
		ids := unique(all, func(q Query) bool { return strings.EqualFold(q.Type, table) })
		if len(ids) == 0 || !h.reader.DB.HasColumn(table, "stable_id") {
			continue
		}
		seen := map[string]bool{}
		err := genomedb.EachOf(ctx, h.reader.DB, "SELECT stable_id, coalesce(version, 0) FROM {"+table+"} WHERE stable_id IN (%s) ORDER BY stable_id, version", nil, ids,
			func(scan func(...any) error) error {
				var id string
				var version int64
				if err := scan(&id, &version); err != nil {
					return err
				}
				if !seen[fold(id)] && version != 0 {
					h.current[key(id, table)] = version
				}
				seen[fold(id)] = true
				return nil
			})
		if err != nil {
			return err
		}
	}
	return nil
}

// readResolved reads what the latest versions of ids take, whose type is told
// by their form.
func (h *history) readResolved(ctx context.Context, asked []Query, records []*Record) error {
	var more []Query
	for i, rec := range records {
		if rec != nil && rec.Asked && !rec.Current {
			if q := (Query{rec.StableID, h.resolve(rec.StableID)}); !strings.EqualFold(q.Type, asked[i].Type) {
				more = append(more, q)
			}
		}
	}
	return h.readCurrent(ctx, more)
}

// readEvents reads the sessions, and the events of ids.
func (h *history) readEvents(ctx context.Context, all []Query) error {
	db := h.reader.DB
	if !db.HasTable("stable_id_event") || !db.HasTable("mapping_session") {
		return nil
	}
	ids := unique(all, nil)
	if len(ids) == 0 {
		return nil
	}
	sessions := map[int64]*session{}
	err := db.Each(ctx, `SELECT mapping_session_id, old_db_name, new_db_name, old_release, new_release, old_assembly, new_assembly, created
		FROM {mapping_session} ORDER BY created DESC, mapping_session_id DESC`, nil, func(scan func(...any) error) error {
		s := &session{}
		if err := scan(&s.id, &s.old.database, &s.new.database, &s.old.number, &s.new.number, &s.old.assembly, &s.new.assembly, &s.created); err != nil {
			return err
		}
		sessions[s.id] = s
		h.sessions = append(h.sessions, s)
		return nil
	})
	if err != nil {
		return err
	}
	for _, column := range []string{"old_stable_id", "new_stable_id"} {
		err := genomedb.EachOf(ctx, db, `SELECT coalesce(e.old_stable_id, ''), coalesce(e.old_version, 0), coalesce(e.new_stable_id, ''), coalesce(e.new_version, 0),
			e.mapping_session_id, e.type, e.score FROM {stable_id_event} e JOIN {mapping_session} m ON m.mapping_session_id = e.mapping_session_id
			WHERE e.`+column+` IN (%s) ORDER BY m.created, m.mapping_session_id, e.type, e.old_stable_id, e.new_stable_id`, nil, ids, func(scan func(...any) error) error {
			e := &event{}
			var id int64
			if err := scan(&e.old.id, &e.old.version, &e.new.id, &e.new.version, &id, &e.kind, &e.score); err != nil {
				return err
			}
			e.session = sessions[id]
			if column == "old_stable_id" {
				h.events[fold(e.old.id)] = append(h.events[fold(e.old.id)], e)
			} else if !sameID(e.old.id, e.new.id) { // not a second time
				h.events[fold(e.new.id)] = append(h.events[fold(e.new.id)], e)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// peptides reads the sequences of translations that are not current.
func (r Reader) peptides(ctx context.Context, records []*Record) error {
	var ids []Query
	for _, rec := range records {
		if rec != nil && !rec.Current && rec.Type == "Translation" {
			ids = append(ids, Query{ID: rec.StableID})
		}
	}
	if len(ids) == 0 || !r.DB.HasTable("gene_archive") || !r.DB.HasTable("peptide_archive") {
		return nil
	}
	type incarnation struct {
		id      string
		version int64
	}
	found := map[incarnation]string{}
	err := genomedb.EachOf(ctx, r.DB, `SELECT g.translation_stable_id, g.translation_version, p.peptide_seq FROM {gene_archive} g
		JOIN {peptide_archive} p ON p.peptide_archive_id = g.peptide_archive_id WHERE g.translation_stable_id IN (%s)
		ORDER BY g.mapping_session_id`, nil, unique(ids, nil), func(scan func(...any) error) error {
		var i incarnation
		var sequence string
		if err := scan(&i.id, &i.version, &sequence); err != nil {
			return err
		}
		i.id = fold(i.id)
		if _, ok := found[i]; !ok {
			found[i] = sequence
		}
		return nil
	})
	for _, rec := range records {
		if rec != nil && !rec.Current && rec.Type == "Translation" {
			if s, ok := found[incarnation{fold(rec.StableID), atoi(rec.Version)}]; ok {
				rec.Peptide = &s
			}
		}
	}
	return err
}
