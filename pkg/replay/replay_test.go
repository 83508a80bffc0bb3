package replay

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

func at(t testing.TB, lat, lon float64) geo.Point {
	p, err := geo.At(lat, lon)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newMap(t testing.TB, regions ...region.Region) *region.Map {
	m, err := region.NewMap(region.Network{Canonical: []string{"https://rest.example.org"}, Home: "europe"}, regions...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func europe(t testing.TB) region.Region {
	return region.Region{Name: "europe", URL: "https://europe.example.org", Location: at(t, 52.08, 0.19), Serves: region.Rules{Continents: []string{"EU"}}}
}

func asia(t testing.TB) region.Region {
	return region.Region{Name: "asia", URL: "https://asia.example.org", Location: at(t, 1.35, 103.82), Serves: region.Rules{Continents: []string{"AS"}}}
}

func tokyo(t testing.TB) region.Region {
	return region.Region{Name: "tokyo", URL: "https://tokyo.example.org", Location: at(t, 35.69, 139.69), Serves: region.Rules{Countries: []string{"JP"}},
		SoftRPS: 0.5, HardRPS: 3}
}

// locate puts 1.0.0.0/8 into Japan, 2.0.0.0/8 into France, 3.0.0.0/8 into India.
func locate(a netip.Addr) geo.Place {
	if !a.Is4() {
		return geo.Place{}
	}
	code := map[byte]string{1: "JP", 2: "FR", 3: "IN"}[a.As4()[0]]
	p, _ := geo.CountryPoint(code)
	return geo.Place{Country: code, Continent: geo.ContinentOf(code), Point: p}
}

type trips map[region.Name]time.Duration

func (t trips) RoundTrip(_ netip.Addr, r region.Name) time.Duration { return t[r] }

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func entry(client string, second, n int) Entry {
	return Entry{At: noon.Add(time.Duration(second) * time.Second), Client: netip.MustParseAddr(client), Requests: n}
}

func TestReplay(t *testing.T) {
	c := Config{Before: newMap(t, europe(t), asia(t)), After: newMap(t, europe(t), asia(t), tokyo(t)), Locate: locate,
		Clients: trips{"asia": 70 * time.Millisecond, "tokyo": 5 * time.Millisecond}}
	entries := []Entry{entry("1.0.0.1", 0, 100), entry("2.0.0.1", 1, 10), entry("::ffff:1.0.0.1", 30, 20), entry("1.0.0.2", 90, 1),
		entry("3.0.0.1", 5, 5), entry("2001:db8::1", 10, 3), {Client: netip.MustParseAddr("1.0.0.3"), Requests: 2}, {Client: netip.MustParseAddr("1.0.0.4")}}
	got := Replay(c, slices.Values(entries))
	japan, _ := geo.CountryPoint("JP")
	far, near := japan.DistanceKm(asia(t).Location), japan.DistanceKm(tokyo(t).Location)
	moved := Moved{Clients: 3, Requests: 123, KmBefore: far, KmAfter: near, KmKnown: 123,
		RTTBefore: 70 * time.Millisecond, RTTAfter: 5 * time.Millisecond, RTTKnown: 123}
	want := Report{From: noon, To: noon.Add(90 * time.Second), Requests: 141, Clients: 6, Unlocated: 3, Moved: moved,
		Moves: []Move{{From: "asia", To: "tokyo", Moved: moved, Example: netip.MustParseAddr("1.0.0.1")}},
		Regions: []Load{
			{Region: "asia", RequestsBefore: 128, RequestsAfter: 5, ClientsBefore: 4, ClientsAfter: 1, PeakBefore: 125. / 60, PeakAfter: 5. / 60},
			{Region: "europe", RequestsBefore: 13, RequestsAfter: 13, ClientsBefore: 2, ClientsAfter: 2, PeakBefore: 13. / 60, PeakAfter: 13. / 60},
			{Region: "tokyo", RequestsAfter: 123, ClientsAfter: 3, PeakAfter: 2, SoftRPS: 0.5, HardRPS: 3, Over: "soft"},
		}}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateApprox(0, 1e-6)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	// The way back moves the same clients, and the way to nothing.
	back := Replay(Config{Before: c.After, After: c.Before, Locate: locate}, slices.Values(entries))
	if back.Moved.Requests != 123 || back.Moved.KmBefore != got.Moved.KmAfter || back.Moved.RTTKnown != 0 || back.Moves[0].From != "tokyo" {
		t.Errorf("back: %+v", back.Moved)
	}
	retired := europe(t)
	retired.State = region.Retired
	none := Replay(Config{Before: newMap(t, europe(t)), After: newMap(t, retired)}, slices.Values(entries))
	if len(none.Moves) != 1 || none.Moves[0].To != "" || none.Moves[0].Clients != 6 || none.Moved.KmKnown != 0 || none.Unlocated != 141 {
		t.Errorf("to nothing: %+v", none)
	}
	if i := slices.IndexFunc(none.Regions, func(l Load) bool { return l.Region == "" }); i < 0 || none.Regions[i].RequestsAfter != 141 {
		t.Errorf("to nothing: %+v", none.Regions)
	}
}

func TestMaxClients(t *testing.T) {
	m := newMap(t, europe(t), asia(t))
	r := Replay(Config{Before: m, After: newMap(t, europe(t), asia(t), tokyo(t)), Locate: locate, MaxClients: 2},
		slices.Values([]Entry{entry("1.0.0.1", 0, 1), entry("1.0.0.2", 0, 1), entry("1.0.0.3", 0, 1), entry("1.0.0.1", 0, 1)}))
	if r.Clients != 2 || r.Uncounted != 1 || r.Moved.Clients != 2 || r.Moved.Requests != 4 || r.Requests != 4 {
		t.Errorf("%+v", r)
	}
}

// The sums agree, and the order of the entries does not matter.
func TestProperties(t *testing.T) {
	maps := []*region.Map{newMap(t, europe(t)), newMap(t, europe(t), asia(t)), newMap(t, europe(t), asia(t), tokyo(t))}
	rapid.Check(t, func(rt *rapid.T) {
		c := Config{Before: rapid.SampledFrom(maps).Draw(rt, "before"), After: rapid.SampledFrom(maps).Draw(rt, "after"), Locate: locate}
		var entries []Entry
		for range rapid.IntRange(0, 30).Draw(rt, "entries") {
			client := netip.AddrFrom4([4]byte{byte(rapid.IntRange(0, 4).Draw(rt, "a")), 0, 0, byte(rapid.IntRange(0, 2).Draw(rt, "d"))})
			entries = append(entries, Entry{At: noon.Add(time.Duration(rapid.IntRange(0, 300).Draw(rt, "at")) * time.Second), Client: client, Requests: rapid.IntRange(0, 3).Draw(rt, "n")})
		}
		r := Replay(c, slices.Values(entries))
		var before, after, moves, clientsBefore, clientsAfter int
		for _, l := range r.Regions {
			before, after = before+l.RequestsBefore, after+l.RequestsAfter
			clientsBefore, clientsAfter = clientsBefore+l.ClientsBefore, clientsAfter+l.ClientsAfter
		}
		for _, m := range r.Moves {
			moves += m.Requests
			if m.From == m.To || math.IsNaN(m.KmBefore) {
				rt.Fatalf("%+v", m)
			}
		}
		if before != r.Requests || after != r.Requests || moves != r.Moved.Requests || clientsBefore != r.Clients || clientsAfter != r.Clients {
			rt.Fatalf("%+v", r)
		}
		if c.Before == c.After && len(r.Moves) > 0 {
			rt.Fatalf("nothing changed, and %+v", r.Moves)
		}
		other := Replay(c, slices.Values(rapid.Permutation(entries).Draw(rt, "order")))
		for i := range other.Moves {
			other.Moves[i].Example = r.Moves[i].Example
		}
		if !cmp.Equal(r, other, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateApprox(0, 1e-6)) {
			rt.Fatalf("%+v\n%+v", r, other)
		}
	})
}

// What an edge logs is what is read.
func TestLog(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&b, nil))
	b.WriteString("\nplain text of something else\n{\"half\":\n")
	observe.LogAccess(log, observe.Outcome{Client: netip.MustParseAddr("192.0.2.1"), Method: "GET", Target: "/\"\n", Status: 200, Action: "serve"})
	log.Info("serving", "client", 3, "node", "asia-1")
	log.Info("request", "status", "200")
	observe.LogAccess(log, observe.Outcome{Client: netip.MustParseAddr("2001:db8::1"), Status: 307, Action: "redirect", Region: "asia"})
	observe.LogAccess(log, observe.Outcome{Status: 200})
	observe.LogAccess(log, observe.Outcome{Client: netip.MustParseAddr("192.0.2.2"), Status: 200, Reason: forwarded(t)})
	b.WriteString(`{"msg":"request","target":"` + strings.Repeat("x", 2*maxLine) + "\"}\n")
	observe.LogAccess(log, observe.Outcome{Client: netip.MustParseAddr("192.0.2.3"), Status: 500})
	text := strings.TrimSuffix(b.String(), "\n") // the last line without its end

	l := ReadLog(strings.NewReader(text))
	var got []string
	for e := range l.Entries() {
		if e.Requests != 1 || time.Since(e.At) > time.Minute || e.At.IsZero() {
			t.Errorf("%+v", e)
		}
		got = append(got, e.Client.String())
	}
	if want := []string{"192.0.2.1", "2001:db8::1", "192.0.2.3"}; !reflect.DeepEqual(got, want) {
		t.Errorf("clients %v, want %v", got, want)
	}
	if l.Read != 3 || l.Forwarded != 1 || l.Other != 4 || l.Broken != 2 || l.Err() != nil {
		t.Errorf("%+v", l)
	}

	gone := errors.New("the disk is gone")
	l = ReadLog(iotest.DataErrReader(iotest.ErrReader(gone)))
	for e := range l.Entries() {
		t.Errorf("%+v", e)
	}
	if !errors.Is(l.Err(), gone) {
		t.Errorf("Err %v", l.Err())
	}
}

// forwarded is the reason that a node gives for what came through another.
func forwarded(t *testing.T) string {
	r := route.Compile(route.World{Map: newMap(t, europe(t)), Self: "europe"})
	return r.Decide(route.Query{Host: "rest.example.org", Method: "GET", Forwarded: true}).Reason()
}

func FuzzLog(f *testing.F) {
	var b bytes.Buffer
	observe.LogAccess(slog.New(slog.NewJSONHandler(&b, nil)), observe.Outcome{Client: netip.MustParseAddr("192.0.2.1"), Status: 200})
	f.Add(b.Bytes())
	f.Add([]byte("{\"msg\":\"request\",\"client\":[],\"time\":7}\n{\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := ReadLog(bytes.NewReader(data))
		n := 0
		for e := range l.Entries() {
			if n++; !e.Client.IsValid() || e.Requests != 1 {
				t.Errorf("%+v", e)
			}
		}
		if lines := bytes.Count(data, []byte("\n")) + 1; n != l.Read || l.Read+l.Forwarded+l.Other+l.Broken > lines || l.Err() != nil {
			t.Errorf("%d entries of %d lines, %+v", n, lines, l)
		}
	})
}

func BenchmarkReplay(b *testing.B) {
	var log bytes.Buffer
	observe.LogAccess(slog.New(slog.NewJSONHandler(&log, nil)), observe.Outcome{Client: netip.MustParseAddr("1.0.0.1"), Method: "GET", Host: "rest.example.org",
		Target: "/sequence/id/ENSG00000157764?type=cdna", Status: 200, Action: "serve", Region: "asia", Nearest: "asia", Reason: "this region is the nearest"})
	c := Config{Before: newMap(b, europe(b), asia(b)), After: newMap(b, europe(b), asia(b), tokyo(b)), Locate: locate}
	text := bytes.Repeat(log.Bytes(), 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Replay(c, ReadLog(bytes.NewReader(text)).Entries())
	}
}
