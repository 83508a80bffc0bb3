package fetch

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// HopField is the field by which an edge says to another one for whom it asks:
//
//	Mirror-Hop: v=1; t=1764086400; node=asia-1; client=192.0.2.1; proto=https; sig=…
//
// The signature is over all before it in the field, and over method, target
// and authority of the request. client and proto are left out where unknown.
const HopField = "Mirror-Hop"

// HopWindow is how far the clocks of two edges may differ.
const HopWindow = 60 * time.Second

const (
	hopInfo  = "mirrornet hop v1" // of the key's derivation (RFC 5869 §3.2)
	maxField = 512
	sigParam = "; sig="
)

// Hop is what an edge says of a request that it sends to another edge.
type Hop struct {
	Node   string
	Client netip.Addr // whose request it is; invalid: nobody's, or not said
	Proto  string     // the scheme that the client used, http or https; "": not said
	At     time.Time  // to the second
}

// Asked is the part of a request that a hop's signature covers beside the hop.
type Asked struct {
	Method    string
	Target    string // as in the request line, or :path
	Authority string
}

// AskedOf is that part of a request that a server received.
func AskedOf(r *http.Request) Asked { return Asked{r.Method, r.RequestURI, r.Host} }

// HopKeys sign and verify hops. They are immutable and safe for concurrent use;
// nil is none.
type HopKeys struct{ keys [][]byte }

// NewHopKeys derives them from the network's gossip keys: the first signs, all
// verify. Without any, hops are written unsigned.
func NewHopKeys(gossip [][]byte) (*HopKeys, error) {
	k := &HopKeys{}
	for _, secret := range gossip {
		key, err := hkdf.Key(sha256.New, secret, nil, hopInfo, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("fetch: hop key: %w", err)
		}
		k.keys = append(k.keys, key)
	}
	return k, nil
}

// None reports that there are no keys.
func (k *HopKeys) None() bool { return k == nil || len(k.keys) == 0 }

// Sign writes the hop's field for a request.
func (k *HopKeys) Sign(h Hop, a Asked) string {
	b := append(make([]byte, 0, 192), "v=1; t="...)
	b = strconv.AppendInt(b, h.At.Unix(), 10)
	b = append(append(b, "; node="...), url.QueryEscape(h.Node)...)
	if h.Client.IsValid() {
		b = h.Client.Unmap().WithZone("").AppendTo(append(b, "; client="...))
	}
	if h.Proto != "" {
		b = append(append(b, "; proto="...), h.Proto...)
	}
	if k.None() {
		return string(b)
	}
	sig := mac(k.keys[0], b, a)
	b = append(b, sigParam...)
	return string(base64.RawURLEncoding.AppendEncode(b, sig))
}

// Errors of [HopKeys.Verify]; see also [SkewError].
var (
	ErrHopForm      = errors.New("fetch: not a hop's field")
	ErrHopUnsigned  = errors.New("fetch: a hop without a signature")
	ErrHopSignature = errors.New("fetch: a hop whose signature no key of this node made")
)

// SkewError says that a hop is signed by the network, at a time too far from
// this node's.
type SkewError struct {
	Node string
	By   time.Duration // that node's clock is ahead of this one's; negative: behind
}

func (e *SkewError) Error() string {
	return fmt.Sprintf("fetch: the clock of %s differs by %s", e.Node, e.By)
}

// Verify reads the field of a request and checks it against all keys and the
// time now. With [ErrHopUnsigned] the hop is what the field claims.
func (k *HopKeys) Verify(field string, a Asked, now time.Time) (Hop, error) {
	text, sig, signed := field, "", false
	if i := strings.LastIndex(field, sigParam); i >= 0 {
		text, sig, signed = field[:i], field[i+len(sigParam):], true
	}
	h, err := parseHop(text)
	if err != nil || len(field) > maxField {
		return Hop{}, ErrHopForm
	}
	if !signed {
		return h, ErrHopUnsigned
	}
	got, err := base64.RawURLEncoding.Strict().DecodeString(sig)
	if err != nil {
		return Hop{}, ErrHopForm
	}
	if !k.made(got, []byte(text), a) {
		return Hop{}, ErrHopSignature
	}
	if by := h.At.Sub(now.Truncate(time.Second)); by.Abs() > HopWindow {
		return Hop{}, &SkewError{h.Node, by}
	}
	return h, nil
}

func (k *HopKeys) made(sig, text []byte, a Asked) bool {
	if k.None() {
		return false
	}
	for _, key := range k.keys {
		if hmac.Equal(sig, mac(key, text, a)) {
			return true
		}
	}
	return false
}

// mac is over parts that hold no line break: HTTP has none in any of them, and
// parseHop lets none through.
func mac(key, text []byte, a Asked) []byte {
	m := hmac.New(sha256.New, key)
	for _, part := range [...]string{a.Method, a.Target, strings.ToLower(a.Authority)} {
		m.Write([]byte(part))
		m.Write([]byte{'\n'})
	}
	m.Write(text)
	return m.Sum(nil)
}

// parseHop reads the parameters, each at most once and in the order in which
// Sign writes them. An unknown one is another version's affair.
func parseHop(text string) (h Hop, err error) {
	rest := text
	param := func(name string) string {
		after, ok := strings.CutPrefix(rest, name+"=")
		if !ok {
			return ""
		}
		value, next, _ := strings.Cut(after, "; ")
		rest = next
		return value
	}
	version, at, node, client, proto := param("v"), param("t"), param("node"), param("client"), param("proto")
	seconds, terr := strconv.ParseInt(at, 10, 64)
	name, nerr := url.QueryUnescape(node)
	switch {
	case rest != "", version != "1", terr != nil, nerr != nil, name == "", url.QueryEscape(name) != node, strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return Hop{}, ErrHopForm
	case proto != "" && proto != "http" && proto != "https":
		return Hop{}, ErrHopForm
	}
	h = Hop{Node: name, Proto: proto, At: time.Unix(seconds, 0)}
	if client != "" {
		if h.Client, err = netip.ParseAddr(client); err != nil || h.Client.Zone() != "" {
			return Hop{}, ErrHopForm
		}
		h.Client = h.Client.Unmap()
	}
	return h, nil
}
