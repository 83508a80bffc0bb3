package edge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/health"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
)

// The log of a decision, its explanation and its short form say the same, in the
// same words.
func TestOneVocabulary(t *testing.T) {
	var log bytes.Buffer
	s := newEdge(t, func(c *Config) { c.AccessLog = observe.NewLogger(&log, false, slog.LevelInfo) })
	asia := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "from asia") }))
	defer asia.Close()
	s.world.members[1].Advertise = asia.URL
	s.edge.Refresh()
	seen := map[string]bool{}
	check := func(client, host string, navigate bool) {
		t.Helper()
		log.Reset()
		accept, param := "application/json", ""
		if navigate {
			accept, param = "text/html", "&navigate=1"
		}
		s.ask("GET", "/thing/x", "", "X-Forwarded-For", client, "Host", host, "Accept", accept)
		var logged map[string]any
		if err := json.Unmarshal(log.Bytes(), &logged); err != nil {
			t.Fatal(err)
		}
		var x status.Explanation
		if err := json.Unmarshal(s.ask("GET", "/-/route?addr="+client+"&host="+host+param, "").Body.Bytes(), &x); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		s.edge.ServeExplanation(w, httptest.NewRequest("GET", fmt.Sprintf("/route?addr=%s&addr=%s&host=%s%s", client, client, host, param), nil))
		var list []map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) != 2 {
			t.Fatalf("%v: %s", err, w.Body)
		}
		var long map[string]any
		text, _ := json.Marshal(x)
		json.Unmarshal(text, &long)
		for _, word := range []string{"client", "action", "region", "nearest", "reason"} {
			if logged[word] != long[word] || logged[word] != list[0][word] || logged[word] == nil {
				t.Errorf("%s %s %v: %s is %q in the log, %q in the explanation, %q in short", client, host, navigate, word, logged[word], long[word], list[0][word])
			}
		}
		if logged["country"] != list[1]["country"] {
			t.Errorf("country %q in the log, %q in short", logged["country"], list[1]["country"])
		}
		seen[x.Action] = true
	}
	all := func() {
		t.Helper()
		for _, client := range []string{"133.39.1.1", "2001:200::1", "198.51.100.7"} {
			for _, host := range []string{"rest.test", "europe.test", "asia.test"} {
				check(client, host, false)
				check(client, host, true)
			}
		}
	}
	all()
	s.world.set(nodeID("asia-1"), health.Unreachable, s.edge)
	all()
	for _, action := range []string{"serve", "redirect", "proxy"} {
		if !seen[action] {
			t.Errorf("nothing was decided %s", action)
		}
	}
}

