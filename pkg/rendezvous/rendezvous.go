// Package rendezvous places keys on nodes by highest random weight: each node
// gets a score from its name and the key, and the highest score has the key.
// Whoever knows the same names comes to the same answer, in whatever order
// they are listed; a node that leaves gives away only its own keys, and one
// that joins takes only what it will hold.
//
// # Decisions
//
// 2026-11-24: the node's and the key's hash are mixed by a finalizer instead
// of hashing their concatenation, so that a key is hashed once for all nodes
// and nothing is allocated. Scores are part of the network's behaviour: nodes
// that run different versions must agree, so a change of [Score] moves keys.
package rendezvous

import (
	"cmp"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// Pick is the node that has the key. ok is false when there are no nodes. It
// allocates nothing.
func Pick[T ~string](key string, nodes []T) (best T, ok bool) {
	if len(nodes) == 0 {
		return best, false
	}
	k := xxhash.Sum64String(key)
	best = nodes[0]
	top := mix(k, best)
	for _, n := range nodes[1:] {
		if s := mix(k, n); s > top || s == top && n < best {
			best, top = n, s
		}
	}
	return best, true
}

// Order is a copy of nodes, best first: the second is who has the key when the
// first is gone. Equal scores are ordered by name.
func Order[T ~string](key string, nodes []T) []T {
	type scored struct {
		node  T
		score uint64
	}
	k := xxhash.Sum64String(key)
	all := make([]scored, len(nodes))
	for i, n := range nodes {
		all[i] = scored{n, mix(k, n)}
	}
	slices.SortFunc(all, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.node, b.node))
	})
	order := make([]T, len(all))
	for i, s := range all {
		order[i] = s.node
	}
	return order
}

// Score is the weight of a node for a key.
func Score[T ~string](key string, node T) uint64 { return mix(xxhash.Sum64String(key), node) }

// mix joins both hashes by the finalizer of splitmix64. The multiplication
// keeps a node of the key's own name from scoring zero.
func mix[T ~string](key uint64, node T) uint64 {
	x := key ^ xxhash.Sum64String(string(node))*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
