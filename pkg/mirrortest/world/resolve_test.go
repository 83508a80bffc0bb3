//go:build linux

package world

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"time"

	"mirrornet/pkg/status"
)

// directory says which region the network calls nearest to a host, as the
// first node says that answers: the nearest is asked first, as resolvers do,
// and each other a little after the one before it.
func (w *World) directory(ctx context.Context, from *host) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	type answer struct {
		region string
		err    error
	}
	answers := make(chan answer, len(w.nodes))
	order := rand.Perm(len(w.nodes))
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Compare(oneWay(from.endpoint, w.nodes[i].endpoint), oneWay(from.endpoint, w.nodes[j].endpoint))
	})
	next := time.NewTimer(0)
	defer next.Stop()
	var errs []error
	for asked := 0; ; {
		select {
		case <-next.C:
			h := w.nodes[order[asked]]
			go func() {
				region, err := w.askDirectory(ctx, from, h)
				answers <- answer{region, err}
			}()
			if asked++; asked < len(order) {
				next.Reset(400 * time.Millisecond)
			}
		case a := <-answers:
			if a.err == nil {
				return a.region, nil
			}
			if errs = append(errs, a.err); len(errs) == len(order) {
				return "", errors.Join(errs...)
			}
			if asked < len(order) {
				next.Reset(0)
			}
		case <-ctx.Done():
			return "", errors.Join(append(errs, ctx.Err())...)
		}
	}
}

func (w *World) askDirectory(ctx context.Context, from, node *host) (string, error) {
	t := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return from.ns.dial(ctx, network, node.addr.String()+":80")
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+siteOf(node.region).host()+"/-/route", nil)
	if err != nil {
		return "", err
	}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var x status.Explanation
	if err := json.NewDecoder(resp.Body).Decode(&x); err != nil {
		return "", err
	}
	if x.Nearest == "" {
		return "", errors.New(resp.Status)
	}
	return string(x.Nearest), nil
}
