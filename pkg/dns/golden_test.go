package dns

import (
	"bufio"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

const line = "----------\n"

// noon is when all of these tests take place.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// testWorld is a Network and a Locator.
type testWorld struct {
	world     route.World
	addresses map[region.Name][]Address
	places    map[netip.Prefix]string // to countries
}

func (w *testWorld) World() route.World                   { return w.world }
func (w *testWorld) Addresses() map[region.Name][]Address { return w.addresses }

func (w *testWorld) find(a netip.Addr) (best netip.Prefix) {
	for p := range w.places {
		if p.Contains(a) && (!best.IsValid() || p.Bits() > best.Bits()) {
			best = p
		}
	}
	return best
}

func (w *testWorld) Locate(a netip.Addr) geo.Place {
	country := w.places[w.find(a)]
	point, _ := geo.CountryPoint(country)
	return geo.Place{Country: country, Continent: geo.ContinentOf(country), Point: point}
}

// Network is as wide as it is in a database: up to where a place begins.
func (w *testWorld) Network(a netip.Addr) netip.Prefix {
	bits := 0
	for p := range w.places {
		if p.Addr().Is4() != a.Is4() {
			continue
		}
		if p.Contains(a) {
			bits = max(bits, p.Bits())
		} else {
			bits = max(bits, parting(p.Addr(), a))
		}
	}
	p, _ := a.Prefix(bits)
	return p
}

// Each file of testdata is a world, queries, a line, and the answers. The world
// starts from testdata/regions; "NAME| text" adds a line to a file of it.
//
//	self NAME, up NAME…, down NAME, isolated, overloaded NAME, draining NAME, nov4 NAME, nov6 NAME
//	addr REGION ADDRESS [down]
//	place NETWORK COUNTRY
//	server NAME          of the name servers
//	query NAME TYPE [from=ADDRESS] [subnet=NETWORK] [tcp] [rd] [do] [nsid] [cookie] [bufsize=N] [class=CH] [opcode=NOTIFY] [version=N] [option=CODE] [id=N]
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, _ := strings.Cut(string(data), line)
			w, servers, queries := readWorld(t, input)
			s := newTestServer(w, servers...)
			var b strings.Builder
			for i, text := range queries {
				if i > 0 {
					b.WriteString("\n")
				}
				fmt.Fprintf(&b, "query %s\n%s", text, ask(t, s, text))
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

func newTestServer(w *testWorld, servers ...string) *Server {
	return newServer(Config{Node: "asia-1", Names: servers, TTL: 20 * time.Second, Limit: -1, Network: w, Locator: w, Logger: slog.New(slog.DiscardHandler)})
}

func readWorld(t testing.TB, input string) (w *testWorld, servers, queries []string) {
	t.Helper()
	w = &testWorld{world: route.World{Self: "asia", Status: map[region.Name]route.Status{}}, addresses: map[region.Name][]Address{}, places: map[netip.Prefix]string{}}
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
	for s := bufio.NewScanner(strings.NewReader(input)); s.Scan(); {
		text := s.Text()
		if name, more, ok := strings.Cut(text, "| "); ok {
			if more, ok := strings.CutPrefix(more, "instead: "); ok { // of the line with the same key
				key, _, _ := strings.Cut(more, ":")
				kept := slices.DeleteFunc(slices.Collect(strings.Lines(files[name+".yaml"])), func(l string) bool { return strings.HasPrefix(l, key+":") })
				files[name+".yaml"] = strings.Join(kept, "") + more + "\n"
				continue
			}
			files[name+".yaml"] += more + "\n"
			continue
		}
		verb, rest, _ := strings.Cut(text, " ")
		words := strings.Fields(rest)
		change := func(f func(*route.Status)) {
			for _, name := range words {
				st := w.world.Status[region.Name(name)]
				f(&st)
				w.world.Status[region.Name(name)] = st
			}
		}
		switch verb {
		case "", "#":
		case "self":
			w.world.Self = region.Name(rest)
		case "isolated":
			w.world.Isolated = true
		case "up":
			change(func(st *route.Status) { st.Serving, st.Nodes = true, 1 })
		case "down":
			change(func(st *route.Status) { st.Serving = false })
		case "overloaded":
			change(func(st *route.Status) { st.Overloaded = true })
		case "draining":
			change(func(st *route.Status) { st.Draining = "until 14:05 UTC" })
		case "nov4":
			change(func(st *route.Status) { st.NoV4 = true })
		case "nov6":
			change(func(st *route.Status) { st.NoV6 = true })
		case "addr":
			name := region.Name(words[0])
			w.addresses[name] = append(w.addresses[name], Address{netip.MustParseAddr(words[1]), len(words) == 2})
		case "place":
			w.places[netip.MustParsePrefix(words[0])] = words[1]
		case "server":
			servers = append(servers, rest)
		case "query":
			queries = append(queries, rest)
		default:
			t.Fatalf("line %q: the first word is not known", text)
		}
	}
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if w.world.Map, err = region.Load(dir); err != nil {
		t.Fatal(err)
	}
	return w, servers, queries
}

// message makes the query that a line of a golden file speaks of.
func message(t testing.TB, text string) (m *dns.Msg, from netip.Addr, tcp bool) {
	t.Helper()
	words := strings.Fields(text)
	qtype, ok := dns.StringToType[words[1]]
	if !ok {
		if _, err := fmt.Sscanf(words[1], "TYPE%d", &qtype); err != nil {
			t.Fatalf("%q: no type", text)
		}
	}
	m = &dns.Msg{}
	m.Id = 0
	m.Question = []dns.Question{{Name: dns.Fqdn(words[0]), Qtype: qtype, Qclass: dns.ClassINET}}
	from = netip.MustParseAddr("192.0.2.53")
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	opt.SetUDPSize(1232)
	edns := false
	for _, word := range words[2:] {
		key, value, _ := strings.Cut(word, "=")
		number := func() int {
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Fatalf("%q: %q: %v", text, key, err)
			}
			return n
		}
		switch key {
		case "from":
			from = netip.MustParseAddr(value)
		case "tcp":
			tcp = true
		case "rd":
			m.RecursionDesired = true
		case "id":
			m.Id = uint16(number())
		case "class":
			m.Question[0].Qclass = dns.StringToClass[value]
		case "opcode":
			m.Opcode = dns.StringToOpcode[value]
		default:
			edns = true
			switch key {
			case "edns":
			case "do":
				opt.SetDo()
			case "bufsize":
				opt.SetUDPSize(uint16(number()))
			case "version":
				opt.SetVersion(uint8(number()))
			case "option":
				opt.Option = append(opt.Option, &dns.EDNS0_LOCAL{Code: uint16(number()), Data: []byte("what?")})
			case "nsid":
				opt.Option = append(opt.Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID})
			case "cookie":
				opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708"})
			case "subnet":
				p := netip.MustParsePrefix(value)
				o := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 2, SourceNetmask: uint8(p.Bits()), Address: p.Masked().Addr().AsSlice()}
				if p.Addr().Is4() {
					o.Family = 1
				}
				opt.Option = append(opt.Option, o)
			default:
				t.Fatalf("%q: %q is not known", text, key)
			}
		}
	}
	if edns {
		m.Extra = append(m.Extra, opt)
	}
	return m, from, tcp
}

