package gossip

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/memberlist"
)

const (
	maxAnswer = 64 << 10
	askers    = 8  // messages under way at once
	askQueue  = 64 // waiting
)

// ErrNoAnswer is what Ask returns when the node asked has nothing to say.
var ErrNoAnswer = errors.New("gossip: the node has no answer to that")

var errEnded = errors.New("gossip: ended")

// ask is a question to one node: 8 bytes of id, the asker's name and the topic,
// each with its length before it.
type ask struct {
	id           uint64
	asker, topic string
}

// answer is an id, a status and the text.
type answer struct {
	id     uint64
	status byte
	text   []byte
}

const (
	answered    = 0
	answerNone  = 1
	answerLarge = 2
)

func (a ask) encode() []byte {
	b := binary.BigEndian.AppendUint64([]byte{msgAsk}, a.id)
	for _, s := range []string{a.asker, a.topic} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

func decodeAsk(b []byte) (a ask, ok bool) {
	if len(b) < 9 || b[0] != msgAsk {
		return a, false
	}
	a.id = binary.BigEndian.Uint64(b[1:])
	b = b[9:]
	for _, to := range []*string{&a.asker, &a.topic} {
		var s []byte
		if s, b, ok = cutBytes(b); !ok {
			return ask{}, false
		}
		*to = string(s)
	}
	if !validNode(a.asker) || !validTopic(a.topic) {
		return ask{}, false
	}
	return a, true // more may follow one day
}

func (a answer) encode() []byte {
	b := binary.BigEndian.AppendUint64([]byte{msgAnswer}, a.id)
	b = append(b, a.status)
	return append(b, a.text...)
}

func decodeAnswer(b []byte) (a answer, ok bool) {
	if len(b) < 10 || b[0] != msgAnswer || len(b)-10 > maxAnswer {
		return a, false
	}
	a = answer{binary.BigEndian.Uint64(b[1:]), b[9], b[10:]}
	return a, a.status <= answerLarge && (a.status == answered || len(a.text) == 0)
}

// asks are the questions under way.
type asks struct {
	jobs chan func() // for Run's workers
	end  chan struct{}

	mu      sync.Mutex // guards what follows
	waiting map[uint64]chan answer
}

// Ask asks a node, which must be a member, and gives what its Config.Answer says
// to topic: up to 64 KiB, over a connection to that node itself. Run must be
// running on both. An answer of nil is ErrNoAnswer.
func (g *Gossip) Ask(ctx context.Context, node, topic string) ([]byte, error) {
	text, err := g.ask(ctx, node, topic)
	if err != nil {
		return nil, fmt.Errorf("gossip: ask %s for %s: %w", node, topic, err)
	}
	return text, nil
}

func (g *Gossip) ask(ctx context.Context, node, topic string) ([]byte, error) {
	if !validTopic(topic) {
		return nil, errors.New("no topic")
	}
	if node == g.conf.Node {
		return g.answer(topic).read()
	}
	if _, ok := g.members.address(node); !ok {
		return nil, errors.New("it is no member")
	}
	var id [8]byte
	rand.Read(id[:])
	q := ask{binary.BigEndian.Uint64(id[:]), g.conf.Node, topic}
	got := make(chan answer, 1)
	g.asks.mu.Lock()
	g.asks.waiting[q.id] = got
	g.asks.mu.Unlock()
	defer func() {
		g.asks.mu.Lock()
		delete(g.asks.waiting, q.id)
		g.asks.mu.Unlock()
	}()
	failed := make(chan error, 1)
	send := func() {
		if err := g.tell(node, q.encode()); err != nil {
			failed <- err
		}
	}
	select {
	case g.asks.jobs <- send:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-g.asks.end:
		return nil, errEnded
	}
	select {
	case a := <-got:
		return a.read()
	case err := <-failed:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-g.asks.end:
		return nil, errEnded
	}
}

func (a answer) read() ([]byte, error) {
	switch a.status {
	case answerNone:
		return nil, ErrNoAnswer
	case answerLarge:
		return nil, fmt.Errorf("its answer has more than %d bytes", maxAnswer)
	}
	return a.text, nil
}

func (g *Gossip) answer(topic string) answer {
	text := g.conf.Answer(topic)
	switch {
	case text == nil:
		return answer{status: answerNone}
	case len(text) > maxAnswer:
		return answer{status: answerLarge}
	}
	return answer{text: text}
}

// tell sends a message to a member over a connection of its own.
func (g *Gossip) tell(node string, msg []byte) error {
	addr, ok := g.members.address(node)
	if !ok {
		return errors.New("it is no member")
	}
	return g.list.SendReliable(&memberlist.Node{Name: node, Addr: addr.Addr().AsSlice(), Port: addr.Port()}, msg)
}

// hearAsk takes a message of ours; more questions at once than are answered are
// dropped, and asked again or not.
func (g *Gossip) hearAsk(msg []byte) {
	if a, ok := decodeAnswer(msg); ok {
		g.asks.mu.Lock()
		defer g.asks.mu.Unlock()
		if c := g.asks.waiting[a.id]; c != nil {
			delete(g.asks.waiting, a.id)
			c <- a
		}
		return
	}
	q, ok := decodeAsk(msg)
	if !ok {
		return
	}
	select {
	case g.asks.jobs <- func() {
		a := g.answer(q.topic)
		a.id = q.id
		if err := g.tell(q.asker, a.encode()); err != nil {
			g.log.Debug("gossip: cannot answer", "node", q.asker, "topic", q.topic, "err", err)
		}
	}:
	default:
	}
}

// sendAsks is one of Run's workers.
func (g *Gossip) sendAsks(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case job := <-g.asks.jobs:
			job()
		}
	}
}
