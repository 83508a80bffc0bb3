package respond

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"

	"mirrornet/pkg/rfc9111"
)

// codings in order of preference.
const (
	codingZstd   = "zstd"
	codingBrotli = "br"
	codingGzip   = "gzip"
)

func isCoding(s string) bool { return s == codingZstd || s == codingBrotli || s == codingGzip }

// minCompress is the body length from which a coding is worth offering.
const minCompress = 256

// negotiate chooses the coding of a whole answer, and says in Vary that there
// was a choice.
func (a *answer) negotiate() {
	if a.body.Len() < minCompress || !bodyAllowed(a.status) || a.status == http.StatusPartialContent || // its bytes are counted as they are
		a.h.Get("Content-Encoding") != "" ||
		!compressible(a.h.Get("Content-Type")) || rfc9111.NoTransform(a.h) {
		return
	}
	a.vary("Accept-Encoding")
	if !rfc9111.NoTransform(a.r.Header) {
		a.coding = chooseCoding(a.r.Header["Accept-Encoding"])
	}
}

// chooseCoding is the coding with the highest weight, and of equal ones the
// best; "" is identity (RFC 9110 §12.5.3). Members that make no sense are
// skipped. Where nothing at all is acceptable, identity is sent: it can be read.
func chooseCoding(lines []string) string {
	const unset = -1
	// In thousandths. identity needs no mention, and is the last resort then.
	zstdQ, brQ, gzipQ, identityQ, anyQ := unset, unset, unset, unset, unset
	for _, line := range lines {
		for member := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(member, ";")
			q, ok := weight(params)
			if !ok {
				continue
			}
			switch strings.ToLower(strings.Trim(name, " \t")) {
			case codingZstd:
				zstdQ = q
			case codingBrotli:
				brQ = q
			case codingGzip, "x-gzip":
				gzipQ = q
			case "identity":
				identityQ = q
			case "*":
				anyQ = q
			}
		}
	}
	if gzipQ == unset {
		gzipQ = anyQ
	}
	best, coding := max(identityQ, 0), ""
	for _, c := range []struct {
		name string
		q    int
	}{{codingGzip, gzipQ}, {codingBrotli, brQ}, {codingZstd, zstdQ}} {
		if c.q > 0 && c.q >= best {
			best, coding = c.q, c.name
		}
	}
	return coding
}

// weight reads the q of a member's parameters in thousandths; absent is 1000.
// False where it is not a weight.
func weight(params string) (int, bool) {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.Trim(name, " \t"), "q") {
			continue
		}
		value = strings.Trim(value, " \t")
		whole, fraction, _ := strings.Cut(value, ".")
		if whole != "0" && whole != "1" || len(fraction) > 3 {
			return 0, false
		}
		n, err := strconv.ParseUint(whole+(fraction + "000")[:3], 10, 16)
		if err != nil || n > 1000 {
			return 0, false
		}
		return int(n), true
	}
	return 1000, true
}

// compressible tells media types that are text of some kind.
func compressible(contentType string) bool {
	t := mediaType(contentType)
	switch t {
	case "", "text/event-stream":
		return false
	case "application/json", "application/javascript", "application/xml", "application/yaml", "application/x-yaml",
		"application/x-ndjson", "application/ndjson", "application/x-javascript", "application/wasm", "image/svg+xml":
		return true
	}
	return strings.HasPrefix(t, "text/") || strings.HasSuffix(t, "+json") || strings.HasSuffix(t, "+xml") || strings.HasSuffix(t, "+yaml")
}

// mediaType is the type without parameters, in lower case.
func mediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

var (
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

	brotliWriters = sync.Pool{New: func() any { return brotli.NewWriterLevel(nil, 4) }}
	gzipWriters   = sync.Pool{New: func() any { w, _ := gzip.NewWriterLevel(nil, 5); return w }}
)

// maxPooled keeps a rare large answer from staying in memory.
const maxPooled = 1 << 20

func getBuffer() *bytes.Buffer { return buffers.Get().(*bytes.Buffer) }

func putBuffer(b *bytes.Buffer) {
	if b.Cap() <= maxPooled {
		b.Reset()
		buffers.Put(b)
	}
}

// encode writes body to an empty buffer, in brotli or gzip. Writing to memory
// does not fail.
func encode(to *bytes.Buffer, coding string, body []byte) {
	switch coding {
	case codingBrotli:
		w := brotliWriters.Get().(*brotli.Writer)
		defer brotliWriters.Put(w)
		w.Reset(to)
		_, _ = w.Write(body)
		_ = w.Close()
	case codingGzip:
		w := gzipWriters.Get().(*gzip.Writer)
		defer gzipWriters.Put(w)
		w.Reset(to)
		_, _ = w.Write(body)
		_ = w.Close()
	}
}
