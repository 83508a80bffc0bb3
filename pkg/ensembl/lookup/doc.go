// Package lookup answers /lookup: what an id or a symbol names, where that
// lies, and what belongs to it.
//
// # Decisions
//
// 2026-11-24: an answer's species, object_type and id are written as the
// reference writes them: as found, but as the user wrote them where the user
// named all of species, db_type and object_type, and for symbols.
//
// 2026-11-24: a batch ends at the first empty element, as in the reference;
// its JSON null is an empty element too.
//
// 2026-11-24: of a POST body, only the options that the reference reads there
// count (db_type, expand, format, phenotypes, species, utr); the others are
// options of the query.
package lookup
