package keys

import (
	"math/rand/v2"
	"slices"
	"strings"

	"mirrornet/pkg/apispec"
)

// pair is a case: a request, and what a mutation made of it.
type pair struct {
	a, b     ask
	mutation string
	keep     bool // the mutation must keep the key
}

// pair makes the case of that number, of the number and the seed alone. Its
// requests are never the same bytes, nor such as net/http refuses by itself.
func (v *values) pair(seed, n uint64, catalogue *apispec.Catalogue) (p pair) {
	r := rand.New(rand.NewPCG(seed, n))
	e := &catalogue.Endpoints[n%uint64(len(catalogue.Endpoints))]
	if n := r.IntN(3 * len(v.rich)); n < len(v.rich) { // more of those that say more
		e = v.rich[n]
	}
	for {
		p = v.anyPair(r, e)
		_, oka := p.a.request()
		_, okb := p.b.request()
		if (oka && okb || p.keep) && p.a.String() != p.b.String() {
			return p
		}
	}
}

func (v *values) anyPair(r *rand.Rand, e *apispec.Endpoint) pair {
	s, h := v.draw(r, e), drawHand(r)
	if often(r, 0.3) { // the first of a pair is not always plain
		pick(r, keeps).change(v, r, &s, &h)
	}
	switch x := r.Float64(); {
	case x < 0.55:
		k := pick(r, keeps)
		p := pair{mutation: k.name, keep: !v.astray(s)}
		g, t := h, s.clone()
		k.change(v, r, &t, &g)
		if often(r, 0.3) {
			also := pick(r, keeps)
			also.change(v, r, &t, &g)
			p.mutation += " and " + also.name
		}
		p.a, p.b = write(s, h), write(t, g)
		return p
	case x < 0.75:
		o := pick(r, others)
		t := s.clone()
		o.change(v, r, &t)
		return pair{write(s, h), write(t, h), o.name, false}
	default:
		o := pick(r, oddities)
		if s.e.Body != nil && often(r, 0.6) {
			o = pick(r, oddBodies)
		}
		a := write(s, h)
		p := pair{a, o.change(r, a), o.name, false}
		if often(r, 0.5) { // two odd ones
			p.a = o.change(r, a)
		}
		if often(r, 0.2) {
			also := pick(r, oddities)
			p.b, p.mutation = also.change(r, p.b), p.mutation+" and "+also.name
		}
		return p
	}
}

// keeps write the same request in another way.
var keeps = []struct {
	name   string
	change func(*values, *rand.Rand, *sense, *hand)
}{
	{"separator", func(_ *values, r *rand.Rand, _ *sense, h *hand) { h.sep = pick(r, []string{"&", ";&", ";", "&&;"}) }},
	{"order", func(_ *values, r *rand.Rand, s *sense, h *hand) { h.order, h.loose = 1+r.Uint64(), true }},
	{"defaults written", func(_ *values, _ *rand.Rand, _ *sense, h *hand) { h.spelled = true }},
	{"empty for false", func(_ *values, _ *rand.Rand, _ *sense, h *hand) { h.spelled, h.empty = true, true }},
	{"alias of the path", func(_ *values, r *rand.Rand, _ *sense, h *hand) { h.pattern = 1 + r.IntN(3) }},
	{"alias of a parameter", func(_ *values, _ *rand.Rand, _ *sense, h *hand) { h.aliases = true }},
	{"type said otherwise", func(_ *values, r *rand.Rand, _ *sense, h *hand) { h.typed = pick(r, typings) }},
	{"case", func(_ *values, _ *rand.Rand, _ *sense, h *hand) { h.upper = true }},
	{"escapes", func(_ *values, r *rand.Rand, _ *sense, h *hand) { h.escape, h.plus = 1+r.Uint64(), often(r, 0.5) }},
	{"callback", func(_ *values, r *rand.Rand, s *sense, h *hand) {
		switch {
		case s.format == apispec.JSONP && s.call != "" && often(r, 0.5):
			s.format, s.call = apispec.JSON, ""
		case s.format == apispec.JSON && s.e.Offers(apispec.JSONP) && s.e.Offers(apispec.JSON):
			s.format, s.call = apispec.JSONP, "f"
		}
		h.call = pick(r, []string{"g", "jQuery19_2", "this.x", strings.Repeat("a", apispec.MaxCallback)})
	}},
	{"steering", func(_ *values, r *rand.Rand, _ *sense, h *hand) {
		h.steer = append(slices.Clip(h.steer), pick(r, []string{"redirect=no", "redirect=force", "mirror-prefer=asia", "mirror-avoid=useast,asia", "Redirect=no", "redirect=content-type="}))
		h.unheard = append(slices.Clip(h.unheard), pick(r, []field{{"Mirror-Prefer", "asia"}, {"Mirror-Avoid", "europe"}, {"Cookie", "redirect_mirror=no"}}))
	}},
	{"JSON written loosely", func(_ *values, _ *rand.Rand, _ *sense, h *hand) { h.loose = true }},
	{"slash at the end", func(_ *values, _ *rand.Rand, _ *sense, h *hand) { h.slash = true }},
	{"HEAD", func(_ *values, _ *rand.Rand, _ *sense, h *hand) { h.head = true }},
	{"fields that are not heard", func(_ *values, r *rand.Rand, _ *sense, h *hand) {
		h.unheard = append(slices.Clip(h.unheard), pick(r, unheard), pick(r, unheard))
	}},
	{"coding", func(_ *values, r *rand.Rand, _ *sense, h *hand) {
		h.unheard = append(slices.Clip(h.unheard), field{"Accept-Encoding", pick(r, []string{"gzip", "identity", "gzip;q=0.5, *;q=0"})})
	}},
	{"host", func(_ *values, r *rand.Rand, _ *sense, h *hand) {
		h.host = pick(r, []string{"europe.test:8080", "EUROPE.test", "127.0.0.1", "[::1]:8080", "evil.example", "rest.test"})
		h.unheard = append(slices.Clip(h.unheard), field{"X-Requested-With", "XMLHttpRequest"}) // no navigation: it would be redirected
	}},
	{"HTTP/1.0", func(_ *values, _ *rand.Rand, _ *sense, h *hand) { h.protocol = "HTTP/1.0" }},
}

