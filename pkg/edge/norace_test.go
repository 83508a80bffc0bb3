//go:build !race

package edge

const raceFactor = 1
