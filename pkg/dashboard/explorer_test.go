package dashboard

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/status"
)

// visited is the page at a query, and its status.
func visited(t testing.TB, p *Pages, v status.Visit, query string, fields ...string) (string, *httptest.ResponseRecorder) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL.RawQuery = query
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	p.Explorer(w, r, v)
	return w.Body.String(), w
}

func pages(t testing.TB) *Pages {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// document is a page's elements.
type document struct{ *html.Node }

func parsed(t testing.TB, body string) document {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return document{root}
}

// all are the elements of that name ("" for any) that have the attribute.
func (d document) all(name, attribute string) (list []document) {
	for n := range d.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			if _, ok := (document{n}).get(attribute); ok || attribute == "" {
				list = append(list, document{n})
			}
		}
	}
	return list
}

func (d document) get(attribute string) (string, bool) {
	for _, a := range d.Attr {
		if a.Key == attribute {
			return a.Val, true
		}
	}
	return "", false
}

func (d document) text() string {
	var b strings.Builder
	for n := range d.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return b.String()
}

func (d document) with(t testing.TB, attribute, value string) document {
	t.Helper()
	for _, e := range d.all("", attribute) {
		if v, _ := e.get(attribute); v == value {
			return e
		}
	}
	t.Fatalf("no element has %s=%q", attribute, value)
	return document{}
}

// sound checks what holds of every page.
func (d document) sound(t testing.TB, what string) {
	t.Helper()
	ids := map[string]bool{}
	for _, e := range d.all("", "id") {
		id, _ := e.get("id")
		if ids[id] {
			t.Errorf("%s: two elements are called %s", what, id)
		}
		ids[id] = true
	}
	for _, attribute := range []string{"for", "aria-describedby", "aria-labelledby", "list"} {
		for _, e := range d.all("", attribute) {
			refers, _ := e.get(attribute)
			for id := range strings.FieldsSeq(refers) {
				if !ids[id] {
					t.Errorf("%s: <%s> refers to %q, which is not there", what, e.Data, id)
				}
			}
		}
	}
	if n := len(d.all("style", "")) + len(d.all("", "style")); n > 0 {
		t.Errorf("%s: %d inline styles, which the policy forbids", what, n)
	}
	for _, s := range d.all("script", "") {
		kind, _ := s.get("type")
		if _, outside := s.get("src"); !outside && kind != "application/json" {
			t.Errorf("%s: an inline script, which the policy forbids", what)
		}
	}
	for _, name := range []string{"input", "select", "textarea"} {
		for _, e := range d.all(name, "") {
			id, _ := e.get("id")
			_, named := e.get("aria-label")
			if kind, _ := e.get("type"); kind != "hidden" && !named && !slices.ContainsFunc(d.all("label", "for"), func(l document) bool { f, _ := l.get("for"); return f == id }) {
				t.Errorf("%s: <%s id=%q> has no label", what, name, id)
			}
		}
	}
}

