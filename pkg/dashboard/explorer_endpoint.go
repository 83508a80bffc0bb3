package dashboard

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/snippet"
	"mirrornet/pkg/status"
)

// endpointView is the page of one endpoint.
type endpointView struct {
	E        *apispec.Endpoint
	Path     []segment
	Others   []string // further paths
	Kept     string
	Stale    string
	Required []field
	Filled   []field // optional ones that have a value, or a fault
	Optional []field
	Open     bool // they are few
	Formats  []format
	Offered  []format // what the form can ask for
	Format   string
	Examples []example
	Unknown  []string // what the query has that no field is there for
	Whole    bool
	URL      string // of the request
	Link     string // to the answer, on this node; "" where it is none
	Page     string // the permalink
	Anywhere string // the network's common name, from where it leads each who follows it to the nearest region
	Programs []program
	Local    [2]string // host of the programs, and its address, where not all know such names
	Data     explorerData
}

type field struct {
	apispec.Param
	Key     string // name in the form
	List    bool   // a box with one entry on each line
	Max     int    // entries in it
	Count   int
	Values  []string // at least one, the last empty where more may be added
	Options []option
	Fault   string
	Either  bool // it may stand in the query or in the body
}

type option struct {
	Value, Text string
	Selected    bool
}

// ID is what labels refer to.
func (f field) ID() string { return "f-" + f.Key }

type format struct {
	MediaType, Name string
	Selected        bool
}

type example struct {
	apispec.Example
	Name  string // of its format
	Brief string // the beginning of its body
	Page  string // the permalink; "" where the form cannot hold it
}

type program struct {
	snippet.Language
	Text string
}

var formatNames = map[string]string{apispec.JSON: "JSON", apispec.JSONP: "JSONP", apispec.XML: "XML", apispec.YAML: "YAML", apispec.HTML: "HTML", apispec.FASTA: "FASTA",
	apispec.GFF3: "GFF3", apispec.BED: "BED", apispec.Plain: "Text", "text/x-seqxml+xml": "SeqXML", "text/x-orthoxml+xml": "OrthoXML", "text/x-phyloxml+xml": "PhyloXML",
	"text/x-nh": "Newick", "text/x-nhx": "NHX", "image/png": "PNG", "image/svg+xml": "SVG"}

func formatName(mediaType string) string {
	if n := formatNames[mediaType]; n != "" {
		return n
	}
	return mediaType
}

func newEndpointView(v *status.Visit, e *apispec.Endpoint, query apispec.Values) *endpointView {
	x := &endpointView{E: e, Path: segmentsOf(e.Path), Kept: span(e.Freshness.MaxAge), Stale: span(e.Freshness.StaleIfError)}
	for _, p := range shownPaths(e)[1:] {
		x.Others = append(x.Others, readable(p))
	}
	x.Anywhere = origin(v.StayURL)
	given, wanted, unknown := fill(e, query)
	x.Unknown = unknown
	asked := len(given) > 0 || wanted != ""
	for i, sample := range e.Examples {
		shown := example{Example: sample, Name: formatName(sample.ContentType), Brief: cut(sample.Body)}
		if held, ok := exampleValues(e, sample); ok {
			shown.Page = permalink(e, held, sample.ContentType)
			if i == 0 && !asked {
				given, wanted = held, sample.ContentType
			}
		}
		x.Examples = append(x.Examples, shown)
	}
	if !asked && len(e.Examples) == 0 {
		for _, p := range e.Params {
			if p.Required && len(p.Examples) > 0 {
				given[p.Name] = p.Examples[:1]
			}
		}
	}
	x.Format = x.chooseFormat(wanted)
	x.addFields(given, asked)
	x.Open = len(x.Optional) < 3
	x.addRequest(v, given)
	return x
}

// chooseFormat fills in formats and gives the one that is asked for.
func (x *endpointView) chooseFormat(wanted string) string {
	for _, t := range x.E.Formats {
		x.Formats = append(x.Formats, format{MediaType: t, Name: formatName(t)})
		if t != apispec.JSONP || len(x.E.Formats) == 1 { // a script is nothing to show
			x.Offered = append(x.Offered, format{MediaType: t, Name: formatName(t)})
		}
	}
	i := slices.IndexFunc(x.Offered, func(f format) bool { return f.MediaType == wanted })
	if i < 0 {
		i = 0
		if wanted != "" {
			x.Unknown = append(x.Unknown, "content-type="+cut(wanted))
		}
	}
	if len(x.Offered) == 0 {
		return ""
	}
	x.Offered[i].Selected = true
	return x.Offered[i].MediaType
}

