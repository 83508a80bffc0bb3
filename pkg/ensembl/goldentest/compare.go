package goldentest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sort"
	"strings"

	"mirrornet/pkg/apispec"
)

type result struct {
	held, strict bool
	why          string
}

var held = result{held: true, strict: true}

func differs(format string, args ...any) result { return result{why: fmt.Sprintf(format, args...)} }

// compare holds an answer against its record. req is nil when the target was
// refused before the handler.
func compare(rec Record, req *http.Request, got *httptest.ResponseRecorder) result {
	if res, ok := better(rec, req, got); ok {
		return res
	}
	if got.Code != rec.Status {
		return differs("status %d, want %d: %.200s", got.Code, rec.Status, got.Body)
	}
	recorded := rec.Response["content-type"]
	mediaType, _, _ := strings.Cut(recorded, ";")
	switch {
	case rec.Method == http.MethodHead:
		if got.Body.Len() > 0 {
			return differs("HEAD has a body")
		}
		return held
	case rec.Method == http.MethodOptions, rec.Stability == "unstable", mediaType == apispec.HTML, req == nil:
		return held
	case rec.Status >= 400:
		return compareError(rec, got)
	}
	if t, _, _ := strings.Cut(got.Header().Get("Content-Type"), ";"); t != mediaType {
		return differs("type %s, want %s", t, mediaType)
	}
	want, have := rec.answer(), got.Body.Bytes()
	unordered := rec.Stability == "unordered"
	switch mediaType {
	case apispec.JSON:
		return compareJSON(want, have, unordered)
	case apispec.JSONP:
		wantCall, wantJSON := cutCall(want)
		haveCall, haveJSON := cutCall(have)
		if wantCall != haveCall {
			return differs("callback %q, want %q", haveCall, wantCall)
		}
		return compareJSON(wantJSON, haveJSON, unordered || rec.Stability == "chars-unordered")
	}
	switch rec.Stability {
	case "lines-unordered":
		want, have = sorted(want, "\n"), sorted(have, "\n")
	case "chars-unordered":
		want, have = sorted(want, ""), sorted(have, "")
	case "xml":
		return compareXML(want, have)
	}
	if !bytes.Equal(want, have) {
		return differs("%s", firstDifference(have, want))
	}
	return held
}

// better knows the places where this server differs on purpose. ok is false
// where none applies.
func better(rec Record, req *http.Request, got *httptest.ResponseRecorder) (res result, ok bool) {
	if req == nil {
		return result{}, false
	}
	query := apispec.ParseQuery(req.URL.RawQuery)
	_, suffix := apispec.CutExtension(req.URL.EscapedPath(), req.URL.RawQuery, req.Header)
	asked := apispec.Asked(req.Method, query.Get("content-type"), suffix, req.Header)
	switch {
	case rec.Status >= 500: // 1: it breaks; ours is the client's error, said clearly
		if got.Code >= 400 && got.Code < 500 && errorText(got) != "" {
			return held, true
		}
		return differs("status %d for its %d, want 4xx with an error: %.200s", got.Code, rec.Status, got.Body), true
	case strings.Contains(string(rec.answer()), "had a problem with your request"): // 2: malformed body
		if got.Code == http.StatusBadRequest && errorText(got) != "" {
			return held, true
		}
		return differs("status %d, want 400 with an error", got.Code), true
	case len(asked) == 0 && (rec.Status == http.StatusUnsupportedMediaType || rec.Status == http.StatusOK && strings.HasPrefix(rec.Response["content-type"], apispec.HTML)): // 3: nothing asked
		if got.Code == http.StatusOK && got.Header().Get("Content-Type") == apispec.JSON && json.Valid(got.Body.Bytes()) || got.Code == http.StatusNotFound || got.Code == http.StatusBadRequest {
			return held, true
		}
		return differs("status %d and type %s, want JSON where nothing is asked for", got.Code, got.Header().Get("Content-Type")), true
	case query.Has("callback") && strings.ContainsAny(query.Get("callback"), "<>(){};' \""): // 5: callbacks
		if got.Code == http.StatusBadRequest {
			return held, true
		}
		return differs("status %d, want 400 for that callback", got.Code), true
	case req.Header.Get("If-None-Match") == "*" && rec.Status == http.StatusOK: // 6: it has no tags
		if got.Code == http.StatusNotModified {
			return held, true
		}
		return differs("status %d, want 304", got.Code), true
	}
	return result{}, false
}

var (
	// perl are error texts that nobody wrote for users.
	perl = regexp.MustCompile(`at \S+ line \d+|Can't (?:call|locate|use)|catalyst_go|had a problem|^Bad Request`)
	site = regexp.MustCompile(`https?://\S+/`)
)