// TestEveryEndpoint: the list leads to each endpoint, whose page says all that
// its statement says, and is small.
func TestEveryEndpoint(t *testing.T) {
	v, p := full(), pages(t)
	v.Catalogue = catalogue(t)
	list, w := visited(t, p, v, "", "Accept-Encoding", "gzip")
	if n := len(list); n > 15_000 || w.Code != http.StatusOK {
		t.Errorf("the list: %d, %d bytes", w.Code, n)
	}
	list, _ = visited(t, p, v, "")
	home := parsed(t, list)
	home.sound(t, "the list")
	home.with(t, "id", "search")
	for i := range v.Catalogue.Endpoints {
		e := &v.Catalogue.Endpoints[i]
		link := home.with(t, "data-endpoint", e.ID)
		href, _ := link.get("href")
		if link.Data != "a" || href != "/?endpoint="+e.ID {
			t.Errorf("%s is reached by <%s href=%q>", e.ID, link.Data, href)
		}
		small, _ := visited(t, p, v, href[2:], "Accept-Encoding", "gzip")
		if len(small) > 15_000 {
			t.Errorf("%s: %d bytes, compressed", e.ID, len(small))
		}
		body, w := visited(t, p, v, href[2:])
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d", e.ID, w.Code)
		}
		d := parsed(t, body)
		d.sound(t, e.ID)
		words := strings.Join(strings.Fields(d.text()), " ")
		says := []string{e.Summary, strings.Join(strings.Fields(e.Description), " "), e.Method + " " + readable(e.Path)}
		says = append(says, e.Formats...)
		form := d.with(t, "id", "request")
		expect := func(key string, q apispec.Param) {
			field := form.with(t, "name", key)
			row := form.with(t, "data-field", key).text()
			says = append(says, q.Description)
			for _, s := range slices.Concat([]string{q.Name, string(q.Type), q.Default}, q.Allowed, q.Aliases, q.Examples) {
				if !strings.Contains(row, s) && !(q.Type == apispec.Boolean && s == "0") {
					t.Errorf("%s: nothing says %q of %s", e.ID, s, key)
				}
			}
			if _, needed := field.get("aria-required"); needed != q.Required {
				t.Errorf("%s: %s required: %v", e.ID, key, needed)
			}
			if q.Type == apispec.Enum && field.Data != "select" || q.Type == apispec.Boolean && field.Data != "select" {
				t.Errorf("%s: %s is a <%s>", e.ID, key, field.Data)
			}
		}
		for _, q := range e.Params {
			if q.In == apispec.InQuery || inPattern(e, q.Name) {
				expect(q.Name, q)
			}
		}
		if e.Body != nil {
			box := form.with(t, "name", inBody+e.Body.ListOf)
			if box.Data != "textarea" {
				t.Errorf("%s: the batch is written into a <%s>", e.ID, box.Data)
			}
			for _, q := range e.Body.Fields {
				if !inBoth(e, q.Name) {
					expect(inBody+q.Name, q)
				}
			}
		}
		for _, x := range e.Examples {
			says = append(says, x.Target)
		}
		for _, s := range says {
			if !strings.Contains(words, s) {
				t.Errorf("%s does not say %q", e.ID, s)
			}
		}
		if got := len(d.all("a", "data-example")); got != len(e.Examples) {
			t.Errorf("%s: %d examples can be tried, of %d", e.ID, got, len(e.Examples))
		}
		for _, l := range d.with(t, "id", "code").all("", "data-language") {
			if pre := l.all("pre", ""); len(pre) != 1 || !strings.Contains(pre[0].text(), "http://europe.example.org/") || len(l.all("button", "data-copy")) != 1 {
				t.Errorf("%s: %s", e.ID, l.text())
			}
		}
	}
}

// TestExamplesKept: an example is the same request after it went through the form.
func TestExamplesKept(t *testing.T) {
	v := full()
	v.Catalogue = catalogue(t)
	ix, err := apispec.NewIndex(v.Catalogue)
	if err != nil {
		t.Fatal(err)
	}
	for i := range v.Catalogue.Endpoints {
		e := &v.Catalogue.Endpoints[i]
		for _, x := range e.Examples {
			held, ok := exampleValues(e, x)
			if !ok {
				t.Errorf("%s: the form cannot hold %s", e.ID, x.Target)
				continue
			}
			at, whole := target(e, held)
			path, query, _ := strings.Cut(at, "?")
			wantPath, wantQuery, _ := strings.Cut(x.Target, "?")
			got, _, ok := ix.Resolve(e.Method, path, query, nil)
			want, _, wanted := ix.Resolve(e.Method, wantPath, wantQuery, nil)
			if !whole || !ok || !wanted || got.Target() != want.Target() {
				t.Errorf("%s became %s", x.Target, at)
			}
			if e.Method == http.MethodPost && bodyOf(e, held) != x.Body {
				t.Errorf("%s became %s", x.Body, bodyOf(e, held))
			}
		}
	}
}