// ask puts the question of a line, and writes the answer.
func ask(t testing.TB, s *Server, text string) string {
	t.Helper()
	m, from, tcp := message(t, text)
	packet, err := m.Pack()
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	out := s.worker(&s.counts[0]).answer(packet, from, tcp, noon)
	if out == nil {
		return "  no answer\n"
	}
	var a dns.Msg
	if err := a.Unpack(out); err != nil {
		t.Fatalf("%q: %v in %x", text, err, out)
	}
	if a.Id != m.Id || !a.Response || a.Opcode != m.Opcode {
		t.Errorf("%q: the header is not that of its answer: %v", text, a.MsgHdr)
	}
	return printAnswer(s, &a, from)
}

// printAnswer writes a message in lines.
func printAnswer(s *Server, a *dns.Msg, from netip.Addr) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %s", rcodeName(a.Rcode))
	for _, f := range []struct {
		name string
		on   bool
	}{{"aa", a.Authoritative}, {"tc", a.Truncated}, {"rd", a.RecursionDesired}, {"ra", a.RecursionAvailable}, {"ad", a.AuthenticatedData}, {"cd", a.CheckingDisabled}} {
		if f.on {
			fmt.Fprintf(&b, " %s", f.name)
		}
	}
	b.WriteString("\n")
	for _, q := range a.Question {
		fmt.Fprintf(&b, "  ? %s %s %s\n", q.Name, dns.Class(q.Qclass), dns.Type(q.Qtype))
	}
	for _, section := range []struct {
		mark string
		list []dns.RR
	}{{"=", a.Answer}, {"@", a.Ns}, {"+", a.Extra}} {
		for _, rr := range section.list {
			opt, ok := rr.(*dns.OPT)
			if !ok {
				fmt.Fprintf(&b, "  %s %s\n", section.mark, strings.ReplaceAll(rr.String(), "\t", " "))
				continue
			}
			fmt.Fprintf(&b, "  %s OPT version %d, %d bytes", section.mark, opt.Version(), opt.UDPSize())
			if opt.Do() {
				b.WriteString(", do")
			}
			for _, o := range opt.Option {
				switch o := o.(type) {
				case *dns.EDNS0_SUBNET:
					fmt.Fprintf(&b, ", subnet %s/%d scope %d", o.Address, o.SourceNetmask, o.SourceScope)
				case *dns.EDNS0_COOKIE:
					var raw []byte
					fmt.Sscanf(o.Cookie, "%x", &raw)
					fmt.Fprintf(&b, ", cookie good=%v", s.cookies.good(raw, from, noon))
				case *dns.EDNS0_NSID:
					var raw []byte
					fmt.Sscanf(o.Nsid, "%x", &raw)
					fmt.Fprintf(&b, ", nsid %s", raw)
				default:
					fmt.Fprintf(&b, ", option %d", o.Option())
				}
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}
