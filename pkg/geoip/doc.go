// Package geoip finds the place of a client's address in a database that is
// replaced while it is in use: City and Country databases of MaxMind and DB-IP,
// and flat ones whose records hold a country_code. Beside it, if there is one, a
// database of autonomous systems fills Place.ASN.
//
// # Decisions
//
// 2026-11-24: a database is read into memory whole, never mapped: truncating a
// mapped file in place kills the process.
//
// 2026-11-24: [Locator.Locate] has no error. Whatever is wrong with an address or
// a record, routing does the same with it as with an unknown place; what is wrong
// with a file is in [Info] and in the log.
//
// 2026-11-24: special-use addresses (RFC 6890 and its registry: private,
// documentation, benchmarking, tunnels) have no place even where a database
// gives one. Outside 2000::/3 no IPv6 address has, which also keeps out the
// copies of the IPv4 tree that databases hold below ::/8.
//
// 2026-11-24: a place known only by country gets the country's point with an
// accuracy of 1000 km, as MaxMind's own do; a record at exactly 0°, 0° counts as
// one without a point.
//
// 2026-11-24: a new file is opened and its first thousand records are decoded
// before it replaces the old. The library's full check refuses files that read
// well (one without a description) and would not tell right places from wrong.
//
// 2026-11-24: places are kept by record offset: many networks share a record,
// and decoding costs ten times the search. The store is a fixed array of slots,
// so it needs no lock and no eviction.
//
// 2026-11-25: a new file must also know half as many of a fixed sample of
// addresses as the old one does: one that opens well and holds the wrong thing,
// or little of it, would send the world home. Who means it restarts the node.
//
// 2026-11-25: autonomous systems are read by the one field that all such databases
// have, autonomous_system_number, whatever type they claim; geoip2-golang would
// refuse the flat ones.
//
// 2026-11-25: a point without city, subdivision and accuracy radius is the middle
// of its country, in databases that give no radius: it counts as 1000 km. With a
// radius from 500 km on, routing takes the country's own point.
//
// 2026-11-25: four slots to a hash, so that the few hundred records of a country
// database never push each other out.
package geoip
