package keys

import (
	"math/rand/v2"
	"strings"

	"mirrornet/pkg/apispec"
)

type oddity struct {
	name   string
	change func(*rand.Rand, ask) ask
}

// oddities are requests as nobody means them: whatever the origin says to one,
// the edge must say.
var oddities = []oddity{
	{"an unknown parameter", func(r *rand.Rand, a ask) ask {
		return a.and(pick(r, []string{"unknown=1", "unknown=2", "x", "=", "=1", "a=1=2", "Expand=1", "id=x", "species=human", "format", "%00=%00"}))
	}},
	{"a bad escape", func(r *rand.Rand, a ask) ask {
		return a.and(pick(r, []string{"expand=%zz", "type=%", "object_type=a+%zz", "%zz=1", "division=%e9", "division=%E2%84%AA", "compara=%C4%B0"}))
	}},
	{"odd values", func(r *rand.Rand, a ask) ask {
		return a.and(pick(r, []string{"object_type=#gene", "object_type=gene#", "type=a/b", "db_type=%00", "species=%0d%0aX: y", "object_type=a%2Bb", "object_type=a+b",
			"object_type=a%20b", "object_type=" + strings.Repeat("x", 3000), "filter=%25", "class=[", "mask=%c3%a9", "type=\xff", "start=+1", "start=%2B1", "end=1e3", "start=0x10"}))
	}},
	{"separators", func(r *rand.Rand, a ask) ask {
		a.query = pick(r, []string{";", "&&", ";;&", "&="}) + a.query + pick(r, []string{";", "&", ""})
		return a
	}},
	{"the type twice", func(r *rand.Rand, a ask) ask {
		return a.and("content-type=" + pick(r, types)).and("content-type=" + pick(r, types))
	}},
	{"the type as a parameter", func(r *rand.Rand, a ask) ask {
		return a.and(pick(r, []string{"content-type=", "Content-Type=", "%63ontent-type=", "xcontent-type=", "x=content-type=", "content-type"}) + pick(r, types))
	}},
	{"suffixes", func(r *rand.Rand, a ask) ask {
		a.path += pick(r, []string{".json", ".xml", ".fasta", ".jsonp", ".txt", ".yaml", ".json.xml", ".JSON", ".", ".html", "%2Ejson", ".5", ".json/", ".xml%20"})
		return a
	}},
	{"Accept", func(r *rand.Rand, a ask) ask {
		return a.with("Accept", pick(r, types)+pick(r, []string{"", ";q=0.1", ";q=0", "; q=x", ";level=1"})+pick(r, []string{",", ", ", ",,"})+pick(r, types)+pick(r, []string{"", ";q=0.9"}))
	}},
	{"Accept twice", func(r *rand.Rand, a ask) ask {
		a.fields = append(a.fields, field{"Accept", pick(r, types)}, field{"Accept", pick(r, types)})
		return a
	}},
	{"Content-Type", func(r *rand.Rand, a ask) ask {
		return a.with("Content-Type", pick(r, append([]string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "TEXT/XML", "application/json; charset=latin1", ";", "a"}, types...)))
	}},
	{"Content-Type twice", func(r *rand.Rand, a ask) ask {
		a.fields = append(a.fields, field{"Content-Type", pick(r, types)}, field{"Content-Type", pick(r, types)})
		return a
	}},
	{"an odd path", func(r *rand.Rand, a ask) ask {
		i := 1 + strings.LastIndexByte(a.path, '/')
		head, last := a.path[:i], a.path[i:]
		a.path = pick(r, []string{head + "%2F" + last, head + "/" + last, head + ".", head + "..", head + "%2e%2E", head + last + "%00", head + last + "//", "/" + a.path,
			head + "%20" + last, head + last + "%20", head + last + "+", head + last + "%2B", head + strings.ToLower(last), head + strings.ToUpper(last), strings.ToUpper(a.path),
			head + last + ";x=1", head + last + "%3Bx", head + last + "%3Fx", head + last + "%23x", head + "%E2%84%AA" + last, head + "%C4%B0", head + strings.Repeat("y", 4000),
			head + "%ff", head + last + "/../" + last, head + last + "'", head + last + "%25", head, head + last + "/x", head + last + "/x/y", head + "\\" + last})
		return a
	}},
	{"method", func(r *rand.Rand, a ask) ask {
		a.method = pick(r, []string{"OPTIONS", "PUT", "DELETE", "PATCH", "HEAD", "GET", "POST", "PROPFIND", "get"})
		return a
	}},
	{"callback", func(r *rand.Rand, a ask) ask {
		if often(r, 0.7) {
			a = a.without("Content-Type").and("content-type=" + apispec.JSONP)
		}
		return a.and("callback=" + pick(r, []string{"", "alert(1)", "a;b", "if", "1a", "a..b", "%00", "a%0ab", "f", strings.Repeat("f", 129), "%66", "f&callback=g", "&callback=g"}))
	}},
	{"white space in a value", func(r *rand.Rand, a ask) ask {
		a.query = strings.Replace(a.query, "=", pick(r, []string{"=%20", "=+", "=%09", "%20="}), 1)
		return a
	}},
	{"empty values", func(r *rand.Rand, a ask) ask {
		return a.and(pick(r, []string{"expand=", "format=", "type=", "division=", "start=", "object_type=", "compara=", "feature=", "filter=", "species=", "mask="}))
	}},
	{"directives", func(r *rand.Rand, a ask) ask {
		return a.with("Cache-Control", pick(r, []string{"no-cache", "no-store", "max-age=0", "min-fresh=10", "max-stale"}))
	}},
	{"credentials", func(r *rand.Rand, a ask) ask {
		return a.with("Authorization", pick(r, []string{"Basic Zm9vOmJhcg==", "x"}))
	}},
}

