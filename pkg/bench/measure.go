//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// theOrigin is the name under which a row of misses asks the origin itself.
const theOrigin = "origin"

// contestants are the servers of a row, the edge first.
func (r *rig) contestants(row row) (names []string) {
	there := r.there
	if row.kind == redirects {
		there = []string{theEdge, constant, bare}
	}
	for _, name := range there {
		if name == theEdge || len(row.only) == 0 || slices.Contains(row.only, name) {
			names = append(names, name)
		}
	}
	return names
}

// measureRow measures a row. What went wrong stands with the server.
func (r *rig) measureRow(ctx context.Context, row row) Result {
	result := Result{Row: row.name, Title: row.title, Goal: row.goal, kind: row.kind}
	if _, ok := r.versions["memcached"]; !ok && row.setup.Memcached {
		result.Notes = append(result.Notes, "left out: memcached is not installed")
		return result
	}
	if row.kind == memory {
		for _, name := range r.contestants(row) {
			s, err := r.measureMemory(ctx, name, row)
			result.add(name, s, err)
		}
		result.judge()
		return result
	}
	var servers []*server
	for _, name := range r.contestants(row) {
		s, err := r.startServer(ctx, name, row)
		defer r.stopServer(s)
		if err == nil {
			err = r.prepare(ctx, s, row)
		}
		if err != nil {
			result.add(name, sample{}, err)
			continue
		}
		servers = append(servers, s)
		if name == "nginx" && s.KeptOpen < uint64(row.keys) {
			result.Notes = append(result.Notes, fmt.Sprintf("nginx keeps %d of %d files open: %d is this machine's limit", s.KeptOpen, row.keys, s.Files))
		}
	}
	if row.kind == misses {
		servers = append(servers, &server{name: theOrigin, Addr: r.origin})
	}
	for round := range r.o.rounds {
		for i := range servers {
			s := servers[(i+round)%len(servers)]
			if ctx.Err() != nil || result.failed(s.name) {
				continue
			}
			sample, err := r.measure(ctx, s, row)
			result.add(s.name, sample, err)
		}
	}
	if row.kind == paced && ctx.Err() == nil {
		result.Notes = append(result.Notes, r.floor(ctx, servers, result, row)...)
	}
	if row.kind == redirects {
		rates(&result)
	}
	result.judge()
	return result
}

// prepare brings a server to where it answers a row's targets from its cache:
// it has done so twice for each.
func (r *rig) prepare(ctx context.Context, s *server, row row) error {
	switch row.kind {
	case misses:
		return nil
	case redirects:
		return r.prepareRedirect(ctx, s, row)
	}
	n := max(1, row.keys)
	if s.Memcached && s.name != theEdge {
		if err := preload(s.Socket, row, n); err != nil {
			return err
		}
	}
	tick := time.NewTicker(50 * time.Millisecond) // stores may be written behind
	defer tick.Stop()
	var asked int64
	for pass, quiet := 0, 0; quiet < 2; pass++ {
		if pass == 20 {
			return fmt.Errorf("after %d passes the origin is still asked", pass)
		}
		if err := fill(ctx, s.Addr, row, n); err != nil {
			return err
		}
		now, err := r.asked()
		if err != nil {
			return err
		}
		if quiet++; now > asked {
			quiet = 0
		}
		asked = now
		<-tick.C
	}
	return nil
}

// reading is what stands on the meters at one time.
type reading struct {
	at        time.Time
	cpu, core time.Duration // used by the server, and by all on its core
	asked     int64         // of the origin
	sent      int64         // page loads to another region, by the edge's own count
}

func (r *rig) read(s *server) (reading, error) {
	cpu, err := cpuTime(s.pids)
	core, cerr := coreTime(r.o.serverCore)
	asked, aerr := r.asked()
	var rerr error
	now := reading{at: time.Now(), cpu: cpu, core: core, asked: asked}
	if s.Redirects && s.name == theEdge {
		now.sent, rerr = s.redirected()
	}
	return now, errors.Join(err, cerr, aerr, rerr)
}

