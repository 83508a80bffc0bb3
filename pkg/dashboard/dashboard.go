// Package dashboard writes the pages for people: the explorer, where
// researchers try the API, and the network, where operators see its regions and
// nodes. It shows what a node's public JSON says (and on the operators'
// listener, theirs), and knows nothing else.
//
// Pages are whole as they are sent: what scripts add is convenience. Everything
// that a page loads is embedded, and comes from [Pages.Assets].
//
// # Decisions
//
// 2026-11-25: an endpoint, and a request that is filled in, is a page of its own
// (/?endpoint=ID&NAME=value), made here: links, the way back, search engines and
// browsers without scripts work as they do, and no script repeats the catalogue.
//
// 2026-11-25: the page of an endpoint that says nothing else shows the first
// example, so that an answer is one key away. A link to a request always names the
// format, which tells an empty form from none.
//
// 2026-11-25: what a POST takes in the query or in the body stands in the form once,
// and goes into the query.
//
// 2026-11-25: plain ES modules and style sheets, without a build: what is in the
// tree is what a browser runs, and an operator's machine needs Go alone.
//
// 2026-11-25: the note on where the visitor is links to the map's own URLs, with at
// most an endpoint's id out of the catalogue: nothing of the request comes back.
//
// 2026-11-25: news on the network's page are that page: when the stream tells of a
// change, the script asks for the page again (part=live: without the land, 7 kB)
// and lays what differs over what is shown. So the templates are the only place
// that says how a report looks, with scripts and without, and what has focus, is
// sorted or selected stays. It costs about 1.5 ms of a node's processor for each look;
// states are looked at as they change, figures every 5 seconds, and hidden pages
// not at all. Only when the page's own node is gone does the script write: states,
// as another region's status has them.
//
// 2026-11-25: pages are packed quickly and with the list of endpoints of one catalogue kept:
// that halves what one costs (about 1 ms, the map 2 ms). They are not kept whole: nearly each
// is of one visitor. Not more are made at once than half the processors, so that who
// asks for many slows pages down, and not the API.
//
// 2026-11-25: labels on the map are placed here, for two widths: a free place
// nearest to the mark, the same at each look, so that nothing moves that did not
// change.
package dashboard

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
)

//go:embed *.tmpl
var templates embed.FS

// Pages writes pages. It is safe for concurrent use.
type Pages struct {
	explorer, network *template.Template
	assets            *assets
	zippers           sync.Pool     // *gzip.Writer
	turns             chan struct{} // to make pages: half of the processors are for the API
	list              atomic.Pointer[endpoints]
}

// New reads templates and assets; an error is a fault of this package.
func New() (*Pages, error) {
	a, err := newAssets()
	if err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	p := &Pages{assets: a, turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), zippers: sync.Pool{New: func() any { return newZipper(gzip.BestSpeed) }}}
	for name, t := range map[string]**template.Template{"explorer.tmpl": &p.explorer, "network.tmpl": &p.network} {
		if *t, err = template.New(name).Funcs(template.FuncMap{
			"asset": a.url,
			"ago":   ago,
			"km":    func(f *float64) string { return thousands(int(*f)) + " km" },
			"ms":    func(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) + " ms" },
			"stamp": stamp,
		}).ParseFS(templates, "layout.tmpl", name); err != nil {
			return nil, fmt.Errorf("dashboard: %w", err)
		}
	}
	return p, nil
}

// Assets serves what pages load, below [AssetPath].
func (p *Pages) Assets() http.Handler { return p.assets }

// layout is what layout.tmpl shows around a page.
type layout struct {
	Title    string
	Page     string // explorer or network: names its style sheet and its script
	Status   int    // 0: 200
	Alone    bool   // the other pages are not on this listener
	Report   *status.Report
	Note     note
	Problems []string
	View     any
}

// show writes a page, or nothing to who has left while it was made.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, t *template.Template, l layout) {
	zipped := acceptsGzip(r)
	b, err := p.made(r.Context(), t, l, zipped)
	switch {
	case r.Context().Err() != nil: // nobody waits for it
		return
	case err != nil:
		http.Error(w, "this page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy(l.Report.Regions))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Add("Vary", "Accept-Encoding")
	if zipped {
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(max(l.Status, http.StatusOK))
	if r.Method != http.MethodHead {
		io.Copy(w, &b)
	}
}

// made is a page, when it is its turn.
func (p *Pages) made(ctx context.Context, t *template.Template, l layout, zipped bool) (b bytes.Buffer, err error) {
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	case <-ctx.Done():
		return b, ctx.Err()
	}
	if err = t.ExecuteTemplate(&b, "layout.tmpl", l); err == nil && zipped {
		b = p.zip(b.Bytes())
	}
	return b, err
}

// policy lets a page load what this node serves, and ask every region of the
// map (Content Security Policy Level 3). A form's answer may be a redirect there.
func policy(regions []status.Region) string {
	ask := ""
	for _, r := range regions {
		if o := origin(r.URL); o != "" {
			ask += " " + o
		}
	}
	return "default-src 'self'; connect-src 'self'" + ask + "; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'" + ask
}

// origin is a URL's scheme and host: all that a policy may name.
func origin(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	if !ok || host == "" || strings.ContainsAny(host, " ;,'\"") {
		return ""
	}
	return scheme + "://" + host
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			q, ok := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
			f, err := strconv.ParseFloat(q, 64)
			return !ok || err == nil && f > 0
		}
	}
	return false
}

// zip packs what is made for one visitor: quickly, as half of a page's cost is this.
func (p *Pages) zip(b []byte) (out bytes.Buffer) {
	z := p.zippers.Get().(*gzip.Writer)
	defer p.zippers.Put(z)
	z.Reset(&out)
	write(z, b)
	return out
}

// newZipper makes a writer of a level that there is.
func newZipper(level int) *gzip.Writer {
	z, err := gzip.NewWriterLevel(nil, level)
	if err != nil {
		panic(err)
	}
	return z
}

// write ends a writer to a Buffer, which takes everything.
func write(z *gzip.Writer, b []byte) {
	_, err := z.Write(b)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err)
	}
}

func find(regions []status.Region, name region.Name) status.Region {
	for _, r := range regions {
		if r.Name == name {
			return r
		}
	}
	return status.Region{}
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return ""
	case d < 2*time.Second:
		return "just now"
	case d < 2*time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}
