package lane

import "sync/atomic"

// phase says what a connection does, to those outside of its Read: Close, which
// Shutdown calls on connections that net/http thinks idle, and drain.
//
//	inHTTP → waiting ⇄ answering → inHTTP
//	         ↓ drain   ↓ Close
//	         drained   lastAnswer → closed
//
// A drained connection answers what has come already, and ends. From all but
// answering, Close leads to closed at once.
type phase struct{ v atomic.Uint32 }

const (
	inHTTP uint32 = iota
	waiting
	answering
	lastAnswer
	drained
	closed
)

func (p *phase) move(from, to uint32) bool { return p.v.CompareAndSwap(from, to) }

// inLane reports whether the lane has the connection in hand.
func (p *phase) inLane() bool {
	v := p.v.Load()
	return v != inHTTP && v != closed
}

// begin begins to answer. last: the lane is being drained, and nothing may be
// waited for after this. Not ok: it was closed.
func (p *phase) begin() (ok, last bool) {
	if p.move(waiting, answering) {
		return true, false
	}
	return p.move(drained, answering), true
}

// end ends it; false: it is to be closed.
func (p *phase) end() bool { return p.move(answering, waiting) }

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

// leave gives the connection back to net/http if it is still open, and says
// whether it is to be closed now.
func (p *phase) leave() (open, shut bool) {
	for {
		switch v := p.v.Load(); v {
		case closed:
			return false, false
		case lastAnswer:
			p.v.Store(closed)
			return false, true
		default:
			if p.move(v, inHTTP) {
				return true, false
			}
		}
	}
}
