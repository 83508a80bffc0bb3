package geoip

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/oschwald/geoip2-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2"

	"mirrornet/pkg/geo"
)

const (
	countryKm = 1000    // accuracy of a place known by country alone
	slots     = 1 << 14 // places kept; about 2 MiB when all are in use
	ways      = 4       // slots in which one place may be
	sample    = 1000    // records decoded before a database is used
)

// kind is what a database is for.
type kind int

const (
	places  kind = iota
	numbers      // of autonomous systems
)

// wanted says what file is wanted for a kind.
func (k kind) wanted() string {
	if k == numbers {
		return "use an ASN database"
	}
	return "use a City or Country database, or one whose records hold a country_code"
}

// finds reports whether a record says what the kind is about.
func (k kind) finds(p geo.Place) bool {
	if k == numbers {
		return p.ASN != 0
	}
	return p.Known()
}

// A database is one file, opened. It is immutable but for the places kept.
type database struct {
	info   Info
	kind   kind
	reader *maxminddb.Reader
	city   *geoip2.Reader // nil for flat databases and ASNs
	kept   [slots]atomic.Pointer[kept]
}

type kept struct {
	offset uintptr
	place  geo.Place
}

// open checks what a file holds by reading from it.
func open(data []byte, k kind) (*database, error) {
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, fmt.Errorf("not a MaxMind database: %w", err)
	}
	db := &database{kind: k, reader: reader, info: Info{Type: reader.Metadata.DatabaseType, Built: reader.Metadata.BuildTime()}}
	if k == places {
		db.city, err = geoip2.OpenBytes(data)
	}
	if _, unknown := errors.AsType[geoip2.UnknownDatabaseTypeError](err); unknown {
		db.city = nil // perhaps a flat one; the sample tells
	} else if err != nil {
		return nil, err
	}
	known, read := 0, 0
	for result := range reader.Networks() {
		if read++; read > sample {
			break
		}
		if err := result.Err(); err != nil {
			return nil, fmt.Errorf("broken search tree: %w", err)
		}
		place, err := db.decode(result, result.Prefix().Addr())
		if err != nil {
			return nil, fmt.Errorf("type %q, record of %s: %w; %s", db.info.Type, result.Prefix(), err, k.wanted())
		}
		if k.finds(place) {
			known++
		}
	}
	if known == 0 {
		what := "place"
		if k == numbers {
			what = "ASN"
		}
		return nil, fmt.Errorf("type %q: no %s in the first %d records; %s", db.info.Type, what, min(read, sample), k.wanted())
	}
	return db, nil
}

// locate answers from the kept places where it can.
func (db *database) locate(a netip.Addr) geo.Place {
	result := db.reader.Lookup(a)
	if result.Err() != nil || !result.Found() {
		return geo.Place{} // an IPv6 address in an IPv4 database is an error, too
	}
	offset := result.Offset()
	// Fibonacci hashing: offsets of neighbours differ in their low bits alone.
	hash := uint64(offset) * 0x9e3779b97f4a7c15
	row := db.kept[hash>>(64-14)&^(ways-1):][:ways]
	slot := &row[hash%ways] // if all are taken
	for i := range row {
		k := row[i].Load()
		if k == nil {
			slot = &row[i]
			break
		}
		if k.offset == offset {
			return k.place
		}
	}
	place, err := db.decode(result, a)
	if err != nil {
		return geo.Place{}
	}
	slot.Store(&kept{offset, place})
	return place
}

func (db *database) decode(result maxminddb.Result, a netip.Addr) (geo.Place, error) {
	if db.kind == numbers {
		var record struct {
			Number uint32 `maxminddb:"autonomous_system_number"`
		}
		err := result.Decode(&record)
		return geo.Place{ASN: record.Number}, err
	}
	if db.city == nil {
		var record struct {
			Code string `maxminddb:"country_code"`
		}
		err := result.Decode(&record)
		return byCountry(record.Code, ""), err
	}
	// City reads Country databases as well; what they lack stays empty.
	record, err := db.city.City(a)
	if err != nil {
		return geo.Place{}, err
	}
	// Where a network is registered is a better guess than nothing.
	place := byCountry(cmp.Or(record.Country.ISOCode, record.RegisteredCountry.ISOCode), record.Continent.Code)
	place.City = record.City.Names.English
	if at := record.Location; at.HasCoordinates() && (*at.Latitude != 0 || *at.Longitude != 0) {
		if point, err := geo.At(*at.Latitude, *at.Longitude); err == nil {
			place.Point, place.AccuracyKm = point, int(at.AccuracyRadius)
			if place.AccuracyKm == 0 && place.City == "" && len(record.Subdivisions) == 0 {
				place.AccuracyKm = countryKm // the middle of a country, in a database that does not say so
			}
		}
	}
	return place, nil
}

// byCountry is the place of which no more is known. Codes that are no countries
// (EU and AP of old databases) leave the continent.
func byCountry(code, continent string) (p geo.Place) {
	if code = strings.ToUpper(code); geo.KnownCountry(code) {
		p.Country = code
	}
	if p.Continent = strings.ToUpper(continent); !geo.KnownContinent(p.Continent) {
		p.Continent = geo.ContinentOf(p.Country)
	}
	if point, ok := geo.CountryPoint(p.Country); ok {
		p.Point, p.AccuracyKm = point, countryKm
	}
	return p
}

// known is how many of a fixed sample of addresses a database knows.
func (db *database) known() (n int) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 4 * sample {
		x := random.Uint64()
		a := netip.AddrFrom4([4]byte{byte(x), byte(x >> 8), byte(x >> 16), byte(x >> 24)})
		if i%4 == 3 {
			a = netip.AddrFrom16([16]byte{0x20 | byte(x)&0x1f, byte(x >> 8), byte(x >> 16), byte(x >> 24), byte(x >> 32)})
		}
		if public(a) && db.kind.finds(db.locate(a)) {
			n++
		}
	}
	return n
}

// replaces says why a new database should not take the place of the old: one
// that knows less than half as much is a wrong file, or the half of one.
func (db *database) replaces(old *database) error {
	if now, before := db.known(), old.known(); 2*now < before {
		return fmt.Errorf("%s: knows %d of a sample of addresses, of which the one in use knows %d; restart the node if that is meant", db.info.Path, now, before)
	}
	return nil
}