// TestPermalink: a link fills in the form, and all that follows from it.
func TestPermalink(t *testing.T) {
	v, p := full(), pages(t)
	v.Catalogue = catalogue(t)
	body, w := visited(t, p, v, "endpoint=overlap_region&species=human&region=7:1-100&feature=gene&feature=exon&biotype=&trim_upstream=yes&nonsense=1&redirect=no&content-type=text/x-gff3")
	if w.Code != http.StatusOK {
		t.Fatal(w.Code)
	}
	d := parsed(t, body)
	var features []string
	for _, e := range d.all("input", "name") {
		name, _ := e.get("name")
		value, _ := e.get("value")
		switch name {
		case "feature":
			features = append(features, value)
		case "region":
			if value != "7:1-100" {
				t.Errorf("region %q", value)
			}
		}
	}
	if !slices.Equal(features, []string{"gene", "exon", ""}) {
		t.Errorf("features %q", features)
	}
	for name, want := range map[string]string{"trim_upstream": "1", "trim_downstream": "", "content-type": apispec.GFF3} {
		got := "nothing"
		for _, o := range d.with(t, "name", name).all("option", "selected") {
			got, _ = o.get("value")
		}
		if got != want {
			t.Errorf("%s: %q is chosen, want %q", name, got, want)
		}
	}
	const at = "/overlap/region/human/7:1-100?feature=gene&feature=exon&trim_upstream=1"
	if got := d.with(t, "id", "url").text(); got != "http://europe.example.org"+at {
		t.Error(got)
	}
	if href, _ := d.with(t, "id", "open").get("href"); href != at+"&content-type=text/x-gff3" {
		t.Error(href)
	}
	if href, _ := d.with(t, "id", "permalink").get("href"); href != "http://rest.example.org/?endpoint=overlap_region&species=human&region=7:1-100&feature=gene&feature=exon&trim_upstream=1&content-type=text/x-gff3" {
		t.Error(href)
	}
	if got := d.with(t, "data-language", "curl").text(); !strings.Contains(got, "curl 'http://europe.example.org"+at+"' \\\n  -H 'Accept: text/x-gff3'") {
		t.Error(got)
	}
	if text := d.text(); !strings.Contains(text, "nothing of that name: nonsense.") {
		t.Error("it is not said that a parameter is none")
	}

	body, _ = visited(t, p, v, "endpoint=lookup_id_post&body.ids="+url.QueryEscape("A\nB\r\n\n C ")+"&body.expand=1&content-type=application/json")
	d = parsed(t, body)
	if got := d.with(t, "name", "body.ids").text(); got != "A\nB\nC" {
		t.Errorf("%q", got)
	}
	if got := d.with(t, "data-language", "python").text(); !strings.Contains(got, `data="{\"ids\": [\"A\", \"B\", \"C\"]}".encode()`) || !strings.Contains(got, "/lookup/id?expand=1") {
		t.Error(got)
	}
	if _, ok := d.with(t, "id", "open").get("href"); ok {
		t.Error("a POST has a link")
	}
}

// TestLocal: where the network runs on one machine, programs are told its address.
func TestLocal(t *testing.T) {
	for base, want := range map[string][2]string{
		"http://asia.localhost:8082": {"asia.localhost:8082", "127.0.0.1:8082"}, "http://asia.localhost": {"asia.localhost", "127.0.0.1"},
		"https://asia.example.org": {}, "http://localhost:8082": {}, "": {}, "http://[": {},
	} {
		if got := local(base); got != want {
			t.Errorf("%s: %q", base, got)
		}
	}
	v, p := full(), pages(t)
	v.Catalogue = catalogue(t)
	const said = "Browsers and curl know names below localhost."
	body, _ := visited(t, p, v, "endpoint=info_ping")
	if strings.Contains(body, said) {
		t.Error("it is said of example.org")
	}
	for i := range v.Report.Regions {
		v.Report.Regions[i].URL = "http://r.localhost:8081"
	}
	body, _ = visited(t, p, v, "endpoint=info_ping")
	read(t, body).says(t, said, "A program that does not find r.localhost:8081 finds 127.0.0.1:8081.")
}

// TestFaults: what is wrong with a field is said beside it.
func TestFaults(t *testing.T) {
	v, p := full(), pages(t)
	v.Catalogue = &apispec.Catalogue{Endpoints: []apispec.Endpoint{{ID: "x", Method: "POST", Path: "/x/{id}", Formats: []string{apispec.JSON},
		Params: []apispec.Param{{Name: "id", In: apispec.InPath, Type: apispec.String, Required: true, Examples: []string{"ENSG1"}}, {Name: "n", In: apispec.InQuery, Type: apispec.Integer}, {Name: "lax", In: apispec.InQuery, Type: apispec.Integer, Lenient: true},
			{Name: "f", In: apispec.InQuery, Type: apispec.Float}, {Name: "kind", In: apispec.InQuery, Type: apispec.Enum, Allowed: []string{"a", "b"}}},
		Body: &apispec.Body{ListOf: "ids", MaxItems: 2, Fields: []apispec.Param{{Name: "ids", Type: apispec.String, Repeated: true}}}}}}
	for query, want := range map[string]map[string]string{
		"":                          {},
		"&content-type=text/x-none": {"id": "This is needed, such as ENSG1.", "body.ids": "Write at least one, each on a line of its own."},
		"&id=A&body.ids=a%0Ab%0Ac&n=1.5&lax=z&f=x&kind=c": {"body.ids": "3 are too many for one request: at most 2.", "n": "This has to be a whole number.", "lax": "The API takes this for another number: write a whole one.", "f": "This has to be a number.", "kind": "This has to be one of a, b."},
		"&id=A&body.ids=a&n=15&f=1e3&kind=b":              {},
	} {
		body, _ := visited(t, p, v, "endpoint=x"+query)
		d := parsed(t, body)
		for _, key := range []string{"id", "n", "lax", "f", "kind", "body.ids"} {
			fault := d.with(t, "id", "f-"+key+"-fault")
			_, hidden := fault.get("hidden")
			_, marked := d.with(t, "name", key).get("aria-invalid")
			if fault.text() != want[key] || hidden != (want[key] == "") || marked == hidden {
				t.Errorf("%s: %s: %q (hidden %v, marked %v), want %q", query, key, fault.text(), hidden, marked, want[key])
			}
		}
	}
}

