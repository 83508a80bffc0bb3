package dashboard

import (
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl/all"
	api "mirrornet/pkg/origin"
	"mirrornet/pkg/snippet"
)

// catalogue is the API's own.
func catalogue(t testing.TB) *apispec.Catalogue {
	t.Helper()
	c, err := api.Catalogue(api.Config{Modules: all.Modules()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type question struct {
	Endpoint  endpointData       `json:"endpoint"`
	Values    values             `json:"values"`
	Format    string             `json:"format"`
	Base      string             `json:"base"`
	Languages []snippet.Language `json:"languages"`
}

type written struct {
	Target    string   `json:"target"`
	Whole     bool     `json:"whole"`
	Body      string   `json:"body"`
	Permalink string   `json:"permalink"`
	Faults    []string `json:"faults"`
	Programs  []string `json:"programs"`
}

type replies struct {
	Requests  []written   `json:"requests"`
	Sentences [][2]string `json:"sentences"`
	Numbers   []string    `json:"numbers"`
	Messages  []string    `json:"messages"`
	Parted    [][]string  `json:"parted"`
	Absent    [][]string  `json:"absent"`
	Exact     bool        `json:"exact"`
}

type questions struct {
	Requests []question          `json:"requests"`
	Headers  []map[string]string `json:"headers"`
	Numbers  []string            `json:"numbers"`
	Errors   [][2]string         `json:"errors"`
	Lists    []string            `json:"lists"`
	Answers  [][2]any            `json:"answers"` // of a list, and what came back
}

// node asks the scripts.
func node(t *testing.T, q questions) (r replies) {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Skipf("the scripts are not run: %v", err)
	}
	// No list is null.
	q.Requests, q.Headers, q.Numbers, q.Errors = append([]question{}, q.Requests...), append([]map[string]string{}, q.Headers...), append([]string{}, q.Numbers...), append([][2]string{}, q.Errors...)
	q.Lists, q.Answers = append([]string{}, q.Lists...), append([][2]any{}, q.Answers...)
	in, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	assets, err := filepath.Abs("assets")
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	// Assets are modules by how pages load them; node is told so by a flag.
	cmd := exec.Command(program, "--experimental-default-type=module", "--no-warnings", "testdata/request.mjs", assets)
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(in)), &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r
}

// awkward is what URLs, JSON, shells and languages give meanings to.
var awkward = []string{"ENSG00000157764", "7:100000-130000:1", "X.json", "v1.2", ".", "a/b", "50%", "%41", "%2F", "it's", `"q"`, `\`, "$HOME", "${x}", "`date`", "a b", "a+b", "a&b=c;d", "#x", "?", "ü", "🧬", "«url»", "‹get|x›",
	"<script>", "{id}", "1", "-3", "007", "1.5", "1e3", "true", "!*()~,@", "\u2028", "#{x}", "@list", "--", "\u200b", "\u009b201~", "\x1b[201~", "constructor", "__proto__"}

// TestScripts: scripts and Go write the same requests, links and programs, and
// find the same faults; and what they write asks for what the form holds.
func TestScripts(t *testing.T) {
	c := catalogue(t)
	ix, err := apispec.NewIndex(c)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	some := func() string { return awkward[r.IntN(len(awkward))] }
	v := full()
	v.Catalogue = c
	var list []question
	var want []written
	for i := range c.Endpoints {
		e := &c.Endpoints[i]
		for range 12 {
			given := values{}
			for _, key := range keys(e) {
				switch {
				case r.IntN(3) == 0:
				case strings.HasPrefix(key, inBody):
					given[key] = []string{fieldValue(e, key, some()+"\n\n"+some()+" \r\n"+some())}
				default:
					given[key] = []string{fieldValue(e, key, some())}
					if p, _ := e.Param(key); p.Repeated {
						given[key] = append(given[key], fieldValue(e, key, some()), "", fieldValue(e, key, some()))
					}
				}
			}
			format := e.Formats[r.IntN(len(e.Formats))]
			if format == apispec.JSONP {
				format = apispec.JSON
			}
			link := permalink(e, given, format)
			x := newEndpointView(&v, e, apispec.ParseQuery(strings.TrimPrefix(link, "/?")))
			if x.Page != link {
				t.Fatalf("%s is %s after it was opened", link, x.Page)
			}
			q := question{x.Data.Endpoint, given, format, x.Data.Base, nil}
			at, whole := target(e, given)
			w := written{Target: at, Whole: whole, Body: bodyOf(e, given), Permalink: link, Faults: []string{}}
			for _, key := range keys(e) {
				for _, f := range slices.Concat(x.Required, x.Filled, x.Optional) {
					if f.Key == key {
						w.Faults = append(w.Faults, f.fault())
					}
				}
			}
			q.Languages = snippet.Languages()
			for _, p := range x.Programs {
				w.Programs = append(w.Programs, p.Text)
			}
			list, want = append(list, q), append(want, w)
			if whole {
				asks(t, ix, e, at, given)
			}
		}
	}
	got := node(t, questions{Requests: list})
	for i, w := range want {
		if diff := cmp.Diff(w, got.Requests[i]); diff != "" {
			t.Fatalf("%s: a script writes (+), Go (-):\n%s", w.Permalink, diff)
		}
	}
}

// asks checks that the API reads out of a target what was put in.
func asks(t *testing.T, ix *apispec.Index, e *apispec.Endpoint, target string, given values) {
	t.Helper()
	path, query, _ := strings.Cut(target, "?")
	req, _, ok := ix.Resolve(e.Method, path, query, nil)
	if !ok || req.Endpoint.ID != e.ID {
		t.Errorf("%s %s: %v is asked, want %s", e.Method, target, req.Endpoint, e.ID)
		return
	}
	for name, value := range req.Path {
		if want := given.first(name); value != want && !strings.EqualFold(value, want) {
			t.Errorf("%s: %s is %q, want %q", target, name, value, want)
		}
	}
	sent := apispec.ParseQuery(query)
	for _, p := range e.Params {
		if p.In == apispec.InQuery {
			want := slices.DeleteFunc(slices.Clone(given[p.Name]), func(s string) bool { return s == "" })
			if !slices.Equal(sent.All(p.Name), want) {
				t.Errorf("%s: %s is %q, want %q", target, p.Name, sent.All(p.Name), want)
			}
		}
	}
}

// TestSentence: what an answer's fields say, in plain words.
func TestSentence(t *testing.T) {
	type fields = map[string]string
	cases := []struct {
		fields          fields
		sentence, short string
	}{
		{fields{"Cache-Status": "asia-1; hit; ttl=85560", "Age": "840", "Mirror-Region": "asia", "Server-Timing": `route;dur=0.01, cache;desc="hit";dur=0.40`}, "From asia’s cache, 14 minutes old, in 0.4 ms.", "hit, 14 minutes old"},
		{fields{"Cache-Status": "asia-1; hit; ttl=9", "Age": "0", "Mirror-Region": "asia", "Server-Timing": `route;dur=0.00, cache;desc="hit";dur=0.00, lane`}, "From asia’s memory, made just now, in less than 0.1 ms.", "hit, just made"},
		{fields{"Cache-Status": "asia-1; hit; ttl=9", "Age": "30", "Server-Timing": `route;dur=0.00, cache;desc="hit";dur=0.25, memcached`}, "From asia’s memcached, 30 s old, in 0.3 ms.", "hit, 30 s old"},
		{fields{"Cache-Status": "asia-1; hit; ttl=-7; detail=stale-while-revalidate", "Age": "86407", "Mirror-Region": "asia", "Server-Timing": `route;dur=0.00, cache;desc="hit";dur=1.00`}, "From asia’s cache, 24 hours old, in 1.0 ms. It is past its time, and a new one is being fetched.", "hit, 24 hours old"},
		{fields{"Cache-Status": "asia-1; fwd=uri-miss; fwd-status=200; ttl=86399; stored", "Mirror-Region": "asia", "Server-Timing": `route;dur=0.01, cache;desc="uri-miss";dur=12.30`}, "asia had no copy and asked the origin, which took 12 ms. It is kept now: the next answer is quicker.", "fwd=uri-miss"},
		{fields{"Cache-Status": "asia-1; fwd=stale; fwd-status=304; ttl=86399; stored", "Age": "0", "Mirror-Region": "asia", "Server-Timing": `route;dur=0.01, cache;desc="stale";dur=3.00`}, "asia had an old copy and asked the origin, which took 3.0 ms. Nothing had changed. It is kept now: the next answer is quicker.", "fwd=stale"},
		{fields{"Cache-Status": "asia-1; fwd=stale; ttl=-100; detail=stale-if-error", "Age": "90000", "Mirror-Region": "asia"}, "asia asked the origin, and got no good answer. It gives its old copy, 25 hours old.", "fwd=stale"},
		{fields{"Cache-Status": `asia-1; hit; ttl=-3540; detail="no origin answers"`, "Age": "7140", "Mirror-Region": "asia"}, "From asia’s cache, 119 minutes old. It is past its time; no origin answers.", "hit, 119 minutes old"},
		{fields{"Cache-Status": `asia-1; hit; ttl=-3540; detail="404 not confirmed"`, "Age": "7140", "Mirror-Region": "asia"}, "From asia’s cache, 119 minutes old. It is past its time; the origin said 404, which is not certain yet.", "hit, 119 minutes old"},
		{fields{"Cache-Status": `asia-1; fwd=stale; fwd-status=404; ttl=-3540; detail="404 not confirmed"`, "Age": "7140", "Mirror-Region": "asia"}, "asia asked the origin, which said 404. Until that is certain it gives its old copy, 119 minutes old.", "fwd=stale"},
		{fields{"Cache-Status": "asia-1; fwd=uri-miss; collapsed; ttl=9", "Mirror-Region": "asia", "Server-Timing": `cache;dur=5.00`}, "asia had no copy; the same request was under way already, and one answer served both, in 5.0 ms.", "collapsed"},
		{fields{"Cache-Status": "europe-1; hit; ttl=50, asia-1; fwd=uri-miss; fwd-status=200; ttl=50; stored", "Age": "9", "Mirror-Region": "asia", "Server-Timing": `cache;dur=160.00`}, "asia had no copy and asked europe-1, which had it; that took 160 ms. It is kept now: the next answer is quicker.", "fwd=uri-miss"},
		{fields{"Cache-Status": "useast-1; hit; ttl=50", "Age": "9", "Mirror-Region": "useast", "Server-Timing": `cache;dur=1.00`}, "From useast’s cache, 9 s old, in 1.0 ms. asia passed the request on to useast.", "hit, 9 s old"},
		{fields{"Cache-Status": "asia-1; fwd=uri-miss; detail=failed", "Mirror-Region": "asia"}, "asia asked, and got no answer that it could give you.", "fwd=uri-miss"},
		{fields{"Cache-Status": "asia-1", "Mirror-Region": "asia"}, "Answered by asia itself.", "its own"},
		{fields{"Cache-Status": `"a, \"b\"; c"; hit; detail="x; y, stale"`, "Age": "0"}, "From asia’s cache, made just now.", "hit, just made"},
		{fields{"Cache-Status": "asia-1; hit; ttl=-5; detail=constructor; __proto__=x", "Age": "9"}, "From asia’s cache, 9 s old. It is past its time.", "hit, 9 s old"},
		{fields{"Cache-Status": "asia-1; fwd=constructor", "Age": "9"}, "asia had no copy and asked the origin.", "fwd=constructor"},
		{fields{}, "From asia, which does not say how it came by it.", "not said"},
		{fields{"Cache-Status": `;;=,"`}, "From asia, which does not say how it came by it.", "not said"},
	}
	list := []fields{}
	for _, c := range cases {
		list = append(list, c.fields)
	}
	for i, got := range node(t, questions{Headers: list}).Sentences {
		if c := cases[i]; got != [2]string{c.sentence, c.short} {
			t.Errorf("%v:\n%q, want\n%q", c.fields, got, []string{c.sentence, c.short})
		}
	}
}

