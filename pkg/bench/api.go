//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"mirrornet/pkg/genomedb/mariadbtest"
)

// apiOptions are the flags of "bench api".
type apiOptions struct {
	options
	program string // bin/origin
	from    string // folder of dumps
	profile bool
}

// apiMain measures the origin itself: on one core over SQLite, and over a
// MariaDB whose server has the other core, which it shares with the load. A
// plain net/http server that answers 1 kB says what this machine can do.
func apiMain(args []string) error {
	o := apiOptions{options: options{serverCore: 0, loadCore: 1}}
	var rows string
	f := flag.NewFlagSet("bench api", flag.ExitOnError)
	f.StringVar(&o.program, "origin", "bin/origin", "the origin's program")
	f.StringVar(&o.from, "from", "../shared/ensembl/test-genome-DBs", "folder of the reference's test databases; where it is missing, the sample genome is asked")
	f.DurationVar(&o.duration, "d", 3*time.Second, "length of one measurement, in whole seconds")
	f.IntVar(&o.rounds, "rounds", 3, "measurements of each row")
	f.StringVar(&rows, "rows", "", "begin of the names of rows to measure, with commas; empty: all")
	f.IntVar(&o.serverCore, "server-core", 0, "core of the origin")
	f.IntVar(&o.loadCore, "load-core", 1, "core of load and database server")
	f.BoolVar(&o.profile, "profile", false, "print a CPU profile of every row, and not only of those that miss their goal")
	f.Parse(args)
	o.rows = words(rows)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return benchAPI(ctx, o, os.Stdout)
}

// leastOfSQLite is what a row should do over MariaDB, of what it does over
// SQLite.
const leastOfSQLite = 0.3

// backend is an origin over one kind of database.
type backend struct {
	name        string
	addr, admin string
	process     *process
}

