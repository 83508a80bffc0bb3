// Package ratelimit counts each client's requests in windows of time, and says
// when a client had enough.
//
// # Decisions
//
// 2026-11-25: windows are aligned to the clock, as Ensembl's are: several
// origins agree on them without a word, and clients can read from any answer
// when theirs ends.
//
// 2026-11-25: a client is an address, or for IPv6 a /64, which is what one
// customer gets. The reference adds the User-Agent, which lets anybody have a
// second allowance by a second name.
//
// 2026-11-25: counters keep a hash of the address under a secret, not the
// address.
//
// 2026-11-25: a counter that cannot be asked does not stop anybody: this
// process counts by itself until it can.
package ratelimit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// Window is one limit.
type Window struct {
	Period   time.Duration // whole seconds
	Requests int           // of one client within it
	// Penalty is added to Retry-After.
	Penalty time.Duration
	// Message is the body of a refusal.
	Message string
}

// Ensembl's two windows, as rest.ensembl.org has them. Zero requests leave a
// window out.
func Ensembl(perHour, perSecond int) (windows []Window) {
	if perHour > 0 {
		windows = append(windows, Window{Period: time.Hour, Requests: perHour,
			Message: fmt.Sprintf("You have exceeded your limit which is %s requests per hour", grouped(perHour))})
	}
	if perSecond > 0 {
		windows = append(windows, Window{Period: time.Second, Requests: perSecond, Penalty: time.Second,
			Message: fmt.Sprintf("You have exceeded the limit of %d requests per second; please reduce your concurrent connections", perSecond)})
	}
	return windows
}

func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Counter counts. It is safe for concurrent use.
type Counter interface {
	// Add counts one more under the name, which is forgotten some time after
	// it was first counted, and gives the sum.
	Add(ctx context.Context, name string, forget time.Duration) (int, error)
}

// Config configures a [Limiter].
type Config struct {
	// Windows, the one that answers tell of first. At least one.
	Windows []Window
	// Shared counts for several processes; nil: each process by itself.
	Shared Counter
	// Secret is the key of the hashes of addresses; the same at all that share
	// a counter. Empty: a fixed one.
	Secret []byte
	Now    func() time.Time // nil: time.Now
}

// Limiter decides. It is safe for concurrent use.
type Limiter struct {
	Config
	local *Local
	full  *Local // who had enough, so that they cost no exchange
}

// New makes a Limiter.
func New(c Config) (*Limiter, error) {
	if len(c.Windows) == 0 {
		return nil, errors.New("ratelimit: no window; give at least one")
	}
	for i, w := range c.Windows {
		if w.Requests < 1 || w.Period < time.Second || w.Period%time.Second != 0 {
			return nil, fmt.Errorf("ratelimit: window %d: %d requests in %s; give at least 1 in whole seconds", i+1, w.Requests, w.Period)
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Limiter{Config: c, local: NewLocal(c.Now), full: NewLocal(c.Now)}, nil
}

// Verdict is what a client is told. Limit, Remaining, Reset and Period speak
// of the first window.
type Verdict struct {
	Allowed    bool
	Limit      int
	Remaining  int
	Reset      time.Duration // until the window ends
	Period     time.Duration
	RetryAfter time.Duration // whole seconds; of a refusal
	Message    string        // of a refusal
}

// Take counts a request of the client.
func (l *Limiter) Take(ctx context.Context, client netip.Addr) Verdict {
	now := l.Now()
	id := l.name(client)
	v := Verdict{Allowed: true}
	for i, w := range l.Windows {
		began := now.Truncate(w.Period)
		ends := began.Add(w.Period).Sub(now)
		name := id + ":" + strconv.Itoa(int(w.Period/time.Second)) + ":" + strconv.FormatInt(began.Unix(), 36)
		n := l.count(ctx, name, w)
		if i == 0 {
			v.Limit, v.Remaining, v.Reset, v.Period = w.Requests, max(0, w.Requests-n), ends, w.Period
		}
		if n > w.Requests {
			v.Allowed, v.Message = false, w.Message
			v.RetryAfter = (ends + time.Second - 1).Truncate(time.Second) + w.Penalty
			return v
		}
	}
	return v
}

// count counts one more. Who is over the limit already is counted no further.
func (l *Limiter) count(ctx context.Context, name string, w Window) int {
	if l.Shared == nil {
		n, _ := l.local.Add(ctx, name, w.Period)
		return n
	}
	if l.full.Has(name) {
		return w.Requests + 1
	}
	n, err := l.Shared.Add(ctx, name, 2*w.Period)
	if err != nil {
		n, _ = l.local.Add(ctx, name, w.Period)
	}
	if n > w.Requests {
		l.full.Add(ctx, name, w.Period)
	}
	return n
}

// name is the client's in the counters.
func (l *Limiter) name(client netip.Addr) string {
	client = client.Unmap().WithZone("")
	if client.Is6() {
		if p, err := client.Prefix(64); err == nil {
			client = p.Addr()
		}
	}
	m := hmac.New(sha256.New, l.Secret)
	raw := client.As16()
	m.Write(raw[:])
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:12])
}
