// Package dns is an authoritative DNS server for the canonical hostnames of a
// network, over UDP and TCP. It answers A and AAAA with the addresses of the
// region that is nearest to the client and serves, as package route decides for
// an API call; the client is the subnet that a resolver tells (RFC 7871), else
// the resolver itself.
//
// Each canonical hostname is the apex of a zone of its own. A [Server] makes a
// snapshot of zones, names and addresses whenever the world changes; a query
// reads one snapshot, takes no lock, and its answer is written into memory that
// is used again.
//
// # Decisions
//
// 2026-11-25: queries are read and answers are written here, byte by byte;
// miekg/dns gives the words, and the tests hold every answer against its reading.
// A query has one form, an answer five, and the package's message type would cost
// some forty allocations for each.
//
// 2026-11-25: for each family there is a world of its own, in which a region
// without a serving address of that family does not serve: then route alone says
// who comes next. When nobody serves, or this node is isolated and knows nothing
// of the others, it decides as if every region with an address served, and after
// that answers home's addresses, even of what drains. SERVFAIL is for a node that
// knows no address at all; another server may.
//
// 2026-11-25: whether a region serves is the word of all observers; which of its
// addresses do is this node's own. Where it sees none of them while others see the
// region serve, it takes them all. And the family that is asked for is no property
// of the address that asks: resolvers ask for AAAA over IPv4.
//
// 2026-11-25: a server that has just begun does not answer for its first seconds,
// until it knows all regions to serve (Config.Settle). What it would say, its own
// region, would be kept for a TTL; a resolver that hears nothing asks the next server.
//
// 2026-11-25: the addresses of an answer are those of one region. A second
// region's beside them would take half of the clients, not only those who find
// the first dead. Up to four, beginning at one drawn by the query's id.
//
// 2026-11-25: a region's hostname below a canonical one is in our zone, so nobody
// else can answer for it: it has its region's addresses and, while none of them
// serves, those of the nearest that does, whose edges answer to that name too.
// Regional hostnames outside are refused, being somebody else's to delegate.
//
// 2026-11-25: name servers are the regions' hostnames, six at most, unless
// configured. One below a canonical hostname that is no region's has the same
// addresses as the canonical: it works, but all servers then seem to be one.
//
// 2026-11-25: the scope of an answer to a subnet covers exactly what the answer
// holds for: the database's network, the bounds of the rules' networks, and the
// /24 or /48 where route draws lots or knows round trips. An unknown place has the
// scope of the hole in the database, not 0: RFC 7871 §7.2.1 forbids scopes that
// overlap, and a cache would give the answer for 10.0.0.0/8 to everybody. 0 is for
// those who send no bits, and where no answer depends on the client.
//
// 2026-11-25: the SOA serial is the map's revision, so all servers with the same
// map show the same one. It is not ordered; there is no zone transfer to mind.
//
// 2026-11-25: what an attacker could make of us with invented addresses: answers
// over UDP have 4.5 times the query's bytes at most (four AAAA; TestAmplification),
// ANY is one HINFO (RFC 8482), and each /24 or /56 gets 500 answers a second, then
// every second query an empty truncated one and the others none. Who returns our
// cookie (RFC 7873, 9018) or comes over TCP has proved its address and is not
// limited. The secret is the process's own: after a restart clients are strangers
// until their next query.
//
// 2026-11-25: one UDP socket with a reader per processor rather than SO_REUSEPORT
// sockets: with that option a second edge on the same port would start without an
// error, and take half of the queries.
package dns
