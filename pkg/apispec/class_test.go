package apispec

import (
	"fmt"
	"testing"
)

func TestClassOf(t *testing.T) {
	for path, want := range map[string]string{
		"/sequence/id/{id}": "sequence", "/sequence/id/ENSG1": "sequence", "/info": "info", "/": "", "": "",
		"/{id}": "", "/{species}/x": "", "/lookup/": "lookup", "/lookup?a/b": "lookup",
	} {
		if got := ClassOf(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { ClassOf("/sequence/id/ENSG1") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCanaries(t *testing.T) {
	c := Catalogue{Endpoints: []Endpoint{
		{Method: "GET", Path: "/info/rest"},
		{Method: "GET", Path: "/info/ping", Canaries: []string{"/info/ping?a", "/info/ping?b"}},
		{Method: "POST", Path: "/lookup/id", Canaries: []string{"/lookup/id"}},
		{Method: "GET", Path: "/lookup/id/{id}", Canaries: []string{"/lookup/id/1"}},
		{Method: "GET", Path: "/info/data", Canaries: []string{"/info/data"}},
		{Method: "GET", Path: "/{any}", Canaries: []string{"/1"}},
	}}
	if got := fmt.Sprint(c.Canaries()); got != "[{info /info/ping?a} {lookup /lookup/id/1} { /1}]" {
		t.Error(got)
	}
}
