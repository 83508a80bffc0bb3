// Package browser holds the pages against what people do with them: a real
// browser in front of a real network. Nothing may be said on its console, and no host but the
// map's may be asked.
package browser

import (
	"testing"

	"mirrornet/pkg/mirrortest"
)

// TestBrowser runs everything over one network and one browser: first what can be done
// side by side, then what shares the clipboard or changes the network, and last
// what ends processes.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts seven processes and a browser")
	}
	n := mirrortest.Start(t)
	c := launch(t, n)
	t.Run("watch", func(t *testing.T) { testWatch(t, c) })
	t.Run("hostile", func(t *testing.T) { testHostile(t, c, desk) })
	t.Run("together", func(t *testing.T) {
		for _, v := range []view{desk, phone} {
			for _, s := range []step{{"requests", testRequests}, {"example", testExample}, {"compare", testCompare}, {"search", testSearch}, {"permalink", testPermalink}, {"no script", testNoScript}} {
				t.Run(v.name+"/"+s.name, func(t *testing.T) {
					t.Parallel()
					s.test(t, c, v)
				})
			}
		}
		t.Run("connection", func(t *testing.T) {
			t.Parallel()
			testConnection(t, c)
		})
	})
	t.Run("states", func(t *testing.T) { testStates(t, c, states) })
	for _, v := range []view{desk, phone} {
		for _, s := range []step{{"places", testPlaces}, {"note", testNote}, {"copied", testCopied}, {"keyboard", testKeyboard}, {"network", testNetwork}, {"hidden", testHidden}, {"admin", testAdmin},
			{"loading", testLoading}, {"killed", testKilled}} {
			t.Run(v.name+"/"+s.name, func(t *testing.T) { s.test(t, c, v) })
		}
	}
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