// used is what a server used while f ran.
func (r *rig) used(s *server, f func() error) (used reading, others float64, err error) {
	if err := s.count(); err != nil {
		return reading{}, 0, err
	}
	before, err := r.read(s)
	if err != nil {
		return reading{}, 0, err
	}
	if err := f(); err != nil {
		return reading{}, 0, err
	}
	after, err := r.read(s)
	used = reading{cpu: after.cpu - before.cpu, core: after.core - before.core, asked: after.asked - before.asked, sent: after.sent - before.sent}
	return used, min(1, max(0, (used.core-used.cpu).Seconds()/after.at.Sub(before.at).Seconds())), err
}

// measure is one measurement of a server in a row.
func (r *rig) measure(ctx context.Context, s *server, row row) (sample, error) {
	first := row.target(0)
	tagged := ""
	if row.tagged {
		tagged = tag(first)
	}
	if row.kind != misses && row.kind != redirects {
		c, err := dial(s.Addr)
		if err != nil {
			return sample{}, err
		}
		defer c.conn.Close()
		if err := c.verify(first, tagged, row.size); err != nil {
			return sample{}, err
		}
	}
	warm, err := r.runLoad(ctx, s, row, time.Second) // warms up, and finds the peak for what is paced
	if err != nil {
		return sample{}, err
	}
	var l load
	var late time.Duration
	written := folderSize(s.Dir)
	used, others, err := r.used(s, func() error {
		if row.kind != paced {
			l, err = r.runLoad(ctx, s, row, r.o.duration)
			return err
		}
		p, err := r.runPace(ctx, s.Addr, row, 0.7*float64(warm.Requests)/warm.Time.Seconds(), r.o.duration)
		l, late = p.load, p.Late
		return err
	})
	switch {
	case err != nil:
		return sample{}, err
	case row.kind == misses && used.asked < l.Requests:
		return sample{}, fmt.Errorf("the origin was asked %d times for %d requests: not all were misses", used.asked, l.Requests)
	case row.kind == redirects && s.name == theEdge && used.sent < l.Requests:
		return sample{}, fmt.Errorf("%d of %d page loads were redirected", used.sent, l.Requests)
	case row.kind != misses && used.asked > l.Requests/tolerated(s):
		return sample{}, fmt.Errorf("the origin was asked %d times in %d requests: not all were hits", used.asked, l.Requests)
	}
	if written = folderSize(s.Dir) - written; s.Logs && written < 20*l.Requests {
		return sample{}, fmt.Errorf("%d bytes of access log for %d requests: not all are in it", written, l.Requests)
	}
	return sample{
		PerSecond: float64(l.Requests) / l.Time.Seconds(),
		CPU:       micros(used.cpu) / float64(l.Requests),
		P50:       micros(l.P50),
		P99:       micros(l.P99),
		Late:      micros(late),
		Others:    others,
	}, nil
}

// tolerated is of how many hits one may be none. A memcached that takes too long
// counts as a miss, and on a core that others use too it does now and then.
func tolerated(s *server) int64 {
	if s.Memcached {
		return 1000
	}
	return math.MaxInt64
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// runLoad loads a server with a row's requests.
func (r *rig) runLoad(ctx context.Context, s *server, row row, length time.Duration) (load, error) {
	if row.tagged { // wrk waits for the body where a 304 has Content-Length, as it may
		p, err := r.runPace(ctx, s.Addr, row, 0, length)
		return p.load, err
	}
	args := []string{"-t1", fmt.Sprintf("-c%d", row.conns), fmt.Sprintf("-d%d", int(length.Seconds())), "--latency", "--timeout", "10s"}
	switch {
	case row.kind == redirects:
		script, err := r.file("page.lua")
		if err != nil {
			return load{}, err
		}
		each := "own"
		if row.keys == 1 {
			each = "same"
		}
		args = append(args, "-s", script, "http://"+s.Addr, "--", row.target(0), row.fields(), each)
	case row.kind == misses:
		script, err := r.file("unique.lua")
		if err != nil {
			return load{}, err
		}
		unique := fmt.Sprintf("/b/%d/%s/%x/", row.size, row.name, rand.Uint64())
		args = append(args, "-s", script, "http://"+s.Addr, "--", s.Addr, unique)
	case row.keys > 0:
		script, err := r.file("targets.lua")
		if err == nil && r.zipf[row.name] == "" {
			r.zipf[row.name], err = writeZipf(filepath.Join(r.dir, row.name+".targets"), row)
		}
		if err != nil {
			return load{}, err
		}
		args = append(args, "-s", script, "http://"+s.Addr, "--", s.Addr, r.zipf[row.name])
	default:
		args = append(args, "http://"+s.Addr+row.target(0))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, length+30*time.Second, errors.New("wrk did not end"))
	defer cancel()
	text, err := pinned(ctx, r.o.loadCore, r.wrk, args...).CombinedOutput()
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return load{}, fmt.Errorf("wrk: %w\n%s", err, text)
	}
	return parseWrk(string(text))
}