// unheard are fields that no answer of the API depends on.
var unheard = []field{
	{"Accept-Language", "fr"}, {"Accept-Charset", "latin1"}, {"Origin", "http://evil.example"}, {"Referer", "http://x/"}, {"User-Agent", "mirrornet-health"},
	{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-Host", "evil.example"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Prefix", "/x"},
	{"Forwarded", "for=203.0.113.9;host=evil.example"}, {"X-Original-URL", "/info/ping"}, {"X-Rewrite-URL", "/info/ping"}, {"X-HTTP-Method-Override", "POST"},
	{"Cookie", "session=1; lang=fr"}, {"DNT", "1"}, {"Sec-Fetch-Mode", "cors"}, {"X-Requested-With", "XMLHttpRequest"}, {"Via", "1.1 proxy"},
	{"Content-Language", "fr"}, {"Prefer", "return=minimal"}, {"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
	{"Cache-Control", "max-age=100"}, {"Pragma", "x"}, {"TE", "trailers"}, {"Save-Data", "on"}, {"X-Callback", "f"},
}

// others ask for something else.
var others = []struct {
	name   string
	change func(*values, *rand.Rand, *sense)
}{
	{"another path", func(v *values, r *rand.Rand, s *sense) { s.path = v.path(r, s.e, s.names) }},
	{"another format", func(_ *values, r *rand.Rand, s *sense) { s.format, s.call = pick(r, s.e.Formats), "" }},
	{"another value", func(v *values, r *rand.Rand, s *sense) {
		if i := queryParam(r, s.e); i >= 0 {
			p := &s.e.Params[i]
			s.query = append(slices.DeleteFunc(s.query, func(q apispec.Value) bool { return q.Name == p.Name }), apispec.Value{Name: p.Name, Value: v.value(r, p)})
		}
	}},
	{"true for false", func(_ *values, r *rand.Rand, s *sense) {
		for _, p := range s.e.Params {
			if p.Type == apispec.Boolean && often(r, 0.5) {
				s.query = append(slices.DeleteFunc(s.query, func(q apispec.Value) bool { return q.Name == p.Name }), apispec.Value{Name: p.Name, Value: pick(r, []string{"1", "yes", "00", "false"})})
			}
		}
	}},
	{"a parameter twice", func(v *values, r *rand.Rand, s *sense) {
		if i := queryParam(r, s.e); i >= 0 {
			p := &s.e.Params[i]
			for range 2 {
				s.query = append(s.query, apispec.Value{Name: p.Name, Value: pick(r, []string{v.value(r, p), p.Default, "", "0"})})
			}
		}
	}},
	{"an empty value", func(_ *values, r *rand.Rand, s *sense) {
		if i := queryParam(r, s.e); i >= 0 {
			s.query = append(s.query, apispec.Value{Name: s.e.Params[i].Name})
		}
	}},
	{"another batch", func(v *values, r *rand.Rand, s *sense) {
		if s.e.Body != nil {
			s.list = v.elements(r, s.e, s.path)
		}
	}},
	{"another order of the batch", func(_ *values, r *rand.Rand, s *sense) {
		r.Shuffle(len(s.list), func(i, j int) { s.list[i], s.list[j] = s.list[j], s.list[i] })
	}},
	{"an element twice", func(_ *values, r *rand.Rand, s *sense) {
		if len(s.list) > 0 {
			s.list = append(s.list, pick(r, s.list))
		}
	}},
	{"another option in the body", func(v *values, r *rand.Rand, s *sense) {
		if s.e.Body != nil {
			p := &s.e.Body.Fields[r.IntN(len(s.e.Body.Fields))]
			if p.Name != s.e.Body.ListOf {
				s.member = slices.DeleteFunc(s.member, func(m apispec.Value) bool { return m.Name == p.Name })
				s.member = append(s.member, apispec.Value{Name: p.Name, Value: pick(r, []string{quoted(v.value(r, p)), "null", "false", "true", "0", "1", "1.0", `""`, `{"a": 1}`, `{"a":1}`, `[ ]`, `[]`, `[1, "x"]`, `[1,"x"]`})})
			}
		}
	}},
}

func queryParam(r *rand.Rand, e *apispec.Endpoint) int {
	var list []int
	for i := range e.Params {
		if e.Params[i].In == apispec.InQuery {
			list = append(list, i)
		}
	}
	if len(list) == 0 {
		return -1
	}
	return pick(r, list)
}
