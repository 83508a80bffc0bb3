// Conformance runs the public HTTP cache tests (npm package http-cache-tests)
// against a real edge process in plain RFC 9111 mode: with its memory alone,
// with memcached below it, and with memcached alone:
//
//	go run ./pkg/conformance -edge bin/edge [-suite FOLDER] [-stores LIST] [-write]
//
// The tests bring their own origin and client; both run under node. A test
// counts only when the tests that it depends on pass, and the tests that are
// for browsers alone are left out. What came out is compared with the results
// kept in testdata: a test that counted and no longer does is a regression. A
// newer copy of the tests is run from a folder, by -suite; its results are
// printed, and kept nowhere.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	edge := flags.String("edge", "bin/edge", "the edge program")
	home := flags.String("home", "pkg/conformance", "this package's folder")
	folder := flags.String("suite", "", "folder of another copy of the tests")
	stores := flags.String("stores", "memory,memcached,memcached-only", "what to store in: memory, memcached (below memory), memcached-only")
	write := flags.Bool("write", false, "keep the results in testdata, unless something regressed")
	verbose := flags.Bool("v", false, "list what does not count, and why")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := openSuite(ctx, *home, *folder)
	if err != nil {
		return err
	}
	defer s.close()
	names := strings.Split(*stores, ",")
	ports, err := freePorts(2 * len(names))
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	reports := make([]report, len(names))
	errs := make([]error, len(names))
	for i, name := range names {
		wg.Go(func() { reports[i], errs[i] = measure(ctx, s, *edge, *home, name, [2]int(ports[2*i:])) })
	}
	wg.Wait()
	for i, r := range reports {
		if errs[i] != nil {
			continue
		}
		fmt.Printf("%-14s required %d/%d optional %d/%d\n", r.name, r.required.passed, r.required.all, r.optional.passed, r.optional.all)
		if *verbose {
			for _, line := range r.failures {
				fmt.Println("    " + line)
			}
		}
		if *folder != "" {
			continue
		}
		for _, id := range r.regressed {
			errs[i] = errors.Join(errs[i], fmt.Errorf("%s: %s counted before, and does not now: %s", r.name, id, s.why(id, r.results)))
		}
		if *write && errs[i] == nil {
			errs[i] = r.results.keep(kept(*home, names[i]))
		}
	}
	return errors.Join(errs...)
}

// report is what one run came to.
type report struct {
	name               string
	required, optional score
	failures           []string // of both kinds, a line each
	regressed          []string // ids that counted in the results kept
	results            results
}

type score struct{ passed, all int }

// tries bounds how often the tests are run before something counts as a
// regression: they wait for whole seconds, and a busy machine may be late.
const tries = 3

// measure runs the tests against one edge.
func measure(ctx context.Context, s *suite, edge, home, store string, ports [2]int) (report, error) {
	r := report{name: store}
	before, err := readResults(kept(home, store))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return r, err
	}
	b, err := startBench(ctx, s, edge, store, ports)
	if err != nil {
		return r, err
	}
	defer b.stop()
	if r.results, err = b.tests(ctx, s); err != nil {
		return r, err
	}
	if s.pinned {
		r.regressed = s.regressions(before, r.results)
	}
	for try := 1; try < tries && len(r.regressed) > 0; try++ {
		again, err := b.tests(ctx, s)
		if err != nil {
			return r, err
		}
		for id, result := range again {
			if result.passed {
				r.results[id] = result
			}
		}
		r.regressed = s.regressions(before, r.results)
	}
	for _, t := range s.tests {
		score := &r.required
		switch t.Kind {
		case "check":
			continue
		case "optimal":
			score = &r.optional
		}
		score.all++
		if s.counts(t.ID, r.results) {
			score.passed++
		} else {
			r.failures = append(r.failures, fmt.Sprintf("%s %s: %s", t.Kind, t.ID, s.why(t.ID, r.results)))
		}
	}
	return r, nil
}
