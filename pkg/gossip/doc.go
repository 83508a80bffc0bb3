// Package gossip knows who is there: which nodes run, in which region, at which
// address, with which revision of the region map, and how far away they are. It
// is memberlist (SWIM with Lifeguard) with this network's settings.
//
// Gossip says who exists. Whether a node is fit for clients is package health's
// question: confirming a death takes gossip 10 s and more.
//
// # Decisions
//
// 2026-11-24: DefaultWANConfig with these changes, since a mirror network has
// tens of nodes and not thousands, and bandwidth is nothing to it (2026-11-25:
// held by simulation, below):
//   - GossipInterval 200 ms (was 500): a new revision or region has 2 s to be
//     known everywhere.
//   - ProbeInterval 2 s, ProbeTimeout 1 s (5, 3): a round trip around the world
//     takes 0.4 s, and round trip times come from these probes.
//   - SuspicionMult 5, SuspicionMaxTimeoutMult 3 (6, 6): a dead node is dead
//     after 10 to 30 s (30 to 180). A node that was only cut off refutes.
//   - PushPullInterval 30 s (60): bounds how long a lost message stays lost.
//   - TCPTimeout 10 s (30), and 3 s for a dial: a join address that swallows
//     packets holds nothing up.
//   - DisableTcpPings stays false: where a firewall drops UDP, nodes are seen
//     alive over TCP, and the log says what is wrong.
//   - DeadNodeReclaimTime 1 ms (0, never): a node that restarts with another
//     address (a container) takes its name back as soon as the old one is dead;
//     until then it is refused, and asks again. A longer time would guard
//     nothing: the suspicion before was the living owner's time to object.
//
// 2026-11-24: the name of a living node cannot be taken. Both sides log the
// attempt as an error, and the newcomer goes on asking, for it may be the owner
// itself at a new address.
//
// 2026-11-24: memberlist does not tell its users whether a member left or died,
// nor whom it suspects. So a leaving node says so in its meta before it leaves
// (who misses that sees it dead instead of left); and suspect is read from
// memberlist's log line about a probe that nobody answered, as the one place
// where it says so. Hence suspect is this node's own view, not that of others.
// A test fails if a new version words that line otherwise.
//
// 2026-11-24: an update is announced twice, a second apart. memberlist v0.7.0
// can lose a queued message: when a message replaces the only one in the queue,
// the queue's ids begin anew below it, and a later message of the same length
// gets its id and overwrites it. Nodes with names of one length that reread one
// map make such messages. Without the second, the 30 s of push/pull would heal it.
//
// 2026-11-24: a node also tries dead members (not those that left) every few
// seconds, so that a healed partition closes even where no join address names
// the other half.
//
// 2026-11-24: plaintext gossip is refused off loopback, without a switch to
// allow it: whoever reaches the port could add regions' nodes. A network that
// began on loopback without keys is restarted to get them; from then on keys
// rotate online, as [Gossip.SetKeys] says.
//
// 2026-11-25: statements ([Gossip.Share]) are registers, one for each topic and
// subject: the last writer wins by Lamport version, so that anybody can take back
// a drain that another node stated. On the wire stands the time that is left, and
// never a time of day. Withdrawn ones are known for a day, and at least as long as
// a copy of what they withdrew can live; who brings up such a copy is told again.
// What ended is remembered for ten minutes where it ended, and is not told on, so
// that no statement lives on by going around. What holds while its writer is a
// member is not told on by those to whom the writer is none, for the same reason.
//
// 2026-11-25: broadcasts are queued by this package, not by memberlist's
// TransmitLimitedQueue: that one keeps encoded bytes, and the time that is left
// changes while they wait; and the fault of its ids (above) would lose statements,
// which have few lengths. Here a subject is queued, and encoded when it is sent.
//
// 2026-11-25: a message is told more often than memberlist's default: mult 8 (4),
// and 10 + ln n times for statements. Told by n nodes k times each to any, a
// message misses a given node with e^-k: by the default one in fifty misses
// somebody in a network of 60, and one in twenty in one of ten, until a push/pull
// half a minute later. In the simulation that was 14 s at p99; it is 0.8 s now.
// What is stated anew all the time (load, rtt, coordinate) waits for other news.
//
// 2026-11-25: packets are not compressed (memberlist does by default): they are
// small, and three quarters of the simulation's time went into it.
//
// 2026-11-25: who has joined exchanges all that is known with two more members, 2
// and 4 s later: when a whole network starts, what one node was told is incomplete,
// and the next push/pull is a minute off.
//
// 2026-11-25: what the simulation says of these settings (go test -v -run
// Simulation ./pkg/gossip -nodes N, five in a region, up to 130 ms one way, 1 % of
// packets lost, AES, simulated time; 300 cost four minutes of CPU):
//
//	nodes                                         30      60     120     300
//	a statement is known to all, median       0.51 s  0.63 s  0.68 s  0.80 s
//	a statement is known to all, p99 of 20    0.72 s  0.77 s  0.78 s  0.97 s
//	a newcomer is known to all                0.56 s  0.62 s       –  0.76 s
//	a death is known to all                     19 s    22 s       –    29 s
//	sent idle, bytes/s per node                1,353   2,308   4,106   8,803
//	sent, each stating load every 5 s          6,136  10,441       –  30,073
//	all started at once know all statements      3 s     8 s    16 s   180 s
//
// So the settings above stand. Estimates of round trips between others are off by
// 3 % at the median. A packet of 1,400 bytes to four nodes five times a second is
// 28 kB/s, and all that broadcasts can carry: 300 nodes that state their load every
// 5 s fill it, and 300 that start within 3 s are done only by push/pull. Who states
// something anew all the time does so less often the larger the network is.
//
// 2026-11-24: keys are taken off the ring from its end only. Keyring.RemoveKey
// of memberlist v0.7.0 moves keys in place under readers that hold no lock, and
// removing the last one moves nothing.
package gossip
