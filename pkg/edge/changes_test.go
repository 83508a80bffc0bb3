package edge

import (
	"strconv"
	"testing"
	"time"
)

// A change counts for its key, also once it is forgotten.
func TestChanges(t *testing.T) {
	c := newChanges()
	c.add("a", time.Time{})
	a, b := c.of("a"), c.of("b")
	c.add("a", time.Time{})
	if c.of("a") == a || c.of("b") != b {
		t.Errorf("after a change of a: a %d→%d, b %d→%d", a, c.of("a"), b, c.of("b"))
	}
	a = c.of("a")
	for i := range 2 * maxChanges {
		c.add(strconv.Itoa(i), time.Time{})
	}
	if len(c.counts) > maxChanges {
		t.Errorf("%d are remembered", len(c.counts))
	}
	if c.of("a") <= a || c.of("b") <= b {
		t.Error("a key that was forgotten counts as unchanged")
	}
}
