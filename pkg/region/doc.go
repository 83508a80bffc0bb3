// Package region reads the folder that describes the network, regions/: one
// file per region and network.yaml for the whole. It checks all of it as one
// set and makes one immutable [Map] with a Revision; a [Watcher] keeps the Map
// up to date and never lets a bad set replace a good one.
//
// # Decisions
//
// 2026-11-24: files are read as YAML nodes and checked by hand rather than
// decoded into structs: every message then carries file:line:col and what to
// write instead, and all problems of all files come at once. Anchors, aliases,
// merge keys and second documents are refused: a region file is short, and what
// is read must be what is seen.
//
// 2026-11-24: hostnames, not authorities, must be unique: requests are matched
// by hostname with the port ignored, so two regions that differ by port alone
// could not be told apart.
//
// 2026-11-24: the Revision is a hash of the meaning (each region in canonical
// form), not of the bytes. Comments, order of keys and of list entries do not
// change it, so nodes whose files differ only in those agree.
//
// 2026-11-24: a value that differs from the right one by case or spelling alone
// ("jp", "AS64500", 10.0.0.1/8) is refused with the right one in the advice: a
// tool that reads the same files need not know our leniencies.
//
// 2026-11-24: state canary needs a share; in the other states a share is checked
// and kept but has no effect, so a region leaves canary by one changed word.
//
// 2026-11-24: the watcher compares the bytes of the folder at each tick and
// parses only what changed; fsnotify merely makes it look sooner. Watching alone
// misses swaps of symbolic links and network file systems.
//
// 2026-11-25: announcements are laid over the files by a pure function of both, so
// that nodes that heard the same have the same Map, whatever came first. Hence
// nobody is first to a hostname: of two announced regions that want one, that of
// more nodes gets it, then the lower name.
//
// 2026-11-25: an announced region whose rules claim the whole Internet (a network
// of no bits, five continents, half of all countries) is refused as a whole, not
// merely without those rules: who writes that means to take the network over, or
// has copied the wrong file. Smaller claims by networks and asns are ignored one by
// one. Its avoid stays: it can only give clients away.
//
// 2026-11-25: what takes a region out against its file needs most of the votes of
// its nodes too, like everything else. One node is taken out by edge drain.
package region
