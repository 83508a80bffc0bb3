// Package edge is the data path of a node: it takes a client's request, finds
// where the client is, decides who serves it, and answers from store, from the
// origins, or from another region.
//
// One request goes straight through, a file per step: client.go (whose request
// is it), world.go (one snapshot of map, members and health), decide.go (serve,
// redirect, proxy or refuse), plan.go (canonical request and key), cache.go
// (look up, judge, collapse, fetch, store), answer.go (the one place that
// writes an API answer). catalogue.go keeps the endpoint catalogue current;
// public.go answers for the node itself. What a node is made of is passed in
// through small interfaces; this package starts no driver.
//
// # Decisions
//
// 2026-11-24: an edge whose origins are all lost stays in routing. It still
// answers what is stored, and asks other regions' nodes for the rest, so its
// clients lose nothing; taking it out would move them all for no gain.
//
// 2026-11-24: in catalogue mode the fetch carries only what the key holds (the
// canonical target and the format as Accept). What is not in the key cannot
// change a stored answer.
//
// 2026-11-24: a whole body of up to 16 MiB is read before the first byte goes
// on, so that a source that dies in the middle never spoils a client's answer:
// the next source is asked. Longer bodies stream to the one who asked first.
//
// 2026-11-24: with no origin answering, stale copies hold for at least a day
// where the response does not forbid it (RFC 9111 §4.2.4 allows this for a
// disconnected cache), because the network exists to never leave a user
// without an answer that some copy of it could give.
package edge