// compareError wants an error with the recorded sentence, where it is one.
func compareError(rec Record, got *httptest.ResponseRecorder) result {
	mediaType, _, _ := strings.Cut(rec.Response["content-type"], ";")
	if mediaType != apispec.JSON && mediaType != apispec.Plain {
		if perl.Match(rec.answer()) || bytes.Equal(site.ReplaceAll(rec.answer(), nil), site.ReplaceAll(got.Body.Bytes(), nil)) {
			return held
		}
		return differs("%s", firstDifference(got.Body.Bytes(), rec.answer()))
	}
	have := errorText(got)
	if have == "" {
		return differs("no JSON with an error: %.200s", got.Body)
	}
	var want struct{ Error string }
	if json.Unmarshal(rec.answer(), &want) != nil { // 405 and 415 are plain there
		return held
	}
	if perl.MatchString(want.Error) || site.ReplaceAllString(want.Error, "") == site.ReplaceAllString(have, "") {
		return held
	}
	return differs("error %q, want %q", have, want.Error)
}

func errorText(got *httptest.ResponseRecorder) string {
	var e struct{ Error string }
	if json.Unmarshal(got.Body.Bytes(), &e) != nil {
		return ""
	}
	return e.Error
}

func compareJSON(want, have []byte, unordered bool) result {
	w, err := decode(want)
	if err != nil {
		return differs("the record is not JSON: %v", err)
	}
	h, err := decode(have)
	if err != nil {
		return differs("not JSON: %v", err)
	}
	if canonical(w, false, unordered) != canonical(h, false, unordered) {
		return differs("%s", firstDifference([]byte(canonical(h, false, unordered)), []byte(canonical(w, false, unordered))))
	}
	return result{held: true, strict: canonical(w, true, unordered) == canonical(h, true, unordered)}
}

func decode(b []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

// canonical writes a value so that equal values are equal texts. Not strict: a
// decimal string is its number. unordered: lists are multisets.
func canonical(v any, strict, unordered bool) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprint(v)
	case json.Number:
		return decimal(v.String())
	case string:
		if !strict && isDecimal.MatchString(v) {
			return decimal(v)
		}
		b, _ := json.Marshal(v)
		return string(b)
	case []any:
		items := make([]string, len(v))
		for i, e := range v {
			items[i] = canonical(e, strict, unordered)
		}
		if unordered {
			sort.Strings(items)
		}
		return "[" + strings.Join(items, ",") + "]"
	case map[string]any:
		items := make([]string, 0, len(v))
		for k, e := range v {
			name, _ := json.Marshal(k)
			items = append(items, string(name)+":"+canonical(e, strict, unordered))
		}
		sort.Strings(items)
		return "{" + strings.Join(items, ",") + "}"
	}
	return fmt.Sprintf("?%T", v)
}

var isDecimal = regexp.MustCompile(`^-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][-+]?[0-9]{1,3})?$`)

// decimal is one spelling per number.
func decimal(s string) string {
	if r, ok := new(big.Rat).SetString(s); ok {
		return r.RatString()
	}
	return s
}

func cutCall(b []byte) (call string, inner []byte) {
	open := bytes.IndexByte(b, '(')
	if open > 0 && bytes.HasSuffix(b, []byte(");")) {
		return string(b[:open]), b[open+1 : len(b)-2]
	}
	return "", b
}

func sorted(b []byte, sep string) []byte {
	parts := strings.Split(string(b), sep)
	slices.Sort(parts)
	return []byte(strings.Join(parts, sep))
}

// compareXML compares as trees: attributes without order, text trimmed.
func compareXML(want, have []byte) result {
	w, err := xmlTree(want)
	if err != nil {
		return differs("the record is not XML: %v", err)
	}
	h, err := xmlTree(have)
	if err != nil {
		return differs("not XML: %v", err)
	}
	if w != h {
		return differs("%s", firstDifference([]byte(h), []byte(w)))
	}
	return held
}

func xmlTree(b []byte) (string, error) {
	var out strings.Builder
	dec := xml.NewDecoder(bytes.NewReader(b))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return out.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			attrs := make([]string, len(tok.Attr))
			for i, a := range tok.Attr {
				attrs[i] = fmt.Sprintf("%s=%q", a.Name.Local, a.Value)
			}
			sort.Strings(attrs)
			fmt.Fprintf(&out, "<%s %s>\n", tok.Name.Local, strings.Join(attrs, " "))
		case xml.EndElement:
			out.WriteString("</>\n")
		case xml.CharData:
			if s := strings.TrimSpace(string(tok)); s != "" {
				out.WriteString(s + "\n")
			}
		}
	}
}

// firstDifference shows both texts around where they part.
func firstDifference(have, want []byte) string {
	i := 0
	for i < len(have) && i < len(want) && have[i] == want[i] {
		i++
	}
	around := func(b []byte) string { return fmt.Sprintf("%.160q", b[min(max(i-40, 0), len(b)):]) }
	return fmt.Sprintf("at byte %d: %s, want %s", i, around(have), around(want))
}
