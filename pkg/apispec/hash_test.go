package apispec

import "testing"

// TestHash: an entry's hash changes with everything that an answer depends
// on, and with nothing else.
func TestHash(t *testing.T) {
	entry := func() Endpoint {
		return Endpoint{ID: "a", Group: "A", Method: "POST", Path: "/a/{b}", Summary: "S", Description: "D", Formats: []string{JSON},
			Params: []Param{{Name: "b", In: InPath, Type: String, Description: "D", Examples: []string{"E"}}},
			Body:   &Body{ListOf: "ids", Fields: []Param{{Name: "ids", Type: String, Description: "D", Examples: []string{"E"}}}}}
	}
	e := entry()
	want := e.Hash()
	for name, change := range map[string]func(*Endpoint){
		"group": func(e *Endpoint) { e.Group = "B" }, "summary": func(e *Endpoint) { e.Summary = "" }, "description": func(e *Endpoint) { e.Description = "" },
		"examples": func(e *Endpoint) { e.Examples = []Example{{Target: "/a/1"}} }, "canaries": func(e *Endpoint) { e.Canaries = []string{"/a/1"} }, "no data": func(e *Endpoint) { e.NoData = true },
		"a parameter's words": func(e *Endpoint) { e.Params[0].Description, e.Params[0].Examples = "", nil },
		"a field's words":     func(e *Endpoint) { e.Body.Fields[0].Description, e.Body.Fields[0].Examples = "", nil },
	} {
		e := entry()
		change(&e)
		if e.Hash() != want {
			t.Errorf("%s: another hash", name)
		}
		before, after := entry(), e
		if (&Catalogue{Endpoints: []Endpoint{before}}).Hash() == (&Catalogue{Endpoints: []Endpoint{after}}).Hash() {
			t.Errorf("%s: the catalogue's hash is the same", name)
		}
	}
	for name, change := range map[string]func(*Endpoint){
		"id": func(e *Endpoint) { e.ID = "b" }, "method": func(e *Endpoint) { e.Method = "GET" }, "path": func(e *Endpoint) { e.Path = "/b/{b}" }, "aliases": func(e *Endpoint) { e.Aliases = []string{"/b"} },
		"formats": func(e *Endpoint) { e.Formats = []string{XML} }, "415": func(e *Endpoint) { e.Refuse415 = true }, "freshness": func(e *Endpoint) { e.Freshness.MaxAge = 1 }, "tags": func(e *Endpoint) { e.Tags = []string{"a"} },
		"default": func(e *Endpoint) { e.Params[0].Default = "1" }, "case": func(e *Endpoint) { e.Params[0].CaseBlind = true }, "type": func(e *Endpoint) { e.Params[0].Type = Boolean },
		"a parameter": func(e *Endpoint) { e.Params = nil }, "body": func(e *Endpoint) { e.Body = nil }, "list": func(e *Endpoint) { e.Body.ListOf = "" }, "field": func(e *Endpoint) { e.Body.Fields[0].Default = "1" },
	} {
		e := entry()
		change(&e)
		if e.Hash() == want {
			t.Errorf("%s: the same hash", name)
		}
	}
	if e.Summary != "S" || e.Params[0].Description != "D" || e.Body.Fields[0].Description != "D" {
		t.Error("asking for the hash changed the entry")
	}
}
