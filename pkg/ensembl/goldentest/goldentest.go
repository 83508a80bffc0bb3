// Package goldentest holds modules against the recorded answers of the
// reference server: it loads the reference's test databases, asks an origin
// every recorded request of some groups, and compares.
//
// # Decisions
//
// 2026-11-24: the records are read from the shared folder and not copied into
// the repository: they are ten megabytes of another project's output. Where
// the folder is missing the tests are skipped and say so.
//
// 2026-11-24: the places where this server is better than the reference on
// purpose (its README lists them) count as held, each by an own rule in
// compare.go, so that a new difference is never taken for one of them.
package goldentest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/origin"
)

// Limits are those that the reference ran with when it was recorded.
func Limits() ensembl.Limits {
	return ensembl.Limits{Sequence: 30_000, Overlap: 1_100_000, Post: 1000, PostSequence: 1000}
}

// GFF3Source is what the reference was told to write for a source that is not
// known.
const GFF3Source = "wibble"

// Record is one recorded request and its answer.
type Record struct {
	ID        string            `json:"id"`
	Group     string            `json:"group"`
	Method    string            `json:"method"`
	Path      string            `json:"path"` // with query
	Headers   map[string]string `json:"headers"`
	Body      *string           `json:"body"`
	Status    int               `json:"status"`
	Response  map[string]string `json:"response_headers"` // names in lower case
	Stability string            `json:"stability"`
	Text      *string           `json:"response_body"`
	Bytes     []byte            `json:"response_body_b64"`
	Note      string            `json:"note"`
}

func (r *Record) answer() []byte {
	if r.Text != nil {
		return []byte(*r.Text)
	}
	return r.Bytes
}

// Groups is a filter: the records of these groups, such as "lookup".
func Groups(names ...string) func(Record) bool {
	return func(r Record) bool { return slices.Contains(names, r.Group) }
}

// Count says how many records held: strictly, or with numbers and decimal
// strings taken as equal.
type Count struct{ Held, Strict, Total int }

func (c *Count) add(res result) {
	c.Total++
	if res.held {
		c.Held++
	}
	if res.strict {
		c.Strict++
	}
}

// Share is Held out of Total, 0 to 1.
func (c Count) Share() float64 {
	if c.Total == 0 {
		return 0
	}
	return float64(c.Held) / float64(c.Total)
}

// Diff is one record that did not hold.
type Diff struct {
	Record   Record
	Endpoint string
	Why      string
}

// Report is the outcome of a run.
type Report struct {
	Count
	Endpoints map[string]*Count // by endpoint id; "(none)" for paths of no endpoint
	Formats   map[string]*Count // by recorded media type
	Diffs     []Diff
}

// String is a table, an endpoint a line.
func (r Report) String() string {
	var b strings.Builder
	line := func(name string, c Count) {
		fmt.Fprintf(&b, "%-36s %5d held %5d strict %5d total %5.1f %%\n", name, c.Held, c.Strict, c.Total, 100*c.Share())
	}
	for _, by := range []map[string]*Count{r.Endpoints, r.Formats} {
		names := make([]string, 0, len(by))
		for n := range by {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			line(n, *by[n])
		}
		b.WriteString("\n")
	}
	line("all", r.Count)
	return b.String()
}

// Merge adds another report's counts and diffs.
func (r *Report) Merge(o Report) {
	r.Held, r.Strict, r.Total = r.Held+o.Held, r.Strict+o.Strict, r.Total+o.Total
	r.Diffs = append(r.Diffs, o.Diffs...)
	for from, to := range map[*map[string]*Count]*map[string]*Count{&o.Endpoints: &r.Endpoints, &o.Formats: &r.Formats} {
		if *to == nil {
			*to = map[string]*Count{}
		}
		for n, c := range *from {
			t := of(*to, n)
			t.Held, t.Strict, t.Total = t.Held+c.Held, t.Strict+c.Strict, t.Total+c.Total
		}
	}
}

func of(m map[string]*Count, name string) *Count {
	if m[name] == nil {
		m[name] = &Count{}
	}
	return m[name]
}

// Run asks an origin with these modules every record that filter takes, and
// logs a table and the first differences. It skips t where the shared folder
// is missing. It does not fail t for differences.
//
// It asks the databases in a file, and then those on MariaDB, as the subtest
// MariaDB: what holds on the former must hold on the latter, too.
func Run(t *testing.T, modules []ensembl.Module, filter func(Record) bool) Report {
	t.Helper()
	rep := run(t, modules, Genome(t), filter)
	t.Run("MariaDB", func(t *testing.T) {
		other := run(t, modules, GenomeOnMariaDB(t), filter)
		failed := map[string]bool{}
		for _, d := range rep.Diffs {
			failed[d.Record.ID] = true
		}
		shown := 0
		for _, d := range other.Diffs {
			if failed[d.Record.ID] {
				continue
			}
			if shown++; shown <= maxDiffs() {
				t.Errorf("%s %s %s holds on SQLite only: %s", d.Record.ID, d.Record.Method, d.Record.Path, d.Why)
			}
		}
		if shown > 0 || other.Held < rep.Held || other.Strict < rep.Strict {
			t.Errorf("held %d and %d strictly of %d; on SQLite %d and %d", other.Held, other.Strict, other.Total, rep.Held, rep.Strict)
		}
	})
	return rep
}