func benchAPI(ctx context.Context, o apiOptions, out io.Writer) error {
	checked := o.options
	checked.entries, checked.rows = 1, nil // what the cache's rows alone use
	if err := checked.check(); err != nil {
		return err
	}
	r, err := newRig(ctx, options{edge: o.program, duration: o.duration, rounds: o.rounds, serverCore: o.serverCore, loadCore: o.loadCore}, io.Discard)
	if err != nil {
		return err
	}
	r.out = out
	defer r.close()
	fmt.Fprint(out, r.machine())
	if err := r.startOrigin(ctx); err != nil { // for scale
		return err
	}
	what, backends, end, err := r.startBackends(ctx, o, out)
	defer end()
	if err != nil {
		return err
	}
	scale, err := r.scale(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "a plain net/http server answering 1 kB: %.0f/s\n\n", scale)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "row\tSQLite/s\t(range)\tCPU µs\tp99 ms\tgoal\tverdict\tMariaDB/s\tof SQLite\t")
	var short []string
	for _, row := range what.rows() {
		if !o.wants(row.name) {
			continue
		}
		if row.targets, err = answered(ctx, backends[0], row); err != nil {
			return fmt.Errorf("%s: %w", row.name, err)
		}
		results := map[string]ServerResult{}
		for range o.rounds {
			for _, b := range backends {
				s, err := r.measureAPI(ctx, b, row)
				if err != nil {
					return fmt.Errorf("%s over %s: %w", row.name, b.name, err)
				}
				res := results[b.name]
				res.Samples = append(res.Samples, s)
				results[b.name] = res
			}
		}
		lite := results["SQLite"]
		rate := lite.median(perSecond)
		goal, verdict := "", ""
		if row.goal > 0 {
			goal, verdict = fmt.Sprintf("%.0f", row.goal), "ok"
			if rate.Mid < row.goal {
				verdict = "short"
				short = append(short, row.name)
			}
		}
		maria, ratio := "", ""
		slow := false
		if m, ok := results["MariaDB"]; ok {
			slow = m.median(perSecond).Mid < leastOfSQLite*rate.Mid
			maria, ratio = fmt.Sprintf("%.0f", m.median(perSecond).Mid), fmt.Sprintf("%.2f", m.median(perSecond).Mid/rate.Mid)
		}
		fmt.Fprintf(table, "%s\t%.0f\t%.0f–%.0f\t%.0f\t%.1f\t%s\t%s\t%s\t%s\t\n", row.name, rate.Mid, rate.Low, rate.High,
			lite.median(cpu).Mid, lite.median(p99).Mid/1000, goal, verdict, maria, ratio)
		if o.profile || verdict == "short" {
			table.Flush()
			if err := r.profileAPI(ctx, backends[0], row, out); err != nil {
				return err
			}
		}
		if slow {
			table.Flush()
			if err := r.profileAPI(ctx, backends[len(backends)-1], row, out); err != nil {
				return err
			}
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(short) > 0 {
		return fmt.Errorf("short of the goal: %s", strings.Join(short, ", "))
	}
	return nil
}

func (o apiOptions) wants(name string) bool {
	for _, r := range o.rows {
		if strings.HasPrefix(name, r) {
			return true
		}
	}
	return len(o.rows) == 0
}

// startBackends loads the databases and starts an origin over each. end, which
// is never nil, ends what is not the rig's.
func (r *rig) startBackends(ctx context.Context, o apiOptions, out io.Writer) (what data, list []backend, end func(), err error) {
	end = func() {}
	what, err = testData(o.from)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(out, "no test databases in %s: the small sample genome is asked, over SQLite alone\n", o.from)
		lite, err := r.startBackend(ctx, "SQLite")
		return sampleData, []backend{lite}, end, err
	}
	if err != nil {
		return what, nil, end, err
	}
	file := filepath.Join(r.dir, "genome.sqlite")
	if said, err := exec.CommandContext(ctx, r.o.edge, "load", "--from", o.from, "--db", file).CombinedOutput(); err != nil {
		return what, nil, end, fmt.Errorf("origin load: %w\n%s", err, said)
	}
	lite, err := r.startBackend(ctx, "SQLite", "--db", file)
	if err != nil {
		return what, nil, end, err
	}
	if why := mariadbtest.Missing(); why != "" {
		fmt.Fprintln(out, "MariaDB is left out:", why)
		return what, []backend{lite}, end, nil
	}
	db, err := mariadbtest.Launch()
	if err != nil {
		return what, nil, end, err
	}
	end = db.Stop
	if err := db.LoadAll(ctx, o.from); err != nil {
		return what, nil, end, err
	}
	if said, err := exec.CommandContext(ctx, "taskset", "-a", "-p", "-c", fmt.Sprint(r.o.loadCore), fmt.Sprint(db.Pid())).CombinedOutput(); err != nil {
		return what, nil, end, fmt.Errorf("taskset: %w\n%s", err, said)
	}
	maria, err := r.startBackend(ctx, "MariaDB", "--dsn", db.DSN())
	return what, []backend{lite, maria}, end, err
}

func (r *rig) startBackend(ctx context.Context, name string, args ...string) (b backend, err error) {
	b.name = name
	if b.addr, err = freeAddr(); err != nil {
		return b, err
	}
	if b.admin, err = freeAddr(); err != nil {
		return b, err
	}
	dir := filepath.Join(r.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return b, err
	}
	b.process, err = r.start(r.o.serverCore, dir, r.o.edge, append([]string{"serve", "--listen", b.addr, "--admin", b.admin}, args...)...)
	if err != nil {
		return b, err
	}
	return b, untilListening(ctx, "tcp", b.addr, b.process)
}

// scale is what a plain net/http server does here.
func (r *rig) scale(ctx context.Context) (float64, error) {
	addr, err := freeAddr()
	if err != nil {
		return 0, err
	}
	dir := filepath.Join(r.dir, "plain")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return 0, err
	}
	p, err := r.start(r.o.serverCore, dir, r.self, "origin", "-listen", addr)
	if err != nil {
		return 0, err
	}
	defer r.end(p)
	if err := untilListening(ctx, "tcp", addr, p); err != nil {
		return 0, err
	}
	l, err := r.loadAPI(ctx, addr, apiRow{name: "plain", targets: []string{"/b/1024/x"}, accept: "*/*"}, r.o.duration)
	return float64(l.Requests) / l.Time.Seconds(), err
}

