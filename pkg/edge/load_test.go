package edge

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mirrornet/pkg/health"
	"mirrornet/pkg/region"
)

func TestRate(t *testing.T) {
	var r rate
	now := time.Unix(1e9, 0)
	for i := range 61 { // 100/s, looked at unevenly
		now = now.Add(time.Duration(500+i%3*500) * time.Millisecond)
		r = r.next(uint64(now.Sub(time.Unix(1e9, 0)).Seconds()*100), now)
	}
	if math.Abs(r.perSecond-100) > 1 {
		t.Errorf("100/s look like %v", r.perSecond)
	}
	for range 25 { // then nothing
		now = now.Add(time.Second)
		r = r.next(r.count, now)
	}
	if r.perSecond > 1 || r.perSecond < 0 {
		t.Errorf("nothing looks like %v/s", r.perSecond)
	}
	if again := r.next(0, now.Add(time.Second)); again.perSecond != r.perSecond {
		t.Errorf("a counter that began anew: %v/s", again.perSecond)
	}
}

func TestNextSpillProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		share := rapid.Float64Range(0, maxSpill).Draw(t, "share")
		load, more := rapid.Float64Range(0, 1e6).Draw(t, "load"), rapid.Float64Range(0, 1e6).Draw(t, "more")
		soft, room := rapid.Float64Range(0.1, 1e5).Draw(t, "soft"), rapid.Float64Range(0, 1e6).Draw(t, "room")
		dt := time.Duration(rapid.IntRange(1, 1e6).Draw(t, "ms")) * time.Millisecond
		next := nextSpill(share, load, soft, room, dt)
		if !(next >= 0 && next <= maxSpill) {
			t.Fatalf("%v is no share", next)
		}
		if load > soft && next < share || load < soft && next > share {
			t.Fatalf("load %v, soft %v: from %v to %v", load, soft, share, next)
		}
		if room == 0 && next > share {
			t.Fatalf("nobody has room, and %v became %v", share, next)
		}
		const dust = 1e-9
		if up := nextSpill(share, load+more, soft, math.Inf(1), dt); up < nextSpill(share, load, soft, math.Inf(1), dt)-dust {
			t.Fatalf("more load, less spill: %v", up)
		}
		if up := nextSpill(share, load, soft, room+more, dt); up < next-dust {
			t.Fatalf("more room, less spill: %v", up)
		}
		if down := nextSpill(share, load, soft+more, room, dt); down > next+dust {
			t.Fatalf("a higher limit, more spill: %v", down)
		}
		before := rapid.IntRange(0, maxSpill*100/spillStep).Draw(t, "before") * spillStep
		if p := inSteps(share, before); p%spillStep != 0 || p < 0 || p > maxSpill*100 || math.Abs(float64(p)-100*share) > spillStep {
			t.Fatalf("%v in steps is %d", share, p)
		}
	})
	if nextSpill(0.5, 100, 0, 100, time.Second) != 0 {
		t.Error("a region without a limit spills")
	}
}

// simulated is a region in the simulation: what its own clients would ask of it,
// its limit, and how late its clients follow.
type simulated struct {
	offered, soft float64
	load          rate
	count         float64
	share         float64
	spill         int
	late          []int // the spills that clients still go by, the oldest first
	changes       []int // when spill changed
}

// simulate lets each of the regions spill to the next one of the ring, and
// gives their loads at the end.
func simulate(rs []*simulated, seconds, late int) {
	now := time.Unix(1e9, 0)
	for s := range seconds {
		now = now.Add(time.Second)
		for i, r := range rs {
			from := rs[(i+len(rs)-1)%len(rs)]
			r.count += r.offered*(1-r.followed(late)) + from.offered*from.followed(late)
		}
		for _, r := range rs {
			r.load = r.load.next(uint64(r.count), now)
		}
		for i, r := range rs {
			room := 0.0
			for j, other := range rs {
				if j != i {
					room += max(0, other.soft-other.load.perSecond)
				}
			}
			r.share = nextSpill(r.share, r.load.perSecond, r.soft, room, time.Second)
			was := r.spill
			if r.spill = inSteps(r.share, r.spill); r.spill != was {
				r.changes = append(r.changes, s)
			}
			r.late = append(r.late, r.spill)
		}
	}
}

func (r *simulated) followed(late int) float64 {
	if len(r.late) <= late {
		return 0
	}
	return float64(r.late[len(r.late)-1-late]) / 100
}

