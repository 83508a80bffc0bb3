// Package ensembl holds what the modules of the Ensembl REST API share. A
// module is a folder below this one (info, lookup, sequence …): it states its
// endpoints once, as data, each with the function that answers it. Package all
// lists the modules: one line adds one.
//
// A handler knows nothing of HTTP. It gets a [Call], with the parameters read
// as the API reads them, and gives an [Answer] or an [*Error].
package ensembl

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/genomedb"
)

// Version is the version of the REST API that the modules follow, as
// /info/rest says it.
const Version = "15.11"

// Module is a set of endpoints that belong together.
type Module struct {
	Name      string
	Endpoints []Endpoint
}

// Endpoint is an entry of the catalogue and the function that answers it.
type Endpoint struct {
	Spec   apispec.Endpoint
	Handle func(context.Context, Call) (Answer, error)
	// Answer is of the type that Handle answers with, or [Either] of several, so
	// that /openapi.json can tell its fields; nil: it tells none. A list that may
	// be null is a pointer.
	Answer any
	// Elsewhere are further examples, which an origin shows in place of those of
	// Spec that its data has no answer to. They are of the reference's test
	// databases.
	Elsewhere []apispec.Example
	// Unserved says that no genome has what it is about. An origin that answers
	// from one refuses it as the reference does, and does not list it.
	Unserved bool
}

// Examples are GETs that ask for one type.
func Examples(contentType string, targets ...string) (list []apispec.Example) {
	for _, t := range targets {
		list = append(list, apispec.Example{Target: t, ContentType: contentType})
	}
	return list
}

// Batch is a POST that asks for JSON.
func Batch(target, body string) []apispec.Example {
	return []apispec.Example{{Target: target, ContentType: apispec.JSON, Body: body}}
}

// Either are values of the types that an endpoint answers with.
type Either []any

// Call is one request to an endpoint. A handler must not keep or change it.
type Call struct {
	apispec.Request
	Body   map[string]json.RawMessage // the POST body's object; nil for GET
	Genome *genomedb.Registry
	Limits Limits
	// GFF3Source stands in GFF3 for what made a feature, where the database
	// does not say it; "" is ".".
	GFF3Source string
}

// Limits bound what one request may ask for. Zero fields are the reference's
// production defaults, filled in by WithDefaults.
type Limits struct {
	Sequence     int64 // bases of one sequence slice; 10,000,000
	Overlap      int64 // bases of one overlap slice; 5,000,000
	Post         int   // elements of a POST; 1,000
	PostSequence int   // elements of a POST for sequences; 50
}

// WithDefaults fills in zero fields.
func (l Limits) WithDefaults() Limits {
	if l.Sequence == 0 {
		l.Sequence = 10_000_000
	}
	if l.Overlap == 0 {
		l.Overlap = 5_000_000
	}
	if l.Post == 0 {
		l.Post = 1000
	}
	if l.PostSequence == 0 {
		l.PostSequence = 50
	}
	return l
}

// Answer is a good answer. For JSON, JSONP, XML and HTML the origin serialises
// Value; for any other format the handler has written Text already.
type Answer struct {
	// Value is written by encoding/json, unless it is a JSONAppender.
	Value any
	Text  []byte
	// Stream, when set, stands for both: the body of a long answer in the
	// request's format.
	Stream *Stream
	// Tags are invalidation tags beyond those of the endpoint's statement.
	Tags []string
}

// JSONAppender is a value that writes its JSON itself, for answers that are
// asked for thousands of times a second.
type JSONAppender interface {
	AppendJSON(b []byte) []byte
}

// Stream is a body that is written piece by piece, so that its length costs no
// memory.
type Stream struct {
	Length int64 // bytes that Write writes
	// Write writes the body. It is called more than once, and writes the same
	// bytes each time.
	Write func(context.Context, io.Writer) error
}

// Error is an answer that says what was wrong with the request. Models refuse
// in the same form.
type Error = genomedb.Refusal

// BadRequest makes the API's usual 400.
func BadRequest(format string, args ...any) *Error { return genomedb.Refuse(format, args...) }

// NotFound makes a 404.
func NotFound(format string, args ...any) *Error {
	return &Error{Status: http.StatusNotFound, Message: fmt.Sprintf(format, args...)}
}
