package track

import (
	"cmp"
	"context"
	"slices"

	"mirrornet/pkg/genomedb/assembly"
)

// Misc is a feature that its attributes describe.
type Misc struct {
	// Attributes are in the order of the database; of one code the last holds.
	Attributes []Attribute
	Sets       []Set

	id int64
	at assembly.Located
}

// Attribute is a code and what it says of a feature.
type Attribute struct{ Code, Value string }

// Set groups miscellaneous features.
type Set struct{ Code, Name string }

// Miscs finds miscellaneous features, by their ids in the database. A set may
// be given by its code; one that is not known has none.
func (t *Track) Miscs(ctx context.Context, set string) ([]On[*Misc], error) {
	if !t.DB.HasTable("misc_feature") {
		return nil, nil
	}
	more, wanted, longest := "", []any(nil), int64(0)
	if set != "" {
		var id int64
		err := t.DB.Each(ctx, "SELECT misc_set_id, max_length FROM {misc_set} WHERE code = ?", []any{set}, func(scan func(...any) error) error {
			return scan(&id, &longest)
		})
		if err != nil || id == 0 {
			return nil, err
		}
		more, wanted = " AND l.misc_set_id = ?", []any{id}
	}
	places, err := t.Assembly.Places(ctx, t.Slice, t.DB, "misc_feature")
	if err != nil {
		return nil, err
	}
	var out []On[*Misc]
	for _, p := range places {
		least := int64(0)
		if _, from, _, _, _ := p.Range(); longest > 0 {
			least = from - longest
		}
		c := condition{p.Where() + "AND x.seq_region_start >= ?" + more, append(append(p.Args(), least), wanted...)}
		found, err := t.loadMiscs(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			if at, ok := p.Carry(m.at.Start, m.at.End, m.at.Strand); ok {
				out = append(out, On[*Misc]{m, at, p})
			}
		}
	}
	return out, nil
}

func (t *Track) loadMiscs(ctx context.Context, c condition) ([]*Misc, error) {
	byID := map[int64]*Misc{}
	var out []*Misc
	const sets = "LEFT JOIN {misc_feature_misc_set} l ON l.misc_feature_id = x.misc_feature_id "
	err := t.DB.Each(ctx, `SELECT x.misc_feature_id, x.seq_region_start, x.seq_region_end, x.seq_region_strand, s.code, s.name
		FROM {misc_feature} x `+sets+"LEFT JOIN {misc_set} s ON s.misc_set_id = l.misc_set_id WHERE"+c.text+" ORDER BY x.misc_feature_id, l.misc_set_id", c.args,
		func(scan func(...any) error) error {
			m := &Misc{}
			var code, name *string
			if err := scan(&m.id, &m.at.Start, &m.at.End, &m.at.Strand, &code, &name); err != nil {
				return err
			}
			if kept := byID[m.id]; kept != nil {
				m = kept
			} else {
				byID[m.id] = m
				out = append(out, m)
			}
			if code != nil && !slices.ContainsFunc(m.Sets, func(s Set) bool { return s.Code == *code }) {
				m.Sets = append(m.Sets, Set{*code, value(name)})
			}
			return nil
		})
	if err != nil || len(out) == 0 {
		return nil, err
	}
	err = t.DB.Each(ctx, "SELECT x.misc_feature_id, a.attrib_type_id, a.value FROM {misc_feature} x "+sets+
		"JOIN {misc_attrib} a ON a.misc_feature_id = x.misc_feature_id WHERE"+c.text+" ORDER BY x.misc_feature_id, a.attrib_type_id, a.value", c.args,
		func(scan func(...any) error) error {
			var id, kind int64
			var text string
			if err := scan(&id, &kind, &text); err != nil {
				return err
			}
			code := t.Words.codes[kind]
			m := byID[id]
			if m == nil || code == "" || text == "" || text == "0" {
				return nil
			}
			if i := slices.IndexFunc(m.Attributes, func(a Attribute) bool { return a.Code == code }); i >= 0 {
				m.Attributes[i].Value = text
			} else {
				m.Attributes = append(m.Attributes, Attribute{code, text})
			}
			return nil
		})
	slices.SortFunc(out, func(a, b *Misc) int { return cmp.Compare(a.id, b.id) })
	return out, err
}