// Regions that spill to each other settle under a constant offer, whether their
// clients follow at once (redirects) or half a minute later (DNS).
func TestSpillSettles(t *testing.T) {
	for _, c := range []struct {
		name    string
		offered []float64
		soft    []float64
		late    int
	}{
		{"one too busy", []float64{1000, 200}, []float64{800, 800}, 1},
		{"one too busy, slow clients", []float64{1000, 200}, []float64{800, 800}, 30},
		{"three times its limit", []float64{2400, 100}, []float64{800, 4000}, 1},
		{"three times its limit, slow clients", []float64{2400, 100}, []float64{800, 4000}, 30},
		{"both too busy", []float64{1000, 1000}, []float64{800, 800}, 1},
		{"both too busy, slow clients", []float64{1000, 1200}, []float64{800, 900}, 30},
		{"little room", []float64{1000, 750}, []float64{800, 800}, 1},
		{"a ring", []float64{1000, 700, 100}, []float64{800, 800, 800}, 10},
		{"none too busy", []float64{500, 700}, []float64{800, 800}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var rs []*simulated
			offered, soft := 0.0, 0.0
			for i := range c.offered {
				rs = append(rs, &simulated{offered: c.offered[i], soft: c.soft[i]})
				offered, soft = offered+c.offered[i], soft+c.soft[i]
			}
			simulate(rs, 1800, c.late)
			var say []string
			for i, r := range rs {
				say = append(say, fmt.Sprintf("%d: load %.0f of %.0f, spill %d%%, changes %v", i, r.load.perSecond, r.soft, r.spill, r.changes))
				late := 0
				for j := 1; j < len(r.changes); j++ {
					if r.changes[j] > 900 {
						late++
					}
				}
				if late > 0 {
					t.Errorf("region %d still changes after a quarter of an hour", i)
				}
				if offered < 0.9*soft && r.load.perSecond > 1.05*r.soft {
					t.Errorf("region %d has load %.0f, limit %.0f, and the others have room", i, r.load.perSecond, r.soft)
				}
			}
			t.Log(strings.Join(say, "; "))
		})
	}
}

// saying are statements between edges of one test.
type saying struct {
	mu   sync.Mutex // guards the field below
	said map[string]Statement
}

func (s *saying) by(node string) Statements { return speaker{s, node} }

type speaker struct {
	*saying
	node string
}

func (s speaker) Share(topic, subject string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.said == nil {
		s.said = map[string]Statement{}
	}
	s.said[topic+" "+subject] = Statement{Topic: topic, Subject: subject, Writer: s.node, Value: value}
	return nil
}

func (s speaker) Statements(topic string) (list []Statement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range slices.Sorted(maps.Keys(s.said)) {
		if s.said[k].Topic == topic {
			list = append(list, s.said[k])
		}
	}
	return list
}

// lookAtLoad is what happens each second: what served goes on serving, and the
// load is looked at.
func (s *setup) lookAtLoad() {
	s.clock.Add(int64(time.Second))
	s.world.mu.Lock()
	for id, st := range s.world.states {
		if st.State == health.Serving {
			st.LastOK = s.edge.Now()
			s.world.states[id] = st
		}
	}
	s.world.mu.Unlock()
	s.edge.Refresh()
	if s.edge.observeLoad(s.edge.Now()) {
		s.edge.Refresh()
	}
}

func withLimits(t *testing.T, soft, hard float64) func(*Config) {
	return func(c *Config) {
		m := c.Maps.Map()
		list := slices.Clone(m.Regions())
		for i := range list {
			if list[i].Name == "europe" {
				list[i].SoftRPS, list[i].HardRPS = soft, hard
			}
		}
		limited, err := region.NewMap(m.Network(), list...)
		if err != nil {
			t.Fatal(err)
		}
		c.Maps.(*testWorld).m = limited
	}
}