// measureAPI is one measurement. Any answer but a good one fails it.
func (r *rig) measureAPI(ctx context.Context, b backend, row apiRow) (sample, error) {
	if _, err := r.loadAPI(ctx, b.addr, row, time.Second); err != nil { // warms up
		return sample{}, err
	}
	pids := family([]int{b.process.cmd.Process.Pid})
	before, err := cpuTime(pids)
	if err != nil {
		return sample{}, err
	}
	l, err := r.loadAPI(ctx, b.addr, row, r.o.duration)
	if err != nil {
		return sample{}, err
	}
	after, err := cpuTime(pids)
	return sample{PerSecond: float64(l.Requests) / l.Time.Seconds(), CPU: micros(after-before) / float64(l.Requests),
		P50: micros(l.P50), P99: micros(l.P99)}, err
}

// answered asks for every target once, and gives those that have an answer:
// test databases hold genes without all that belongs to them. Most must.
func answered(ctx context.Context, b backend, row apiRow) (good []string, err error) {
	method := http.MethodGet
	if row.body != "" {
		method = http.MethodPost
	}
	var last error
	for _, target := range row.targets {
		req, err := http.NewRequestWithContext(ctx, method, "http://"+b.addr+target, strings.NewReader(row.body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Accept", row.accept)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		switch {
		case err != nil:
			return nil, err
		case resp.StatusCode != http.StatusOK || len(text) == 0 || !strings.Contains(string(text), row.contains):
			last = fmt.Errorf("%s %s: %s: %.300s", method, target, resp.Status, text)
		default:
			good = append(good, target)
		}
	}
	if 2*len(good) < len(row.targets) {
		return nil, fmt.Errorf("%d of %d targets have no answer; %w", len(row.targets)-len(good), len(row.targets), last)
	}
	return good, nil
}

func (r *rig) loadAPI(ctx context.Context, addr string, row apiRow, length time.Duration) (load, error) {
	script, err := r.file("api.lua")
	if err != nil {
		return load{}, err
	}
	name := strings.Map(func(c rune) rune {
		if c == '/' || c == ' ' || c == '?' {
			return '-'
		}
		return c
	}, row.name)
	targets := filepath.Join(r.dir, name+".targets")
	if err := os.WriteFile(targets, []byte(strings.Join(row.targets, "\n")+"\n"), 0o644); err != nil {
		return load{}, err
	}
	args := []string{"-t1", "-c32", fmt.Sprintf("-d%d", int(length.Seconds())), "--latency", "--timeout", "30s", "-s", script, "http://" + addr, "--", addr, targets, row.accept}
	if row.body != "" {
		file := filepath.Join(r.dir, name+".body")
		if err := os.WriteFile(file, []byte(row.body), 0o644); err != nil {
			return load{}, err
		}
		args = append(args, file)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, length+60*time.Second, errors.New("wrk did not end"))
	defer cancel()
	text, err := pinned(ctx, r.o.loadCore, r.wrk, args...).CombinedOutput()
	if err != nil {
		return load{}, fmt.Errorf("wrk: %w\n%s", err, text)
	}
	return parseWrk(string(text))
}

// profileAPI prints where a row's time goes.
func (r *rig) profileAPI(ctx context.Context, b backend, row apiRow, out io.Writer) error {
	done := make(chan error, 1)
	go func() {
		_, err := r.loadAPI(ctx, b.addr, row, r.o.duration+2*time.Second)
		done <- err
	}()
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", b.admin, int(r.o.duration.Seconds()))
	text, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-cum", "-nodecount=45", url).Output()
	if err != nil {
		return errors.Join(fmt.Errorf("go tool pprof %s: %w", url, err), <-done)
	}
	fmt.Fprintf(out, "\nprofile of %s over %s:\n%s\n", row.name, b.name, text)
	return <-done
}
