package edge

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/geo"
	"mirrornet/pkg/health"
)

func gossipKeys(t testing.TB, keys ...string) *fetch.HopKeys {
	t.Helper()
	var list [][]byte
	for _, k := range keys {
		list = append(list, bytes.Repeat([]byte(k), 32))
	}
	k, err := fetch.NewHopKeys(list)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// tells makes the origin say what reached it.
func tells(f *fleet) {
	f.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		fmt.Fprintf(w, "for=%s proto=%s hop=%q loop=%d", r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"), r.Header[fetch.HopField], fetch.Hops(r.Header))
	})
}

const unkeyed = "/other" // of no endpoint: it is passed on with its client

// Whatever an outsider writes, it is the address it came from that is the client; and what it says of hops only
// holds it back.
func TestHopSpoofed(t *testing.T) {
	keys := gossipKeys(t, "k", "old")
	f := newFleet(t, testMap(t), []string{"europe-1", "asia-1"}, func(_ string, c *Config) {
		c.HopKeys = func() *fetch.HopKeys { return keys }
	})
	tells(f)
	tokyo, _ := geo.At(35.7, 139.7)
	f.nodes["europe-1"].world.places[japan] = geo.Place{Country: "JP", Continent: "AS", Point: tokyo, AccuracyKm: 20}
	now := time.Now()
	asked := fetch.Asked{Method: "POST", Target: unkeyed, Authority: "europe.test"}
	hop := fetch.Hop{Node: "asia-1", Client: japan, Proto: "https", At: now}
	good := keys.Sign(hop, asked)
	const outsider = "for=203.0.113.4 proto=http hop=[]"
	for _, tt := range []struct {
		name   string
		fields []string
		want   string
	}{
		{"nothing", nil, outsider + " loop=1"},
		{"X-Forwarded-For", []string{"X-Forwarded-For", japan.String(), "X-Forwarded-Proto", "https", "Forwarded", "for=" + japan.String()}, outsider + " loop=1"},
		{"from loopback, which nobody trusts here", []string{"Remote", "127.0.0.1:5", "X-Forwarded-For", japan.String()}, "for=127.0.0.1 proto=http hop=[] loop=1"},
		{"CDN-Loop", []string{"CDN-Loop", "mirrornet"}, outsider + " loop=2"},
		{"unsigned", []string{fetch.HopField, gossipKeys(t).Sign(hop, asked)}, outsider + " loop=1"},
		{"unsigned, from loopback", []string{"Remote", "127.0.0.1:5", fetch.HopField, gossipKeys(t).Sign(hop, asked)}, "for=127.0.0.1 proto=http hop=[] loop=1"},
		{"by a key of its own", []string{fetch.HopField, gossipKeys(t, "x").Sign(hop, asked)}, outsider + " loop=1"},
		{"for another target", []string{fetch.HopField, keys.Sign(hop, fetch.Asked{Method: "POST", Target: "/elsewhere", Authority: "europe.test"})}, outsider + " loop=1"},
		{"for another method", []string{fetch.HopField, keys.Sign(hop, fetch.Asked{Method: "GET", Target: unkeyed, Authority: "europe.test"})}, outsider + " loop=1"},
		{"for another host", []string{fetch.HopField, keys.Sign(hop, fetch.Asked{Method: "POST", Target: unkeyed, Authority: "asia.test"})}, outsider + " loop=1"},
		{"client changed", []string{fetch.HopField, strings.Replace(good, japan.String(), "192.0.2.7", 1)}, outsider + " loop=1"},
		{"of yesterday", []string{fetch.HopField, keys.Sign(fetch.Hop{Node: "asia-1", Client: japan, At: now.Add(-24 * time.Hour)}, asked)}, outsider + " loop=1"},
		{"two fields", []string{fetch.HopField, good, fetch.HopField, good}, outsider + " loop=1"},
		{"garbage", []string{fetch.HopField, "v=1"}, outsider + " loop=1"},
		{"as an edge would", []string{fetch.HopField, good, "CDN-Loop", "mirrornet"}, "for=" + japan.String() + " proto=https hop=[] loop=2"},
		{"as an edge would, by the second key", []string{fetch.HopField, gossipKeys(t, "old").Sign(hop, asked), "CDN-Loop", "mirrornet"}, "for=" + japan.String() + " proto=https hop=[] loop=2"},
	} {
		if w := f.ask("europe-1", "POST", unkeyed, "", tt.fields...); w.Code != 200 || w.Body.String() != tt.want {
			t.Errorf("%s: %d %s, want %s", tt.name, w.Code, w.Body, tt.want)
		}
	}
	// A browser on a canonical name goes to the region nearest to where it is, not to where it says that it is.
	navigation := []string{"Host", "rest.test", "Sec-Fetch-Mode", "navigate", "Accept", "text/html"}
	for _, forged := range [][]string{{"X-Forwarded-For", japan.String()}, {fetch.HopField, gossipKeys(t).Sign(hop, fetch.Asked{Method: "GET", Target: "/", Authority: "rest.test"})}} {
		if w := f.ask("europe-1", "GET", "/thing/a", "", append(navigation, forged...)...); w.Code != 200 || w.Header().Get("Mirror-Nearest") == "asia" {
			t.Errorf("%v: %d, nearest %s", forged, w.Code, w.Header().Get("Mirror-Nearest"))
		}
	}
	// Loops are cut on anybody's word.
	if w := f.ask("europe-1", "GET", "/thing/a", "", "CDN-Loop", "mirrornet, mirrornet", "CDN-Loop", "mirrornet"); w.Code != http.StatusLoopDetected {
		t.Errorf("after three hops: %d", w.Code)
	}
}

