package gossip

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/memberlist"

	"mirrornet/pkg/keyfile"
)

// Keys gives the fingerprints of the keys in use now, first that which encrypts;
// empty: plaintext.
func (g *Gossip) Keys() []string {
	if g.ring == nil {
		return nil
	}
	g.ringMu.Lock()
	defer g.ringMu.Unlock()
	var all []string
	for _, k := range g.ring.GetKeys() {
		all = append(all, keyfile.Fingerprint(k))
	}
	return all
}

// checkKeys gives a copy of keys, or says what is wrong with them.
func checkKeys(keys [][]byte) ([][]byte, error) {
	own := make([][]byte, 0, len(keys))
	for i, k := range keys {
		if err := memberlist.ValidateKey(k); err != nil {
			return nil, fmt.Errorf("gossip: key %d has %d bytes; a key has 16, 24 or 32", i+1, len(k))
		}
		own = append(own, bytes.Clone(k))
	}
	return own, nil
}

// SetKeys replaces the keys while gossip runs: the first encrypts, all decrypt.
// To rotate without losing anyone, bring three lists to all nodes, one after
// the other: old new; new old; new.
//
// It fails, and changes nothing, without keys, with a malformed one, and where
// gossip was started without encryption.
func (g *Gossip) SetKeys(keys [][]byte) error {
	if g.ring == nil {
		return errors.New("gossip: it runs without encryption; restart the node with keys to turn it on")
	}
	if len(keys) == 0 {
		return errors.New("gossip: no keys given; encryption cannot be turned off while it runs")
	}
	keys, err := checkKeys(keys)
	if err != nil {
		return err
	}
	g.ringMu.Lock()
	defer g.ringMu.Unlock()
	return setKeys(g.ring, keys)
}

// setKeys makes ring hold exactly keys, the first as primary. It only ever
// removes the ring's last key (see Decisions).
func setKeys(ring *memberlist.Keyring, keys [][]byte) error {
	wanted := func(k []byte) bool {
		return slices.ContainsFunc(keys, func(w []byte) bool { return bytes.Equal(w, k) })
	}
	for _, k := range keys {
		if err := ring.AddKey(k); err != nil {
			return err
		}
	}
	if err := ring.UseKey(keys[0]); err != nil {
		return err
	}
	for {
		have := ring.GetKeys()
		if !slices.ContainsFunc(have, func(k []byte) bool { return !wanted(k) }) {
			return nil
		}
		last := have[len(have)-1]
		if !wanted(last) {
			if err := ring.RemoveKey(last); err != nil {
				return err
			}
			continue
		}
		// A kept key stands behind one to be removed: bring it to the front,
		// and the primary before it. For a moment it encrypts; all who have
		// this list of keys can read that.
		if err := ring.UseKey(last); err != nil {
			return err
		}
		if err := ring.UseKey(keys[0]); err != nil {
			return err
		}
	}
}