var types = []string{apispec.JSON, apispec.XML, apispec.JSONP, apispec.HTML, apispec.FASTA, apispec.Plain, apispec.YAML, "text/x-seqxml+xml", "text/x-seqxml%2Bxml",
	"text/x-json", "image/png", "*/*", "text/*", "Application/JSON", "application/json;charset=utf-8", ""}

// oddBodies are oddities of a POST.
var oddBodies = []oddity{
	{"body", func(r *rand.Rand, a ask) ask {
		inner := strings.TrimSpace(a.body)
		if len(inner) < 2 {
			return a
		}
		inner = inner[1 : len(inner)-1]
		a.body = pick(r, []string{"", " ", "{}", "[]", "null", "x", a.body + "x", a.body + " {}", "{" + inner + "," + inner + "}", "[" + a.body + "]", "\ufeff" + a.body,
			strings.ToUpper(a.body), "{" + inner + `,"unknown":1}`, "{" + inner + `,"unknown":2}`, "{" + inner + `,"Format":"full"}`, "{" + inner + `,"format":"condensed"}`,
			`{"ids":"x"}`, `{"ids":null}`, `{"ids":[null]}`, `{"ids":[[]]}`, `{"ids":[1,1.0]}`, `{"ids":[1.0,1]}`, `{"ids":["\ud800"]}`, `{"ids":["\ud801"]}`, `{"ids":["\u0041"]}`, `{"ids":["A"]}`,
			"{\"ids\":[\"\xff\"]}", `{"ids":["a\u0000"]}`, `{"ids":["a\/b"]}`, `{"ids":["a/b"]}`, `{"ids":["<"]}`, `{"ids":["\u003c"]}`, `{"ids":[true]}`, `{"ids":["true"]}`, `{"symbols":[]}`,
			strings.Replace(a.body, `"`, `"\u0020`, 1), a.body[:len(a.body)/2]})
		return a
	}},
	{"the body's type", func(r *rand.Rand, a ask) ask {
		return a.with("Content-Type", pick(r, []string{"application/x-www-form-urlencoded", "Application/X-WWW-Form-URLencoded ; charset=x", "multipart/form-data; boundary=x",
			"multipart/form-data", "text/plain", "", "application/json; charset=utf-16"}))
	}},
	{"chunks", func(_ *rand.Rand, a ask) ask {
		a.chunked = a.body != "" && a.proto == ""
		return a
	}},
}
