//go:build linux

package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// load is what wrk saw.
type load struct {
	Requests int64
	Time     time.Duration
	P50, P99 time.Duration
}

var (
	wrkTotal   = regexp.MustCompile(`(?m)^\s*(\d+) requests in ([\d.]+[a-z]+),`)
	wrkPercent = regexp.MustCompile(`(?m)^\s*(50|99)%\s+([\d.]+[a-z]+)\s*$`)
	wrkFault   = regexp.MustCompile(`(?m)^\s*(Non-2xx or 3xx responses: \d+|Socket errors: .*)$`)
)

// parseWrk reads the output of wrk --latency. Answers that are errors make it
// one.
func parseWrk(text string) (load, error) {
	var l load
	if fault := wrkFault.FindStringSubmatch(text); fault != nil {
		return l, fmt.Errorf("wrk: %s", strings.TrimSpace(fault[1]))
	}
	total := wrkTotal.FindStringSubmatch(text)
	if total == nil {
		return l, fmt.Errorf("wrk said:\n%s", text)
	}
	var err error
	if l.Requests, err = strconv.ParseInt(total[1], 10, 64); err != nil {
		return l, err
	}
	if l.Time, err = wrkTime(total[2]); err != nil {
		return l, err
	}
	for _, m := range wrkPercent.FindAllStringSubmatch(text, -1) {
		d, err := wrkTime(m[2])
		if err != nil {
			return l, err
		}
		if m[1] == "50" {
			l.P50 = d
		} else {
			l.P99 = d
		}
	}
	if l.Requests == 0 || l.Time <= 0 || l.P99 == 0 {
		return l, fmt.Errorf("wrk measured nothing:\n%s", text)
	}
	return l, nil
}

// wrkTime reads a time as wrk writes it: 1.50ms, 2.00m, 1.00h.
func wrkTime(s string) (time.Duration, error) { return time.ParseDuration(s) }
