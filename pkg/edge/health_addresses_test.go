package edge

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/health"
)

func TestFamilies(t *testing.T) {
	s, b := five(t)
	states := func(node, text string) {
		if err := b.Share(topicNode, node, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	states("asia-1", `{"addresses":["193.62.2.7","2a00:db8::7","0.0.0.0","fe80::1%eth0","x","193.62.2.7"],"keys":["00"]}`)
	states("useast-1", `{"addresses":["193.62.2.8"]}`)
	states("africa-1", `[1]`)
	states("oceania-1", `{"addresses":["198.51.100.7","203.0.113.7","192.0.2.7","2001:db8::7","3fff:fff::7"]}`) // of documentation: not probed
	var got []string
	for _, target := range s.edge.Targets() {
		if strings.HasPrefix(target.ID, "address ") {
			got = append(got, target.ID+" "+target.URL+" "+target.Host)
		}
	}
	want := []string{"address asia-1 193.62.2.7 http://193.62.2.7/-/healthz asia.test", "address asia-1 2a00:db8::7 http://[2a00:db8::7]/-/healthz asia.test",
		"address useast-1 193.62.2.8 http://193.62.2.8/-/healthz useast.test"}
	if !slices.Equal(got, want) {
		t.Errorf("targets %q", got)
	}
	v4, v6 := netip.MustParseAddr("193.62.2.7"), netip.MustParseAddr("2a00:db8::7")
	asia := func() string {
		st := s.regionStatus("asia")
		return fmt.Sprint(s.edge.Addresses()["asia"], st.NoV4, st.NoV6)
	}
	for _, tc := range []struct {
		when, own string // addresses of this node
		node      health.State
		v4, v6    health.State
		want      string
	}{
		{"both answer", "[]", health.Serving, health.Serving, health.Serving, "[{193.62.2.7 true} {2a00:db8::7 true}] false false"},
		{"not known yet", "[]", health.Serving, "", "", "[{193.62.2.7 true} {2a00:db8::7 true}] false false"},
		{"no v6 there, or here?", "[]", health.Serving, health.Serving, health.Unreachable, "[{193.62.2.7 true} {2a00:db8::7 true}] false false"},
		{"no v6 there", `["2a00:db8::1"]`, health.Serving, health.Serving, health.Unreachable, "[{193.62.2.7 true} {2a00:db8::7 false}] false true"},
		{"no v4 there", `["193.62.2.1"]`, health.Serving, health.Unreachable, health.Serving, "[{193.62.2.7 false} {2a00:db8::7 true}] true false"},
		{"never reached by any", `["193.62.2.1"]`, health.Serving, health.Unreachable, health.Unreachable, "[{193.62.2.7 true} {2a00:db8::7 true}] false false"},
		{"nobody there", `["193.62.2.1"]`, health.Unreachable, health.Unreachable, health.Unreachable, "[{193.62.2.7 false} {2a00:db8::7 false}] false false"},
	} {
		s.edge.Config.Addresses = readAddresses([]byte(`{"addresses":` + tc.own + `}`))
		s.sets(nodeID("asia-1"), health.TargetStatus{State: tc.node, LastOK: time.Now().Add(time.Hour)})
		for a, state := range map[netip.Addr]health.State{v4: tc.v4, v6: tc.v6} {
			t := health.TargetStatus{State: state}
			if state == health.Serving {
				t.LastOK = time.Now()
			}
			s.sets(addressID("asia-1", a), t)
		}
		if got := asia(); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.when, got, tc.want)
		}
	}
	// Where the others see a node that this one does not, its addresses stand.
	for _, n := range []string{"useast-1", "africa-1", "oceania-1"} {
		b.says(t, n, `{"seen":null}`)
	}
	if got := asia(); got != "[{193.62.2.7 true} {2a00:db8::7 true}] false false" {
		t.Errorf("seen by others: %s", got)
	}
	if got := s.edge.Addresses()["europe"]; len(got) != 1 || !got[0].Serving {
		t.Errorf("its own: %v", got)
	}
}

func FuzzReadAddresses(f *testing.F) {
	f.Add([]byte(`{"addresses":["193.62.2.1","::ffff:193.62.2.1","ff02::1"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		list := readAddresses(text)
		if len(list) > MaxAddresses {
			t.Fatalf("%d addresses", len(list))
		}
		for _, a := range list {
			if !a.IsValid() || a.Zone() != "" || a.IsMulticast() || a.IsUnspecified() || a.Is4In6() {
				t.Fatalf("%s", a)
			}
		}
	})
}
