//go:build !race

package keys

const raceFactor = 1
