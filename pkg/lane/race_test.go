//go:build race

package lane

func init() { raced = true }