func run(t *testing.T, modules []ensembl.Module, genome *genomedb.Registry, filter func(Record) bool) Report {
	t.Helper()
	records := Records(t)
	var said bytes.Buffer // why an answer is a 500
	h, err := origin.New(origin.Config{Modules: modules, Genome: genome, Limits: Limits(), GFF3Source: GFF3Source, Logger: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	index, err := apispec.NewIndex(h.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	rep := Report{Endpoints: map[string]*Count{}, Formats: map[string]*Count{}}
	for _, rec := range records {
		if !filter(rec) {
			continue
		}
		id := "(none)"
		said.Reset()
		req, got := ask(h, rec)
		if req != nil {
			r, _, ok := index.Resolve(req.Method, req.URL.EscapedPath(), req.URL.RawQuery, req.Header)
			if ok {
				id = r.Endpoint.ID
			}
		}
		res := compare(rec, req, got)
		if got.Code >= 500 {
			res.why += " " + said.String()
		}
		rep.add(res)
		of(rep.Endpoints, id).add(res)
		mediaType, _, _ := strings.Cut(rec.Response["content-type"], ";")
		if mediaType == "" {
			mediaType = "no type"
		}
		if rec.Status >= 400 {
			mediaType = fmt.Sprint("status ", rec.Status)
		}
		of(rep.Formats, mediaType).add(res)
		if !res.held {
			rep.Diffs = append(rep.Diffs, Diff{rec, id, res.why})
		}
	}
	t.Logf("\n%s", rep)
	for i, d := range rep.Diffs {
		if i == maxDiffs() {
			t.Logf("… and %d more; MIRRORNET_GOLDEN_DIFFS=N shows N", len(rep.Diffs)-i)
			break
		}
		t.Logf("%s %s %s %s %v: %s", d.Record.ID, d.Endpoint, d.Record.Method, d.Record.Path, d.Record.Headers, d.Why)
	}
	return rep
}

func maxDiffs() int {
	n := 10
	fmt.Sscan(os.Getenv("MIRRORNET_GOLDEN_DIFFS"), &n)
	return n
}

// ask sends a record's request straight to the handler. A target that net/http
// refuses is answered as its server does, and gives no request.
func ask(h http.Handler, rec Record) (*http.Request, *httptest.ResponseRecorder) {
	w := httptest.NewRecorder()
	u, err := url.ParseRequestURI(rec.Path)
	if err != nil {
		http.Error(w, "400 Bad Request", http.StatusBadRequest)
		return nil, w
	}
	body := ""
	if rec.Body != nil {
		body = *rec.Body
	}
	req, err := http.NewRequest(rec.Method, "http://origin.test/", strings.NewReader(body))
	if err != nil {
		http.Error(w, "400 Bad Request", http.StatusBadRequest)
		return nil, w
	}
	req.URL, req.RequestURI, req.RemoteAddr = u, rec.Path, "192.0.2.1:1"
	for k, v := range rec.Headers {
		req.Header.Set(k, v)
	}
	h.ServeHTTP(w, req)
	if w.Header().Get("Content-Encoding") == "gzip" { // the reference codes nothing
		if plain, err := gzip.NewReader(w.Body); err == nil {
			var body bytes.Buffer
			if _, err := body.ReadFrom(plain); err == nil {
				w.Body = &body
			}
		}
	}
	return req, w
}

// Records reads all records, or skips t.
func Records(t testing.TB) []Record {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(Shared(t), "ensembl", "golden.jsonl"))
	if err != nil {
		t.Skipf("no recorded answers: %v", err)
	}
	var all []Record
	sc := bufio.NewScanner(bytes.NewReader(b))
	sc.Buffer(nil, len(b)+1)
	for sc.Scan() {
		var r Record
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatalf("golden.jsonl: record %d: %v", len(all)+1, err)
		}
		all = append(all, r)
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// Shared is the folder of reference data: MIRRORNET_SHARED, or shared beside
// the repository. It skips t where there is none.
func Shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("MIRRORNET_SHARED")
	if dir == "" {
		wd, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for dir = wd; ; dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				break
			}
			if dir == filepath.Dir(dir) {
				t.Skip("no go.mod above the working directory; set MIRRORNET_SHARED to the folder of reference data")
			}
		}
		dir = filepath.Join(dir, "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "ensembl")); err != nil {
		t.Skipf("the reference data is missing: no folder ensembl in %s; set MIRRORNET_SHARED", dir)
	}
	return dir
}
