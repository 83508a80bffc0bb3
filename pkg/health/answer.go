package health

import (
	"encoding/json"
	"slices"
	"time"
)

// Answer is what an edge says of itself to a probe, as JSON.
type Answer struct {
	State State `json:"state"` // serving, draining
	// Without are the classes of endpoints (apispec) for which none of its
	// origins has a good canary.
	Without []string `json:"without,omitempty"`
	// NoOrigin: none of its origins answers it. It serves what it has stored,
	// and asks other regions for the rest.
	NoOrigin bool `json:"no_origin,omitempty"`
	// Process differs between two runs of the node.
	Process string `json:"process,omitempty"`
	Release string `json:"release,omitempty"` // of the origins' data
}

const (
	maxClasses = 64 // that an answer may name
	maxName    = 64 // bytes of a class or process
)

// ReadAnswer reads an edge's answer to a probe. What it cannot use is left out:
// the answer comes from another machine.
func ReadAnswer(body []byte) Answer {
	var a Answer
	if json.Unmarshal(body, &a) != nil {
		return Answer{}
	}
	a.Without = slices.DeleteFunc(a.Without, func(s string) bool { return !plainName(s) })
	slices.Sort(a.Without)
	a.Without = slices.Compact(a.Without)
	a.Without = a.Without[:min(len(a.Without), maxClasses)]
	if len(a.Without) == 0 {
		a.Without = nil
	}
	if !plainName(a.Process) {
		a.Process = ""
	}
	if a.State != Draining {
		a.State = Serving
	}
	return a
}

// plainName says that s may stand in logs, pages and statements.
func plainName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// Losses are the classes that an edge cannot serve: lost when it says so, since
// it asked more than once, and there again when it has not said so for as long
// as any edge has to be good. The zero Losses are none. It is not safe for
// concurrent use.
type Losses struct {
	machines map[string]*machine
	now      []string // in order; replaced, never changed
}

// Update takes in what it says now, and reports whether that changed them.
func (l *Losses) Update(without []string, now time.Time) (changed bool) {
	for _, class := range without {
		if l.machines[class] == nil && len(l.machines) < maxClasses {
			if l.machines == nil {
				l.machines = map[string]*machine{}
			}
			m := newMachine(1, 2, false, damped, now)
			m.step(sample{outcome: succeeded}, now) // it was there until now
			l.machines[class] = &m
		}
	}
	for class, m := range l.machines {
		s := sample{outcome: succeeded}
		if slices.Contains(without, class) {
			s.outcome = failed
		}
		changed = m.step(s, now) || changed
		if m.state == Serving && now.Sub(m.since) > m.damp.steady {
			delete(l.machines, class) // forgiven
		}
	}
	if !changed {
		return false
	}
	l.now = nil
	for class, m := range l.machines {
		if m.state == Unreachable {
			l.now = append(l.now, class)
		}
	}
	slices.Sort(l.now)
	return true
}

// Now are the classes, in order; nobody may change the slice.
func (l *Losses) Now() []string { return l.now }
