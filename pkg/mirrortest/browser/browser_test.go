// Package browser holds the pages against what people do with them: a real
// browser in front of a real network. Nothing may be said on its console, and no host but the
// map's may be asked.
package browser

import (
	"testing"

	"mirrornet/pkg/mirrortest"
)

// TestBrowser runs everything over one network and one browser. What ends
// processes comes last.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts seven processes and a browser")
	}
	n := mirrortest.Start(t)
	c := launch(t, n)
	t.Run("watch", func(t *testing.T) { testWatch(t, c) })
	for _, v := range []view{desk, phone} {
		t.Run(v.name, func(t *testing.T) {
			for _, step := range []step{
				{"places", testPlaces}, {"note", testNote}, {"requests", testRequests}, {"example", testExample}, {"copied", testCopied}, {"compare", testCompare},
				{"search", testSearch}, {"permalink", testPermalink}, {"keyboard", testKeyboard}, {"no script", testNoScript},
				{"network", testNetwork}, {"hidden", testHidden}, {"admin", testAdmin}, {"loading", testLoading}, {"connection", testConnection}, {"killed", testKilled},
			} {
				t.Run(step.name, func(t *testing.T) { step.test(t, c, v) })
			}
		})
	}
	t.Run("states", func(t *testing.T) { testStates(t, c, states) })
	breakdown(t, c)
	t.Run("broken states", func(t *testing.T) { testStates(t, c, broken) })
	for _, v := range []view{desk, phone} {
		t.Run("API down/"+v.name, func(t *testing.T) { testAPIDown(t, c, v) })
	}
}

type step struct {
	name string
	test func(*testing.T, *chromium, view)
}
