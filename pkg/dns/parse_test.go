package dns

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// packet puts a message together from hexadecimal parts; what follows a # is
// for the reader.
func packet(t testing.TB, parts ...string) []byte {
	t.Helper()
	var b []byte
	for _, p := range parts {
		p, _, _ = strings.Cut(p, "#")
		x, err := hex.DecodeString(strings.ReplaceAll(p, " ", ""))
		if err != nil {
			t.Fatalf("%q: %v", p, err)
		}
		b = append(b, x...)
	}
	return b
}

const (
	head   = "abcd 0000 0001 0000 0000 0000"
	head1  = "abcd 0000 0001 0000 0000 0001" // one additional record
	rest   = "04 72657374 07 6578616d706c65 03 6f7267 00"
	askA   = rest + "0001 0001"
	notify = "abcd 2000 0001 0000 0000 0000"
)

// What cannot be read is answered with an error, or not at all, and never read
// past its end.
func TestMalformed(t *testing.T) {
	w, _, _ := readWorld(t, "up europe\naddr europe 198.51.100.1\n")
	s := newTestServer(w)
	label63 := "3f" + strings.Repeat("61", 63)
	const none = -1
	for _, tt := range []struct {
		what  string
		parts []string
		want  int
	}{
		{"a query", []string{head, askA}, dns.RcodeSuccess},
		{"nothing", nil, none},
		{"half a header", []string{"abcd 0000 0001 0000 0000 00"}, none},
		{"an answer", []string{"abcd 8000 0001 0000 0000 0000", askA}, none},
		{"an answer of another kind", []string{"abcd a800 0000 0000 0000 0000"}, none},
		{"no question", []string{"abcd 0000 0000 0000 0000 0000"}, dns.RcodeFormatError},
		{"two questions", []string{"abcd 0000 0002 0000 0000 0000", askA, askA}, dns.RcodeFormatError},
		{"a question that is not there", []string{head}, dns.RcodeFormatError},
		{"a name without end", []string{head, "04 72657374"}, dns.RcodeFormatError},
		{"a label without end", []string{head, "3f 72657374 00 0001 0001"}, dns.RcodeFormatError},
		{"no type", []string{head, rest}, dns.RcodeFormatError},
		{"half a class", []string{head, rest, "0001 00"}, dns.RcodeFormatError},
		{"a pointer in the question", []string{head, "c00c 0001 0001"}, dns.RcodeFormatError},
		{"a label of type 01", []string{head, "41 61 00 0001 0001"}, dns.RcodeFormatError},
		{"a label of type 10", []string{head, "81 61 00 0001 0001"}, dns.RcodeFormatError},
		{"a name of 255 bytes", []string{head, label63, label63, label63, "3d" + strings.Repeat("61", 61), "00 0001 0001"}, dns.RcodeRefused},
		{"a name of 256 bytes", []string{head, label63, label63, label63, "3e" + strings.Repeat("61", 62), "00 0001 0001"}, dns.RcodeFormatError},
		{"127 labels", []string{head, strings.Repeat("0161", 127), "00 0001 0001"}, dns.RcodeRefused},
		{"the root", []string{head, "00 0001 0001"}, dns.RcodeRefused},
		{"something behind", []string{head, askA, "00"}, dns.RcodeFormatError},
		{"an answer section", []string{"abcd 0000 0001 0001 0000 0000", askA, "c00c 0001 0001 00000000 0004 01020304"}, dns.RcodeFormatError},
		{"an authority section", []string{"abcd 0000 0001 0000 0001 0000", askA, "c00c 0001 0001 00000000 0004 01020304"}, dns.RcodeFormatError},
		{"an additional record that is not there", []string{head1, askA}, dns.RcodeFormatError},
		{"65535 of them", []string{"abcd 0000 0001 0000 0000 ffff", askA}, dns.RcodeFormatError},
		{"one of another type", []string{head1, askA, "c00c 0001 0001 00000000 0004 01020304"}, dns.RcodeSuccess},
		{"one whose name points at itself", []string{head1, askA, "c022 0001 0001 00000000 0004 01020304"}, dns.RcodeSuccess},
		{"half a pointer", []string{head1, askA, "c0"}, dns.RcodeFormatError},
		{"one longer than the packet", []string{head1, askA, "00 0001 0001 00000000 0005 01020304"}, dns.RcodeFormatError},

		{"OPT", []string{head1, askA, "00 0029 0200 00000000 0000"}, dns.RcodeSuccess},
		{"OPT of a name", []string{head1, askA, "0161 00 0029 0200 00000000 0000"}, dns.RcodeFormatError},
		{"OPT with a pointer for a name", []string{head1, askA, "c01d 0029 0200 00000000 0000"}, dns.RcodeFormatError},
		{"OPT twice", []string{"abcd 0000 0001 0000 0000 0002", askA, "00 0029 0200 00000000 0000", "00 0029 0200 00000000 0000"}, dns.RcodeFormatError},
		{"OPT version 1 with what may be no options", []string{head1, askA, "00 0029 0200 00010000 0003 ffffff"}, dns.RcodeBadVers},
		{"half an option", []string{head1, askA, "00 0029 0200 00000000 0003 000a00"}, dns.RcodeFormatError},
		{"an option longer than OPT", []string{head1, askA, "00 0029 0200 00000000 0004 fde80001"}, dns.RcodeFormatError},
		{"an unknown option", []string{head1, askA, "00 0029 0200 00000000 0006 fde80002 0102"}, dns.RcodeSuccess},

		{"a cookie of 8", []string{head1, askA, "00 0029 0200 00000000 000c 000a0008 0102030405060708"}, dns.RcodeSuccess},
		{"a cookie of 7", []string{head1, askA, "00 0029 0200 00000000 000b 000a0007 01020304050607"}, dns.RcodeFormatError},
		{"a cookie of 9", []string{head1, askA, "00 0029 0200 00000000 000d 000a0009 010203040506070809"}, dns.RcodeFormatError},
		{"a cookie of 16", []string{head1, askA, "00 0029 0200 00000000 0014 000a0010 01020304050607080102030405060708"}, dns.RcodeSuccess},
		{"a cookie of 40", []string{head1, askA, "00 0029 0200 00000000 002c 000a0028", strings.Repeat("01", 40)}, dns.RcodeSuccess},
		{"a cookie of 41", []string{head1, askA, "00 0029 0200 00000000 002d 000a0029", strings.Repeat("01", 41)}, dns.RcodeFormatError},
		{"a cookie alone", []string{"abcd 0000 0000 0000 0000 0001", "00 0029 0200 00000000 000c 000a0008 0102030405060708"}, dns.RcodeSuccess},
		{"OPT alone", []string{"abcd 0000 0000 0000 0000 0001", "00 0029 0200 00000000 0000"}, dns.RcodeFormatError},

		{"a subnet", []string{head1, askA, "00 0029 0200 00000000 000b 00080007 0001 18 00 c00002"}, dns.RcodeSuccess},
		{"a subnet of IPv6", []string{head1, askA, "00 0029 0200 00000000 000d 00080009 0002 28 00 20010db800"}, dns.RcodeSuccess},
		{"a subnet of no bits", []string{head1, askA, "00 0029 0200 00000000 0008 00080004 0001 00 00"}, dns.RcodeSuccess},
		{"a subnet of no family", []string{head1, askA, "00 0029 0200 00000000 0008 00080004 0000 00 00"}, dns.RcodeSuccess},
		{"a subnet of no family with bits", []string{head1, askA, "00 0029 0200 00000000 0009 00080005 0000 08 00 7f"}, dns.RcodeFormatError},
		{"a subnet of family 3", []string{head1, askA, "00 0029 0200 00000000 0009 00080005 0003 08 00 7f"}, dns.RcodeFormatError},
		{"a subnet with a scope", []string{head1, askA, "00 0029 0200 00000000 000b 00080007 0001 18 18 c00002"}, dns.RcodeFormatError},
		{"a subnet with bits beyond its prefix", []string{head1, askA, "00 0029 0200 00000000 000b 00080007 0001 17 00 c00003"}, dns.RcodeFormatError},
		{"a subnet of 33 bits", []string{head1, askA, "00 0029 0200 00000000 000d 00080009 0001 21 00 c000020080"}, dns.RcodeFormatError},
		{"a subnet of 129 bits", []string{head1, askA, "00 0029 0200 00000000 0019 00080015 0002 81 00", strings.Repeat("00", 17)}, dns.RcodeFormatError},
		{"a subnet with an address too long", []string{head1, askA, "00 0029 0200 00000000 000c 00080008 0001 18 00 c0000200"}, dns.RcodeFormatError},
		{"a subnet with an address too short", []string{head1, askA, "00 0029 0200 00000000 000a 00080006 0001 18 00 c000"}, dns.RcodeFormatError},
		{"a subnet without an end", []string{head1, askA, "00 0029 0200 00000000 0007 00080003 0001 18"}, dns.RcodeFormatError},
		{"two subnets", []string{head1, askA, "00 0029 0200 00000000 0010 00080004 0001 00 00 00080004 0001 00 00"}, dns.RcodeFormatError},

		{"NOTIFY", []string{notify, askA}, dns.RcodeNotImplemented},
		{"NOTIFY without a question", []string{"abcd 2000 0000 0000 0000 0000"}, dns.RcodeNotImplemented},
		{"UPDATE that cannot be read", []string{"abcd 2800 0001 0000 0000 0000 ff"}, dns.RcodeNotImplemented},
		{"opcode 15", []string{"abcd 7800 0003 0000 0000 0000 ff"}, dns.RcodeNotImplemented},
		{"IXFR with its record", []string{"abcd 0000 0001 0000 0001 0000", rest, "00fb 0001", "c00c 0006 0001 00000000 0000"}, dns.RcodeRefused},
	} {
		p := packet(t, tt.parts...)
		for _, tcp := range []bool{false, true} {
			out := s.worker(&s.counts[0]).answer(p, netip.MustParseAddr("192.0.2.1"), tcp, noon)
			if (out == nil) != (tt.want == none) {
				t.Errorf("%s: answered %x", tt.what, out)
				continue
			}
			if out == nil {
				continue
			}
			var m dns.Msg
			if err := m.Unpack(out); err != nil {
				t.Errorf("%s: %v in %x", tt.what, err, out)
			}
			if m.Rcode != tt.want || m.Id != 0xabcd || !m.Response || m.RecursionAvailable {
				t.Errorf("%s: %v, want %s", tt.what, m.MsgHdr, dns.RcodeToString[tt.want])
			}
		}
		// Nor may a part of it, read as a whole, do harm.
		for n := range p {
			s.worker(&s.counts[0]).answer(p[:n:n], netip.MustParseAddr("192.0.2.1"), false, noon)
		}
	}
}

