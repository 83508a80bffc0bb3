// Package vouch is how an edge tells an origin whose request it forwards: a
// field that only an edge of this network can write. Origins count requests by
// client, and behind an edge all clients have one address.
//
// # Decisions
//
// 2026-11-25: the signature is over client and time alone, not over the
// request: a proxy between edge and origin may write method, target and
// authority anew. Whoever gets hold of a field can spend one client's allowance
// for a minute, and nothing else.
//
// 2026-11-25: a field without a client is the edge's own request (a probe, the
// catalogue, a refresh that nobody waits for).
package vouch

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Field is the request field:
//
//	Mirror-Client: v=1; t=1764086400; client=192.0.2.1; sig=…
const Field = "Mirror-Client"

// Window is how far the clocks of edge and origin may differ.
const Window = 60 * time.Second

const (
	info     = "mirrornet client v1" // of the key's derivation (RFC 5869 §3.2)
	maxField = 256
	sigParam = "; sig="
)

// Errors of [Keys.Verify]; see also [SkewError].
var (
	ErrForm      = errors.New("vouch: not a field of this form")
	ErrSignature = errors.New("vouch: no key of this origin made the signature")
)

// SkewError says that a field is signed by the network, at a time too far from
// this one's.
type SkewError struct{ By time.Duration }

func (e *SkewError) Error() string {
	return fmt.Sprintf("vouch: the edge's clock differs by %s", e.By)
}

// Keys sign and verify. They are immutable and safe for concurrent use.
type Keys struct{ keys [][]byte }

// New derives them from a key file's: the first signs, all verify.
func New(secrets [][]byte) (*Keys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("vouch: no key")
	}
	k := &Keys{}
	for _, secret := range secrets {
		key, err := hkdf.Key(sha256.New, secret, nil, info, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("vouch: %w", err)
		}
		k.keys = append(k.keys, key)
	}
	return k, nil
}

// Sign writes the field's value. The zero client is the edge itself.
func (k *Keys) Sign(client netip.Addr, now time.Time) string {
	b := append(make([]byte, 0, 128), "v=1; t="...)
	b = strconv.AppendInt(b, now.Unix(), 10)
	if client.IsValid() {
		b = client.Unmap().WithZone("").AppendTo(append(b, "; client="...))
	}
	sig := mac(k.keys[0], b)
	return string(base64.RawURLEncoding.AppendEncode(append(b, sigParam...), sig))
}

// Verify reads a field's value: the client, or the zero Addr for the edge
// itself.
func (k *Keys) Verify(field string, now time.Time) (netip.Addr, error) {
	i := strings.LastIndex(field, sigParam)
	if i < 0 || len(field) > maxField {
		return netip.Addr{}, ErrForm
	}
	client, at, err := parse(field[:i])
	if err != nil {
		return netip.Addr{}, err
	}
	sig, err := base64.RawURLEncoding.Strict().DecodeString(field[i+len(sigParam):])
	if err != nil {
		return netip.Addr{}, ErrForm
	}
	for _, key := range k.keys {
		if hmac.Equal(sig, mac(key, []byte(field[:i]))) {
			if by := at.Sub(now.Truncate(time.Second)); by.Abs() > Window {
				return netip.Addr{}, &SkewError{by}
			}
			return client, nil
		}
	}
	return netip.Addr{}, ErrSignature
}

func mac(key, text []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(text)
	return m.Sum(nil)
}

func parse(text string) (client netip.Addr, at time.Time, err error) {
	rest, ok := strings.CutPrefix(text, "v=1; t=")
	if !ok {
		return client, at, ErrForm
	}
	seconds, addr, named := strings.Cut(rest, "; client=")
	t, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return client, at, ErrForm
	}
	if named {
		if client, err = netip.ParseAddr(addr); err != nil || client.Zone() != "" {
			return netip.Addr{}, at, ErrForm
		}
	}
	return client.Unmap(), time.Unix(t, 0), nil
}
