//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const wrkText = `Running 2s test @ http://127.0.0.1:8080/b/1000/1kB/0
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   332.92us  183.51us   5.03ms   91.60%
    Req/Sec    96.14k     6.31k  103.40k    71.43%
  Latency Distribution
     50%  310.00us
     75%  402.00us
     90%  480.00us
     99%    1.04ms
  200871 requests in 2.10s, 230.25MB read
`

func TestParseWrk(t *testing.T) {
	good := load{Requests: 200871, Time: 2100 * time.Millisecond, P50: 310 * time.Microsecond, P99: 1040 * time.Microsecond}
	tail := "Requests/sec:  95653.20\nTransfer/sec:    109.64MB\n"
	for name, c := range map[string]struct {
		text string
		want load
		err  string
	}{
		"good":         {wrkText + tail, good, ""},
		"errors":       {wrkText + "  Non-2xx or 3xx responses: 17\n" + tail, load{}, "17"},
		"sockets":      {wrkText + "  Socket errors: connect 0, read 3, write 0, timeout 0\n" + tail, load{}, "read 3"},
		"refused":      {"unable to connect to 127.0.0.1:8080 Connection refused\n", load{}, "refused"},
		"no answers":   {strings.Replace(wrkText, "200871 requests", "0 requests", 1), load{}, "nothing"},
		"no latencies": {strings.Replace(wrkText, "99%", "98%", 1), load{}, "nothing"},
	} {
		got, err := parseWrk(c.text)
		if c.err == "" && (err != nil || got != c.want) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %+v, %v; want %+v, %q", name, got, err, c.want, c.err)
		}
	}
}

func TestParseStat(t *testing.T) {
	s, err := parseStat([]byte("42 (a) (b c) S 7 42 42 0 -1 4194560 100 0 0 0 250 50 9 9 20 0 4 0 100 1 2 3"))
	if err != nil || s.Parent != 7 || s.CPU != 3*time.Second {
		t.Errorf("%+v, %v", s, err)
	}
	for _, line := range []string{"", "42 (a", "42 (a) S x 42 42 0 -1 4194560 100 0 0 0 250 50", "42 (a) S 7"} {
		if s, err := parseStat([]byte(line)); err == nil {
			t.Errorf("%q: %+v", line, s)
		}
	}
	if s, err := readStat(os.Getpid()); err != nil || s.Parent != os.Getppid() {
		t.Errorf("this process: %+v, %v", s, err)
	}
}

func TestParseCoreTime(t *testing.T) {
	const text = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 100 20 300 5000 400 1 2 7 0 0\ncpu10 1 1 1 1 1 1 1 1 0 0\n"
	if d, err := parseCoreTime(text, 0); err != nil || d != 4300*time.Millisecond {
		t.Errorf("core 0: %v, %v", d, err)
	}
	if d, err := parseCoreTime(text, 1); err == nil {
		t.Errorf("core 1 is not there: %v", d)
	}
}

func TestMemoryOfProcess(t *testing.T) {
	n, err := resident([]int{os.Getpid()})
	if err != nil || n < 1<<20 {
		t.Errorf("this process takes %d bytes, %v", n, err)
	}
	if _, err := parseKB("Rss:  4 kB\nPss:  x kB\n", "Pss:"); err == nil {
		t.Error("x was a number")
	}
}

func TestFamily(t *testing.T) {
	c := exec.Command("sh", "-c", "sleep 60 & echo; wait")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	out.Read(make([]byte, 1)) // sleep has been started
	all := family([]int{c.Process.Pid})
	for _, pid := range slices.Backward(all) {
		if p, err := os.FindProcess(pid); err == nil {
			p.Kill()
		}
	}
	c.Wait()
	if len(all) != 2 || all[0] != c.Process.Pid {
		t.Errorf("%d has family %v, want itself and a child", c.Process.Pid, all)
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
	}{{[]float64{3}, spread{3, 3, 3}}, {[]float64{9, 1, 2}, spread{2, 1, 9}}, {[]float64{4, 1, 3, 2}, spread{2.5, 1, 4}}} {
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
	if !math.IsNaN(spreadOf(nil).Mid) {
		t.Error("nothing has a median")
	}
}

func TestThousands(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999.4: "999", 1000: "1,000", 123456: "123,456", -1234567: "-1,234,567", -123: "-123"} {
		if got := thousands(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

func TestVersionIn(t *testing.T) {
	for said, want := range map[string]string{
		"nginx version: nginx/1.22.1\n": "1.22.1", "varnishd (varnish-7.1.1 revision 7cee1c581bead)\n": "7.1.1",
		"HAProxy version 2.6.12-1+deb12u4 2026/10/17": "2.6.12", "edge 3f2a91c-dirty": "3f2a91c-dirty", "edge dev\n": "edge dev",
	} {
		if got := versionIn(said); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}

func TestHeadings(t *testing.T) {
	got := headings("intro\n\nDebug\n-----\n\nText\n---\n\nVCL_Log\n-------\nmore\n")
	if !slices.Equal(got, []string{"Debug", "VCL_Log"}) {
		t.Errorf("%q", got)
	}
}

func TestZipf(t *testing.T) {
	count := make([]int, 1000)
	for i := range zipf(1000, 100_000) {
		count[i]++
	}
	// The sum of 1/i up to 1000 is 7.485.
	for i, want := range map[int]float64{0: 13360, 1: 6680, 9: 1336} {
		if got := float64(count[i]); math.Abs(got-want) > 5*math.Sqrt(want) {
			t.Errorf("number %d came %v times, want about %v", i, got, want)
		}
	}
	if !slices.Equal(slices.Collect(zipf(10, 20)), slices.Collect(zipf(10, 20))) {
		t.Error("two sequences differ")
	}
}

func TestOrigin(t *testing.T) {
	o := &origin{}
	ask := func(target, tag string) *httptest.ResponseRecorder {
		req := httptest.NewRequest("GET", target, nil)
		if tag != "" {
			req.Header.Set("If-None-Match", tag)
		}
		w := httptest.NewRecorder()
		o.ServeHTTP(w, req)
		return w
	}
	for _, size := range []int{100, 1000, 100_000} {
		target := fmt.Sprintf("/b/%d/x/1", size)
		w := ask(target, "")
		if w.Code != 200 || w.Body.Len() != size || !json.Valid(w.Body.Bytes()) || !bytes.Equal(w.Body.Bytes(), body(target, size)) {
			t.Errorf("%s: %d, %d bytes, valid %v", target, w.Code, w.Body.Len(), json.Valid(w.Body.Bytes()))
		}
		if w := ask(target, w.Header().Get("ETag")); w.Code != 304 || w.Body.Len() != 0 {
			t.Errorf("%s with its tag: %d, %d bytes", target, w.Code, w.Body.Len())
		}
	}
	if bytes.Equal(body("/b/1000/x/1", 1000)[40:], body("/b/1000/x/2", 1000)[40:]) {
		t.Error("two targets have one body")
	}
	for _, bad := range []string{"/", "/b/", "/b/x/1", "/b/99/1", "/b/99999999999/1", "/b/-5/1"} {
		if w := ask(bad, ""); w.Code != 404 {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
	if got := ask("/count", "").Body.String(); got != "6" {
		t.Errorf("it counts %s, want 6", got)
	}
}

func TestOptions(t *testing.T) {
	good := options{duration: time.Second, rounds: 1, loadCore: 1, entries: 1}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for flag, change := range map[string]func(*options){
		"-rows": func(o *options) { o.rows = []string{"2kB"} }, "-peers": func(o *options) { o.peers = []string{"edge"} },
		"-d": func(o *options) { o.duration = 1500 * time.Millisecond }, "-rounds": func(o *options) { o.rounds = 0 },
		"-entries": func(o *options) { o.entries = 0 }, "-load-core": func(o *options) { o.loadCore = 0 },
	} {
		o := good
		change(&o)
		if err := o.check(); err == nil || !strings.HasPrefix(err.Error(), flag+": ") {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

// The generator against a real server: a rate is kept, latency counts from when
// a request was due, and what is no hit is an error.
func TestGenerator(t *testing.T) {
	var answers atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := answers.Add(1)
		switch {
		case r.URL.Path == "/turns" && n > 5:
			w.WriteHeader(http.StatusBadGateway)
		case r.Header.Get("If-None-Match") == `"x"`:
			w.Header().Set("Content-Length", "4") // of what is not sent
			w.WriteHeader(http.StatusNotModified)
		default:
			fmt.Fprint(w, "body")
		}
	}))
	defer s.Close()
	addr := s.Listener.Addr().String()
	p, err := runGenerator(addr, "/", "", 500, 1, 200*time.Millisecond)
	if err != nil || p.Requests != 100 || answers.Load() != 101 || p.Time < 190*time.Millisecond || p.P99 < p.P50 || p.P50 <= 0 {
		t.Errorf("%d answers, %+v, %v", answers.Load(), p, err)
	}
	if p, err := runGenerator(addr, "/", `"x"`, 0, 1, 50*time.Millisecond); err != nil || p.Requests < 10 || p.Time < 50*time.Millisecond {
		t.Errorf("304, without a rate: %+v, %v", p, err)
	}
	answers.Store(0)
	if _, err := runGenerator(addr, "/turns", "", 500, 1, 200*time.Millisecond); err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("a server that turns to 502: %v", err)
	}
	// One connection, 10 ms for an answer, and one request each millisecond:
	// those that wait have waited since they were due.
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-time.After(10 * time.Millisecond)
		fmt.Fprint(w, "body")
	}))
	defer slow.Close()
	if p, err := runGenerator(slow.Listener.Addr().String(), "/", "", 1000, 1, 50*time.Millisecond); err != nil || p.P99 < 300*time.Millisecond {
		t.Errorf("an overloaded server: %+v, %v", p, err)
	}
}

// Every configuration is accepted by the program that it is for.
func TestConfigurations(t *testing.T) {
	for _, change := range []setup{{}, {Large: true, Logs: true}, {Memcached: true}, {Redirects: true}} {
		change.CacheMB = 64
		dir := t.TempDir()
		s := &server{setup: change, Dir: dir, Addr: "127.0.0.1:8080", Host: "127.0.0.1", Port: "8080", Admin: "127.0.0.1:9080", Origin: "127.0.0.1:8000",
			OriginHost: "127.0.0.1", OriginPort: "8000", Socket: dir + "/m.sock", Root: os.Geteuid() == 0, Files: 1000, KeptOpen: 500}
		for name, command := range map[string][]string{
			"haproxy.cfg": {"haproxy", "-c", "-f"}, "nginx.conf": {"nginx", "-t", "-p", dir, "-c"}, "varnish.vcl": {"varnishd", "-j", "none", "-n", dir + "/work", "-C", "-f"},
			"edge.yaml": nil, "trafficserver.config": nil,
		} {
			file := filepath.Join(dir, name)
			if err := write(file, name, s); err != nil {
				t.Error(err)
				continue
			}
			if command == nil {
				continue
			}
			out, err := exec.Command(command[0], append(command[1:], file)...).CombinedOutput()
			if errors.Is(err, exec.ErrNotFound) {
				t.Logf("%s is not installed: %s is not tried", command[0], name)
			} else if err != nil {
				t.Errorf("%s, %+v: %v\n%s", name, change, err, out)
			}
		}
	}
}
