package live

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
)

func twoRegions() status.Report {
	origins := func(state string) []status.Origin { return []status.Origin{{Order: 1, State: state}} }
	return status.Report{Node: "europe-1", Region: "europe", Time: time.Unix(1e9, 0), Catalogue: &status.Catalogue{Release: "115", Hash: "aa"},
		Regions: []status.Region{{Name: "asia", State: "serving", Why: "1 of its nodes serving"}, {Name: "europe", State: "serving"}},
		Nodes: []status.Node{
			{Name: "asia-1", Region: "asia", Membership: "alive", State: "serving", Revision: "r1", Figures: &status.Figures{Release: "115", Origins: origins("serving")}},
			{Name: "europe-1", Region: "europe", Membership: "alive", State: "serving", Revision: "r1", Self: true, Figures: &status.Figures{Release: "115", Origins: origins("serving")}},
		}}
}

func TestChanges(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(r *status.Report)
		want   string // KIND subject to: text, one a line
	}{
		{"nothing", func(r *status.Report) {}, ""},
		{"times and distances alone", func(r *status.Report) {
			r.Time = r.Time.Add(time.Hour)
			r.Nodes[0].RTT, r.Regions[0].RTT, r.Nodes[0].Votes = 3, 3, "2 nodes see it"
		}, ""},
		{"suspected", func(r *status.Report) { r.Nodes[0].Membership = "suspect" }, ""},
		{"another node", func(r *status.Report) {
			r.Nodes = append(r.Nodes, status.Node{Name: "asia-2", Region: "asia", Membership: "alive", State: "unknown", Revision: "r0"})
		}, "joined asia/asia-2 unknown: asia-2 joined asia"},
		{"a node that was dead before", func(r *status.Report) {
			r.Nodes = append(r.Nodes, status.Node{Name: "asia-2", Region: "asia", Membership: "dead", State: "unreachable"})
		}, ""},
		{"killed", func(r *status.Report) {
			r.Nodes[0].State, r.Regions[0].State, r.Regions[0].Why = "unreachable", "unreachable", "asia-1 is unreachable"
		}, "state asia unreachable: asia is unreachable: asia-1 is unreachable\nstate asia/asia-1 unreachable: asia-1 is unreachable"},
		{"given up", func(r *status.Report) { r.Nodes[0].Membership, r.Nodes[0].State = "dead", "unreachable" },
			"dead asia/asia-1 dead: asia-1 is given up: the other nodes have not heard of it for long"},
		{"left", func(r *status.Report) { r.Nodes[0].Membership = "left" }, "left asia/asia-1 left: asia-1 left"},
		{"forgotten", func(r *status.Report) { r.Nodes = r.Nodes[1:] }, "dead asia/asia-1 dead: asia-1 is not known any more"},
		{"drained", func(r *status.Report) {
			r.Regions[0].State, r.Regions[0].Drained = "draining", "until 14:05 UTC"
			r.Nodes[1].State, r.Nodes[1].Drained = "draining", "until 15:05 UTC"
		}, "drained asia draining: asia is drained until 14:05 UTC\ndrained europe/europe-1 draining: europe-1 is drained until 15:05 UTC"},
		{"a new region", func(r *status.Report) {
			r.Regions = append(r.Regions, status.Region{Name: "africa", State: "serving", Announced: true})
			r.Nodes[1].Revision = "r2"
		}, "state africa serving: africa is a new region, announced by its own nodes; it is serving\nrevision europe/europe-1 r2: europe-1 runs revision r2 of the region map"},
		{"a region less", func(r *status.Report) { r.Regions = r.Regions[1:] }, "state asia : asia is no region any more"},
		{"another release", func(r *status.Report) {
			r.Catalogue = &status.Catalogue{Release: "116", Hash: "bb"}
			r.Nodes[0].Figures.Release, r.Nodes[1].Figures.Release = "116", "116"
		}, "release asia/asia-1 116: asia-1 answers from release 116\nrelease europe/europe-1 116: europe-1 answers from release 116"},
		{"another catalogue", func(r *status.Report) { r.Catalogue = &status.Catalogue{Release: "115", Hash: "bb"} },
			"release europe/europe-1 115: europe-1 goes by another catalogue of endpoints, bb"},
		{"mistakes", func(r *status.Report) { r.Nodes[0].Figures.Refused, r.Nodes[1].Figures.Refused = 1, 3 },
			"config refused asia/asia-1 1: asia-1 refuses its region files for a mistake; what ran goes on\n" +
				"config refused europe/europe-1 3: europe-1 refuses its region files for 3 mistakes; what ran goes on"},
		{"an origin that fails", func(r *status.Report) { r.Nodes[0].Figures.Origins[0].State = "unreachable" },
			"state asia/asia-1/1 unreachable: origin 1 of asia-1 is unreachable"},
		{"an origin that nobody looked at", func(r *status.Report) { r.Nodes[0].Figures.Origins[0].State = "unknown" }, ""},
		{"isolated", func(r *status.Report) { r.Isolated = true }, "state europe/europe-1 serving: europe-1 reaches no other region and no origin"},
	} {
		before, after := twoRegions(), twoRegions()
		c.change(&after)
		var got []string
		for _, e := range Changes(&before, &after) {
			got = append(got, fmt.Sprintf("%s %s %s: %s", e.Kind, subject(e), e.To, e.Text))
			if !e.Time.Equal(after.Time) || e.Seq != 0 || e.Detail != "" {
				t.Errorf("%s: %+v", c.name, e)
			}
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), c.want)
		}
	}
	drained, after := twoRegions(), twoRegions()
	drained.Regions[0].State, drained.Regions[0].Drained = "draining", "until 14:05 UTC"
	for state, want := range map[string]string{"serving": "asia takes clients again", "draining": "asia is not drained any more", "unreachable": "asia is not drained any more; it is unreachable"} {
		after.Regions[0].State = state
		if list := Changes(&drained, &after); len(list) != 1 || list[0].Kind != status.Resumed || list[0].Text != want {
			t.Errorf("%+v", list)
		}
	}
}

