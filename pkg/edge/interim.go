package edge

import (
	"maps"
	"net/http"
	"sync"

	"mirrornet/pkg/rfc9111"
)

// interim passes interim responses (1xx) on to the client that the source's
// answer is for (RFC 9110 §15.2). They come from the fetch's goroutine, which
// may outlive the request: after end none is passed on.
type interim struct {
	mu    sync.Mutex // guards all below
	w     http.ResponseWriter
	ended bool
}

// forwardInterim makes the plan's fetch pass them on, where an endpoint's
// answer is not made from several sources by rules of the catalogue.
func forwardInterim(w http.ResponseWriter, r *http.Request, p *plan) *interim {
	i := &interim{w: w}
	if p.endpoint == nil && r.ProtoAtLeast(1, 1) {
		p.interim = i.send
	}
	return i
}

func (i *interim) send(status int, h http.Header) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended {
		return
	}
	out := i.w.Header()
	final := maps.Clone(out) // each response has its own fields
	clear(out)
	maps.Copy(out, h)
	rfc9111.RemoveHopByHop(out)
	i.w.WriteHeader(status)
	clear(out)
	maps.Copy(out, final)
}

// end closes the way. The final response may be written then.
func (i *interim) end() {
	i.mu.Lock()
	i.ended = true
	i.mu.Unlock()
}
