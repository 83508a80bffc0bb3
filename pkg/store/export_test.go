package store

// SetWide bounds the joined reads under way with each server.
func (m *Memcached) SetWide(n int) {
	for _, s := range m.servers {
		s.gather.wide = n
	}
}

// Gathered counts the joined reads under way, and those that wait.
func (m *Memcached) Gathered() (flying, waiting int) {
	for _, s := range m.servers {
		s.gather.mu.Lock()
		flying, waiting = flying+s.gather.flying, waiting+len(s.gather.waiting)
		s.gather.mu.Unlock()
	}
	return flying, waiting
}

// ReadUsage is for the fuzzer.
var ReadUsage = readUsage