func TestExplainMany(t *testing.T) {
	s := newEdge(t)
	for query, want := range map[string]string{
		"addr=133.39.1.1&addr=nonsense":           `"error":"addr is not an IP address`,
		strings.Repeat("addr=133.39.1.1&", 1001):  `"error":"more than 1000 addr`,
		"addr=133.39.1.1&addr=::ffff:133.39.1.1":  `[{"client":"133.39.1.1","country":"JP",`,
		"addr=133.39.1.1&addr=2001:200::1&host=x": `"client":"2001:200::1","country":"JP","action":"serve"`,
		"addr=133.39.1.1":                         `"candidates"`,
	} {
		w := httptest.NewRecorder()
		s.edge.ServeExplanation(w, httptest.NewRequest("GET", "/route?"+query, nil))
		var text bytes.Buffer
		if err := json.Compact(&text, w.Body.Bytes()); err != nil || !strings.Contains(text.String(), want) {
			t.Errorf("%.60s: %v %d %s", query, err, w.Code, text.String())
		}
	}
	// Outsiders ask for one at a time.
	if w := s.ask("GET", "/-/route?addr=133.39.1.1&addr=133.39.1.2", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"candidates"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A place instead of an address gives what a client there would get.
func TestExplainPlace(t *testing.T) {
	s := newEdge(t)
	for _, c := range []struct {
		query, nearest string
		country        string
	}{
		{"lat=35.7&lon=139.7&country=JP&navigate=1", "asia", "JP"},
		{"country=jp&navigate=1", "asia", "JP"},
		{"lat=48.9&lon=2.3", "europe", ""}, // by distance alone
		{"lat=-0&lon=180", "asia", ""},
		{"country=GB", "europe", "GB"},
	} {
		w := s.ask("GET", "/-/route?"+c.query, "", "X-Forwarded-For", "198.51.100.7")
		var x status.Explanation
		if err := json.Unmarshal(w.Body.Bytes(), &x); err != nil || w.Code != 200 {
			t.Fatalf("%s: %v %d %s", c.query, err, w.Code, w.Body)
		}
		if string(x.Nearest) != c.nearest || x.Place.Country != c.country || x.Client != "" || x.Place.Point == nil || len(x.Candidates) != 2 {
			t.Errorf("%s: %+v", c.query, x)
		}
		if navigate := strings.Contains(c.query, "navigate"); x.Navigation != navigate || (x.Action == "redirect") != navigate {
			t.Errorf("%s: %s, navigation %v", c.query, x.Action, x.Navigation)
		}
	}
	for query, want := range map[string]string{
		"lat=1&addr=133.39.1.1":      "not for both",
		"country=JP&addr=133.39.1.1": "not for both",
		"lat=1":                      "write both",
		"lon=1&country=JP":           "write both",
		"country=QQ":                 "no code",
		"country=%00":                "no code",
		"lat=91&lon=0":               "degrees",
		"lat=0&lon=-180.1":           "degrees",
		"lat=NaN&lon=0":              "degrees",
		"lat=0&lon=Inf":              "degrees",
		"lat=1e999&lon=0":            "degrees",
		"lat=x&lon=0":                "degrees",
	} {
		w := s.ask("GET", "/-/route?"+query, "")
		admin := httptest.NewRecorder()
		s.edge.ServeExplanation(admin, httptest.NewRequest("GET", "/route?"+query, nil))
		if w.Code != 400 || !strings.Contains(w.Body.String(), want) || admin.Body.String() != w.Body.String() {
			t.Errorf("%s: %d %s, operators: %s", query, w.Code, w.Body, admin.Body)
		}
	}
}

func FuzzAskedPlace(f *testing.F) {
	for _, q := range []string{"lat=1&lon=2&country=JP", "country=xk", "lat=NaN&lon=0x1p-2", "lat=1&addr=::1", "lat=%ff&lon=1;2"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, _ := url.ParseQuery(query)
		p, asked, err := askedPlace(q)
		switch {
		case err != nil:
		case !asked && p != (geo.Place{}):
			t.Errorf("%q is about no place, and gives %+v", query, p)
		case asked && !p.Point.Valid():
			t.Errorf("%q: %+v has no point", query, p)
		case p.Country != "" && p.Continent == "":
			t.Errorf("%q: %+v", query, p)
		}
	})
}

// What the map shows of countries is what a page load from there gets, and is
// worked out once for as long as decisions stay as they are.
func TestNearestByCountry(t *testing.T) {
	s := newEdge(t)
	check := func(want map[string]region.Name) {
		t.Helper()
		r := s.edge.Status()
		if len(r.Nearest) != len(geo.Countries()) {
			t.Errorf("%d of %d countries", len(r.Nearest), len(geo.Countries()))
		}
		for country, name := range r.Nearest {
			var x status.Explanation
			json.Unmarshal(s.ask("GET", "/-/route?navigate=1&country="+country, "").Body.Bytes(), &x)
			if x.Nearest != name {
				t.Errorf("%s: %s, but its visitors go to %s", country, name, x.Nearest)
			}
		}
		for country, name := range want {
			if r.Nearest[country] != name {
				t.Errorf("%s: %s, want %s", country, r.Nearest[country], name)
			}
		}
	}
	check(map[string]region.Name{"JP": "asia", "AU": "asia", "FR": "europe", "US": "europe"})
	before := reflect.ValueOf(s.edge.Status().Nearest).Pointer()
	s.edge.Refresh()
	if reflect.ValueOf(s.edge.Status().Nearest).Pointer() != before {
		t.Error("made again, though nothing changed")
	}
	s.world.set(nodeID("asia-1"), health.Unreachable, s.edge)
	check(map[string]region.Name{"JP": "europe", "FR": "europe"})
}

func BenchmarkStatus(b *testing.B) {
	s := newEdge(b)
	b.Run("same", func(b *testing.B) {
		for b.Loop() {
			s.edge.Status()
		}
	})
	b.Run("nearest", func(b *testing.B) {
		for b.Loop() {
			nearestByCountry(s.edge.world.Load().router)
		}
	})
}

// A page is asked as /-/route is, and answers the same, mistakes as well.
func TestAnswer(t *testing.T) {
	s := newEdge(t)
	for query, asked := range map[string]status.Asked{
		"addr=133.39.1.1":               {Addr: "133.39.1.1"},
		"country=jp":                    {Country: "JP"},
		"lat=35.7&lon=139.7&country=JP": {Country: "JP", Point: &status.Location{Lat: 35.7, Lon: 139.7, Country: "JP"}},
		"addr=x":                        {Addr: "x", Error: errAddr.Error()},
		"addr=133.39.1.1&country=JP":    {Addr: "133.39.1.1", Country: "JP", Error: "ask for an address (addr) or for a place (lat, lon, country), not for both"},
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got := s.edge.Answer(q, true)
		w := s.ask("GET", "/-/route?navigate=1&"+query, "")
		if asked.Error != "" {
			var said map[string]string
			if json.Unmarshal(w.Body.Bytes(), &said); w.Code != 400 || said["error"] != asked.Error {
				t.Errorf("%s: /-/route says %d %s", query, w.Code, w.Body)
			}
		} else {
			asked.Explanation = new(status.Explanation)
			if err := json.Unmarshal(w.Body.Bytes(), asked.Explanation); err != nil || asked.Explanation.Reason == "" {
				t.Errorf("%s: %v, %s", query, err, w.Body)
			}
		}
		if !reflect.DeepEqual(*got, asked) {
			t.Errorf("%s: the page is told %+v, /-/route says %+v", query, *got, asked)
		}
	}
	if got := s.edge.Answer(url.Values{"region": {"asia"}}, true); got != nil {
		t.Errorf("asked for nothing, answered %+v", got)
	}
}
