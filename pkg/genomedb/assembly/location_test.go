package assembly

import (
	"errors"
	"fmt"
	"testing"

	"mirrornet/pkg/genomedb"
)

// TestLocation: locations as the reference server reads them.
func TestLocation(t *testing.T) {
	tests := []struct{ text, want string }{
		{"X:1..1000:1", "X 1 1000 1 text"},
		{"X:1-1000", "X 1 1000 1"},
		{"6:1000000..2000000:-1", "6 1000000 2000000 -1 text"},
		{"6:1,000,000-1,000,100", "6 1000000 1000100 1"},
		{"6:1 000-2 000", "6 1000 2000 1"},
		{"6:1000000_1000100", "6 1000000 1000100 1"},
		{"6:1:5:-1", "6 1 5 -1 text"},
		{"6:g.10-20", "g is not a valid start"},
		{"6", "6   1"},
		{"6:", "6   1"},
		{"6:1000000", "6 1000000  1"},
		{"6:100..", "6 100  1"},
		{"6:100-", "6 100  1"},
		{"6:..100", "6  100 1"},
		{"6:0..10", "6 1 10 1"},
		{"6:1..10:0", "6 1 10 0 text"},
		{"6:1..10:+", "6 1 10 1"},
		{"6:1..10:-", "6 1 10 -1"},
		{"6:1-10.", "6 1 10 -1"},
		{"6:1E6-1000010", "6 1E6 1000010 1"},
		{"6:0010-20", "6 0010 20 1"},
		{"HG681_PATCH:7..8", "HG681_PATCH 7 8 1"},
		{"AF274858.3:1..100", "AF274858.3 1 100 1"},
		{"HLA-A:1-2", "-A is not a valid start"},
		{"", "Location  not understood"},
		{" 6:1..10", "Location  6:1..10 not understood"},
		{"6:-5..10", "-5 is not a valid start"},
		{"6:abc..def", "abc is not a valid start"},
		{"6:1..10:+1", "Could not decode region 6:1..10:+1"},
		{"6:1..0", "Cannot request negative or 0 end indexes through this interface. Given 0 but expected something greater than 0"},
		{"6:1-10:2", "2 is not a valid strand"},
		{"6:1..10:2", "Could not decode region 6:1..10:2"},
		{"6:1..10:1:1", "Could not decode region 6:1..10:1:1"},
		{"chromosome:GRCh37:6:1000000:1000100:1", "Could not decode region chromosome:GRCh37:6:1000000:1000100:1"},
	}
	for _, tt := range tests {
		if got := read(tt.text); got != tt.want {
			t.Errorf("%q is %q, want %q", tt.text, got, tt.want)
		}
	}
}

func read(text string) string {
	err := CheckLocation(text)
	var l Location
	ok := true
	if err == nil {
		l, ok, err = ReadLocation(text)
	}
	switch {
	case err != nil:
		return err.Error()
	case !ok:
		return "Could not decode region " + text
	case l.StrandText:
		return fmt.Sprint(l.Name, " ", l.Start.Text, " ", l.End.Text, " ", l.Strand, " text")
	}
	return fmt.Sprint(l.Name, " ", l.Start.Text, " ", l.End.Text, " ", l.Strand)
}

// FuzzLocation: every text is a slice on its sequence, or refused.
func FuzzLocation(f *testing.F) {
	a := open(f)
	for _, s := range []string{"1:1..100:1", "1:1,0-2 0:-1", "1", "1:g.1_2", "1:-5..10", "1:..", "é:1-2", "1:1--2", "1:,-,", "1:1E99-1E999", "s:5M", "chr1:0-\n1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := a.Slice(t.Context(), text, System{})
		var refused *genomedb.Refusal
		switch {
		case errors.As(err, &refused):
		case err != nil:
			t.Fatalf("%q: %v", text, err)
		case s.Start < 1 || s.End > s.On.Length || s.End < s.Start:
			t.Fatalf("%q is %s", text, s.Name())
		}
	})
}
