package keys

import (
	"bytes"
	"compress/gzip"
	"hash/maphash"
	"io"
	"net/http"
	"strings"

	"mirrornet/pkg/apispec"
)

// answer is what of an answer is the origin's: status, type and body. Content
// coding is undone.
type answer struct {
	status int
	media  string
	length int
	sum    uint64 // of the body
	// kind and data are media and sum without a JSONP wrapping: what answers
	// under one key have in common.
	kind string
	data uint64
}

var seed = maphash.MakeSeed() // for one process: sums are never kept

// answerOf reads an answer to a. Two fields of an answer are not the origin's
// own when the edge says them, and are told here what they are: the line end
// behind the edge's own refusal of a callback, and JSON's two line ends that
// the edge escapes in scripts.
func answerOf(rec *recorder, a ask) answer {
	b := rec.body.Bytes()
	if rec.header.Get("Content-Encoding") == "gzip" && a.method != http.MethodHead {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err == nil {
			b, err = io.ReadAll(z)
		}
		if err != nil {
			b = []byte("not gzip: " + err.Error())
		}
	}
	got := answer{status: rec.status, media: rec.header.Get("Content-Type")}
	got.kind = got.media
	data := b
	if strings.HasPrefix(got.media, apispec.JSONP) {
		b = bytes.ReplaceAll(b, []byte("\u2028"), []byte(`\u2028`))
		b = bytes.ReplaceAll(b, []byte("\u2029"), []byte(`\u2029`))
		data = b
		if open := bytes.IndexByte(b, '('); open > 0 && bytes.HasSuffix(b, []byte(");")) && apispec.ValidCallback(string(b[:open])) {
			data, got.kind = b[open+1:len(b)-2], apispec.JSON
		}
	}
	if bytes.HasPrefix(b, []byte(`{"error":"`+apispec.BadCallback)) {
		b = bytes.TrimSuffix(b, []byte("\n"))
		data = b
	}
	got.length, got.sum, got.data = len(b), maphash.Bytes(seed, b), maphash.Bytes(seed, data)
	return got
}
