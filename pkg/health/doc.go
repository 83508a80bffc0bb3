// Package health finds out what edges and origins are to their clients: it
// probes each over HTTP, hears of failed real requests, and turns the evidence
// into a state that does not flap.
//
// The verdicts are made by a pure state machine (machine.go): N failures in a
// row make a target unreachable, M > N successes in a row make it serving
// again, a target never seen before serves from its first success, and a target
// that says it is draining is believed at once. The loop around it (health.go)
// runs one watcher per target: a probe every Interval, and every Fast from the
// first failure until there is a verdict. Readers take an immutable [View].
//
// # Decisions
//
// 2026-11-24: failures in a row, not a share of a window. The order "serving,
// failing once, …, unreachable, recovering" is a chain on which a success never
// moves down and a failure never up, so a better history never ends in a worse
// state (this is tested), and alternating answers change nothing.
//
// 2026-11-24: failed real requests never convict alone where the probe is a
// real request too: they count, up to N-1, and bring the next probe forward,
// whose failure completes the verdict. Otherwise three requests that shared one
// broken connection would take a region out of service within a millisecond.
// They do convict a ConnectOnly target, since a server that accepts connections
// and answers nothing looks sound to a TCP connect; there a connect that works
// does not excuse them, only a real answer or [realMemory] does.
//
// 2026-11-24: a successful real request excuses failed real requests, never
// failed probes. A node that answers its health endpoint with an error has a
// reason, even while hits from its memory still work.
//
// 2026-11-24: periods are measured from the start of a probe, so a target that
// swallows packets (each probe waits for its whole timeout) is convicted after
// Interval + N × Timeout: 4 s with the defaults, inside the 5 s that routing
// promises. A refused connection takes Interval + 2 × Fast: 1.5 s.
//
// 2026-11-24: recovery is probed at Interval, not at Fast: M successes then
// span some seconds, and that is the damping.
//
// 2026-11-24: the client that this package makes speaks HTTP/1.1 only. A timed
// out HTTP/1.1 probe costs its connection, and the next one dials; an HTTP/2
// connection to a host that vanished is used again and again, and a host that
// is back would stay unreachable.
package health
