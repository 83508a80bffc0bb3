package genomedb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// readMeta reads what is known of a database before anything is asked.
func (d *Database) readMeta(ctx context.Context) error {
	d.meta = map[string][]string{}
	err := d.scan(ctx, "meta", "meta_value", `SELECT meta_key, meta_value FROM {meta} WHERE meta_value IS NOT NULL ORDER BY meta_id`, func(scan func(...any) error) error {
		var k, v string
		err := scan(&k, &v)
		d.meta[k] = append(d.meta[k], v)
		return err
	})
	if err != nil || d.Kind != "core" || d.Owner == ancestral {
		return err
	}
	return d.scan(ctx, "coord_system", "attrib", `SELECT c.version FROM {coord_system} c
		WHERE c.version <> '' AND c.attrib LIKE '%default_version%' ORDER BY c.rank LIMIT 1`, func(scan func(...any) error) error {
		return scan(&d.assembly)
	})
}

// scan reads a table that may not be there while the set is opened.
func (d *Database) scan(ctx context.Context, table, column, query string, row func(scan func(...any) error) error) error {
	rows, err := d.registry.engine.open(ctx, d, table, column, query)
	if errors.Is(err, ErrNoTable) {
		return nil
	}
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return fmt.Errorf("%s.%s: %w", d.Name, table, err)
		}
	}
	return rows.Err()
}

// each calls f for all databases, n at once, and stops at the first error.
func each(ctx context.Context, n int, list []*Database, f func(*Database, context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, n)
	var wg sync.WaitGroup
	for _, d := range list {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := f(d, ctx); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// settle gives databases the schema version and the production name that
// their core database's meta says, and leaves out those that hold several
// species.
func settle(list []*Database, logger *slog.Logger) []*Database {
	owner := map[string]string{}
	skip := map[string]bool{}
	for _, d := range list {
		if v, err := strconv.Atoi(strings.TrimSpace(d.MetaFirst("schema_version"))); err == nil && d.SchemaVersion == 0 {
			d.SchemaVersion = v
		}
		if d.Kind != "core" || d.Owner == ancestral {
			continue
		}
		names := slices.Compact(slices.Sorted(slices.Values(d.Meta("species.production_name"))))
		switch {
		case len(names) > 1:
			logger.Warn("left out: a database of several species", "database", d.Name, "species", len(names))
			skip[d.Owner] = true
		case len(names) == 1:
			owner[d.Owner] = names[0]
		}
	}
	var kept []*Database
	for _, d := range list {
		if skip[d.Owner] {
			continue
		}
		if name, ok := owner[d.Owner]; ok {
			d.Owner = name
		}
		kept = append(kept, d)
	}
	return kept
}
