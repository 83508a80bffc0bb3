package live

import (
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// heartbeat is how often a watcher hears something at least: a page then
	// knows that the connection holds.
	heartbeat = 2 * time.Second
	// writeFor bounds one write to a watcher that does not read.
	writeFor = 5 * time.Second
	// again is when to come back, in seconds, for whom there is no place.
	again = "5"
)

// A stream is one of the two forms of a Hub's events.
type stream struct {
	hub      *Hub
	of       func(*frame) []byte
	public   bool
	most     int64
	watchers atomic.Int64

	mu      sync.Mutex // guards clients
	clients map[netip.Prefix]int
}

// enter takes a place for a client, who has a quarter of them at most; leave
// gives it back. A client is an address, or an IPv6 /64. The unknown have no
// bound of their own: who they are is not told apart.
func (s *stream) enter(client netip.Addr) (leave func(), ok bool) {
	bits := 32
	if client.Is6() {
		bits = 64
	}
	who, _ := client.Prefix(bits) // invalid for the invalid
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watchers.Load() >= s.most || who.IsValid() && int64(s.clients[who]) >= max(1, s.most/4) {
		return nil, false
	}
	s.watchers.Add(1)
	s.clients[who]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watchers.Add(-1)
		if s.clients[who]--; s.clients[who] == 0 {
			delete(s.clients, who)
		}
	}, true
}

// ServeHTTP writes frames until the client goes, the Hub ends, or a write takes
// too long.
func (s *stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if s.public {
		h.Set("Access-Control-Allow-Origin", "*")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "events are read with GET")
		return
	}
	leave, ok := s.enter(s.hub.cfg.Client(r))
	if !ok {
		h.Set("Retry-After", again)
		refuse(w, http.StatusServiceUnavailable, "too many watch already; read /-/status.json meanwhile")
		return
	}
	defer leave()
	f := s.hub.newest.Load()
	if f == nil || f.last {
		h.Set("Retry-After", again)
		refuse(w, http.StatusServiceUnavailable, "this node tells no events now; it starts or stops")
		return
	}
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would wait for more
	if r.Method == http.MethodHead {
		return
	}
	s.watch(w, r, f)
}

func (s *stream) watch(w http.ResponseWriter, r *http.Request, f *frame) {
	conn := http.NewResponseController(w)
	write := func(text []byte) bool {
		conn.SetWriteDeadline(time.Now().Add(writeFor)) // where there is none, the server has one
		if _, err := w.Write(text); err != nil {
			return false
		}
		return conn.Flush() == nil
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for ok := write(s.of(f)); ok && !f.last; {
		select {
		case <-f.next: // what came between is missed
			f = s.hub.newest.Load()
			ok = write(s.of(f))
			beat.Reset(heartbeat)
		case <-beat.C:
			ok = write([]byte(":\n\n"))
		case <-r.Context().Done():
			ok = false
		}
	}
	conn.SetWriteDeadline(time.Time{})
}

func refuse(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write([]byte(`{"error":` + strconv.Quote(why) + "}\n"))
}

// eventText is one event of the stream. data has no line ends.
func eventText(id uint64, data []byte) []byte {
	b := make([]byte, 0, len(data)+64)
	b = append(b, "event: report\nid: "...)
	b = strconv.AppendUint(b, id, 10)
	b = append(append(b, "\ndata: "...), data...)
	return append(b, "\n\n"...)
}