// file is one of the embedded files, in the run's folder.
func (r *rig) file(name string) (string, error) {
	text, err := conf.ReadFile("conf/" + name)
	if err != nil {
		return "", err
	}
	file := filepath.Join(r.dir, name)
	return file, os.WriteFile(file, text, 0o644)
}

// writeZipf writes a row's targets in the order in which wrk asks for them.
func writeZipf(file string, row row) (string, error) {
	f, err := os.Create(file)
	if err != nil {
		return "", err
	}
	w := bufio.NewWriter(f)
	for i := range zipf(row.keys, 1<<19) {
		fmt.Fprintln(w, row.target(i))
	}
	return file, errors.Join(w.Flush(), f.Close())
}

// zipf yields n numbers below keys; the i-th is as frequent as 1/(i+1). The
// sequence is always the same.
func zipf(keys, n int) func(yield func(int) bool) {
	sum := make([]float64, keys)
	total := 0.0
	for i := range sum {
		total += 1 / float64(i+1)
		sum[i] = total
	}
	random := rand.New(rand.NewPCG(1, 1))
	return func(yield func(int) bool) {
		for range n {
			i, _ := slices.BinarySearch(sum, random.Float64()*total)
			if !yield(min(i, keys-1)) {
				return
			}
		}
	}
}

// runPace runs the generator, at a rate or as fast as it gets answers.
func (r *rig) runPace(ctx context.Context, addr string, row row, rate float64, length time.Duration) (p pace, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, length+30*time.Second, errors.New("the generator did not end"))
	defer cancel()
	args := []string{"pace", "-addr", addr, "-target", row.target(0), "-rate", fmt.Sprint(rate), "-conns", fmt.Sprint(row.conns), "-d", length.String()}
	if row.tagged {
		args = append(args, "-tag", tag(row.target(0)))
	}
	var fault strings.Builder
	cmd := pinned(ctx, r.o.loadCore, r.self, args...)
	cmd.Stderr = &fault
	text, err := cmd.Output()
	if err != nil {
		return p, fmt.Errorf("%w: %s", err, fault.String())
	}
	return p, json.Unmarshal(text, &p)
}

// floor says what the generator itself adds, by asking the fastest server for
// little.
func (r *rig) floor(ctx context.Context, servers []*server, result Result, row row) []string {
	var best *server
	most := 0.0
	for _, s := range servers {
		if got := result.server(s.name); got.Error == "" && got.median(perSecond).Mid > most {
			best, most = s, got.median(perSecond).Mid
		}
	}
	if best == nil {
		return nil
	}
	p, err := r.runPace(ctx, best.Addr, row, 1000, r.o.duration)
	if err != nil {
		return []string{"floor of the generator: " + err.Error()}
	}
	return []string{fmt.Sprintf("floor of the generator, 1,000/s to %s: p50 %.0f µs, p99 %.0f µs, p99 of its own lateness %.0f µs",
		best.name, micros(p.P50), micros(p.P99), micros(p.Late))}
}