func subject(e status.Event) string {
	s := string(e.Region)
	if e.Node != "" {
		s += "/" + e.Node
	}
	if e.Origin != 0 {
		s += "/" + strconv.Itoa(e.Origin)
	}
	return s
}

// states is what events tell of: by subject.
type states map[string]string

// statesOf is what a replay of events must end with. Of who is unknown nothing
// is told.
func statesOf(r *status.Report) states {
	s := states{}
	for _, g := range r.Regions {
		s[string(g.Name)] = g.State
	}
	for i := range r.Nodes {
		n := &r.Nodes[i]
		if !present(n) {
			continue
		}
		s[string(n.Region)+"/"+n.Name] = n.State
		s["revision of "+n.Name] = n.Revision
		if n.Figures != nil {
			s["release of "+n.Name], s["mistakes of "+n.Name] = n.Figures.Release, strconv.Itoa(n.Figures.Refused)
			for _, o := range n.Figures.Origins {
				s[fmt.Sprintf("%s/%s/%d", n.Region, n.Name, o.Order)] = o.State
			}
		}
	}
	return s
}

func (s states) replay(e status.Event) {
	of := subject(e)
	switch e.Kind {
	case status.State, status.Drained, status.Resumed:
		if s[of] = e.To; e.To == "" {
			delete(s, of)
		}
	case status.Joined:
		s[of] = e.To
	case status.Left, status.Dead:
		maps.DeleteFunc(s, func(k, _ string) bool {
			return k == of || strings.HasPrefix(k, of+"/") || strings.HasSuffix(k, " of "+e.Node)
		})
	case status.Revision:
		s["revision of "+e.Node] = e.To
	case status.Release:
		s["release of "+e.Node] = e.To
	case status.ConfigRefused:
		s["mistakes of "+e.Node] = e.To
	}
}

func drawReport(t *rapid.T) status.Report {
	pick := func(of string, list ...string) string { return rapid.SampledFrom(list).Draw(t, of) }
	state := func(of string) string { return pick(of, "serving", "draining", "unreachable", "unknown") }
	r := status.Report{Time: time.Unix(rapid.Int64Range(1e9, 2e9).Draw(t, "time"), 0), Isolated: rapid.Bool().Draw(t, "isolated")}
	for _, name := range []region.Name{"asia", "europe"} {
		if pick("map", "there", "there", "absent") == "there" {
			g := status.Region{Name: name, State: pick("region", "serving", "draining", "unreachable", "canary")}
			if g.State == "draining" {
				g.Drained = pick("drain", "", "until 1", "until 2")
			}
			r.Regions = append(r.Regions, g)
		}
	}
	for i, name := range []string{"asia-1", "asia-2", "europe-1"} {
		member := pick("membership", "alive", "alive", "suspect", "dead", "left", "absent")
		if member == "absent" && i < 2 {
			continue
		}
		n := status.Node{Name: name, Region: region.Name(name[:len(name)-2]), Membership: member, State: state("node"), Revision: pick("revision", "r1", "r2"), Self: i == 2}
		if n.State == "draining" {
			n.Drained = pick("drain", "", "until 1")
		}
		if n.Self || rapid.Bool().Draw(t, "figures") {
			n.Figures = &status.Figures{Refused: rapid.IntRange(0, 2).Draw(t, "refused"), Release: pick("release", "115", "116")}
			for o := range 2 {
				n.Figures.Origins = append(n.Figures.Origins, status.Origin{Order: o + 1, State: state("origin")})
			}
		}
		r.Nodes = append(r.Nodes, n)
	}
	return r
}

