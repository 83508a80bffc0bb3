package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Resume asks the sources for what is left of an answer that broke off after
// offset bytes. etag is its strong entity tag, length that of the whole, or -1.
// Whoever has the same representation sends the rest (RFC 9110 §13.1.5), or the
// whole again, whose beginning is passed over. The body of the answer begins
// at offset; its status and fields say nothing more.
func (c *Client) Resume(ctx context.Context, sources []Source, req Request, offset int64, etag string, length int64) (*Answer, error) {
	header := req.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	for _, name := range [...]string{"If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since"} {
		header.Del(name)
	}
	if offset > 0 {
		header.Set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-")
		header.Set("If-Range", etag)
	}
	req.Header = header
	fail := &Error{}
	for _, s := range sources {
		s.Up = nil // that was when the answer began
		a, err := c.Do(ctx, []Source{s}, req)
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			fail.cause = err
			continue
		}
		if req.Total > 0 {
			a.Within(req.Total)
		}
		if fail.cause = seek(a.Response, offset, etag, length); fail.cause == nil {
			return a, nil
		}
		a.Response.Body.Close()
		fail.Unusable = true
	}
	return nil, fail
}

// seek brings the answer's body to offset, or says why it is not the rest of
// the same representation. The body is then cut where it is shorter than that.
func seek(resp *http.Response, offset int64, etag string, length int64) error {
	tag := resp.Header.Get("ETag")
	switch resp.StatusCode {
	case http.StatusPartialContent: // If-Range held, so the tag needs no repeating
		if tag != "" && tag != etag {
			return fmt.Errorf("fetch: a part of %s, not of %s", tag, etag)
		}
		from, total, ok := contentRange(resp.Header.Get("Content-Range"))
		if !ok || from != offset || total >= 0 && length >= 0 && total != length {
			return fmt.Errorf("fetch: Content-Range %q, want bytes from %d of %d", resp.Header.Get("Content-Range"), offset, length)
		}
		if total = max(total, length); total < 0 {
			return errNoLength
		}
		exactly(resp, total-offset)
		return nil
	case http.StatusOK:
		if tag != etag {
			return fmt.Errorf("fetch: now it is %s, not %s", tag, etag)
		}
		if length >= 0 {
			exactly(resp, length)
		}
		_, err := io.CopyN(io.Discard, resp.Body, offset)
		return err
	}
	return fmt.Errorf("fetch: status %d to a Range", resp.StatusCode)
}

var errNoLength = errors.New("fetch: a part of a whole of unknown length, which may not be all that is left")

// exactly holds the body to n bytes.
func exactly(resp *http.Response, n int64) {
	b := resp.Body.(*cancelOnClose)
	b.ReadCloser = &exact{b.ReadCloser, n}
}

type exact struct {
	io.ReadCloser
	left int64
}

func (e *exact) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.ReadCloser.Read(p[:min(int64(len(p)), e.left)])
	if e.left -= int64(n); err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// contentRange reads "bytes from-last/total", where last is the last byte of
// the whole; total -1 is "*".
func contentRange(s string) (from, total int64, ok bool) {
	s, ok = strings.CutPrefix(s, "bytes ")
	span, size, ok2 := strings.Cut(s, "/")
	first, last, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 {
		return 0, 0, false
	}
	from, err := strconv.ParseInt(first, 10, 64)
	end, err2 := strconv.ParseInt(last, 10, 64)
	if err != nil || err2 != nil || from < 0 || end < from {
		return 0, 0, false
	}
	if size == "*" {
		return from, -1, true
	}
	total, err = strconv.ParseInt(size, 10, 64)
	return from, total, err == nil && end == total-1
}
