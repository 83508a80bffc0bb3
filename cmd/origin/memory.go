package main

import (
	"os"
	"runtime/debug"
)

// collectorPercent is how much the heap may grow between two collections
// (GOGC): little is kept from one request to the next, so a small heap would be
// collected all the time.
const collectorPercent = 400

// tuneMemory sets it, unless the environment says otherwise.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectorPercent)
	}
}
