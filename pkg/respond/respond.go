package respond

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/rfc9111"
	"mirrornet/pkg/store"
)

// Write answers r with s. The fields of extra are set over the source's, and
// both over what w has already; a field of extra without values removes it.
// Vary is joined from w and the others. status is what was written, written counts
// body bytes. An error before anything was written has status 0 (the source's
// status is not final, the callback is not valid, the stored body is damaged);
// later ones are those of w.
//
// Neither s nor extra is changed, and Write may run concurrently on the same
// source.
func Write(w http.ResponseWriter, r *http.Request, s Source, extra http.Header, o Options) (status int, written int64, err error) {
	a := answer{w: w, r: r, h: w.Header(), status: s.Status, body: s.Body}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if a.status == http.StatusResetContent {
		a.body = store.Body{}
	}
	if a.status < 200 || a.status > 999 {
		return 0, 0, fmt.Errorf("respond: status %d cannot be answered: want a final one, 200 to 999", s.Status)
	}
	if o.Callback != "" && !apispec.ValidCallback(o.Callback) {
		return 0, 0, fmt.Errorf("respond: callback %q: want a dotted JavaScript identifier of at most %d bytes", o.Callback, apispec.MaxCallback)
	}
	a.setHeader(s.Header, extra, o)
	a.tag, _, _ = scanTag(a.h.Get("Etag"))
	if o.Callback != "" {
		if err := a.wrap(o.Callback); err != nil {
			return 0, 0, fmt.Errorf("respond: %w", err)
		}
	}
	a.negotiate()

	get := r.Method == http.MethodGet
	if a.status == http.StatusOK && (get || r.Method == http.MethodHead) {
		a.h.Set("Accept-Ranges", "bytes")
		switch a.precondition() {
		case http.StatusNotModified:
			return a.notModified()
		case http.StatusPreconditionFailed:
			return a.fail(http.StatusPreconditionFailed, preconditionFailed)
		}
		if get {
			switch spans, result := a.ranges(); result {
			case rangePartial:
				return a.partial(spans)
			case rangeUnsatisfiable:
				a.h.Set("Content-Range", "bytes */"+strconv.Itoa(a.body.Len()))
				return a.fail(http.StatusRequestedRangeNotSatisfiable, "no part of the Range lies within the content")
			}
		}
	}
	return a.whole()
}

const preconditionFailed = "precondition failed: the resource is not in the state that If-Match or If-Unmodified-Since names"

// answer is one response on its way.
type answer struct {
	w      http.ResponseWriter
	r      *http.Request
	h      http.Header // of w
	status int
	body   store.Body
	tag    tag    // of the identity form; zero: none
	coding string // to apply to a whole answer; "": none
}

// setHeader joins the headers. Value slices are clipped: they belong to the
// store, and whoever adds to w's header later must not write into them.
func (a *answer) setHeader(source, extra http.Header, o Options) {
	vary := slices.Clip(a.h["Vary"])
	for name, values := range source {
		name = http.CanonicalHeaderKey(name)
		if !rfc9111.HopByHop(name) && name != "Content-Length" {
			a.h[name] = slices.Clip(values)
		}
	}
	for name, values := range extra {
		name = http.CanonicalHeaderKey(name)
		if len(values) == 0 {
			delete(a.h, name)
		} else {
			a.h[name] = slices.Clip(values)
		}
	}
	for _, line := range vary {
		a.vary(line)
	}
	if _, ok := a.h["Date"]; !ok && !o.Now.IsZero() {
		a.h.Set("Date", o.Now.UTC().Format(http.TimeFormat))
	}
	if _, ok := a.h["Content-Type"]; !ok {
		a.h["Content-Type"] = nil // net/http must not guess
	}
}

// vary adds the names of one Vary line that are not there yet.
func (a *answer) vary(line string) {
	have := a.h["Vary"]
	for name := range strings.SplitSeq(line, ",") {
		name = strings.TrimSpace(name)
		if name != "" && !listed(have, name) {
			have = append(slices.Clip(have), name)
		}
	}
	if len(have) > 0 {
		a.h["Vary"] = []string{strings.Join(have, ", ")}
	}
}