// FuzzServe: whatever comes, the server lives, and what it says can be read and
// is no longer than it may be.
func FuzzServe(f *testing.F) {
	w, _, _ := readWorld(f, strings.Join([]string{"up europe asia", "addr europe 198.51.100.1", "addr europe 2001:db8::1", "addr asia 203.0.113.1",
		`network| instead: canonical: ["https://example.org", "https://rest.api.example.org"]`, "asia| instead: url: https://asia.mirror.example.org",
		`europe| serves: {networks: ["133.39.7.0/24", "2001:200:8000::/34"]}`, "place 133.39.0.0/16 JP"}, "\n"))
	s := newTestServer(w)
	for _, text := range []string{"example.org A", "example.org AAAA subnet=133.39.1.0/24 cookie nsid", "rest.api.example.org NS do", "api.example.org TXT bufsize=512",
		"x.example.org SOA tcp", "asia.mirror.example.org ANY edns", "version.bind TXT class=CH", "example.org SOA opcode=UPDATE", "example.org AXFR", "example.org A version=1"} {
		m, _, tcp := message(f, text)
		p, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p, tcp, true)
		f.Add(p, tcp, false)
	}
	f.Add(packet(f, "abcd 0000 0000 0000 0000 0001", "00 0029 0200 00000000 000c 000a0008 0102030405060708"), false, true)
	from4, from6 := netip.MustParseAddr("133.39.7.1"), netip.MustParseAddr("2001:200:8001::1")
	f.Fuzz(func(t *testing.T, p []byte, tcp, v4 bool) {
		from := from6
		if v4 {
			from = from4
		}
		out := s.worker(&s.counts[0]).answer(p, from, tcp, noon)
		if out == nil {
			if len(p) >= headerLen && p[2]&0x80 == 0 {
				t.Fatal("a query without an answer")
			}
			return
		}
		var a dns.Msg
		if err := a.Unpack(out); err != nil {
			t.Fatalf("%v in %x", err, out)
		}
		if !a.Response || a.RecursionAvailable || out[0] != p[0] || out[1] != p[1] || a.Opcode != int(p[2]>>3)&0xf {
			t.Fatalf("no answer to that: %v", a.MsgHdr)
		}
		limit := 512
		var own query
		if own.parse(p); own.edns {
			limit = min(own.size, maxUDP)
		}
		if !tcp && len(out) > limit {
			t.Fatalf("%d bytes, may have %d", len(out), limit)
		}
		if a.Authoritative == (a.Rcode != dns.RcodeSuccess && a.Rcode != dns.RcodeNameError) && len(a.Question) > 0 {
			t.Fatalf("authority and response code do not agree: %v", a.MsgHdr)
		}
		// Where the library reads a plain question, so must we.
		var q dns.Msg
		if q.Unpack(p) == nil && len(q.Question) == 1 && len(a.Question) == 1 {
			if q.Question[0] != a.Question[0] {
				t.Fatalf("asked %v, answered %v", q.Question[0], a.Question[0])
			}
			for _, rr := range a.Answer {
				if rr.Header().Name != q.Question[0].Name {
					t.Fatalf("asked %v, answered %v", q.Question[0], rr)
				}
			}
		}
	})
}