// TestRest: an endpoint whose own path ends in a rest is shown as others are.
func TestRest(t *testing.T) {
	v := full()
	v.Catalogue = &apispec.Catalogue{Endpoints: []apispec.Endpoint{{ID: "x", Method: "GET", Path: "/x/{rest...}", Formats: []string{apispec.JSON}, Params: []apispec.Param{{Name: "rest", In: apispec.InPath, Type: apispec.String, Required: true}}}}}
	body, w := visited(t, pages(t), v, "endpoint=x&rest=a/b")
	if got := parsed(t, body).with(t, "id", "url").text(); w.Code != http.StatusOK || !strings.HasSuffix(got, "/x/a%252Fb") {
		t.Error(w.Code, got)
	}
}

// TestSearch: the list is narrowed without scripts, too.
func TestSearch(t *testing.T) {
	v, p := full(), pages(t)
	v.Catalogue = catalogue(t)
	for search, want := range map[string][]string{
		"":                     nil, // all
		"post /sequence/id":    {"sequence_id_post"},
		"/lookup/symbol":       {"lookup_symbol", "lookup_symbol_post"},
		"taxonomy_id":          {"taxonomy_id"},
		"MULTIPLE_sequences":   {"sequence_id"},
		"text/x-bed":           {"overlap_id", "overlap_region", "overlap_translation"},
		"untranslated protein": {"sequence_id", "sequence_id_post"},
		"BRAF":                 {"lookup_symbol"},
		"nothing like it":      {},
	} {
		body, w := visited(t, p, v, "q="+url.QueryEscape(search))
		d := parsed(t, body)
		var found []string
		for _, row := range d.all("tr", "data-words") {
			if _, hidden := row.get("hidden"); !hidden {
				id, _ := row.all("a", "data-endpoint")[0].get("data-endpoint")
				found = append(found, id)
			}
		}
		_, quiet := d.with(t, "id", "nothing").get("hidden")
		if w.Code != http.StatusOK || quiet != (len(found) > 0) {
			t.Errorf("%q: %d, hidden %v", search, w.Code, quiet)
		}
		if want == nil && len(found) != len(v.Catalogue.Endpoints) {
			t.Errorf("%d are shown", len(found))
		}
		if slices.Sort(found); want != nil && !slices.Equal(found, want) && len(found)+len(want) > 0 {
			t.Errorf("%q finds %q, want %q", search, found, want)
		}
		if got, _ := d.with(t, "id", "search").get("value"); got != search {
			t.Errorf("%q was searched for, %q is shown", search, got)
		}
	}
}

// TestNoEndpoint: what is not there is said, with the list of what is.
func TestNoEndpoint(t *testing.T) {
	v, p := full(), pages(t)
	body, w := visited(t, p, v, "endpoint=gone")
	if w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
	read(t, body).says(t, "There is no endpoint “gone”.", "Is it alive")
	v.Catalogue = nil
	for query, want := range map[string]int{"": 200, "endpoint=ping": 404} {
		body, w := visited(t, p, v, query)
		if w.Code != want {
			t.Errorf("%q without a catalogue: %d", query, w.Code)
		}
		parsed(t, body).sound(t, "without a catalogue")
		read(t, body).says(t, "does not have the API’s list of endpoints")
	}
}
