package edge

import (
	"bufio"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mirrornet/pkg/health"
	"mirrornet/pkg/region"
)

// homeInAsia makes asia the nearest region of clients whose place is unknown.
func homeInAsia(t testing.TB) func(*Config) {
	return func(c *Config) {
		m := c.Maps.Map()
		network := m.Network()
		network.Home = "asia"
		other, err := region.NewMap(network, m.Regions()...)
		if err != nil {
			t.Fatal(err)
		}
		c.Maps.(*testWorld).m = other
	}
}

// page loads a page; lane says who answered, by the counters.
func (c *client) page(target string, fields ...string) (a answer) {
	c.l.t.Helper()
	all, byLane := c.l.counts()
	a = c.ask("GET", target, append([]string{"Host: rest.test", "Accept: text/html", "Sec-Fetch-Mode: navigate"}, fields...)...)
	for end := time.Now().Add(5 * time.Second); ; { // they count when the answer is out
		now, nowByLane := c.l.counts()
		if now == all+1 {
			a.lane = nowByLane > byLane
			return a
		}
		if now > all+1 || time.Now().After(end) {
			c.l.t.Fatalf("one request, and %d were counted", now-all)
		}
	}
}

// counts are the requests that were answered, and those that the lane answered.
func (l *laned) counts() (all, byLane int) {
	w := httptest.NewRecorder()
	l.edge.Metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if !strings.HasPrefix(line, "mirrornet_requests_total") {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]))
		if err != nil {
			l.t.Fatal(err)
		}
		all += n
		if strings.Contains(line, `tier="lane"`) {
			byLane += n
		}
	}
	return all, byLane
}

// The lane sends page loads on as the ordinary path does, each to its own target.
func TestLaneRedirects(t *testing.T) {
	lines := &lines{}
	start, passed := time.Now(), atomic.Int64{} // time stands, but for what the test adds
	l := newLaned(t, homeInAsia(t), func(c *Config) {
		c.AccessLog = slog.New(slog.NewJSONHandler(lines, nil))
		c.Now = func() time.Time { return start.Add(time.Duration(passed.Load())) }
	})
	c := l.client("127.0.0.1")
	warm := func() {
		t.Helper()
		for range 50 {
			if c.page("/thing/warm").lane {
				return
			}
		}
		t.Fatal("the lane never answers")
	}
	for _, target := range []string{"/", "/network", "/thing/x", "/thing/y?a=1;b=2", "/a/b:c@1.5~x?q=%3b&r=1"} {
		want := l.ask("GET", target, "", "Host", "rest.test", "Accept", "text/html", "Sec-Fetch-Mode", "navigate")
		warm()
		got := c.page(target)
		got.header.Del("Date")
		got.header.Del("Content-Length")
		if !got.lane || got.status != 307 || got.body != want.Body.String() || !maps.EqualFunc(got.header, want.Header(), slices.Equal[[]string]) {
			t.Errorf("%s: %+v, not %d %v %q", target, got, want.Code, want.Header(), want.Body)
		}
		if last := lines.last(t); last["target"] != target || last["action"] != "redirect" || last["bytes"] != float64(len(got.body)) || last["region"] != "asia" {
			t.Errorf("%s is logged as %v", target, last)
		}
	}
	warm()
	for name, fields := range map[string][]string{
		"/thing/x?redirect=no": nil, "/thing/x?a=1&Redirect=no": nil, "/thing/x?mirror-avoid=asia": nil, "/-/healthz": nil, "/.well-known/mirrors.json": nil,
		"/thing/cookie": {"Cookie: redirect_mirror=no"}, "/thing/wish": {"Mirror-Avoid: asia"}, "/thing/json": {"Cdn-Loop: mirrornet"},
		"//thing/x": nil, "/thing/x?": nil, "/thing/x?a=1&": nil,
	} {
		if a := c.page(name, fields...); a.lane {
			t.Errorf("%s %v: the lane answers %v", name, fields, a.header)
		}
	}
	if a := c.page("/thing/x", "Cookie: a=b; c=d"); !a.lane || a.status != 307 {
		t.Errorf("with cookies of others: %+v", a)
	}
	if a := c.ask("HEAD", "/thing/x", "Host: rest.test", "Accept: text/html", "Sec-Fetch-Mode: navigate"); a.status != 307 || a.body != "" {
		t.Errorf("HEAD: %d %q", a.status, a.body)
	}
	warm()
	l.world.set(nodeID("asia-1"), health.Unreachable, l.edge)
	if a := c.page("/thing/x"); a.status == 307 {
		t.Errorf("sent to a region that went away: %v", a.header)
	}
	l.world.set(nodeID("asia-1"), health.Serving, l.edge)
	warm()
	passed.Add(int64(2 * elsewhereFor))
	if a := c.page("/thing/x"); a.status != 307 || a.lane {
		t.Errorf("its Date is too old: %d %v", a.status, a.header)
	}
}

// lines keeps a log.
type lines struct {
	mu   sync.Mutex // guards the field below
	list []string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, string(b))
	return len(b), nil
}

func (l *lines) last(t *testing.T) (line map[string]any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := json.Unmarshal([]byte(l.list[len(l.list)-1]), &line); err != nil {
		t.Fatal(err)
	}
	return line
}

// Whatever target is taken for one that is sent on like others, the ordinary
// path sends it to the same place.
func TestSentAlike(t *testing.T) {
	s := newEdge(t, homeInAsia(t))
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "Z", "0", "/", "/", "-", ".", "..", "well-known", "~", "?", "?", "&", ";", "=", "%41", "%2f", "%",
			"redirect", "Redirect=no", "mirror-avoid=asia", "mirror-prefer=europe", "+", ",", "@", ":", "#", "\"", "*", "!", "network", "é", "\\", "|"}), 0, 8).Draw(t, "pieces")
		target := "/" + strings.Join(pieces, "")
		if !sentAlike([]byte(target), nil) {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: rest.test\r\nAccept: text/html\r\n\r\n")))
		if err != nil {
			t.Fatalf("%s is no request: %v", target, err)
		}
		r.RemoteAddr = "127.0.0.1:5"
		w := httptest.NewRecorder()
		s.edge.ServeHTTP(w, r)
		if got := w.Header().Get("Location"); w.Code != 307 || got != "http://asia.test"+target {
			t.Fatalf("%s is sent to %q, %d", target, got, w.Code)
		}
	})
	for target, want := range map[string]bool{"/": true, "/a?b=c;d=%20": true, "/a?redirected=1": false, "/a?xredirect=1": true, "a": false, "/a b": false, "/%41": false, "/a?b=\"": false} {
		if got := sentAlike([]byte(target), nil); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
	if n := testing.AllocsPerRun(100, func() { sentAlike(longTarget, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

var longTarget = []byte("/overlap/region/human/7:140424943-140624564?feature=gene;feature=transcript;content-type=application/json")