// Above its hard limit a region answers from store, sheds misses, and sends page
// loads elsewhere.
func TestHardLimit(t *testing.T) {
	var said saying
	s := newEdge(t, withLimits(t, 0, 10), func(c *Config) { c.Statements = said.by("europe-1") })
	s.ask("GET", "/thing/x", "")
	look := s.lookAtLoad
	look()
	for range 10 {
		for range 20 {
			s.ask("GET", "/thing/x", "")
		}
		look()
	}
	rps, _, over := s.edge.Load("europe")
	if rps < 15 || rps > 21 || !over {
		t.Fatalf("20/s look like %.1f, over %v", rps, over)
	}
	var word loadWord
	if list := said.by("").Statements(loadTopic); len(list) != 1 || list[0].Subject != "europe-1" || json.Unmarshal(list[0].Value, &word) != nil || !word.Over || word.RPS < 10 {
		t.Errorf("it says %v", list)
	}
	if w := s.ask("GET", "/thing/x", ""); w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Status"), "hit") {
		t.Errorf("a hit: %d %v", w.Code, w.Header())
	}
	before := s.origin.total()
	if w := s.ask("GET", "/thing/y", ""); w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("Mirror-Region") != "europe" {
		t.Errorf("a miss: %d %v", w.Code, w.Header())
	}
	if w := s.ask("POST", "/other", "x"); w.Code != 503 {
		t.Errorf("a POST: %d %v", w.Code, w.Header())
	}
	if n := s.origin.total() - before; n != 0 {
		t.Errorf("the origin was asked %d times", n)
	}
	if w := s.ask("GET", "/thing/z", "", "Host", "rest.test", "Accept", "text/html"); w.Code != 307 || !strings.HasPrefix(w.Header().Get("Location"), "http://asia.test/") {
		t.Errorf("a page load by the canonical name: %d %v", w.Code, w.Header())
	}
	for range 30 {
		look()
	}
	if w := s.ask("GET", "/thing/y", ""); w.Code != 200 {
		t.Errorf("a miss when it is quiet again: %d", w.Code)
	}
}

// A region's load is that of its nodes, and its first node says what it does.
func TestLoadOfRegion(t *testing.T) {
	var said saying
	share := func(node, text string) { said.by(node).Share(loadTopic, node, []byte(text)) }
	s := newEdge(t, withLimits(t, 100, 1000), func(c *Config) {
		c.Statements = said.by("europe-1")
		w := c.Members.(*testWorld)
		w.members = append(w.members, Member{Node: "europe-0", Region: "europe", State: "alive", Advertise: "http://127.0.0.1:1"})
	})
	s.world.set(nodeID("europe-0"), "serving", s.edge)
	share("europe-0", `{"rps":150,"spill":35}`)
	share("asia-1", `{"rps":7}`)
	said.by("evil").Share(loadTopic, "asia-2", []byte(`{"rps":1e300,"spill":-5}`))
	look := s.lookAtLoad
	look()
	look()
	if rps, spill, over := s.edge.Load("europe"); rps != 150 || spill != 35 || over {
		t.Errorf("europe: %v/s, spill %d, over %v", rps, spill, over)
	}
	if rps, spill, over := s.edge.Load("asia"); rps != 7 || spill != 0 || over {
		t.Errorf("asia: %v/s, spill %d, over %v", rps, spill, over)
	}
	if got := s.edge.world.Load().Status["europe"].Spill; got != 35 {
		t.Errorf("decisions go by a spill of %d", got)
	}
	for _, bad := range []string{`{"rps":-1}`, `{"rps":1e300}`, `{"spill":101}`, `[]`, `x`} {
		share("asia-1", bad)
		look()
		if rps, spill, _ := s.edge.Load("asia"); rps != 0 || spill != 0 {
			t.Errorf("%s is believed: %v, %d", bad, rps, spill)
		}
	}
	s.world.set(nodeID("europe-0"), "unreachable", s.edge) // europe-1 leads now, and goes on from there
	generation := s.edge.aliases.generation.Load()
	look()
	if _, spill, _ := s.edge.Load("europe"); spill != 35 {
		t.Errorf("the next first node begins with %d", spill)
	}
	for range 300 {
		look()
	}
	if _, spill, _ := s.edge.Load("europe"); spill != 0 {
		t.Errorf("without load it still spills %d", spill)
	}
	if s.edge.aliases.generation.Load() == generation {
		t.Error("what the lane answers does not follow the spill")
	}
}

// What nodes say of their load leaves room for other news, however many they are.
func TestSayEvery(t *testing.T) {
	for nodes, want := range map[int]time.Duration{1: time.Second, 30: time.Second, 60: 2 * time.Second, 300: 10 * time.Second} {
		if got := sayEvery(nodes); got != want {
			t.Errorf("sayEvery(%d) = %s, want %s", nodes, got, want)
		}
	}
}
