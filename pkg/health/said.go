package health

import (
	"encoding/json"
	"maps"
	"slices"
)

// Said is what one node says of the others that it probes, as JSON.
type Said struct {
	// Isolated: it reaches no other region and no origin, so it knows nothing.
	Isolated bool `json:"isolated,omitempty"`
	// Seen are the nodes that it has a verdict on; null: all.
	Seen []string `json:"seen"`
	// Not are those of them that it does not find serving.
	Not map[string]State `json:"not,omitempty"`
	// Without are classes of endpoints that a node says it cannot serve.
	Without map[string][]string `json:"without,omitempty"`
}

// MaxSaid bounds the JSON form: it fits one packet.
const MaxSaid = 1000

// Encode gives the JSON form. When it would be too long, it speaks of fewer nodes.
func (s Said) Encode(nodes []string) []byte {
	for {
		text, err := json.Marshal(s)
		if err != nil { // strings, lists and booleans
			panic(err)
		}
		if len(text) <= MaxSaid {
			return text
		}
		switch {
		case len(s.Without) > 0:
			s.Without = nil
		case s.Seen == nil:
			s.Seen = slices.AppendSeq([]string{}, slices.Values(nodes)) // not null, though it be empty
			slices.Sort(s.Seen)
		default:
			s.Seen = s.Seen[:len(s.Seen)*3/4]
			s.Not = maps.Clone(s.Not)
			maps.DeleteFunc(s.Not, func(n string, _ State) bool { return !slices.Contains(s.Seen, n) })
		}
	}
}

// ReadSaid reads the JSON form; it comes from another machine. ok is false when
// it says nothing that can be used.
func ReadSaid(text []byte) (s Said, ok bool) {
	if len(text) > 4*MaxSaid || json.Unmarshal(text, &s) != nil {
		return Said{}, false
	}
	for n, state := range s.Not {
		switch state {
		case Unknown, Unreachable, Draining:
		default:
			s.Not[n] = Unreachable
		}
	}
	for n, list := range s.Without {
		s.Without[n] = slices.DeleteFunc(list, func(c string) bool { return !plainName(c) })
	}
	return s, true
}

// of is what it says of a node; Unknown: nothing.
func (s *Said) of(node string) State {
	if state, ok := s.Not[node]; ok {
		return state
	}
	if s.Seen != nil && !slices.Contains(s.Seen, node) {
		return Unknown
	}
	return Serving
}
