package respond

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"mirrornet/pkg/store"
)

// wrap makes callback(…); of a JSON body. Other bodies stay: as a script they
// would be something that nobody wrote.
func (a *answer) wrap(callback string) error {
	if a.status != http.StatusOK || a.h.Get("Content-Encoding") != "" || !jsonType(a.h.Get("Content-Type")) {
		return nil
	}
	body, err := a.body.Identity()
	if err != nil || !json.Valid(body) {
		return err
	}
	body = bytes.TrimSpace(body)
	// The two line ends that JSON strings may hold and older scripts may not.
	body = bytes.ReplaceAll(body, []byte("\u2028"), []byte(`\u2028`))
	body = bytes.ReplaceAll(body, []byte("\u2029"), []byte(`\u2029`))
	b := make([]byte, 0, len(callback)+len(body)+3)
	b = append(append(b, callback...), '(')
	b = append(append(b, body...), ");"...)
	a.body = store.NewBody(b)
	a.h.Set("Content-Type", "text/javascript; charset=UTF-8")
	a.h.Set("X-Content-Type-Options", "nosniff")
	a.dropDigests()
	if a.tag.opaque != "" {
		a.tag.opaque += "-jsonp-" + callback
	}
	a.setTag(a.tag)
	return nil
}

// jsonType tells JSON, and scripts: the catalogue's JSONP format without a
// callback is JSON with a script's type.
func jsonType(contentType string) bool {
	switch t := mediaType(contentType); t {
	case "application/json", "text/json", "text/x-json", "text/javascript", "application/javascript":
		return true
	default:
		return strings.HasSuffix(t, "+json")
	}
}