// Events replayed over the first report give the last one's states; the same
// report twice gives none; and each event changes something.
func TestEventsTellEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prev := drawReport(t)
		known := statesOf(&prev)
		for range rapid.IntRange(1, 5).Draw(t, "looks") {
			cur := drawReport(t)
			carry(&prev, &cur)
			if again := Changes(&cur, &cur); len(again) != 0 {
				t.Fatalf("nothing changed, and %+v", again)
			}
			want := statesOf(&cur)
			for _, e := range Changes(&prev, &cur) {
				before := maps.Clone(known)
				known.replay(e)
				quiet := e.Kind == status.Drained || e.Kind == status.Resumed || strings.Contains(e.Text, "reaches")
				if maps.Equal(before, known) && !quiet {
					t.Fatalf("%+v changes nothing of %v", e, before)
				}
				if e.Text == "" || e.Kind == "" {
					t.Fatalf("%+v", e)
				}
			}
			for _, k := range slices.Sorted(maps.Keys(want)) {
				_, told := known[k]
				sayable := strings.Contains(k, "/") || !strings.Contains(k, " of ")
				switch {
				case !told && !sayable, !told && strings.Count(k, "/") == 2: // of who has joined, or has told its figures for the first time
				case known[k] == want[k], want[k] == unknown, known[k] == unknown && want[k] == "serving":
				default:
					t.Fatalf("%s is %q, and events say %q", k, want[k], known[k])
				}
				known[k] = want[k]
			}
			for k := range known {
				if _, there := want[k]; !there {
					t.Fatalf("%s is no more, and no event says so: %v", k, known[k])
				}
			}
			prev = cur
		}
	})
}

func FuzzReadFigures(f *testing.F) {
	f.Add(`{"node":"asia-1","nodes":[{"name":"asia-1","self":true,"figures":{"at":"2026-11-25T22:32:08Z","window_s":60,"requests_per_s":1.5,"hits":{"lane":0.9},` +
		`"decisions":[{"reason":"nearest region","n":3}],"memory":{"bytes":1,"limit":2,"entries":3},"geoip":{"type":"GeoLite2-City","built":"2026-11-25T22:31:33Z"},` +
		`"origins":[{"order":1,"state":"serving","without":["lookup"]}]}}]}`)
	f.Add(`{"node":"asia-1","nodes":[{"name":"asia-1","figures":{"window_s":-1,"hits":{"a\u0000":2},"memory":{"bytes":-5}}}]}`)
	f.Add(`{"node":"asia-1","nodes":[{"name":"asia-1"}]}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		figures, err := ReadFigures(strings.NewReader(text), "asia-1")
		if err != nil {
			return
		}
		if figures.Window < 0 || figures.Requests < 0 || figures.Refused < 0 || len(figures.Decisions) > maxDecisions || len(figures.Origins) > maxOrigins || len(figures.Hits) > maxHits {
			t.Errorf("%+v", figures)
		}
		for tier, share := range figures.Hits {
			if share < 0 || share > 1 || word(tier) != tier {
				t.Errorf("%q: %v", tier, share)
			}
		}
		if m := figures.Memory; m != nil && (m.Bytes < 0 || m.Limit < 0 || m.Entries < 0) {
			t.Errorf("%+v", m)
		}
	})
}

func TestReadFigures(t *testing.T) {
	long := strings.Repeat("é", 200)
	text := `{"node":"asia-1","nodes":[{"name":"asia-1","figures":{"release":"` + long + `","decisions":[{"reason":"a\nb","n":1}]}}]}`
	f, err := ReadFigures(strings.NewReader(text), "asia-1")
	if err != nil || f.Release != strings.Repeat("é", maxWord) || f.Decisions[0].Reason != "ab" {
		t.Errorf("%+v %v", f, err)
	}
	for _, bad := range []string{`{"node":"asia-2","nodes":[{"name":"asia-1","figures":{}}]}`, `{"node":"asia-1","nodes":[]}`, "<html>", strings.Repeat(" ", maxReport) + text} {
		if f, err := ReadFigures(strings.NewReader(bad), "asia-1"); err == nil {
			t.Errorf("%.40q: %+v", bad, f)
		}
	}
}