// The client's address and scheme go through an edge to the origin of another.
func TestHopNamesTheClient(t *testing.T) {
	keys := map[string]*atomic.Pointer[fetch.HopKeys]{"europe-1": {}, "asia-1": {}}
	skew := map[string]*atomic.Int64{"europe-1": {}, "asia-1": {}}
	for _, k := range keys {
		k.Store(gossipKeys(t, "a"))
	}
	f := newFleet(t, testMap(t), []string{"europe-1", "asia-1"}, func(node string, c *Config) {
		c.HopKeys = func() *fetch.HopKeys { return keys[node].Load() }
		c.Now = func() time.Time { return time.Now().Add(time.Duration(skew[node].Load())) }
	})
	tells(f)
	ask := func() string { // by asia's name at europe's node, which proxies
		t.Helper()
		w := f.ask("europe-1", "POST", unkeyed, "", "Host", "asia.test", "Remote", "198.51.100.7:5")
		if w.Code != 200 || w.Header().Get("Mirror-Region") != "asia" {
			t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
		}
		return w.Body.String()
	}
	const client, unknown = "for=198.51.100.7 proto=http hop=[] loop=2", "for=127.0.0.1 proto=http hop=[] loop=2"
	if got := ask(); got != client {
		t.Errorf("one key: %s", got)
	}
	// A rotation: the new key is known to both before one signs with it.
	for _, step := range []struct{ node, keys string }{{"asia-1", "an"}, {"europe-1", "an"}, {"europe-1", "na"}, {"asia-1", "na"}, {"europe-1", "n"}, {"asia-1", "n"}} {
		keys[step.node].Store(gossipKeys(t, strings.Split(step.keys, "")...))
		if got := ask(); got != client {
			t.Errorf("%s has %s: %s", step.node, step.keys, got)
		}
	}
	// A clock that is 5 minutes off costs the client's name, and not the answer.
	for _, off := range []time.Duration{5 * time.Minute, -5 * time.Minute} {
		skew["europe-1"].Store(int64(off))
		f.nodes["europe-1"].world.states[nodeID("asia-1")] = health.TargetStatus{State: health.Serving, LastOK: time.Now().Add(time.Hour)}
		f.nodes["europe-1"].edge.Refresh()
		if got := ask(); got != unknown {
			t.Errorf("clock off by %s: %s", off, got)
		}
	}
	log := f.nodes["asia-1"].log.String()
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, "node=europe-1") || !strings.Contains(log, "ahead=5m0s") && !strings.Contains(log, "ahead=4m59s") {
		t.Errorf("asia's log, one line a minute: %s", log)
	}
	if m := metrics(t, f.nodes["asia-1"].edge); !strings.Contains(m, `mirrornet_hops_total{node="asia-1",region="r",result="clock"} 2`) {
		t.Errorf("not counted")
	}
	// And keys that differ.
	skew["europe-1"].Store(0)
	keys["europe-1"].Store(gossipKeys(t, "x"))
	if got := ask(); got != unknown {
		t.Errorf("another key: %s", got)
	}
}