func (x *endpointView) addFields(given values, asked bool) {
	add := func(f field, filled bool) {
		if asked {
			f.Fault = f.fault()
		}
		switch {
		case f.Required:
			x.Required = append(x.Required, f)
		case filled:
			x.Filled = append(x.Filled, f)
		default:
			x.Optional = append(x.Optional, f)
		}
	}
	for _, p := range x.E.Params {
		if p.In != apispec.InQuery && !inPattern(x.E, p.Name) {
			continue
		}
		f := field{Param: p, Key: p.Name, Values: given[p.Name], Either: inBoth(x.E, p.Name)}
		if len(f.Values) == 0 || p.Repeated && f.Values[len(f.Values)-1] != "" {
			f.Values = append(slices.Clip(f.Values), "")
		}
		if !p.Repeated {
			f.Values = f.Values[:1]
		}
		f.Options = options(p, f.Values[0])
		add(f, given.first(p.Name) != "")
	}
	if x.E.Body == nil {
		return
	}
	for _, p := range x.E.Body.Fields {
		key := inBody + p.Name
		if inBoth(x.E, p.Name) {
			continue
		}
		f := field{Param: p, Key: key, Values: []string{given.first(key)}, List: p.Repeated || p.Name == x.E.Body.ListOf}
		f.Required = f.Required || p.Name == x.E.Body.ListOf
		f.Options = options(p, f.Values[0])
		if f.List {
			f.Options, f.Count = nil, len(lines(f.Values[0]))
			if p.Name == x.E.Body.ListOf {
				f.Max = x.E.Body.MaxItems
			}
		}
		add(f, f.Values[0] != "")
	}
}

// options are those of a field with few possible values, the first being that
// nothing is sent.
func options(p apispec.Param, chosen string) (list []option) {
	switch {
	case p.Type == apispec.Boolean:
		def := "no"
		if p.Default != "" && p.Default != "0" {
			def = "yes"
		}
		list = []option{{"", def + " (default)", false}, {"1", "yes", false}, {"0", "no", false}}
		if chosen != "" && chosen != "0" {
			chosen = "1"
		}
	case p.Type == apispec.Enum:
		list = []option{{"", "not sent", false}}
		if p.Default != "" {
			list[0].Text = p.Default + " (default)"
		}
		for _, a := range p.Allowed {
			list = append(list, option{a, a, false})
			if p.CaseBlind && strings.EqualFold(a, chosen) {
				chosen = a
			}
		}
	default:
		return nil
	}
	found := false
	for i := range list {
		list[i].Selected = list[i].Value == chosen
		found = found || list[i].Selected
	}
	if !found { // what a link asks for is shown, and its fault beside it
		list = append(list, option{chosen, chosen, true})
	}
	return list
}

// fault says what is wrong with what a field holds, and what to write.
func (f field) fault() string {
	held := slices.DeleteFunc(slices.Clone(f.Values), func(s string) bool { return strings.TrimSpace(s) == "" })
	if len(held) == 0 {
		held = []string{""}
	}
	for _, one := range held {
		if text := f.faultOf(strings.TrimSpace(one)); text != "" {
			return text
		}
	}
	return ""
}

func (f field) faultOf(given string) string {
	such := ""
	if len(f.Examples) > 0 {
		such = ", such as " + f.Examples[0]
	}
	switch {
	case f.Required && given == "" && f.List:
		return "Write at least one, each on a line of its own."
	case f.Required && given == "":
		return "This is needed" + such + "."
	case f.Max > 0 && f.Count > f.Max:
		return thousands(f.Count) + " are too many for one request: at most " + thousands(f.Max) + "."
	case f.Lenient && f.Type == apispec.Integer && given != "" && !number[apispec.Integer].MatchString(given):
		return "The API takes this for another number: write a whole one" + such + "."
	case given == "" || f.Lenient || f.List:
	case f.Type == apispec.Integer && !number[apispec.Integer].MatchString(given):
		return "This has to be a whole number" + such + "."
	case f.Type == apispec.Float && !number[apispec.Float].MatchString(given):
		return "This has to be a number" + such + "."
	case f.Type == apispec.Enum && !slices.ContainsFunc(f.Allowed, func(a string) bool { return a == given || f.CaseBlind && strings.EqualFold(a, given) }):
		return "This has to be one of " + strings.Join(f.Allowed, ", ") + "."
	}
	return ""
}