// listed reports whether one of the lines has the name, or "*".
func listed(lines []string, name string) bool {
	for _, line := range lines {
		for have := range strings.SplitSeq(line, ",") {
			have = strings.TrimSpace(have)
			if have == "*" || strings.EqualFold(have, name) {
				return true
			}
		}
	}
	return false
}

// whole writes the response in the coding chosen.
func (a *answer) whole() (int, int64, error) {
	if !bodyAllowed(a.status) {
		a.h.Del("Content-Length")
		a.w.WriteHeader(a.status)
		return a.status, 0, nil
	}
	pays := a.coding != "" && a.body.Compressible() // what zstd does not shrink, the others do not either
	if pays && a.coding == codingZstd {
		if frame, ok := a.body.Zstd(); ok {
			return a.sendCoded(frame)
		}
		pays = false
	}
	if a.r.Method == http.MethodHead && !pays {
		return a.head(a.status, a.body.Len())
	}
	body, release, err := a.identity()
	if err != nil {
		return 0, 0, err
	}
	defer release()
	if pays {
		buf := getBuffer()
		defer putBuffer(buf)
		if encode(buf, a.coding, body); buf.Len() < len(body) {
			return a.sendCoded(buf.Bytes())
		}
	}
	return a.send(a.status, body)
}

func (a *answer) sendCoded(body []byte) (int, int64, error) {
	a.h.Set("Content-Encoding", a.coding)
	a.setTag(a.tag.of(a.coding))
	a.dropDigests()
	return a.send(a.status, body)
}

// identity is the body without coding. It may be a buffer that release gives
// to the next answer.
func (a *answer) identity() (body []byte, release func(), err error) {
	if body, ok := a.body.Plain(); ok {
		return body, func() {}, nil
	}
	buf := getBuffer()
	buf.Grow(a.body.Len())
	if body, err = a.body.AppendIdentity(buf.AvailableBuffer()); err != nil {
		err = fmt.Errorf("respond: %w", err)
	}
	return body, func() { putBuffer(buf) }, err
}

// send writes the head and the parts of the body.
func (a *answer) send(status int, parts ...[]byte) (int, int64, error) {
	length := 0
	for _, p := range parts {
		length += len(p)
	}
	a.head(status, length)
	var written int64
	if a.r.Method == http.MethodHead {
		return status, 0, nil
	}
	for _, p := range parts {
		n, err := a.w.Write(p)
		written += int64(n)
		if err != nil {
			return status, written, fmt.Errorf("respond: body of %s: %w", a.r.URL.Path, err)
		}
	}
	return status, written, nil
}

func (a *answer) head(status, length int) (int, int64, error) {
	a.h.Set("Content-Length", strconv.Itoa(length))
	a.w.WriteHeader(status)
	return status, 0, nil
}

// fail answers with an error of its own in the API's shape. It is not to be
// stored in place of the content; the validators stay, for they are what the
// client needs to ask better.
func (a *answer) fail(status int, message string) (int, int64, error) {
	for _, name := range []string{"Age", "Cdn-Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language",
		"Content-Location", "Expires"} {
		a.h.Del(name)
	}
	a.dropDigests()
	a.h.Set("Cache-Control", "no-store")
	a.h.Set("Content-Type", "application/json")
	return a.send(status, []byte(`{"error":"`+message+`"}`))
}

// setTag names the form sent. A stored tag that makes no sense is removed
// rather than left to stand for two different bodies.
func (a *answer) setTag(t tag) {
	if t.opaque == "" {
		a.h.Del("Etag")
		return
	}
	a.h.Set("Etag", t.String())
}

// dropDigests removes digests of bytes that are no longer the ones sent.
func (a *answer) dropDigests() {
	for _, name := range []string{"Content-Digest", "Content-Md5", "Digest", "Repr-Digest"} {
		a.h.Del(name)
	}
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