// TestNumbers: numbers are shown as they were sent.
func TestNumbers(t *testing.T) {
	numbers := []string{"1", "1.0", "12345678901234567890", "1e5", "0.1", `"x"`, "null"}
	got := node(t, questions{Numbers: numbers})
	want := []string{"1", "1.0", "12345678901234567890", "1e5", "0.1", "x", "null"}
	if !got.Exact {
		t.Skip("this node's JSON.parse does not say how a number was written, as those of browsers do; Node.js 21 and later do, too")
	}
	if !slices.Equal(got.Numbers, want) {
		t.Errorf("%q, want %q", got.Numbers, want)
	}
}

// TestMessages: what the API says in an error is found in each format.
func TestMessages(t *testing.T) {
	var list [][2]string
	cases := [][3]string{
		{"application/json", `{"error":"ID 'x' not found"}`, "ID 'x' not found"}, {"application/json", `{"error":{"a":1}}`, ""}, {"application/json", `{"err`, ""}, {"application/json", "null", ""},
		{"text/xml", "<opt>\n  <data error=\"ID 'x' &lt;b&gt; &amp;amp; &#34;y&#x22;\" />\n</opt>\n", `ID 'x' <b> &amp; "y"`}, {"text/x-yaml", "---\nerror: ID 'x' not found\n", "ID 'x' not found"},
		{"text/x-yaml", "---\nerror: \"a: b\"\n", "a: b"}, {"text/html", "<h1>400 Bad Request</h1><p>ID &#39;x&#39; not found</p>", "ID 'x' not found"},
		{"text/plain", "You have sent too many requests\n", "You have sent too many requests"}, {"text/plain", strings.Repeat("ACGT", 200), ""}, {"image/png", "error: x", ""}, {"text/xml", `error="&#99999999;"`, "&#99999999;"},
		{"text/xml", `error="&constructor; &__proto__; &#xd800;"`, "&constructor; &__proto__; \uFFFD"},
	}
	for _, c := range cases {
		list = append(list, [2]string{c[0], c[1]})
	}
	for i, got := range node(t, questions{Errors: list}).Messages {
		if got != cases[i][2] {
			t.Errorf("%q: %q", cases[i], got)
		}
	}
}

// TestList: a column of a table becomes a list, and what an answer leaves out is named.
func TestList(t *testing.T) {
	got := node(t, questions{
		Lists: []string{"a\r\n\r\nb\r\n", "a, b;c\td ", "\"a\",'b'\n\"\"", `it's "`},
		Answers: [][2]any{
			{[]string{"a", "b", "b"}, `[{"query":"a"}]`},
			{[]string{"a", "b"}, `{"a":{"id":"a"},"b":null}`},
			{[]string{"7:1..2:1"}, `[{"query":"7:1..2:1"}]`},
			{[]string{"braf", "ENSG1.2", "ENSG2.3"}, `{"BRAF":{"id":"ENSG1"}}`},
		},
	})
	if diff := cmp.Diff([][]string{{"a", "b"}, {"a", "b", "c", "d"}, {"a", "b"}, {"it's", `"`}}, got.Parted); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]string{{"b"}, {"b"}, {}, {"ENSG2.3"}}, got.Absent); diff != "" {
		t.Error(diff)
	}
}
