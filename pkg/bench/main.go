//go:build linux

// Command bench measures the edge beside HAProxy, nginx and Varnish as caches
// of one origin, on this machine. It is what "make bench" starts.
//
// Each server runs alone on one core; the load (wrk, and for latencies at a
// fixed rate a generator of its own) and the origin share another. A row is
// measured in rounds, in each of which every server has its turn, in an order
// that rotates; what is printed are medians, with the range. The load generator
// saturates before the fastest servers do, so servers are compared by their own
// CPU time for each request, not by requests per second.
//
// A measurement counts only if every answer was of the kind that the row is
// about: after a hit row the origin must not have been asked, after a miss row
// it must have been asked for everything, and bodies are compared.
//
// Everything is on loopback, in a temporary folder in memory. What is started
// is ended, by process id, also on Ctrl-C and after -limit.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	edge       string        // the program
	duration   time.Duration // of one measurement, whole seconds
	rounds     int
	rows       []string // empty: all
	peers      []string
	serverCore int
	loadCore   int
	entries    int // of the memory row
	out        string
	keep       bool // the temporary folder
}

func main() {
	if len(os.Args) > 1 {
		if part := map[string]func([]string) error{"origin": originMain, "pace": paceMain, "constant": constantMain, "api": apiMain, "load": loadMain}[os.Args[1]]; part != nil {
			if err := part(os.Args[2:]); err != nil {
				fmt.Fprintf(os.Stderr, "bench %s: %v\n", os.Args[1], err)
				os.Exit(1)
			}
			return
		}
	}
	var o options
	var rows, peers string
	var limit time.Duration
	flag.StringVar(&o.edge, "edge", "bin/edge", "the edge's program")
	flag.DurationVar(&o.duration, "d", 3*time.Second, "length of one measurement, in whole seconds")
	flag.IntVar(&o.rounds, "rounds", 5, "measurements of each server in each row")
	flag.StringVar(&rows, "rows", "", "rows to measure, with commas; empty: all of\n"+strings.Join(rowNames(), ","))
	flag.StringVar(&peers, "peers", "haproxy,nginx,varnish", "servers beside the edge; trafficserver is known too")
	flag.IntVar(&o.serverCore, "server-core", 0, "core of the server that is measured")
	flag.IntVar(&o.loadCore, "load-core", 1, "core of load and origin")
	flag.IntVar(&o.entries, "entries", 1_000_000, "stored responses in the row memory")
	flag.StringVar(&o.out, "o", "", "also write the results to this file with .json and .md added")
	flag.BoolVar(&o.keep, "keep", false, "leave the folder with configurations and logs")
	flag.DurationVar(&limit, "limit", time.Hour, "end after this time in any case")
	flag.Parse()
	o.rows, o.peers = words(rows), words(peers)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done after %s; see -limit", limit))
	defer cancel()
	if err := bench(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// check finds what is wrong with the options.
func (o options) check() error {
	for _, r := range o.rows {
		if !slices.Contains(rowNames(), r) {
			return fmt.Errorf("-rows: no row is called %s; there are %s", r, strings.Join(rowNames(), ", "))
		}
	}
	for _, p := range o.peers {
		if _, known := programs()[p]; !known || p == theEdge || p == constant || p == bare {
			return fmt.Errorf("-peers: no peer is called %s; write some of haproxy,nginx,varnish,trafficserver", p)
		}
	}
	switch {
	case o.duration < time.Second || o.duration%time.Second != 0:
		return errors.New("-d: wrk counts in whole seconds; write one like 3s")
	case o.rounds < 1:
		return errors.New("-rounds: write 1 or more")
	case o.entries < 1:
		return errors.New("-entries: write 1 or more")
	case o.serverCore == o.loadCore:
		return errors.New("-load-core: server and load need a core each")
	}
	return nil
}

// bench measures the rows and prints them. A row that failed is an error at the
// end; the others are measured nevertheless.
func bench(ctx context.Context, o options, out io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	r, err := newRig(ctx, o, out)
	if err != nil {
		return err
	}
	defer r.close()
	if err := r.startOrigin(ctx); err != nil {
		return err
	}
	report := Report{Machine: r.machine(), Date: time.Now().UTC().Format(time.RFC3339), Duration: o.duration.String(), Rounds: o.rounds}
	fmt.Fprint(out, report.Machine)
	var failed []string
	for _, row := range rows() {
		if len(o.rows) > 0 && !slices.Contains(o.rows, row.name) {
			continue
		}
		result := r.measureRow(ctx, row)
		if ctx.Err() != nil {
			break
		}
		fmt.Fprint(out, "\n", result.text())
		for _, s := range result.Servers {
			if s.Error != "" {
				failed = append(failed, row.name+" "+s.Server)
			}
		}
		report.Rows = append(report.Rows, result)
		if err := report.write(o.out); err != nil { // after each row: a long run may be cut
			return err
		}
	}
	fmt.Fprint(out, "\n", report.summary())
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(failed) > 0 {
		return fmt.Errorf("no figures of %s", strings.Join(failed, ", "))
	}
	return nil
}
