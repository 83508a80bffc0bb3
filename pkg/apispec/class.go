package apispec

import "strings"

// ClassOf is the class of endpoints that a path or target belongs to: its first segment,
// as "sequence" for "/sequence/id/ENSG1". An origin can lose one class (a
// database, a module) while the others work, so health and routing go by it.
// It is "" for a path that begins with a parameter, and for "/". It allocates
// nothing.
func ClassOf(path string) string {
	class := strings.TrimPrefix(path, "/")
	if i := strings.IndexAny(class, "/?"); i >= 0 {
		class = class[:i]
	}
	if _, ok := paramSegment(class); ok {
		return ""
	}
	return class
}

// Class is the endpoint's class: [ClassOf] its path. Requests for one of its
// aliases may be of another.
func (e *Endpoint) Class() string { return ClassOf(e.Path) }

// A Canary is a target that answers 200 on an origin that serves a class.
type Canary struct {
	Class  string
	Target string // path and query
}

// Canaries are the first GET canary of each class, in the catalogue's order.
func (c *Catalogue) Canaries() (list []Canary) {
	seen := map[string]bool{}
	for i := range c.Endpoints {
		e := &c.Endpoints[i]
		if class := e.Class(); e.Method == "GET" && len(e.Canaries) > 0 && !seen[class] {
			seen[class] = true
			list = append(list, Canary{class, e.Canaries[0]})
		}
	}
	return list
}
