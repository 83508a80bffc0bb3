package route

import (
	"bufio"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
)

var update = flag.Bool("update", false, "rewrite the decisions in testdata")

const line = "----------\n"

// Each file of testdata is a world, queries, a line, and the decisions. The
// world starts from testdata/regions; "NAME| text" adds a line to a file of it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, _ := strings.Cut(string(data), line)
			w, queries := readWorld(t, input)
			var b strings.Builder
			for i, text := range queries {
				if i > 0 {
					b.WriteString("\n")
				}
				b.WriteString(text + "\n")
				printDecision(&b, Compile(w).Explain(readQuery(t, text)))
			}
			if *update {
				if err := os.WriteFile(file, []byte(input+line+b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// trips are round trips by client network and region.
type trips map[measurement]time.Duration

type measurement struct {
	network uint64
	region  region.Name
}

func (t trips) RoundTrip(client netip.Addr, r region.Name) time.Duration {
	return t[measurement{networkOf(client), r}]
}

func printed(d Explanation) string {
	var b strings.Builder
	printDecision(&b, d)
	return b.String()
}

func printDecision(b *strings.Builder, d Explanation) {
	fmt.Fprintf(b, "  %s %s %s: %s\n", d.Action, d.Region, d.URL, d.Reason())
	fmt.Fprintf(b, "  %s name, nearest %q\n", d.HostKind, d.Nearest)
	for _, c := range d.Candidates {
		mark, serving, km, client := " ", "serving", "?", ""
		if c.Chosen {
			mark = "*"
		}
		if !c.Serving {
			serving = "-"
		}
		if c.DistanceKm >= 0 {
			km = strconv.FormatFloat(c.DistanceKm, 'f', 0, 64)
		}
		if c.ClientRTT > 0 {
			client = " (client " + c.ClientRTT.String() + ")"
		}
		fmt.Fprintf(b, "  %s %-8s %-8s %-22s %6s km %6s%s  %s\n", mark, c.Region, serving, "["+c.Rule+"]", km, c.RTT, client, c.Reason)
	}
}

// readWorld also gives the text of each query.
func readWorld(t *testing.T, input string) (w World, queries []string) {
	t.Helper()
	w = World{Status: map[region.Name]Status{}, RTT: map[region.Name]time.Duration{}}
	files := map[string]string{}
	base, err := filepath.Glob("testdata/regions/*.yaml")
	if err != nil || len(base) == 0 {
		t.Fatalf("no regions: %v", err)
	}
	for _, file := range base {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(file)] = string(data)
	}
	change := func(name string, by func(*Status)) {
		st := w.Status[region.Name(name)]
		by(&st)
		w.Status[region.Name(name)] = st
	}
	for s := bufio.NewScanner(strings.NewReader(input)); s.Scan(); {
		text := s.Text()
		if name, more, ok := strings.Cut(text, "| "); ok {
			files[name+".yaml"] += more + "\n"
			continue
		}
		verb, rest, _ := strings.Cut(text, " ")
		words := strings.Fields(rest)
		switch verb {
		case "", "#":
		case "self":
			w.Self = region.Name(rest)
		case "isolated":
			w.Isolated = true
		case "up":
			for _, name := range words {
				w.Status[region.Name(name)] = Status{Serving: true, Nodes: 1, Why: "1 of its nodes serving"}
			}
		case "down":
			w.Status[region.Name(words[0])] = Status{Why: strings.Join(words[1:], " ")}
		case "overloaded":
			change(rest, func(st *Status) { st.Overloaded = true })
		case "spill":
			change(words[0], func(st *Status) { st.Spill, err = strconv.Atoi(words[1]) })
		case "without":
			change(words[0], func(st *Status) { st.Without = words[1:] })
		case "draining":
			change(words[0], func(st *Status) { st.Draining = strings.Join(words[1:], " ") })
		case "unreachable-over":
			change(words[1], func(st *Status) { st.NoV4, st.NoV6 = st.NoV4 || words[0] == "IPv4", st.NoV6 || words[0] == "IPv6" })
		case "client-rtt": // NETWORK REGION DURATION
			if w.Clients == nil {
				w.Clients = trips{}
			}
			w.Clients.(trips)[measurement{networkOf(netip.MustParseAddr(words[0])), region.Name(words[1])}], err = time.ParseDuration(words[2])
		case "rtt":
			w.RTT[region.Name(words[0])], err = time.ParseDuration(words[1])
		case "query":
			queries = append(queries, text)
		default:
			t.Fatalf("line %q: the first word is not known", text)
		}
		if err != nil {
			t.Fatalf("line %q: %v", text, err)
		}
	}
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if w.Map, err = region.Load(dir); err != nil {
		t.Fatal(err)
	}
	return w, queries
}

func readQuery(t *testing.T, text string) Query {
	t.Helper()
	q := Query{Host: "rest.example.org", Method: "GET"}
	names := func(list string) (out []region.Name) {
		for name := range strings.SplitSeq(list, ",") {
			out = append(out, region.Name(name))
		}
		return out
	}
	for _, word := range strings.Fields(text)[1:] {
		key, value, _ := strings.Cut(word, "=")
		var err error
		switch key {
		case "client":
			q.Client, err = netip.ParseAddr(value)
		case "country":
			q.Place.Country = value
		case "continent":
			q.Place.Continent = value
		case "point":
			var lat, lon float64
			if _, err = fmt.Sscanf(value, "%g,%g", &lat, &lon); err == nil {
				q.Place.Point, err = geo.At(lat, lon)
			}
		case "accuracy":
			q.Place.AccuracyKm, err = strconv.Atoi(value)
		case "asn":
			var n uint64
			n, err = strconv.ParseUint(value, 10, 32)
			q.Place.ASN = uint32(n)
		case "host":
			q.Host = value
		case "method":
			q.Method = value
		case "class":
			q.Class = value
		case "navigate":
			q.Navigation = true
		case "stay":
			q.Stay = true
		case "force":
			q.Force = true
		case "forwarded":
			q.Forwarded = true
		case "prefer":
			q.Prefer = names(value)
		case "avoid":
			q.Avoid = names(value)
		default:
			t.Fatalf("%q: %q is not known", text, key)
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	}
	return q
}
