//go:build linux

package main

import "fmt"

// kind is what a row measures.
type kind int

const (
	hits      kind = iota // server CPU time for each request, by wrk
	misses                // latency added to the origin's own, by wrk
	paced                 // p99 at a rate below the server's peak
	memory                // bytes for each stored response
	redirects             // server CPU time for each page load that is sent elsewhere, by wrk
)

// row is one line of the comparison.
type row struct {
	name, title string
	kind        kind
	size        int // bytes of a body
	keys        int // different targets, asked for by Zipf; 0: one
	conns       int
	tagged      bool   // ask with If-None-Match, to get 304
	field       string // to ask with, beside those of a page load
	setup       setup
	only        []string // peers that can do this; empty: all
	// goal is a ratio; what it is of, and whether it should be reached or not
	// exceeded, follows from kind. 0: none.
	goal float64
}

// setup is what a row changes in the servers.
type setup struct {
	Large     bool // bodies of 64 kB and more
	Logs      bool // each server writes its access log
	Memcached bool // the memory tier is memcached alone
	CacheMB   int  // capacity
	Redirects bool // another region is nearer to all
}

const zipfKeys = 100_000

func rows() []row {
	ordinary := setup{CacheMB: 1024}
	with := func(change func(*setup)) setup {
		s := ordinary
		change(&s)
		return s
	}
	return []row{
		{name: "1kB", title: "hits, 1 kB, one key", size: 1000, conns: 32, setup: ordinary, goal: 1.2},
		{name: "10kB", title: "hits, 10 kB, one key", size: 10_000, conns: 32, setup: ordinary, goal: 1.1},
		{name: "100kB", title: "hits, 100 kB, one key", size: 100_000, conns: 32, setup: with(func(s *setup) { s.Large = true }), goal: 1.0},
		{name: "zipf", title: fmt.Sprintf("hits, 1 kB, Zipf over %d keys", zipfKeys), size: 1000, keys: zipfKeys, conns: 32, setup: ordinary, goal: 1.1},
		{name: "304", title: "If-None-Match, answered 304", size: 1000, conns: 32, tagged: true, setup: ordinary, goal: 1.1},
		{name: "500", title: "hits, 1 kB, 500 connections", size: 1000, conns: 500, setup: ordinary, goal: 1.2},
		{name: "memcached", title: "hits, 1 kB, Zipf over 1000 keys, from memcached alone, its CPU time included", size: 1000, keys: 1000, conns: 32,
			setup: with(func(s *setup) { s.Memcached = true }), only: []string{"nginx"}, goal: 0.8},
		{name: "logs", title: "hits, 1 kB, access logs on", size: 1000, conns: 32, setup: with(func(s *setup) { s.Logs = true })},
		{name: "miss", title: "misses, 1 kB, 1 connection", kind: misses, size: 1000, conns: 1, setup: ordinary, only: []string{"nginx"}, goal: 2},
		{name: "miss-4", title: "misses, 1 kB, 4 connections", kind: misses, size: 1000, conns: 4, setup: ordinary, only: []string{"nginx"}, goal: 2},
		{name: "p99", title: "p99 of 1 kB hits at 70 % of the server's own peak", kind: paced, size: 1000, conns: 32, setup: ordinary, goal: 1},
		{name: "memory", title: "bytes for each stored 1 kB response", kind: memory, size: 1000, conns: 32,
			setup: with(func(s *setup) { s.CacheMB = 4095 }), goal: 1.5}, // HAProxy's most
		{name: "redirect", title: "page loads sent to another region, each for its own target", kind: redirects, conns: 32,
			setup: with(func(s *setup) { s.Redirects = true }), only: []string{constant, bare}, goal: 0.9},
		{name: "redirect-cookie", title: "the same with a cookie", kind: redirects, field: "Cookie: ENSEMBL_WIDTH=1200", conns: 32,
			setup: with(func(s *setup) { s.Redirects = true }), only: []string{constant, bare}, goal: 0.9},
		{name: "redirect-reload", title: "the same as a browser's reload, which net/http passes to the edge each time", kind: redirects, field: "Cache-Control: max-age=0", conns: 32,
			setup: with(func(s *setup) { s.Redirects = true }), only: []string{constant, bare}, goal: 0.9},
		{name: "redirect-same", title: "page loads sent to another region, all for one target", kind: redirects, keys: 1, conns: 32,
			setup: with(func(s *setup) { s.Redirects = true }), only: []string{constant, bare}, goal: 0.9},
	}
}

func rowNames() (names []string) {
	for _, r := range rows() {
		names = append(names, r.name)
	}
	return names
}

// target is the i-th of a row's.
func (r row) target(i int) string { return fmt.Sprintf("/b/%d/%s/%d", r.size, r.name, i) }
