//go:build linux

package main

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata")

// result makes a row from one sample for each server.
func result(k kind, goal float64, samples map[string]sample) Result {
	r := Result{Row: "row", Title: "a row", Goal: goal, kind: k}
	for _, name := range []string{theEdge, "haproxy", "nginx", theOrigin} {
		if s, ok := samples[name]; ok {
			r.add(name, s, nil)
		}
	}
	r.judge()
	return r
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		got  Result
		want string
	}{
		"hits, by CPU time": {result(hits, 1.2, map[string]sample{"edge": {CPU: 8}, "haproxy": {CPU: 10}, "nginx": {CPU: 11}}), "1.25 of haproxy, goal ≥ 1.2: ok"},
		"hits, short":       {result(hits, 1.2, map[string]sample{"edge": {CPU: 8}, "haproxy": {CPU: 12}, "nginx": {CPU: 9}}), "1.12 of nginx, goal ≥ 1.2: short"},
		"no goal":           {result(hits, 0, map[string]sample{"edge": {CPU: 8}, "nginx": {CPU: 4}}), "0.50 of nginx"},
		"no peer":           {result(hits, 1, map[string]sample{"edge": {CPU: 8}}), "no ratio"},
		"no edge":           {result(hits, 1, map[string]sample{"nginx": {CPU: 8}}), "no ratio"},
		"misses, what is added": {result(misses, 2, map[string]sample{"edge": {P50: 150, CPU: 1}, "nginx": {P50: 80}, "origin": {P50: 30}}),
			"2.40 of nginx, goal ≤ 2.0: short"},
		"misses without the origin": {result(misses, 2, map[string]sample{"edge": {P50: 150}, "nginx": {P50: 80}}), "no ratio"},
		"paced":                     {result(paced, 1, map[string]sample{"edge": {P99: 90}, "haproxy": {P99: 100}, "nginx": {P99: 300}}), "0.90 of haproxy, goal ≤ 1.0: ok"},
		"memory":                    {result(memory, 1.5, map[string]sample{"edge": {Bytes: 3000, Counted: 1600}, "nginx": {Bytes: 4000}}), "1.60, goal ≤ 1.5: short"},
	} {
		if got := c.got.conclusion(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// A failed server is no peer to compare with.
func TestFailedPeer(t *testing.T) {
	r := Result{Goal: 1}
	r.add(theEdge, sample{CPU: 8}, nil)
	r.add("haproxy", sample{CPU: 4}, nil)
	r.add("haproxy", sample{}, errors.New("it broke"))
	r.add("nginx", sample{CPU: 12}, nil)
	r.judge()
	if got := r.conclusion(); got != "1.50 of nginx, goal ≥ 1.0: ok" || !r.failed("haproxy") || r.failed("nginx") || r.failed("varnish") {
		t.Error(got)
	}
}

func TestReport(t *testing.T) {
	one := Result{Row: "1kB", Title: "hits, 1 kB, one key", Goal: 1.2}
	for i := range 3 {
		f := float64(i)
		one.add(theEdge, sample{PerSecond: 110000 + 1000*f, CPU: 8 + f/10, P50: 250 + f, P99: 800 + 10*f, Others: 0.02}, nil)
		one.add("haproxy", sample{PerSecond: 98000 - 1000*f, CPU: 10.2 - f/10, P50: 310, P99: 1200, Others: 0.01}, nil)
	}
	one.add("nginx", sample{}, errors.New("nginx ended (exit status 1):\nno such thing"))
	one.judge()
	miss := result(misses, 2, map[string]sample{"edge": {PerSecond: 5000, CPU: 90, P50: 150, P99: 900}, "nginx": {PerSecond: 9000, CPU: 40, P50: 80, P99: 400, Others: 0.5},
		"origin": {PerSecond: 30000, P50: 30, P99: 90}})
	room := result(memory, 1.5, map[string]sample{"edge": {PerSecond: 20000, Bytes: 1432, Counted: 1264}, "haproxy": {PerSecond: 30000, Bytes: 3, Lost: 0.25}})
	miss.Notes = []string{"a note"}
	report := Report{Machine: "a machine\nof two lines\n", Date: "2026-11-25T12:00:00Z", Duration: "3s", Rounds: 3, Rows: []Result{one, miss, room}}
	got := report.Machine
	for _, r := range report.Rows {
		got += "\n" + r.text()
	}
	got += "\n" + report.summary() + "\n----------\n" + report.markdown()
	const file = "testdata/report.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("it differs from %s (-update rewrites that):\n%s", file, got)
	}
	name := t.TempDir() + "/report"
	if err := report.write(name); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name + ".json")
	if err != nil || !strings.Contains(string(data), `"Verdict": "ok"`) {
		t.Errorf("%s, %v", data, err)
	}
}
