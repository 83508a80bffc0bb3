package gossip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"mirrornet/pkg/region"
)

const (
	maxMeta     = 512 // memberlist.MetaMaxSize; longer panics there
	maxName     = 64
	maxRevision = 120 // longer ones are cut
	digestLen   = 12

	metaVersion = 1
)

// Tags of the fields in a meta. A reader skips those that it does not know.
const (
	tagRegion    = 1
	tagAdvertise = 2
	tagRevision  = 3
	tagFlags     = 4
	tagDigest    = 5
)

const flagLeaving = 1 << 0

// meta is what a node says of itself: a version byte, then fields, each a tag
// byte, a length (uvarint) and that many bytes. Fields are added under the same
// version; the version changes when a reader of today would misunderstand.
type meta struct {
	Region    region.Name
	Advertise string
	Revision  string
	Leaving   bool
	Digest    string // 12 hex digits or empty
}

var errVersion = errors.New("gossip: meta of a version not known here")

func (m meta) encode() []byte {
	b := []byte{metaVersion}
	b = appendField(b, tagRegion, string(m.Region))
	b = appendField(b, tagAdvertise, m.Advertise)
	b = appendField(b, tagRevision, cut(m.Revision, maxRevision))
	b = appendField(b, tagDigest, m.Digest)
	if m.Leaving {
		b = appendField(b, tagFlags, string([]byte{flagLeaving}))
	}
	return b
}

func appendField(b []byte, tag byte, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, tag)
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(b, value...)
}

// cut gives at most n bytes of s, whole runes only.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// decodeMeta reads a meta that came over the network. Unknown fields are
// skipped; an unknown version is errVersion.
func decodeMeta(b []byte) (meta, error) {
	if len(b) == 0 {
		return meta{}, errors.New("gossip: meta is empty")
	}
	if b[0] != metaVersion {
		return meta{}, fmt.Errorf("%w: %d", errVersion, b[0])
	}
	var m meta
	for b = b[1:]; len(b) > 0; {
		tag := b[0]
		size, n := binary.Uvarint(b[1:])
		if n <= 0 || size > uint64(len(b)-1-n) {
			return meta{}, fmt.Errorf("gossip: meta field %d is cut off", tag)
		}
		value := string(b[1+n : 1+n+int(size)])
		b = b[1+n+int(size):]
		switch tag {
		case tagRegion:
			m.Region = region.Name(value)
			if !m.Region.Valid() {
				return meta{}, fmt.Errorf("gossip: meta names region %q, which is no region's name", value)
			}
		case tagAdvertise:
			if err := checkAdvertise(value); err != nil {
				return meta{}, fmt.Errorf("gossip: meta: %w", err)
			}
			m.Advertise = value
		case tagRevision:
			if len(value) > maxRevision || !utf8.ValidString(value) {
				return meta{}, fmt.Errorf("gossip: meta revision %.20q… is no revision", value)
			}
			m.Revision = value
		case tagDigest:
			if !validDigest(value) {
				return meta{}, fmt.Errorf("gossip: meta digest %.20q… is no digest", value)
			}
			m.Digest = value
		case tagFlags:
			m.Leaving = value != "" && value[0]&flagLeaving != 0
		}
	}
	return m, nil
}

// validDigest wants 12 lower-case hex digits.
func validDigest(s string) bool {
	return len(s) == digestLen && strings.Trim(s, "0123456789abcdef") == ""
}

// checkAdvertise wants the URL of another edge's HTTP: scheme and authority, a
// path at most.
func checkAdvertise(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return err
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.User != nil, u.RawQuery != "", u.Fragment != "":
		return fmt.Errorf("URL %q: write scheme, host and port, as http://198.51.100.7:8080", s)
	}
	return nil
}

// validNode says whether s can name a node: 1 to 64 letters, digits, dots,
// hyphens and underscores, beginning with a letter or digit. memberlist itself
// takes anything; header fields and join addresses do not.
func validNode(s string) bool {
	for i, c := range []byte(s) {
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || c != '.' && c != '-' && c != '_') {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= maxName
}
