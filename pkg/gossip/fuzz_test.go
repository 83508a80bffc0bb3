package gossip

import (
	"bytes"
	"testing"
	"time"
)

func someRecords() []byte {
	var b []byte
	for _, s := range []said{
		{subject: subject{"health", "a"}, writer: "a", version: 7, value: []byte(`{"isolated":false}`)},
		{subject: subject{"rtt", "a/3"}, writer: "a", version: 1 << 40, value: bytes.Repeat([]byte{0xff}, 9)},
		{subject: subject{"drain", "region asia"}, writer: "b", version: 9, left: time.Hour, value: []byte("x")},
		{subject: subject{"drain", "node é"}, writer: "b", version: 10, gone: true, left: graveTime},
	} {
		b = appendRecord(b, &s)
	}
	return b
}

// What is understood of records comes back the same, and nothing panics.
func FuzzRecords(f *testing.F) {
	f.Add(someRecords())
	f.Add([]byte{3, 0xfc, 1, 1})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var got []said
		decodeRecords(b, func(s said) { got = append(got, s) })
		var again []byte
		for _, s := range got {
			again = appendRecord(again, &s)
			if n := len(appendRecord(nil, &s)); n > s.size() {
				t.Errorf("%+v takes %d bytes, size says %d", s, n, s.size())
			}
		}
		n := 0
		err := decodeRecords(again, func(s said) {
			if s.subject != got[n].subject || s.writer != got[n].writer || s.version != got[n].version ||
				s.gone != got[n].gone || s.left != got[n].left || !bytes.Equal(s.value, got[n].value) {
				t.Errorf("%+v came back as %+v", got[n], s)
			}
			n++
		})
		if err != nil || n != len(got) {
			t.Errorf("%d came back of %d, %v", n, len(got), err)
		}
	})
}

// Whatever another node's state is, the table stays within its bounds, believes
// nothing of a that a did not say, and what it then tells is understood.
func FuzzRemoteState(f *testing.F) {
	f.Add(append([]byte{stateVersion}, someRecords()...), someRecords())
	f.Add([]byte{stateVersion}, []byte{})
	f.Add([]byte{}, []byte{0})
	f.Add([]byte{9, 9, 9}, []byte{1, 2})
	f.Fuzz(func(t *testing.T, state, msg []byte) {
		tb := newTable("a")
		tb.member(noon, "b", true)
		if err := tb.share(noon, "health", "a", []byte("mine"), 0); err != nil {
			t.Fatal(err)
		}
		tb.mergeState(noon, state)
		tb.hear(noon, msg)
		tb.member(noon, "b", false)
		tb.member(noon, "b", true)
		tb.prune(noon.Add(time.Second))
		if got := tb.list(noon, "health"); len(got) == 0 || got[0].Subject != "a" || string(got[0].Value) != "mine" {
			t.Errorf("a says of itself %+v", got)
		}
		count, size := 0, 0
		for _, e := range tb.entries {
			count, size = count+1, size+e.size()
			if e.check() != nil && !e.gone {
				t.Errorf("holds %+v: %v", e, e.check())
			}
		}
		if size != tb.bytes || count > maxStatements || size > maxBytes {
			t.Errorf("%d of %d bytes, counted %d", count, size, tb.bytes)
		}
		other := newTable("c")
		other.member(noon, "a", true)
		other.member(noon, "b", true)
		if err := other.mergeState(noon, tb.state(noon)); err != nil {
			t.Error(err)
		}
		for _, msg := range tb.broadcasts(noon, 3, 1300) {
			if err := other.hear(noon, msg[1:]); err != nil {
				t.Error(err)
			}
		}
		if a, b := plain(tb.list(noon, "drain")), plain(other.list(noon, "drain")); a != b {
			t.Errorf("%s and %s", a, b)
		}
	})
}

// Questions and answers come back the same; what is not understood is nothing.
func FuzzAsk(f *testing.F) {
	f.Add(ask{1 << 60, "asia-1", "region"}.encode())
	f.Add(answer{7, answered, []byte("title: Asia\n")}.encode())
	f.Add(answer{7, answerNone, nil}.encode())
	f.Add([]byte{msgAsk})
	f.Add([]byte{msgAnswer, 0, 0, 0, 0, 0, 0, 0, 0, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		if q, ok := decodeAsk(b); ok {
			again, ok := decodeAsk(q.encode())
			if !ok || again != q || !validNode(q.asker) || !validTopic(q.topic) {
				t.Errorf("%+v came back as %+v", q, again)
			}
		}
		if a, ok := decodeAnswer(b); ok {
			again, ok := decodeAnswer(a.encode())
			if !ok || again.id != a.id || again.status != a.status || !bytes.Equal(again.text, a.text) || len(a.text) > maxAnswer {
				t.Errorf("%+v came back as %+v", a, again)
			}
		}
		// As memberlist hands it over.
		heard := 0
		tk := &talk{now: func() time.Time { return noon }, table: newTable("a"), changed: func() {}, trouble: func(error) {}, ask: func(msg []byte) { heard++ }}
		tk.NotifyMsg(b)
		tk.MergeRemoteState(b, true)
		if isAsk := len(b) > 0 && (b[0] == msgAsk || b[0] == msgAnswer); isAsk != (heard == 1) {
			t.Errorf("%d heard of %x", heard, b)
		}
	})
}
