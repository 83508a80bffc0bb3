package health

import (
	"testing"
	"time"
)

// A target that goes away while it is unreachable, as a node does that gossip
// calls dead, is damped when it comes back; one that was fit begins anew.
func TestGoneIsNotForgotten(t *testing.T) {
	run(t, Config{}, func(f *fixture) {
		f.until("a", Serving, time.Second)
		f.net.set("a", swallow)
		f.until("a", Unreachable, 10*time.Second)
		f.aim()
		f.pass(20 * time.Second)
		f.net.set("a", answer(200, `{"state":"serving"}`))
		f.aim(edge("a"))
		f.pass(10 * time.Second)
		if s := f.View().Status["a"]; s.State != Unreachable || !s.Back {
			t.Errorf("10 s after it came back: %s, back %t", s.State, s.Back)
		}
		f.until("a", Serving, time.Minute)

		f.aim()
		f.pass(20 * time.Second)
		f.aim(edge("a"))
		f.until("a", Serving, time.Second) // it left in good health

		f.net.set("a", swallow)
		f.until("a", Unreachable, 10*time.Second)
		f.aim()
		f.pass(goneTime + time.Minute)
		f.net.set("a", answer(200, `{"state":"serving"}`))
		f.aim(edge("a"))
		f.until("a", Serving, time.Second) // that was long ago
	}, edge("a"))
}
