package edge

import (
	"fmt"
	"testing"
	"time"
)

func TestNotes(t *testing.T) {
	var n notes[int]
	now := time.Unix(1000, 0)
	n.forget("a")
	n.put("a", 1, now.Add(time.Second), now)
	if v, ok := n.get("a", now.Add(time.Second)); v != 1 || !ok {
		t.Errorf("%d %v", v, ok)
	}
	if _, ok := n.get("a", now.Add(time.Second+1)); ok {
		t.Error("past its time")
	}
	if _, ok := n.get("b", now); ok {
		t.Error("b was never put")
	}
	n.forget("a")
	if _, ok := n.get("a", now); ok || n.n.Load() != 0 {
		t.Error("not forgotten")
	}
}

// What is past makes room, and when nothing is, something goes.
func TestNotesAreBounded(t *testing.T) {
	var n notes[int]
	now := time.Unix(1000, 0)
	for i := range maxNotes {
		n.put(fmt.Sprint("old ", i), i, now, now)
	}
	now = now.Add(time.Second)
	for i := range 10 * maxNotes {
		n.put(fmt.Sprint(i), i, now.Add(time.Hour), now)
		if len(n.by) > maxNotes {
			t.Fatalf("%d notes", len(n.by))
		}
		if v, ok := n.get(fmt.Sprint(i), now); !ok || v != i {
			t.Fatalf("the newest, %d, is gone", i)
		}
	}
	if _, ok := n.by["old 5"]; ok {
		t.Error("what is past stays while others go")
	}
}
