// Package info answers /info: what the service is, which data it holds, and
// what can be asked of them.
package info

import (
	"context"
	"strconv"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
)

// formats of /info: text/plain is YAML there, as in the reference.
var (
	formats         = []string{apispec.JSON, apispec.XML, apispec.JSONP, apispec.Plain, apispec.HTML}
	assemblyFormats = []string{apispec.JSON, apispec.XML, apispec.JSONP, apispec.HTML}
)

const group = "Information"

// data is the freshness of what changes with a release alone. A copy a week
// old is better than none while no origin answers.
var data = apispec.Freshness{MaxAge: 3600, StaleWhileRevalidate: 3600, StaleIfError: 7 * 86400, Negative: 60}

var species = apispec.Param{Name: "species", In: apispec.InPath, Type: apispec.String, Required: true,
	Description: "Name of the species, or an alias", Examples: []string{"homo_sapiens", "human"}}

// Module states the endpoints.
func Module() ensembl.Module {
	m := ensembl.Module{Name: "info"}
	m.Endpoints = append(m.Endpoints, service()...)
	m.Endpoints = append(m.Endpoints, contents()...)
	m.Endpoints = append(m.Endpoints, assembly()...)
	m.Endpoints = append(m.Endpoints, biotypes()...)
	m.Endpoints = append(m.Endpoints, comparative()...)
	m.Endpoints = append(m.Endpoints, genomes()...)
	m.Endpoints = append(m.Endpoints, variation()...)
	return m
}

type handle = func(context.Context, ensembl.Call) (ensembl.Answer, error)

// get is a GET endpoint of this module, with its defaults, whose answers are of
// the type of answer.
func get(id, path, summary string, h handle, answer any, change func(*apispec.Endpoint)) ensembl.Endpoint {
	e := apispec.Endpoint{ID: id, Group: group, Method: "GET", Path: path, Summary: summary,
		Formats: formats, Freshness: data, Tags: []string{"info"}}
	if change != nil {
		change(&e)
	}
	return ensembl.Endpoint{Spec: e, Handle: h, Answer: answer}
}

// ofSpecies adds the species to the path and the tags.
func ofSpecies(e *apispec.Endpoint) {
	e.Params = append([]apispec.Param{species}, e.Params...)
	e.Tags = append(e.Tags, "species:{species}")
}

func example(targets ...string) []apispec.Example { return ensembl.Examples(apispec.JSON, targets...) }

// service are the endpoints about the service itself.
func service() []ensembl.Endpoint {
	return []ensembl.Endpoint{
		get("info_ping", "/info/ping", "Says whether the service is alive and reaches its database", ping, map[string]int{}, func(e *apispec.Endpoint) {
			e.Freshness = apispec.Freshness{} // an old answer would say nothing
			e.Tags = nil
			e.Canaries = []string{"/info/ping?content-type=application/json"}
			e.Examples = example("/info/ping")
		}),
		get("info_rest", "/info/rest", "Version of the REST API", func(context.Context, ensembl.Call) (ensembl.Answer, error) {
			return ensembl.Answer{Value: map[string]string{"release": ensembl.Version}}, nil
		}, map[string]string{}, func(e *apispec.Endpoint) { e.Examples = example("/info/rest") }),
		get("info_software", "/info/software", "Version of the Ensembl API that the answers follow", func(_ context.Context, c ensembl.Call) (ensembl.Answer, error) {
			return ensembl.Answer{Value: map[string]int{"release": c.Genome.Release()}}, nil
		}, map[string]int{}, func(e *apispec.Endpoint) { e.Examples = example("/info/software") }),
		get("info_data", "/info/data", "Releases of the data that are served", releases, map[string][]int{}, func(e *apispec.Endpoint) {
			e.Canaries = []string{"/info/data?content-type=application/json"}
			e.Examples = example("/info/data")
		}),
	}
}

func ping(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	if c.Genome.Ping(ctx) == nil {
		return ensembl.Answer{Value: map[string]int{"ping": 1}}, nil
	}
	return ensembl.Answer{}, &ensembl.Error{Status: 410, Message: "Database is unavailable"}
}

func releases(_ context.Context, c ensembl.Call) (ensembl.Answer, error) {
	list, seen := []int{}, map[int]bool{}
	for _, s := range c.Genome.Species() {
		if !seen[s.Release] {
			seen[s.Release] = true
			list = append(list, s.Release)
		}
	}
	return ensembl.Answer{Value: map[string][]int{"releases": list}}, nil
}

// resolve finds the species of the path, in the words of the reference.
func resolve(c ensembl.Call) (*genomedb.Species, *genomedb.Database, error) {
	name := c.Path["species"]
	if s, ok := c.Genome.Resolve(name); ok {
		if core, ok := s.Database("core"); ok {
			return s, core, nil
		}
	}
	return nil, nil, ensembl.BadRequest("Can not find internal name for species '%s'", name)
}

// resolveAdaptor is resolve for the endpoints that word the failure otherwise.
func resolveAdaptor(c ensembl.Call) (*genomedb.Species, *genomedb.Database, error) {
	s, core, err := resolve(c)
	if err != nil {
		return nil, nil, ensembl.BadRequest("Could not fetch adaptor for species %s", c.Path["species"])
	}
	return s, core, nil
}

// tagged is an answer with the species' production name as a tag: the path may
// hold an alias.
func tagged(s *genomedb.Species, v any) ensembl.Answer {
	return ensembl.Answer{Value: v, Tags: []string{"species:" + s.Name}}
}

// orNil is null in JSON for what a database does not say.
func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// numberOrText is a database's text as a JSON number where it is an integer.
func numberOrText(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	return s
}
