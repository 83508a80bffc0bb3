//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// client asks one server over one connection, in wrk's own words: a server that
// remembers a request by its bytes has then seen wrk's.
type client struct {
	addr string
	conn net.Conn
	r    *bufio.Reader
}

func dial(addr string) (*client, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &client{addr, conn, bufio.NewReader(conn)}, nil
}

// request is what is sent for a target.
func request(addr, target, tag string) []byte {
	if tag != "" {
		tag = "If-None-Match: " + tag + "\r\n"
	}
	return []byte("GET " + target + " HTTP/1.1\r\nHost: " + addr + "\r\n" + tag + "\r\n")
}

// get asks for a target, with If-None-Match if there is a tag.
func (c *client) get(target, tag string) (*http.Response, []byte, error) {
	return c.exchange(request(c.addr, target, tag))
}

func (c *client) exchange(request []byte) (*http.Response, []byte, error) {
	c.conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.conn.Write(request); err != nil {
		return nil, nil, err
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return nil, nil, err
	}
	b, err := io.ReadAll(resp.Body)
	return resp, b, err
}

// verify asks for a target and compares the answer with the origin's.
func (c *client) verify(target, ifNoneMatch string, size int) error {
	resp, b, err := c.get(target, ifNoneMatch)
	switch {
	case err != nil:
		return fmt.Errorf("GET %s: %w", target, err)
	case ifNoneMatch != "":
		if resp.StatusCode != http.StatusNotModified || len(b) > 0 {
			return fmt.Errorf("GET %s with If-None-Match: %s and %d bytes instead of 304", target, resp.Status, len(b))
		}
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("GET %s: %s", target, resp.Status)
	case !bytes.Equal(b, body(target, size)):
		return fmt.Errorf("GET %s: a body of %d bytes that is not the origin's", target, len(b))
	}
	return nil
}

// asked is how often the origin was asked for a body.
func (r *rig) asked() (int64, error) {
	c, err := dial(r.origin)
	if err != nil {
		return 0, err
	}
	defer c.conn.Close()
	_, b, err := c.get("/count", "")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(b), 10, 64)
}

// fill asks a server for the first n targets of a row, over several
// connections, and compares every body.
func fill(ctx context.Context, addr string, row row, n int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			c, err := dial(addr)
			if err != nil {
				cancel(err)
				return
			}
			defer c.conn.Close()
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := c.verify(row.target(i), "", row.size); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// preload puts answers into a server's memcached as nginx looks for them: the
// body alone, under the target.
func preload(socket string, row row, n int) error {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	answers := bufio.NewReader(conn)
	for i := range n {
		b := body(row.target(i), row.size)
		if _, err := fmt.Fprintf(conn, "set %s 0 0 %d\r\n%s\r\n", row.target(i), len(b), b); err != nil {
			return err
		}
		if line, err := answers.ReadString('\n'); err != nil || line != "STORED\r\n" {
			return fmt.Errorf("memcached: set %s: %q, %v", row.target(i), line, err)
		}
	}
	return nil
}
