package lane

import "sync/atomic"

// phase says what a connection does, to those outside of its Read: Close, which
// Shutdown calls on connections that net/http thinks idle, and drain.
//
//	inHTTP → waiting ⇄ answering → inHTTP
//	                   ↓ Close
//	                   lastAnswer → inHTTP, which is told to end it
//
// From all others, Close leads to closed at once.
type phase struct{ v atomic.Uint32 }

const (
	inHTTP uint32 = iota
	waiting
	answering
	lastAnswer
	closed
)

func (p *phase) is(v uint32) bool          { return p.v.Load() == v }
func (p *phase) move(from, to uint32) bool { return p.v.CompareAndSwap(from, to) }

// inLane reports whether the lane has the connection in hand.
func (p *phase) inLane() bool {
	v := p.v.Load()
	return v != inHTTP && v != closed
}

// close reports whether to close now.
func (p *phase) close() bool {
	for {
		switch v := p.v.Load(); v {
		case answering:
			if p.move(answering, lastAnswer) {
				return false
			}
		case lastAnswer:
			return false
		default:
			if p.move(v, closed) {
				return true
			}
		}
	}
}

// leave gives the connection back to net/http, and reports whether that may
// use it.
func (p *phase) leave() bool {
	for {
		v := p.v.Load()
		if v == closed {
			return false
		}
		if p.move(v, inHTTP) {
			return v != lastAnswer
		}
	}
}
