package geoip

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"mirrornet/pkg/geo"
)

// Config says where the databases are.
type Config struct {
	// Database is the path of an .mmdb file with places; "": every place is
	// unknown.
	Database string
	// ASN is the path of an .mmdb file with autonomous systems; "": every one is
	// unknown.
	ASN string
	// CheckEvery is how often the files are looked at for a replacement; 0: 5 s.
	CheckEvery time.Duration
	// OldAfter is the age from which a database is warned about, once a day; 0: 45
	// days.
	OldAfter time.Duration
	// Logger gets one record per database opened and per distinct reason why one
	// was not; nil: slog.Default.
	Logger *slog.Logger
	// OnChange is called after another database has taken the place of the one
	// before. It must not block. Nil: nothing.
	OnChange func()
}

// Info describes a database in use.
type Info struct {
	Path   string // "" if there is none
	Type   string // as the database names it: "GeoLite2-City"
	Built  time.Time
	Loaded time.Time
	// Err is why the file as it is now is not in use; "" if it is.
	Err string
}

// A Locator finds places. Its methods may be called by many goroutines.
type Locator struct {
	cfg    Config
	places file
	asns   file
}

// Open opens the databases. The error names the file and what is wrong with it.
func Open(cfg Config) (*Locator, error) {
	if cfg.CheckEvery <= 0 {
		cfg.CheckEvery = 5 * time.Second
	}
	if cfg.OldAfter <= 0 {
		cfg.OldAfter = 45 * 24 * time.Hour
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	l := &Locator{cfg: cfg, places: file{path: cfg.Database}, asns: file{path: cfg.ASN, kind: numbers}}
	for _, f := range l.files() {
		if err := f.open(); err != nil {
			return nil, fmt.Errorf("geoip: %w", err)
		}
	}
	return l, nil
}

// files are those that are configured.
func (l *Locator) files() (list []*file) {
	for _, f := range []*file{&l.places, &l.asns} {
		if f.path != "" {
			list = append(list, f)
		}
	}
	return list
}

// Locate is the place of an address; the zero Place if the databases do not know
// it, if it is no address of the public internet, or without a database.
func (l *Locator) Locate(client netip.Addr) (place geo.Place) {
	client = client.Unmap().WithZone("")
	if !public(client) {
		return geo.Place{}
	}
	if db := l.places.current.Load(); db != nil {
		place = db.locate(client)
	}
	if db := l.asns.current.Load(); db != nil {
		place.ASN = db.locate(client).ASN
	}
	return place
}

// Info describes the database of places.
func (l *Locator) Info() Info { return l.places.info() }

// ASNInfo describes the database of autonomous systems.
func (l *Locator) ASNInfo() Info { return l.asns.info() }

// Run replaces the databases when their files change, and warns of old ones,
// until ctx ends, and then returns nil.
func (l *Locator) Run(ctx context.Context) error {
	files := l.files()
	if len(files) == 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(l.cfg.CheckEvery)
	defer tick.Stop()
	day := time.NewTicker(24 * time.Hour)
	defer day.Stop()
	l.warn(files)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			for _, f := range files {
				if f.check(l.cfg.Logger) && l.cfg.OnChange != nil {
					l.cfg.OnChange()
				}
			}
		case <-day.C:
			l.warn(files)
		}
	}
}

// warn says which databases are old: a forgotten update is seen nowhere else.
func (l *Locator) warn(files []*file) {
	for _, f := range files {
		info := f.info()
		if age := time.Since(info.Built); age > l.cfg.OldAfter {
			l.cfg.Logger.Warn("GeoIP database is old; addresses have moved since", "path", info.Path, "type", info.Type,
				"built", info.Built, "days", int(age/(24*time.Hour)))
		}
	}
}
