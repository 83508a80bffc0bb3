package upstream

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// pacer keeps requests under the rate that the API allows. It is safe for
// concurrent use.
type pacer struct {
	limiter *rate.Limiter

	mu      sync.Mutex // guards the fields below
	until   time.Time  // nothing is sent before: the API said so
	resets  time.Time  // end of the API's window
	renewed rate.Limit // from then on
}

func newPacer() *pacer { return &pacer{limiter: rate.NewLimiter(rate.Inf, 1)} }

// busy says that the API takes no request for now.
type busy struct{ retryAfter time.Duration }

func (b *busy) Error() string {
	return fmt.Sprintf("upstream: its rate limit allows no request for another %s", b.retryAfter.Round(time.Second))
}

// acquire waits for leave to send one request, until deadline at the latest;
// if that is too early, the error is a *busy, at once.
func (p *pacer) acquire(ctx context.Context, now func() time.Time, deadline time.Time) error {
	t := now()
	p.mu.Lock()
	if !p.resets.IsZero() && !t.Before(p.resets) { // a new window began
		p.limiter.SetLimitAt(t, p.renewed)
		p.resets = time.Time{}
	}
	hold := p.until.Sub(t)
	p.mu.Unlock()
	if hold > deadline.Sub(t) {
		return &busy{hold}
	}
	r := p.limiter.ReserveN(t, 1)
	wait := max(r.DelayFrom(t), hold)
	if wait > deadline.Sub(t) {
		r.CancelAt(t)
		return &busy{wait}
	}
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		r.CancelAt(now())
		return context.Cause(ctx)
	}
}

// observe learns from an answer's fields: X-RateLimit-Limit, -Remaining,
// -Reset (seconds left), -Period (seconds), and Retry-After of a 429.
func (p *pacer) observe(resp *http.Response, now time.Time) {
	number := func(name string) (float64, bool) {
		f, err := strconv.ParseFloat(resp.Header.Get(name), 64)
		return f, err == nil && f >= 0 && !math.IsInf(f, 0) && !math.IsNaN(f)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	limit, okLimit := number("X-RateLimit-Limit")
	remaining, okRemaining := number("X-RateLimit-Remaining")
	reset, okReset := number("X-RateLimit-Reset")
	period, okPeriod := number("X-RateLimit-Period")
	if okRemaining && okReset && reset > 0 && reset < 1e6 {
		window := seconds(reset)
		if remaining < 1 {
			p.hold(now.Add(window))
		} else {
			perSecond := remaining / reset
			p.limiter.SetLimitAt(now, rate.Limit(perSecond))
			p.limiter.SetBurstAt(now, int(math.Max(1, math.Min(math.Floor(perSecond), remaining))))
		}
		p.resets, p.renewed = now.Add(window), rate.Limit(math.Max(1, remaining)/reset)
		if okLimit && okPeriod && limit > 0 && period > 0 {
			p.renewed = rate.Limit(limit / period)
		}
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		after, ok := number("Retry-After")
		if !ok || after < 1 || after > 1e6 {
			after = 1
		}
		p.hold(now.Add(seconds(after)))
	}
}

func (p *pacer) hold(until time.Time) {
	if until.After(p.until) {
		p.until = until
	}
}

func seconds(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }
