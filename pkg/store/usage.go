package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// usageFor is how long a server may take to say what it holds: no request waits
// for that, and a machine that is busy is not one that is down.
const usageFor = time.Second

// maxStats bounds what a server's answer is read of: memcached 1.6 writes 3 kB.
const maxStats = 64 << 10

// Usage is what the servers of a tier hold, others' items included.
type Usage struct {
	Bytes, Limit, Items int64
}

var errStats = errors.New("store: what memcached says of itself makes no sense")

// Usage asks each server, which has a second or the Timeout, whichever is more.
// An error is the first that did not answer.
func (m *Memcached) Usage(ctx context.Context) (sum Usage, err error) {
	for _, name := range m.names {
		u, err := usageOf(ctx, address(name), max(usageFor, m.timeout))
		if err != nil {
			return Usage{}, fmt.Errorf("store: %s: %w", name, err)
		}
		sum.Bytes += u.Bytes
		sum.Limit += u.Limit
		sum.Items += u.Items
	}
	return sum, nil
}

func usageOf(ctx context.Context, at address, timeout time.Duration) (Usage, error) {
	end := time.Now().Add(timeout)
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, at.Network(), at.String())
	if err != nil {
		return Usage{}, err
	}
	defer c.Close()
	if err := c.SetDeadline(end); err != nil {
		return Usage{}, err
	}
	if _, err := io.WriteString(c, "stats\r\n"); err != nil {
		return Usage{}, err
	}
	return readUsage(c)
}

// readUsage reads the answer to "stats": lines "STAT name value" up to END.
func readUsage(r io.Reader) (u Usage, err error) {
	want := map[string]*int64{"bytes": &u.Bytes, "limit_maxbytes": &u.Limit, "curr_items": &u.Items}
	lines := bufio.NewScanner(io.LimitReader(r, maxStats))
	for lines.Scan() {
		word := strings.Fields(lines.Text())
		switch {
		case len(word) == 1 && word[0] == "END":
			if len(want) > 0 {
				return Usage{}, errStats
			}
			return u, nil
		case len(word) < 3 || word[0] != "STAT":
			return Usage{}, errStats
		case want[word[1]] != nil:
			n, err := strconv.ParseInt(word[2], 10, 64)
			if err != nil || n < 0 {
				return Usage{}, errStats
			}
			*want[word[1]] = n
			delete(want, word[1])
		}
	}
	return Usage{}, errors.Join(errStats, lines.Err())
}
