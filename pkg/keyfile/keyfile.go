// Package keyfile reads files of secret keys: those of gossip, and those by
// which edges vouch for clients to origins.
package keyfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Read reads a key file; errors name it.
func Read(file string) ([][]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	keys, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return keys, nil
}

// Parse reads a key file's content: one key per line in base64 (of 16, 24 or
// 32 bytes), the first is used, all are accepted from others; # begins a
// comment. All bad lines are reported at once, without their content.
func Parse(data []byte) ([][]byte, error) {
	var keys [][]byte
	var errs []error
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			errs = append(errs, fmt.Errorf("keys: line %d: not base64; make a key with: openssl rand -base64 32", n))
			continue
		}
		if len(key) != 16 && len(key) != 24 && len(key) != 32 {
			errs = append(errs, fmt.Errorf("keys: line %d: %d bytes; a key has 16, 24 or 32: openssl rand -base64 32", n, len(key)))
			continue
		}
		if slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, key) }) {
			errs = append(errs, fmt.Errorf("keys: line %d: the same key stands above; remove one", n))
			continue
		}
		keys = append(keys, key)
	}
	if len(errs) == 0 && len(keys) == 0 {
		errs = append(errs, errors.New("keys: no key in the file; make one with: openssl rand -base64 32"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return keys, nil
}

// Fingerprint names a key without giving it away: the first 8 hex digits of its
// SHA-256.
func Fingerprint(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:4])
}
