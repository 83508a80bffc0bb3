//go:build race

package edge

// raceFactor is how much less is done where the race detector slows it.
const raceFactor = 10
