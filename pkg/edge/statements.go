package edge

import "time"

// Statement is what a node said to all others.
type Statement struct {
	Topic, Subject, Writer string
	Value                  []byte
	Left                   time.Duration // until it ends; 0: it holds while its writer is a member
}

// Statements carries short statements between nodes. What is said of itself
// holds while the node is a member; the last one said holds. Values are shared
// and must not be changed.
type Statements interface {
	Share(topic, subject string, value []byte) error
	Statements(topic string) []Statement
}
