package geoip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"mirrornet/pkg/geo"
)

// Config says where the database is.
type Config struct {
	// Database is the path of an .mmdb file; "": every place is unknown.
	Database string
	// CheckEvery is how often the file is looked at for a replacement; 0: 5 s.
	CheckEvery time.Duration
	// Logger gets one record per database opened and per distinct reason why one
	// was not; nil: slog.Default.
	Logger *slog.Logger
	// OnChange is called after another database has taken the place of the one
	// before. It must not block. Nil: nothing.
	OnChange func()
}

// Info describes the database in use.
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
	cfg     Config
	current atomic.Pointer[database] // nil without a database
	failed  atomic.Pointer[string]

	mu   sync.Mutex  // one check at a time; guards seen
	seen os.FileInfo // of the file last tried, good or bad; nil if there was none
}

// Open opens the database. The error names the file and what is wrong with it.
func Open(cfg Config) (*Locator, error) {
	if cfg.CheckEvery <= 0 {
		cfg.CheckEvery = 5 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	l := &Locator{cfg: cfg}
	if cfg.Database == "" {
		return l, nil
	}
	db, seen, err := load(cfg.Database)
	if err != nil {
		return nil, fmt.Errorf("geoip: %w", err)
	}
	l.seen = seen
	l.current.Store(db)
	return l, nil
}

// Locate is the place of an address; the zero Place if the database does not
// know it, if it is no address of the public internet, or without a database.
func (l *Locator) Locate(client netip.Addr) geo.Place {
	db := l.current.Load()
	client = client.Unmap().WithZone("")
	if db == nil || !public(client) {
		return geo.Place{}
	}
	return db.locate(client)
}

// Info describes the database in use.
func (l *Locator) Info() Info {
	db := l.current.Load()
	if db == nil {
		return Info{}
	}
	info := db.info
	if why := l.failed.Load(); why != nil {
		info.Err = *why
	}
	return info
}

// Run replaces the database when the file changes, until ctx ends, and then
// returns nil.
func (l *Locator) Run(ctx context.Context) error {
	if l.cfg.Database == "" {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(l.cfg.CheckEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			l.check()
		}
	}
}

// check looks at the file and takes it if it is new and good.
func (l *Locator) check() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, err := os.Stat(l.cfg.Database)
	if err == nil && unchanged(l.seen, now) {
		return
	}
	var db *database
	if err == nil {
		db, now, err = load(l.cfg.Database)
	}
	l.seen = now
	if errors.Is(err, errMoving) {
		l.seen = nil // still being written: look again
		return
	}
	if err != nil {
		why := err.Error()
		if last := l.failed.Swap(&why); last == nil || *last != why {
			l.cfg.Logger.Error("new GeoIP database refused, the old stays", "error", why)
		}
		return
	}
	l.current.Store(db)
	l.failed.Store(nil)
	l.cfg.Logger.Info("GeoIP database replaced", "path", db.info.Path, "type", db.info.Type, "built", db.info.Built)
	if l.cfg.OnChange != nil {
		l.cfg.OnChange()
	}
}

func unchanged(a, b os.FileInfo) bool {
	return a != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

var errMoving = errors.New("the file changes while it is read")

// load reads a file as it was at one moment and opens it. The FileInfo is nil if
// there is no file.
func load(path string) (*database, os.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, before, fmt.Errorf("%s is not a regular file", path)
	}
	data := make([]byte, before.Size())
	_, err = io.ReadFull(f, data)
	if after, statErr := f.Stat(); statErr != nil || !unchanged(before, after) {
		return nil, before, fmt.Errorf("%s: %w", path, errMoving)
	}
	if err != nil {
		return nil, before, err
	}
	db, err := open(data)
	if err != nil {
		return nil, before, fmt.Errorf("%s: %w", path, err)
	}
	db.info.Path, db.info.Loaded = path, time.Now()
	return db, before, nil
}

// public reports whether an address can be a client's on the public internet.
func public(a netip.Addr) bool {
	list := special4[:]
	if !a.Is4() {
		if !globalUnicast.Contains(a) {
			return false // the invalid address, too
		}
		list = special6[:]
	}
	for _, p := range list {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

func v4(a, b, c byte, bits int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{a, b, c, 0}), bits)
}

func v6(a, b uint16, bits int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{byte(a >> 8), byte(a), byte(b >> 8), byte(b)}), bits)
}

// The special-purpose registries of RFC 6890, and what is not unicast.
var (
	special4 = [...]netip.Prefix{
		v4(0, 0, 0, 8),       // this network, RFC 791
		v4(10, 0, 0, 8),      // private, RFC 1918
		v4(100, 64, 0, 10),   // carriers' NAT, RFC 6598
		v4(127, 0, 0, 8),     // loopback
		v4(169, 254, 0, 16),  // link local, RFC 3927
		v4(172, 16, 0, 12),   // private
		v4(192, 0, 0, 24),    // protocol assignments
		v4(192, 0, 2, 24),    // documentation, RFC 5737
		v4(192, 88, 99, 24),  // 6to4 relays, RFC 7526
		v4(192, 168, 0, 16),  // private
		v4(198, 18, 0, 15),   // benchmarking, RFC 2544
		v4(198, 51, 100, 24), // documentation
		v4(203, 0, 113, 24),  // documentation
		v4(224, 0, 0, 3),     // multicast and reserved
	}
	globalUnicast = v6(0x2000, 0, 3)
	special6      = [...]netip.Prefix{
		v6(0x2001, 0, 23),     // protocol assignments: Teredo, ORCHID, benchmarking
		v6(0x2001, 0xdb8, 32), // documentation, RFC 3849
		v6(0x2002, 0, 16),     // 6to4, RFC 3056
		v6(0x3fff, 0, 20),     // documentation, RFC 9637
	}
)
