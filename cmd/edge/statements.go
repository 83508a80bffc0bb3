package main

import (
	"mirrornet/pkg/drain"
	"mirrornet/pkg/edge"
	"mirrornet/pkg/gossip"
)

// statements are those of gossip, as the edge reads and makes them.
type statements struct{ *gossip.Gossip }

func (s statements) Share(topic, subject string, value []byte) error {
	return s.Gossip.Share(topic, subject, value, 0)
}

func (s statements) Statements(topic string) []edge.Statement {
	list := s.Gossip.Statements(topic)
	out := make([]edge.Statement, len(list))
	for i, st := range list {
		out[i] = edge.Statement{Topic: st.Topic, Subject: st.Subject, Writer: st.Writer, Value: st.Value, Left: st.Left}
	}
	return out
}

// heard takes up what others said. Load and round trips change all the time, and
// are looked at in their own.
func (n *node) heard(topic string) {
	switch topic {
	case "load", "rtt":
	case drain.Topic:
		n.drains.Changed()
	case topicRegion:
		n.maps.Notice()
	default:
		if n.edge != nil {
			n.edge.Refresh()
			n.live.Notice()
		}
	}
}
