package health

import "time"

// State is what a target is to its clients.
type State string

const (
	Unknown     State = "unknown" // no verdict yet
	Serving     State = "serving"
	Unreachable State = "unreachable"
	Draining    State = "draining" // answers, and asks for no new clients
)

// realMemory is how long a failed real request counts.
const realMemory = 30 * time.Second

// damping says how long a convicted target has to be good before it serves
// again. The zero damping asks for no more than the successes in a row.
type damping struct {
	first time.Duration // after a conviction out of steady service
	again time.Duration // after the next one, and doubled with each further one
	most  time.Duration // bounds the doubling
	// between parts two acquittals. A target that comes back as a new process
	// is spared the rest, so this alone bounds what a crash loop can do.
	between time.Duration
	// steady is how long after an acquittal a conviction counts as another one.
	steady time.Duration
}

type outcome uint8

const (
	failed outcome = iota
	succeeded
	drains
)

// sample is one piece of evidence.
type sample struct {
	outcome outcome
	real    bool   // a client's request, not a probe; never drains
	renewed bool   // succeeded, as another process than the last time
	err     string // why it failed
}

// machine turns evidence into a state. It is pure: time is an argument. The
// zero machine is not usable; see newMachine.
type machine struct {
	n, m int  // failures that convict, successes that acquit
	weak bool // the probe is a TCP connect: real requests know better
	damp damping

	state  State
	since  time.Time // of state
	lastOK time.Time // last success of either kind; zero: never
	failed time.Time // last failed probe; zero: never
	err    string    // of the last failure that nothing has excused yet

	bad    int       // failed probes in a row
	good   int       // successes in a row while not serving
	real   int       // failed real requests in a row
	realAt time.Time // of the last of them

	// While not serving: when the target began to be good, zero if it is not,
	// and its failures since. As many failures as convict end the run.
	goodAt    time.Time
	misses    int
	renewed   bool      // it came back as another process
	served    bool      // it was serving before
	back      bool      // unreachable, but answers: M successes, and no N failures since
	acquitted time.Time // when it last came back; zero: never
	level     int       // convictions, each soon after an acquittal
}

func newMachine(n, m int, weak bool, damp damping, now time.Time) machine {
	return machine{n: n, m: m, weak: weak, damp: damp, state: Unknown, since: now}
}

// resumed is m after a time without evidence: its good run does not count.
func (m machine) resumed() machine {
	m.good, m.goodAt, m.misses, m.back, m.renewed = 0, time.Time{}, 0, false, false
	return m
}

// step takes one sample in and says whether the state changed.
func (m *machine) step(s sample, now time.Time) bool {
	before := m.state
	if m.real > 0 && now.Sub(m.realAt) > realMemory {
		m.real = 0
	}
	switch {
	case s.outcome == drains:
		m.bad, m.good, m.real = 0, 0, 0
		m.err = ""
		m.enter(Draining, now)
	case s.outcome == succeeded && s.real:
		m.realSuccess(now)
	case s.outcome == succeeded:
		m.bad = 0
		if !m.weak {
			m.real = 0
		}
		m.renewed = m.renewed || s.renewed
		m.success(now)
	case s.real:
		m.realFailure(s.err, now)
	default:
		m.bad = min(m.bad+1, m.n)
		m.good = 0
		if m.misses++; m.misses >= m.n {
			m.goodAt, m.misses, m.renewed = time.Time{}, 0, false
		}
		m.back = m.back && m.bad+m.real < m.n
		m.err, m.failed = s.err, now
		m.judge(now)
	}
	return m.state != before
}

// success counts towards serving.
func (m *machine) success(now time.Time) {
	m.lastOK = now
	if m.bad == 0 && m.real == 0 {
		m.err = ""
	}
	if m.state == Serving {
		return
	}
	m.good++
	if m.goodAt.IsZero() {
		m.goodAt, m.misses = now, 0
	}
	if m.state == Unreachable && m.good >= m.m && !m.back {
		m.back, m.real = true, 0
	}
	if m.state == Unknown || m.good >= m.m && now.Sub(m.goodAt) >= m.hold() && m.apart(now) {
		if m.served {
			m.acquitted = now
		}
		m.real = 0 // a new beginning
		m.err = ""
		m.enter(Serving, now)
	}
}

// hold is how long the target has to be good before it serves again.
func (m *machine) hold() time.Duration {
	switch {
	case m.state != Unreachable || m.renewed || !m.served:
		return 0
	case m.level <= 1:
		return m.damp.first
	}
	return min(m.damp.again<<min(m.level-2, 16), m.damp.most)
}

// apart says that an acquittal now is far enough from the last one.
func (m *machine) apart(now time.Time) bool {
	return m.acquitted.IsZero() || now.Sub(m.acquitted) >= m.damp.between
}

func (m *machine) realSuccess(now time.Time) {
	m.real = 0
	switch {
	case m.state == Serving || m.state == Unknown:
		m.success(now)
	case m.weak && m.state == Unreachable:
		// Probes must complete the verdict: real successes come in bursts.
		m.good = min(m.good, m.m-2)
		m.success(now)
	default:
		// A draining target answers requests, and that is no news. An
		// unreachable one is believed when its probes say so.
		m.lastOK = now
	}
}

func (m *machine) realFailure(err string, now time.Time) {
	m.realAt = now
	m.err = err
	most := m.n - 1 // a failed probe must complete the verdict
	if m.weak {
		most = m.n
		m.good = 0
	}
	m.real = min(m.real+1, most)
	m.back = m.back && m.bad+m.real < m.n
	m.judge(now)
}

func (m *machine) judge(now time.Time) {
	if m.state != Unreachable && m.bad+m.real >= m.n {
		if m.acquitted.IsZero() || now.Sub(m.acquitted) > m.damp.steady {
			m.level = 0
		}
		m.level++
		m.enter(Unreachable, now)
	}
}

func (m *machine) enter(s State, now time.Time) {
	if s != m.state {
		m.state, m.since = s, now
		m.served = m.served || s == Serving
		m.good, m.goodAt, m.misses, m.renewed, m.back = 0, time.Time{}, 0, false, false
	}
}

// pending says that there is evidence against the target and no verdict yet,
// which more probes would bring.
func (m *machine) pending() bool {
	return m.state != Unreachable && (m.bad > 0 || m.real > 0 && !m.weak)
}

// settled says that a further success would change nothing.
func (m *machine) settled() bool {
	return m.state == Serving && m.bad == 0 && m.real == 0
}
