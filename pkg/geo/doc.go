// Package geo holds points on the Earth, great-circle distances, and what is
// known about countries: a representative point and a continent for each
// two-letter code. It knows nothing of clients or regions.
//
// The zero [Point] is invalid, so a lookup that failed can never place anybody
// in the sea off Africa at 0°, 0°.
//
// # Decisions
//
// 2026-11-24: a distance to or from an invalid Point is +Inf, not an error and
// not 0: whoever sorts by distance then gets the right order without a check.
//
// 2026-11-24: continents follow the convention of the GeoIP databases (that of
// GeoNames), not UN M49, since a client's continent mostly comes from such a
// database: Cyprus and Russia are EU, Türkiye and Georgia are AS, Timor-Leste
// is OC. A country in a file and a client in a database then agree.
//
// 2026-11-24: countries.csv is computed from Natural Earth (public domain): one
// point inside the largest part of each country. 13 codes that Natural Earth
// draws as part of another country were entered by hand and checked one by one:
// AN BQ BV CC CX GF GP MQ RE SJ TK XK YT. AN (withdrawn in 2010) and XK (user
// assigned) stay because databases in the field still answer them.
package geo
