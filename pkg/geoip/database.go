package geoip

import (
	"cmp"
	"errors"
	"fmt"
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
	sample    = 1000    // records decoded before a database is used
)

// A database is one file, opened. It is immutable but for the places kept.
type database struct {
	info   Info
	reader *maxminddb.Reader
	city   *geoip2.Reader // nil for flat databases
	kept   [slots]atomic.Pointer[kept]
}

type kept struct {
	offset uintptr
	place  geo.Place
}

// open checks what a file holds by reading from it.
func open(data []byte) (*database, error) {
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, fmt.Errorf("not a MaxMind database: %w", err)
	}
	db := &database{reader: reader, info: Info{Type: reader.Metadata.DatabaseType, Built: reader.Metadata.BuildTime()}}
	db.city, err = geoip2.OpenBytes(data)
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
			return nil, fmt.Errorf("type %q, record of %s: %w; use a City or Country database, or one whose records hold a country_code",
				db.info.Type, result.Prefix(), err)
		}
		if place.Known() {
			known++
		}
	}
	if known == 0 {
		return nil, fmt.Errorf("type %q: no place in the first %d records; use a City or Country database, or one whose records hold a country_code",
			db.info.Type, min(read, sample))
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
	slot := &db.kept[uint64(offset)*0x9e3779b97f4a7c15>>(64-14)]
	if k := slot.Load(); k != nil && k.offset == offset {
		return k.place
	}
	place, err := db.decode(result, a)
	if err != nil {
		return geo.Place{}
	}
	slot.Store(&kept{offset, place})
	return place
}

func (db *database) decode(result maxminddb.Result, a netip.Addr) (geo.Place, error) {
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
