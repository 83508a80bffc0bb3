// Package edge is the data path of a node: it takes a client's request, finds
// where the client is, decides who serves it, and answers from store, from the
// origins, or from another region.
//
// One request goes straight through, a file per step: client.go and hop.go (whose
// request is it), world.go (one snapshot of map, members and health), decide.go (serve,
// redirect, proxy or refuse), plan.go (canonical request and key), cache.go
// (look up, judge), sources.go and steps.go (who is asked, collapse), flight.go (one answer), body.go
// (a body that is read while it arrives), confirm.go (404 in place of a 200),
// answer.go and stream.go (the places that write an API answer). pass.go passes
// on what is not for the store, proxy.go what another region is to answer, keep.go and partial.go take from it what is all
// the same. catalogue.go keeps the endpoint catalogue current; public.go answers
// for the node itself. What a node is made of is passed in through small
// interfaces; this package starts no driver.
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
// 2026-11-25, superseding the above: that holds for bodies of up to 1 MiB. A
// longer one goes on while it arrives, from one growing copy, to all who wait
// and to those who come; when its source dies in the middle, the rest is had from
// the next one that has the same representation (Range and If-Range with
// a strong entity tag). Without such a tag the answers are cut visibly. A body
// that will be stored is read to its end although its readers left. One of more
// than 16 MiB is never kept: where the length is declared each request asks for itself,
// and where it shows late, those who read already share a window at the
// pace of the slowest; who takes nothing for 5 s while others wait is left behind.
//
// 2026-11-25: an answer that is not storable goes to nobody but its asker; all
// who waited for it ask at once, and for 10 s requests for that key do not wait
// for each other. Errors of catalogue endpoints are shared all the same where
// the API said nothing of caching, since nothing of a client was in the request.
//
// 2026-11-25: a 404 or 400 in place of a stored 200 of a catalogue endpoint
// counts only when a second origin, or the same one a second later, says it too:
// an origin that lost its data says it to everything. Of two origins that
// disagree the one that has the answer is believed.
//
// 2026-11-25: one release at a time. Keys hold the catalogue's release; what
// names another one (Ensembl-Release) is not stored, not taken from a sibling or
// a parent, and makes this node ask for the catalogue at once, as an origin's
// answers to probes do. So a node changes from one release to the next in one step,
// within a second of its origins, and what it stored before is not reused.
//
// 2026-11-24: with no origin answering, stale copies hold for at least a day
// where the response does not forbid it (RFC 9111 §4.2.4 allows this for a
// disconnected cache), because the network exists to never leave a user
// without an answer that some copy of it could give.
//
// 2026-11-25: "catalogue: none" promises plain RFC 9111, so there the network's
// own rules give way: Set-Cookie is stored as any field is; credentials go by
// §3.5; a stale response stands in only for an origin that this very request
// asked in vain, whatever health says of it. Requests for a part, HEAD, and POST
// are passed on and streamed; what their answers allow to store is gathered
// beside (keep.go), and parts stand under the key of the whole until there is
// one (partial.go).
//
// 2026-11-25: the rest of a representation is asked for even without a strong
// validator, though then only a 200 helps: an origin that changed or ignores
// ranges sends one, and else the whole is asked for again.
//
// 2026-11-25: a GET with content is passed on. Caches that key it by its target
// alone answer one query with the result of another.
//
// 2026-11-25: interim responses go to the client whose request was forwarded,
// not to those who wait for the same answer.
//
// 2026-11-25: an alias (lane.go) is what the ordinary path wrote when it answered
// the same bytes from store for the second time. It ends with its freshness,
// with any change of what decides (one generation), and with anything stored or
// deleted under its key (counters by hash, shared by keys). The class of a
// client is the region nearest to it: without wishes of the client's own, the
// rest of a decision follows from that and the bytes.
//
// 2026-11-25: without a memory tier the lane keeps heads alone, and reads each
// body from memcached. A 304 or HEAD is then answered without asking it, while
// it is fresh.
//
// 2026-11-25: what a hop's signature gives is a name for the client: its address
// and its scheme. Who forges or replays one gains no more, and an edge whose
// clock or keys are wrong is answered all the same, as a client with its own address.
// That a request was forwarded before is believed of anybody (hop.go).
//
// 2026-11-25: a region's load is what its nodes say that they serve a second
// (redirects and questions about the node are no work for capacity). What it
// does about it, its first serving node by name decides and says with its own
// load, so that all nodes decide alike. Spill is an integral, not the excess of
// the moment: clients that were sent away are no longer in the load, and come
// back as soon as it says so. It moves within 30 s, more slowly than its effect is
// seen, does not move while one step less would be too much, and gives nobody
// clients for whom there is no room. In the simulation (load_test.go) regions that
// spill to each other come to rest, also where clients follow 30 s late. Above the
// hard limit, hits and allowed stale copies are served, and the rest gets 503 with
// Retry-After, until the load is 10 % below it.
//
// 2026-11-25: a node tells its public addresses itself (topic node), so an address
// is known exactly as long as its node is a member, and no file names them twice.
//
// 2026-11-25: who is asked on a miss (steps.go, sources.go). The sibling that has
// the key by rendezvous among this region's serving nodes; then of the parent region the
// node that has it there (any other would be a hop more, or a copy more), after it
// the nearest; then the origins; then, without a stored copy, other regions. Siblings
// and parents are asked for what has a key and may be shared, by requests
// without Cache-Control, Pragma and Authorization, whose key nobody changed
// through this node: for the rest a cache's word is not enough, or is of no use.
// What an edge forwarded is asked of no sibling and no other region, and
// of a parent only within MaxHops.
//
// 2026-11-25: each of those stages has flights of its own, and what another
// edge forwarded joins only those that ask parent and origins. Parents never go round
// (region files), so no two nodes wait for each other, whatever each holds for the
// owner; and still a key is fetched once at its owner, for its own clients and its
// siblings' together.
//
// 2026-11-25: a cache that is asked shows that it lives by 102 (Processing) as
// soon as it fetches itself. So one that says nothing for a second is left at once,
// and one that waits for a slow origin is neither left nor reported.
//
// 2026-11-25: a proxied request that comes to nothing in the other region (no
// connection, or 502, 503, 504, 508 to what may be repeated) is answered here, and
// says so in Mirror-Region. A body of up to 4 MiB and known length is kept for that;
// a longer one streams, and is whole only as long as no node took a byte.
//
// 2026-11-25: a sibling's 404 or 400 in place of a stored 200 counts for
// nothing here, since it is one origin's word, heard twice. Its stale answers are taken
// within stale-while-revalidate; beyond that the origins are asked first.
//
// 2026-11-25: redirects and DNS go by the votes of all nodes, since it is the
// client who has to get there; proxying and fetching go by this node's own probes.
// An isolated node knows nothing of others, so it goes by its own alone, and
// its Decision is to serve.
//
// 2026-11-25: a class of endpoints (its first path segment) is lost when the
// canary of every origin for it fails while another class is answered, before
// and after the verdict. An origin that dies loses one canary after the other, and
// one that comes back regains them so; neither is a lost class, and a region
// that was marked for a minute by that would send its clients away for nothing.
//
// 2026-11-25: while none of its origins answers, a node asks other regions
// first, those with an origin before the others: a miss would otherwise wait for
// what is known to be lost, here and at each nearer region that has lost it too.
// What is stored here waits for them 0.9 s at most. With no origin known
// anywhere the order is as ever, and a user is told within two seconds. Who
// waits for an origin when it is found lost is not left waiting: the next one,
// or another region, is asked at that moment.
//
// 2026-11-25: a region whose origins are all unreachable says so (no_origin) and
// keeps its clients: its hits are as near as ever, and a miss costs one more
// hop, where moving all its clients would cost them a cold cache and its
// neighbours their capacity. If it is the API that is down, everywhere, there
// is no better place anyway.
//
// 2026-11-25: public addresses are probed apart from the node, where clients come
// in: at the port of the region's URL, under its name. They close a family only
// where this node has that family itself and the node behind them was reached by
// one of them before: an address may be meant for others than this node.
//
// 2026-11-25: the lane repeats redirects too, each with the target that is asked
// for. The decision on a page load looks at the target for nothing but steering
// and, while a region has lost a class of endpoints, its class: one alias holds for
// all other targets of a name, fields and nearest region. Why: net/http alone costs
// 12 µs for a redirect and the decision 0.3 µs; without the lane, which looks at
// each request first, an edge made four fifths of the redirects of a net/http that
// decides nothing, with it twice as many. It holds for a second, which its Date may
// be late.
package edge
