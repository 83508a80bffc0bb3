package main

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// crowd accepts a connection at each of its times since begin.
type crowd struct {
	net.Listener
	times []time.Duration
	begin time.Time
}

func (c *crowd) Accept() (net.Conn, error) {
	if len(c.times) == 0 {
		return nil, net.ErrClosed
	}
	<-time.After(c.times[0] - time.Since(c.begin))
	c.times = c.times[1:]
	return nil, nil
}

// A node that leaves listens until nobody has come for a second.
func TestQuiet(t *testing.T) {
	var always []time.Duration
	for d := time.Duration(0); d < 20*time.Second; d += 700 * time.Millisecond {
		always = append(always, d)
	}
	for name, c := range map[string]struct {
		times []time.Duration
		want  time.Duration
	}{
		"nobody":         {nil, time.Second},
		"one":            {[]time.Duration{300 * time.Millisecond}, 1300 * time.Millisecond},
		"one after each": {[]time.Duration{900 * time.Millisecond, 1800 * time.Millisecond}, 2800 * time.Millisecond},
		"one too late":   {[]time.Duration{1100 * time.Millisecond}, time.Second},
		"always":         {always, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				a := &arrivals{Listener: &crowd{times: c.times, begin: begin}}
				var accepting sync.WaitGroup
				accepting.Go(func() {
					for {
						if _, err := a.Accept(); err != nil {
							return
						}
					}
				})
				defer accepting.Wait()
				quiet(context.Background(), a, &arrivals{})
				if took := time.Since(begin); took != c.want {
					t.Errorf("%s, want %s", took, c.want)
				}
			})
		})
	}
}
