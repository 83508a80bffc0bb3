// Package lane answers cache hits below an unchanged net/http: on cleartext
// HTTP/1.1 over TCP, a request whose bytes decide what they decided before is
// answered inside the connection's Read, and net/http never sees it. Everything
// else reaches net/http byte for byte.
//
// The lane repeats decisions, it never makes them. Whoever answers requests
// leaves an [Alias] in the [Table]: the bytes that decided ([AppendKey]) and the
// bytes that were answered. An alias counts for one generation of all that a
// decision depends on (one atomic counter, raised by each change), for one class
// of clients, and until a time.
//
// # Which requests
//
// GET and HEAD in origin-form, HTTP/1.1, with one Host, whose lines are all
// plainly "name: value" and CRLF, whose fields are all known to [fieldOf] and
// not repeated, that fit net/http's read buffer (4 kB). Fields are of three
// kinds. Deciding ones stand in the key with their exact value. Harmless ones
// are skipped: nothing reads them, and so an answer that varies on one of them
// (RFC 9111 §4.1), as any may without a catalogue, must not become an alias; see
// [Decides]. Any other field, and any Connection but keep-alive, leaves the lane.
//
// # How it lives with net/http
//
// Between requests net/http is parked in Read with an empty read buffer. The
// lane uses that very buffer: it reads into it, answers what it can, and returns
// what it cannot. Leaving is all that it can do with other bytes, so it never
// holds any, and whoever hijacks a connection finds nothing missing.
//
// Of net/http it relies on the following; each has a test that must stay:
//   - the ConnState hook runs before the first Read (StateNew), before a body is
//     read (StateActive), and between the end of an answer and the next Read
//     (StateIdle). Without it the lane never starts;
//   - its bufio.Reader slides before it fills, so that a Read for the whole
//     buffer says that it is empty. Otherwise the lane would not come back;
//   - the deadline of a new connection's head is set before the first Read;
//   - between StateIdle and the Read that waits for the next request there is
//     one SetReadDeadline, and another one before the head is read. With more or
//     fewer the lane would not come back;
//   - Read errors that are timeouts, EOF, or net.OpErrors of "read" are not
//     answered with a 400.
//
// # Decisions
//
// 2026-11-25: bytes are read into the buffer that net/http passes (the contract
// of io.Reader allows to use all of it as scratch space), so nothing has to be
// held, named or handed over.
//
// 2026-11-25: on Linux all hits of a connection happen within one wait of the
// runtime's poller (syscall.RawConn), where no edge can be lost, and TCP_INQ
// says when a read left nothing, not even the client's end. That saves the read
// that finds nothing, one of three system calls for each answer. Measured on a
// quiet machine, one kilobyte, CPU time for each answer: 6.0 µs so, 6.2 µs with
// net.TCPConn's Read and Write, 5.7 µs for a loop on epoll that parses nothing.
//
// 2026-11-25: the only way out is transparent. A hit that is pipelined behind a
// miss is answered by the handler, as is one that comes before net/http has
// ended its background read.
//
// 2026-11-25: deadlines are lazy. A hit sets no timer; when an old deadline
// fires and the time that is due now is later, it is set to that. A write
// deadline is set only for what a client does not take at once.
//
// 2026-11-25: Close during an answer lets the answer out first, because to
// net/http a connection that is answered here looks idle and may be closed by
// Shutdown at any time. The same holds for Server.Close: call Drain with an
// ended context after it.
//
// 2026-11-25: an If-None-Match is deciding like Accept: a 304 is an alias of its
// own, and no tags are compared here.
//
// 2026-11-25: known difference, the only one. After a POST net/http forgives
// empty lines before the next request; requests answered here in between do not
// end that, as RFC 9112 §2.2 would have it anyway.
//
// 2026-11-25: an alias may hold for many targets (Alias.Alike), if its answer is to
// look for the same target elsewhere: then the target is part of the answer in
// place of the key. Requests look for one only after their own, and only while
// there are any. Those with a cookie look for nothing else: where to look depends
// on cookies in one way at most, which Alike knows, and browsers send them along.
//
// 2026-11-25: a connection on which 32 looks in a row found nothing is not looked
// at for its next 32 requests. A look costs a tenth of what an answer from here
// saves, and some clients never get one: they send credentials, or ask anew.
package lane
