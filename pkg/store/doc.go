// Package store keeps stored responses in two tiers: memory, and memcached
// below it, which survives a restart of the process and is shared by the
// processes of a machine.
//
// A store is an opinion, never a promise: whatever goes wrong is a miss,
// counted. It knows nothing of freshness: it keeps a record for the time it is
// told, and the caller decides by RFC 9111 whether it may be used.
//
// # Decisions
//
// 2026-11-24: the memory tier checks expiry itself when it reads, instead of
// giving it to otter: otter's expiry needs a goroutine without an owner, and
// what is past its time is soon evicted by W-TinyLFU anyway.
//
// 2026-11-24: each memcached server has its own client, breaker and bound, and
// a whole record (manifest and chunks) lives on the server that its key is
// placed on by package rendezvous. One stopped server then costs nothing to
// the keys of the others, which one client with a ServerSelector cannot give.
//
// 2026-11-24: server names are resolved at each dial, not once, so that a
// store can start before its memcached has a name.
//
// 2026-11-24: writes to memcached go through a queue owned by
// [Memcached.Run]; a read sees what is still queued. Before Run starts and
// after it ends a write is done by its caller, so that forgetting Run costs
// time, not the cache.
//
// 2026-11-24: chunks are named by a digest of what they hold. Two writers of
// one key can then never mix their chunks, and a torn write reads as a miss.
// 2026-11-25: the digest is not computed again by the reader, since the record
// has a sum of its own.
//
// 2026-11-24: a memcached that answers with too old a version of the record
// format, or anything else unreadable, is a miss: a new release of this
// software starts cold rather than convert.
//
// 2026-11-25: the memory tier holds encoded records under SHA-256 digests, and
// makes a response of one when it is read. An http.Header for each entry takes a
// kilobyte and gives the collector dozens of pointers to follow; a record is one
// object without any. Reading one costs a microsecond and a half, and those who
// repeat an answer often have the lane.
//
// 2026-11-25: what an entry weighs is the size class of its record and a
// measured constant, not the sum of its parts, so that cache.memory is memory.
//
// 2026-11-25: a body is compressed once, by whoever needs it first. A kilobyte
// takes microseconds; what takes longer is done by the tiers' own goroutines,
// where they run, behind the request. Frames have windows of 1 MiB: the
// encoders' tables stay small, and every client must take up to 8 (RFC 9659).
//
// 2026-11-25: reads of memcached that come while others are under way are joined
// into one exchange. On one core with memcached and 64 clients a read of 1 kB
// takes 5 µs of both instead of 12 with a connection for each; alone it takes
// what it took.
package store
