package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mirrornet/pkg/admin"
	"mirrornet/pkg/drain"
	"mirrornet/pkg/region"
	"mirrornet/pkg/rtt"
	"mirrornet/pkg/status"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"edge": func() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the real binary. Beside testscript's own commands there are:
//
//	exits CODE ARGS…  run edge; its output goes to the files out and err
//	node              start something that answers as a node's admin listener; $ADMIN is its address
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_PROXY", "*")
			log, err := os.ReadFile(filepath.Join(env.WorkDir, "access.log"))
			if err != nil {
				return nil
			}
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			w.Write(log)
			return errors.Join(w.Close(), os.WriteFile(filepath.Join(env.WorkDir, "access.log.gz"), z.Bytes(), 0o644))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exitsScript, "node": nodeScript,
		},
	})
}

func exitsScript(ts *testscript.TestScript, _ bool, args []string) {
	path, err := exec.LookPath("edge") // testscript puts it first on PATH
	ts.Check(err)
	c := exec.Command(path, args[1:]...)
	c.Dir = ts.MkAbs(".")
	for _, v := range os.Environ() { // the settings of whoever runs the tests are none of theirs
		if !strings.HasPrefix(v, "EDGE_") {
			c.Env = append(c.Env, v)
		}
	}
	for _, name := range []string{"EDGE_CONFIG", "EDGE_NODE", "EDGE_REGION"} {
		if v := ts.Getenv(name); v != "" {
			c.Env = append(c.Env, name+"="+v)
		}
	}
	var out, stderr strings.Builder
	c.Stdout, c.Stderr = &out, &stderr
	c.Run()
	ts.Check(os.WriteFile(ts.MkAbs("out"), []byte(out.String()), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("err"), []byte(stderr.String()), 0o644))
	if got := strconv.Itoa(c.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("edge %s: exit %s, want %s\n%s%s", strings.Join(args[1:], " "), got, args[0], out.String(), stderr.String())
	}
}

func nodeScript(ts *testscript.TestScript, _ bool, _ []string) {
	mux := http.NewServeMux()
	drains, err := drain.New(drain.Config{Node: "asia-1"})
	ts.Check(err)
	mux.Handle("/drains/", admin.New(admin.Config{Token: "a long random text", Drains: drains}))
	mux.Handle("/drains", admin.New(admin.Config{Token: "a long random text", Drains: drains}))
	report := status.Report{Node: "asia-1", Revision: "r1",
		Nodes: []status.Node{{Name: "asia-1", Region: "asia", Membership: "alive", State: "serving", Revision: "r1", Self: true},
			{Name: "europe-1", Region: "europe", Membership: "suspect", State: "unreachable", Revision: "r0", RTT: 161.25}},
		Regions: []status.Region{{Name: "asia", State: "serving", Nodes: 1, URL: "http://asia.example.org", Why: "1 of its nodes serving"}}}
	mux.HandleFunc("/status.json", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(operators{Report: report, Drains: drains.List(),
			Announcements: []region.Outcome{{Node: "africa-1", Region: "africa", Digest: "0123456789ab", Use: region.Refused, Notes: []string{"url matches none"}}},
			Keys:          []keyHolder{{"asia-1", said{Keys: []string{"aaaaaaaa"}}}, {"europe-1", said{Keys: []string{"bbbbbbbb", "aaaaaaaa"}}}}})
	})
	answer := func(path string, v any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(v) })
	}
	answer("/same/status.json", status.Report{Node: "asia-1", Revision: "r1", Nodes: []status.Node{{Name: "asia-1", Membership: "alive", Revision: "r1", Self: true}}})
	mux.HandleFunc("/route", func(w http.ResponseWriter, r *http.Request) {
		km := 5315.4
		q := r.URL.Query()
		if many := q["addr"]; len(many) > 1 {
			list := []status.Routed{}
			for _, addr := range many {
				list = append(list, status.Routed{Client: addr, Action: "serve", Region: "asia", Nearest: "asia", Reason: "as asked"})
			}
			json.NewEncoder(w).Encode(list)
			return
		}
		json.NewEncoder(w).Encode(status.Explanation{Client: q.Get("addr"), Host: q.Get("host"), Navigation: q.Get("navigate") == "1", Action: "redirect",
			Region: "asia", Nearest: region.Name("asia"), Place: status.Place{City: "Tokyo", Country: "JP"},
			Candidates: []status.Candidate{{Region: "asia", Serving: true, Chosen: true, DistanceKm: &km, Reason: "as asked"}}})
	})
	mux.HandleFunc("/map", func(w http.ResponseWriter, _ *http.Request) {
		before, err := region.Load(ts.MkAbs("regions"))
		ts.Check(err)
		m := sharedMap{Revision: before.Revision(), Network: before.Network().Text(), Regions: map[region.Name]string{}}
		for _, r := range before.Regions() {
			m.Regions[r.Name] = r.Text()
		}
		for name, trip := range map[region.Name]time.Duration{"asia": 200 * time.Millisecond, "europe": 212 * time.Millisecond} {
			trips := rtt.NewTable(rtt.Config{})
			for range 10 {
				trips.Observe(netip.MustParseAddr("192.0.2.1"), trip, time.Now())
			}
			for _, digest := range trips.Digest(time.Now()) {
				m.RoundTrips = append(m.RoundTrips, sharedTrips{name, digest})
			}
		}
		json.NewEncoder(w).Encode(m)
	})
	mux.HandleFunc("/broken/status.json", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "not today", http.StatusTeapot) })
	mux.HandleFunc("/html/status.json", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<p>another server")) })
	mux.HandleFunc("/ok", func(http.ResponseWriter, *http.Request) {})
	s := httptest.NewServer(mux)
	ts.Defer(s.Close)
	ts.Setenv("ADMIN", strings.TrimPrefix(s.URL, "http://"))
}
