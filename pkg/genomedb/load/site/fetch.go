package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Client asks a site. It is safe for concurrent use.
type Client struct {
	// HTTP sends the requests; nil: one of its own, with the environment's
	// proxy. A timeout of its own would end long transfers.
	HTTP *http.Client
	// Idle ends an attempt that has brought nothing for so long; 0: a minute.
	Idle time.Duration
	// Attempts is how many in a row may bring nothing; 0: eight.
	Attempts int
	// Backoff is the first wait between attempts, which then doubles to at most
	// sixty times as much; 0: half a second. Retry-After can ask for more.
	Backoff time.Duration
	// Retrying is told each fault that is tried again; nil: nobody is.
	Retrying func(url string, err error, wait time.Duration)
}

// Validator identifies a version of a file, as far as the server tells.
type Validator struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`
	Size         int64  `json:"size"` // -1: not told
}

// strong is what If-Range can name, "" where nothing can be.
func (v Validator) strong() string {
	if v.ETag != "" && !strings.HasPrefix(v.ETag, "W/") {
		return v.ETag
	}
	return v.LastModified
}

// statusError is an answer that is not wanted.
type statusError struct {
	url    string
	status string
	code   int
	after  time.Duration // Retry-After
}

func (e *statusError) Error() string { return fmt.Sprintf("%s: %s", e.url, e.status) }

// lasting says whether asking again cannot help.
func lasting(err error) bool {
	var e *statusError
	if !errors.As(err, &e) {
		var u *url.Error
		return errors.Is(err, errLocal) || errors.As(err, &u) && strings.Contains(u.Err.Error(), "unsupported protocol")
	}
	return e.code < 500 && e.code != http.StatusTooManyRequests && e.code != http.StatusRequestTimeout && e.code != http.StatusPartialContent && e.code != http.StatusRequestedRangeNotSatisfiable
}

// errLocal marks faults of this machine's disk.
var errLocal = errors.New("cannot keep what was fetched")

// Head asks for a file's version.
func (c *Client) Head(ctx context.Context, at *url.URL) (Validator, error) {
	var v Validator
	err := c.retry(ctx, at.String(), func(ctx context.Context, _ func()) (bool, error) {
		res, err := c.do(ctx, http.MethodHead, at, nil)
		if err != nil {
			return false, err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return false, refused(at, res)
		}
		v = validator(res)
		return true, nil
	})
	return v, err
}

func validator(res *http.Response) Validator {
	return Validator{res.Header.Get("ETag"), res.Header.Get("Last-Modified"), res.ContentLength}
}

// Get reads a short file of at most limit bytes, and gives the address that
// redirects led to.
func (c *Client) Get(ctx context.Context, at *url.URL, limit int64) (body []byte, final *url.URL, err error) {
	err = c.retry(ctx, at.String(), func(ctx context.Context, alive func()) (bool, error) {
		res, err := c.do(ctx, http.MethodGet, at, nil)
		if err != nil {
			return false, err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return false, refused(at, res)
		}
		body, err = io.ReadAll(io.LimitReader(&watched{res.Body, alive}, limit+1))
		if err == nil && int64(len(body)) > limit {
			err = &statusError{url: at.String(), status: fmt.Sprintf("more than %d bytes", limit), code: http.StatusForbidden}
		}
		final = res.Request.URL
		return false, err
	})
	return body, final, err
}

// Fetch brings a file to path. What came before a fault stays in path.part, and
// the next attempt or call goes on there if the server still has that version.
// progress is told bytes as they come, also those of an attempt that was in
// vain.
func (c *Client) Fetch(ctx context.Context, at *url.URL, path string, progress func(n int64)) (Validator, error) {
	var v Validator
	if progress == nil {
		progress = func(int64) {}
	}
	err := c.retry(ctx, at.String(), func(ctx context.Context, alive func()) (bool, error) {
		var n int64
		var err error
		v, err = c.transfer(ctx, at, path, func(k int64) {
			alive()
			n += k
			progress(k)
		})
		return n > 0, err
	})
	return v, err
}

func (c *Client) transfer(ctx context.Context, at *url.URL, path string, came func(int64)) (v Validator, err error) {
	part, note := path+".part", path+".part.json"
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return v, fmt.Errorf("%w: %w", errLocal, err)
	}
	defer func() {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return v, fmt.Errorf("%w: %w", errLocal, err)
	}
	head := http.Header{}
	if text, err := os.ReadFile(note); have > 0 && err == nil && json.Unmarshal(text, &v) == nil && v.strong() != "" {
		head.Set("Range", fmt.Sprintf("bytes=%d-", have))
		head.Set("If-Range", v.strong())
	}
	res, err := c.do(ctx, http.MethodGet, at, head)
	if err != nil {
		return v, err
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusPartialContent && head.Get("Range") != "" && rangeStart(res) == have:
	case res.StatusCode == http.StatusRequestedRangeNotSatisfiable && have == v.Size:
		// All of it was there already.
		f, err = nil, errors.Join(f.Close(), os.Rename(part, path), os.Remove(note))
		return v, err
	case res.StatusCode == http.StatusOK:
		v, have = validator(res), 0
		text, err := json.Marshal(v)
		if err := errors.Join(err, f.Truncate(0), os.WriteFile(note, text, 0o644)); err != nil {
			return v, fmt.Errorf("%w: %w", errLocal, err)
		}
	default:
		if res.StatusCode == http.StatusPartialContent || res.StatusCode == http.StatusRequestedRangeNotSatisfiable {
			os.Remove(note) // the next attempt asks for all
		}
		return v, refused(at, res)
	}
	if _, err := f.Seek(have, io.SeekStart); err != nil {
		return v, fmt.Errorf("%w: %w", errLocal, err)
	}
	n, err := copyTo(f, res.Body, came)
	if err != nil {
		return v, err
	}
	if v.Size >= 0 && have+n != v.Size {
		return v, fmt.Errorf("%s: %d bytes where %d were announced", at, have+n, v.Size)
	}
	err = errors.Join(f.Close(), os.Rename(part, path), os.Remove(note))
	f = nil
	if err != nil {
		err = fmt.Errorf("%w: %w", errLocal, err)
	}
	return v, err
}

// copyTo is io.Copy that tells a fault of the disk from one of the network.
func copyTo(f *os.File, r io.Reader, came func(int64)) (n int64, err error) {
	buffer := make([]byte, 128<<10)
	for {
		k, err := r.Read(buffer)
		if k > 0 {
			if _, err := f.Write(buffer[:k]); err != nil {
				return n, fmt.Errorf("%w: %w", errLocal, err)
			}
			n += int64(k)
			came(int64(k))
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// rangeStart is where the bytes of a 206 begin, -1 where it does not say.
func rangeStart(res *http.Response) int64 {
	first, _, _ := strings.Cut(strings.TrimPrefix(res.Header.Get("Content-Range"), "bytes "), "-")
	n, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func (c *Client) do(ctx context.Context, method string, at *url.URL, head http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, at.String(), nil)
	if err != nil {
		return nil, err
	}
	for k, v := range head {
		req.Header[k] = v
	}
	req.Header.Set("Accept-Encoding", "identity") // dumps are compressed as files
	req.Header.Set("User-Agent", "mirrornet-origin-load")
	if c.HTTP != nil {
		return c.HTTP.Do(req)
	}
	return http.DefaultClient.Do(req)
}

func refused(at *url.URL, res *http.Response) error {
	e := &statusError{url: at.String(), status: "the server answers " + res.Status, code: res.StatusCode}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s >= 0 {
		e.after = min(time.Duration(s)*time.Second, 5*time.Minute)
	}
	return e
}

// watched says that bytes come.
type watched struct {
	r     io.Reader
	alive func()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.alive()
	}
	return n, err
}

// retry attempts until one succeeds, and ends an attempt that stands still.
// One that brought something begins the count anew.
func (c *Client) retry(ctx context.Context, what string, attempt func(ctx context.Context, alive func()) (progressed bool, err error)) error {
	idle, attempts, first := c.Idle, c.Attempts, c.Backoff
	if idle == 0 {
		idle = time.Minute
	}
	if attempts == 0 {
		attempts = 8
	}
	if first == 0 {
		first = time.Second / 2
	}
	wait, failed := first, 0
	for {
		progressed, err := func() (bool, error) {
			ctx, cancel := context.WithCancelCause(ctx)
			defer cancel(nil)
			timer := time.AfterFunc(idle, func() { cancel(fmt.Errorf("%s: nothing came for %v", what, idle)) })
			defer timer.Stop()
			progressed, err := attempt(ctx, func() { timer.Reset(idle) })
			if cause := context.Cause(ctx); err != nil && cause != nil {
				err = cause
			}
			return progressed, err
		}()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if failed++; progressed {
			failed, wait = 1, first
		}
		if lasting(err) {
			return err
		}
		if failed >= attempts {
			return fmt.Errorf("%w (%d attempts; run the same command again to go on)", err, failed)
		}
		pause := wait/2 + rand.N(wait/2+1)
		var refusal *statusError
		if errors.As(err, &refusal) {
			pause = max(pause, refusal.after)
		}
		if c.Retrying != nil {
			c.Retrying(what, err, pause)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
		wait = min(2*wait, 60*first)
	}
}