// Without keys, edges on one machine believe each other, and nobody else.
func TestHopsOnLoopback(t *testing.T) {
	f := newFleet(t, testMap(t), []string{"europe-1", "asia-1"})
	tells(f)
	if w := f.ask("europe-1", "POST", unkeyed, "", "Host", "asia.test"); w.Body.String() != "for=203.0.113.4 proto=http hop=[] loop=2" {
		t.Errorf("proxied: %s", w.Body)
	}
	hop := gossipKeys(t).Sign(fetch.Hop{Node: "asia-1", Client: netip.MustParseAddr("192.0.2.7"), At: time.Now()}, fetch.Asked{Method: "POST", Target: unkeyed, Authority: "europe.test"})
	for remote, want := range map[string]string{"127.0.0.1:5": "192.0.2.7", "[::1]:5": "192.0.2.7", "203.0.113.4:5": "203.0.113.4", "10.0.0.1:5": "10.0.0.1"} {
		if w := f.ask("europe-1", "POST", unkeyed, "", "Remote", remote, fetch.HopField, hop); !strings.HasPrefix(w.Body.String(), "for="+want+" ") {
			t.Errorf("from %s: %s", remote, w.Body)
		}
	}
	f.nodes["europe-1"].edge.HopKeys = nil // a node that stands alone has no edges to believe
	if w := f.ask("europe-1", "POST", unkeyed, "", "Remote", "127.0.0.1:5", fetch.HopField, hop); !strings.HasPrefix(w.Body.String(), "for=127.0.0.1 ") {
		t.Errorf("alone: %s", w.Body)
	}
}

// FuzzForwarded: an outsider that nobody trusts is its own address, whatever it writes of proxies and edges.
func FuzzForwarded(f *testing.F) {
	keys := gossipKeys(f, "k")
	var sent http.Header
	origin := roundTripper(func(r *http.Request) (*http.Response, error) {
		sent = r.Header
		w := httptest.NewRecorder()
		w.WriteHeader(http.StatusNoContent)
		return w.Result(), nil
	})
	s := newEdge(f, plainMode, func(c *Config) {
		c.Transport, c.HopKeys = origin, func() *fetch.HopKeys { return keys }
	})
	f.Add("203.0.113.9, 192.0.2.1", "for=192.0.2.1;proto=https", "mirrornet; node=\"x\"", "v=1; t=1764086400; node=asia-1; client=192.0.2.1; sig=AAAA", "192.0.2.1")
	f.Add(", ,::1%eth0", "", "mirrornet,mirrornet,mirrornet", "v=1; t=1; node=%zz", "")
	f.Fuzz(func(t *testing.T, xff, forwarded, loop, hop, realIP string) {
		sent = nil
		r := httptest.NewRequest("POST", "/a", nil)
		r.RemoteAddr, r.Host = "203.0.113.4:5", "europe.test"
		r.Header = http.Header{"X-Forwarded-For": {xff, xff}, "Forwarded": {forwarded}, "Cdn-Loop": {loop}, "Mirror-Hop": {hop}, "X-Real-Ip": {realIP},
			"X-Forwarded-Proto": {"https"}, "X_forwarded_for": {xff}}
		w := httptest.NewRecorder()
		s.edge.ServeHTTP(final{w}, r)
		if w.Code == http.StatusLoopDetected && fetch.Hops(r.Header) > fetch.MaxHops {
			return
		}
		if w.Code != http.StatusNoContent {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for name, values := range sent {
			if steersOrigins(name) && !(name == "X-Forwarded-For" && len(values) == 1 && values[0] == "203.0.113.4") &&
				!(name == "X-Forwarded-Proto" && len(values) == 1 && values[0] == "http") {
				t.Fatalf("the origin was sent %s: %q", name, values)
			}
		}
	})
}
