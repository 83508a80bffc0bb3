package edge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mirrornet/pkg/health"
	"mirrornet/pkg/observe"
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
