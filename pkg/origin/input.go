package origin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
)

// MaxBody bounds the body of a POST.
const MaxBody = 4 << 20

// checkParams holds a request against its endpoint's statement. Empty values
// and 0 for a word are as good as absent, of several values the first counts,
// and names that are not stated are passed over: all are what the API's clients
// rely on.
func checkParams(req apispec.Request) error {
	for i := range req.Endpoint.Params {
		p := &req.Endpoint.Params[i]
		values := req.Query.All(p.Name)
		if p.In == apispec.InPath {
			values = []string{req.Path[p.Name]}
		} else if len(values) > 1 && !p.Repeated {
			values = values[:1]
		}
		present := false
		for _, v := range values {
			if v == "" {
				continue
			}
			present = true
			if err := checkValue(p, v); err != nil && !p.Lenient {
				return err
			}
		}
		if p.Required && !present && p.In == apispec.InQuery {
			return ensembl.BadRequest("Missing mandatory parameter '%s'", p.Name)
		}
	}
	return nil
}

// checkValue refuses what an enum does not allow. Numbers are for the endpoints
// to read: of most the reference takes as much as looks like one, as its
// language does.
func checkValue(p *apispec.Param, v string) error {
	if p.Type != apispec.Enum || v == "0" || slices.Contains(p.Allowed, v) {
		return nil
	}
	switch p.Name { // the API's own sentences
	case "format":
		return ensembl.BadRequest("The format '%s' is not an understood encoding", v)
	case "mask":
		return ensembl.BadRequest("'%s' is not an allowed value for masking", v)
	case "filter":
		return ensembl.BadRequest("Unknown filter option '%s'", v)
	}
	return ensembl.BadRequest("The %s '%s' is not understood by this service", p.Name, v)
}

// readBody reads a POST's JSON object. No body at all is an empty object.
func readBody(r *http.Request) (map[string]json.RawMessage, error) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && (t == "application/x-www-form-urlencoded" || t == "multipart/form-data") { // forms say nothing
		return map[string]json.RawMessage{}, nil
	}
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, MaxBody))
	if err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			return nil, &ensembl.Error{Status: http.StatusRequestEntityTooLarge,
				Message: "POST message too large. The body may have " + strconv.Itoa(MaxBody) + " bytes. Request smaller regions or lists of IDs"}
		}
		return nil, ensembl.BadRequest("The POST body ended before its stated length")
	}
	return parseBody(b)
}

// repeated finds a name that an object of the JSON text has twice.
func repeated(b []byte) string {
	type level struct {
		names map[string]bool // nil: a list
		value bool            // comes next
	}
	var open []*level
	d := json.NewDecoder(bytes.NewReader(b))
	for {
		token, err := d.Token()
		if err != nil {
			return "" // the end
		}
		var in *level
		if len(open) > 0 {
			in = open[len(open)-1]
		}
		switch t, _ := token.(json.Delim); {
		case t == '}' || t == ']':
			open = open[:len(open)-1]
			continue
		case in == nil || in.names == nil:
		case !in.value:
			name := token.(string)
			if in.names[name] {
				return name
			}
			in.names[name], in.value = true, true
			continue
		default:
			in.value = false
		}
		switch token {
		case json.Delim('{'):
			open = append(open, &level{names: map[string]bool{}})
		case json.Delim('['):
			open = append(open, &level{})
		}
	}
}

func parseBody(b []byte) (map[string]json.RawMessage, error) {
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return map[string]json.RawMessage{}, nil
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(b, &body); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, ensembl.BadRequest("The POST body is not JSON, from byte %d on: %s", syntax.Offset, syntax)
		}
		return nil, ensembl.BadRequest("The POST body must be a JSON object, such as {\"ids\": [\"…\"]}")
	}
	if name := repeated(b); name != "" {
		return nil, ensembl.BadRequest("The POST body has the name %q twice in one object", name)
	}
	if body == nil { // null
		return nil, ensembl.BadRequest("The POST body must be a JSON object, such as {\"ids\": [\"…\"]}")
	}
	return body, nil
}
