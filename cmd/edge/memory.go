package main

import "runtime/debug"

// collectorPercent is the garbage collector's pace while there is room below
// the limit: rarer than Go's own 100, since the room is the cache's anyway.
const collectorPercent = 400

// memoryLimit is how far the process may grow for a memory tier of that size: a
// quarter over it for the collector, and what the rest of an edge takes. Go
// alone would let a full cache grow to twice its size. 0: Go's own rules hold, as
// without a memory tier, or where the operator has set GOMEMLIMIT or GOGC.
func memoryLimit(cache int64, getenv func(string) string) int64 {
	if cache == 0 || getenv("GOMEMLIMIT") != "" || getenv("GOGC") != "" {
		return 0
	}
	return cache + cache/4 + 128<<20
}

// limitMemory sets it for the process. It is a soft limit: beyond it the
// collector takes more, at most half, of the processors' time.
func limitMemory(limit int64) {
	if limit > 0 {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(collectorPercent)
	}
}