func (x *endpointView) addRequest(v *status.Visit, given values) {
	e := x.E
	at, whole := target(e, given)
	x.Whole, x.Page = whole, permalink(e, given, x.Format)
	base := strings.TrimSuffix(find(v.Report.Regions, v.Report.Region).URL, "/")
	if base == "" && len(v.Report.Canonical) > 0 {
		base = strings.TrimSuffix(v.Report.Canonical[0], "/")
	}
	x.URL = base + at
	x.Local = local(base)
	if whole && e.Method != "POST" && !strings.HasPrefix(at, "//") {
		x.Link = answerLink(at, x.Format)
	}
	r := snippet.Request{Method: e.Method, URL: x.URL, Accept: x.Format, Body: bodyOf(e, given)}
	x.Data = explorerData{Here: string(v.Report.Region), Base: base, Languages: snippet.Languages(), Regions: []regionData{}}
	for _, l := range x.Data.Languages {
		x.Programs = append(x.Programs, program{l, l.Program(r)})
	}
	if v.Catalogue != nil {
		x.Data.API = v.Catalogue.Title
	}
	for _, r := range v.Report.Regions {
		x.Data.Regions = append(x.Data.Regions, regionData{string(r.Name), r.Title, strings.TrimSuffix(r.URL, "/"), r.State})
	}
	d := endpointData{ID: e.ID, Method: e.Method, Paths: shownPaths(e), Suffixes: apispec.Extensions(), Fields: []fieldData{}}
	if e.Body != nil {
		d.ListOf, d.MaxItems = e.Body.ListOf, e.Body.MaxItems
	}
	// In the order of the catalogue, in which requests are written.
	for _, key := range keys(e) {
		for _, f := range slices.Concat(x.Required, x.Filled, x.Optional) {
			if f.Key == key {
				in := string(f.In)
				if strings.HasPrefix(key, inBody) {
					in = "body"
				}
				d.Fields = append(d.Fields, fieldData{f.Key, f.Name, in, f.Type, f.Required, f.List || f.Repeated, f.Lenient, f.Examples, f.Allowed, f.CaseBlind})
				break
			}
		}
	}
	x.Data.Endpoint = d
}

// answerLink is where a browser gets the answer in that format.
func answerLink(target, format string) string {
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	return target + separator + "content-type=" + escapeQuery(format)
}

// exampleValues reads an example into a form. ok is false when the form cannot
// hold it.
func exampleValues(e *apispec.Endpoint, x apispec.Example) (v values, ok bool) {
	ix, err := apispec.NewIndex(&apispec.Catalogue{Endpoints: []apispec.Endpoint{*e}})
	if err != nil {
		return nil, false
	}
	path, query, _ := strings.Cut(x.Target, "?")
	match, params, _ := ix.Match(e.Method, path)
	if match == nil || !slices.Contains(e.Formats, x.ContentType) || x.ContentType == apispec.JSONP {
		return nil, false
	}
	v, _, unknown := fill(e, apispec.ParseQuery(query))
	for name, given := range params {
		if v[name] = []string{clean(given)}; !inPattern(e, name) {
			return nil, false
		}
	}
	if len(unknown) > 0 || e.Body == nil {
		return v, len(unknown) == 0 && x.Body == ""
	}
	var members map[string]any
	if json.Unmarshal([]byte(x.Body), &members) != nil {
		return nil, false
	}
	known := keys(e)
	for name, member := range members {
		text := ""
		switch m := member.(type) {
		case string:
			text = m
		case bool:
			text = map[bool]string{true: "1", false: "0"}[m]
		case float64:
			text = strconv.FormatFloat(m, 'f', -1, 64)
		case []any:
			for _, item := range m {
				s, isString := item.(string)
				if !isString {
					return nil, false
				}
				text += s + "\n"
			}
		default:
			return nil, false
		}
		key := inBody + name
		if inBoth(e, name) {
			key = name
		}
		if !slices.Contains(known, key) {
			return nil, false
		}
		v[key] = []string{fieldValue(e, key, text)}
	}
	return v, true
}

// span is a number of seconds for people; "" for none.
func span(seconds int) string {
	d := time.Duration(seconds) * time.Second
	count := func(n int, unit string) string {
		if n == 1 {
			return "a " + unit
		}
		return strconv.Itoa(n) + " " + unit + "s"
	}
	switch {
	case seconds <= 0:
		return ""
	case d%(24*time.Hour) == 0:
		return count(int(d/(24*time.Hour)), "day")
	case d%time.Hour == 0:
		return strings.Replace(count(int(d/time.Hour), "hour"), "a h", "an h", 1)
	case d%time.Minute == 0:
		return count(int(d/time.Minute), "minute")
	}
	return count(seconds, "second")
}
