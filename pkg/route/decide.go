package route

import (
	"net/http"
	"strings"

	"mirrornet/pkg/region"
)

// A Router decides in one World. It never changes and may be used by many
// goroutines.
type Router struct{ world World }

// Compile makes a Router.
func Compile(w World) *Router { return &Router{world: w} }

// Decide says what becomes of a request. The same arguments give the same
// Decision; a Decision never names a region that is not confirmed serving,
// except that this node serves what nobody else can.
func (r *Router) Decide(q Query) Decision { return r.Explain(q).Decision }

// Explain is Decide with its reasons.
func (r *Router) Explain(q Query) Explanation {
	w := r.world
	kind, named := w.Map.ByHost(hostname(q.Host))
	s := newScene(w, q)
	s.rank()
	d := Decision{Nearest: s.nearest(), HostKind: kind}
	if kind == region.Canonical {
		d.Action, d.Region, d.reason = s.canonical(q, d.Nearest)
	} else {
		if kind == region.Unknown {
			named = w.Self
		}
		d.Action, d.Region, d.reason = s.regional(q, named)
	}
	if r, ok := w.Map.Region(d.Region); ok {
		d.URL = r.URL
	}
	return Explanation{d, s.candidates()}
}

// hostname is a Host field without port and brackets.
func hostname(host string) string {
	if rest, ok := strings.CutPrefix(host, "["); ok {
		host, _, _ = strings.Cut(rest, "]")
		return host
	}
	host, _, _ = strings.Cut(host, ":")
	return host
}

// regional: the name is the user's choice and is honoured while it can be.
func (s *scene) regional(q Query, named region.Name) (Action, region.Name, string) {
	self := s.world.Self
	able := s.unable(named) == ""
	switch {
	case q.Forwarded:
		return Serve, self, "another edge forwarded the request to this one"
	case named == self && able:
		return Serve, self, "the request names this region"
	case s.world.Isolated:
		return Serve, self, "this node reaches no other region"
	case named == self:
		if to := s.passOn(); to != "" {
			return Proxy, to, "this region is " + s.unable(self) + "; " + string(to) + " answers in its place"
		}
		return Serve, self, "this region is " + s.unable(self) + ", but no other can answer"
	case able:
		return Proxy, named, "the request names the region " + string(named)
	}
	return Serve, self, "the request names the region " + string(named) + ", which is " + s.unable(named)
}

// canonical: page loads are redirected, API calls do what policy says.
func (s *scene) canonical(q Query, nearest region.Name) (Action, region.Name, string) {
	self, policy := s.world.Self, s.world.Map.Network()
	readOnly := q.Method == http.MethodGet || q.Method == http.MethodHead
	stay := q.Stay && !q.Force
	unable := s.unable(self)
	switch {
	case q.Forwarded:
		return Serve, self, "another edge forwarded the request to this one"
	case s.world.Isolated:
		return Serve, self, "this node reaches no other region"
	case nearest == "":
		return Serve, self, "no region can be chosen, so this one serves"
	case nearest == self:
		return Serve, self, "this region is the nearest"
	case unable == "" && stay:
		return Serve, self, "the client wants to stay; " + string(nearest) + " would be nearer"
	}
	if q.Navigation && readOnly {
		if !stay && policy.Navigation != "serve" {
			return Redirect, nearest, string(nearest) + " is the nearest region for this page load"
		}
		if unable == "" {
			return Serve, self, "page loads are served where they arrive (routing.navigation: serve); " + string(nearest) + " would be nearer"
		}
	} else if unable == "" {
		switch policy.API {
		case "proxy":
			return Proxy, nearest, "API calls are passed to the nearest region (routing.api: proxy)"
		case "redirect":
			if readOnly {
				return Redirect, nearest, "API calls are sent to the nearest region (routing.api: redirect)"
			}
			return Serve, self, "a " + q.Method + " is never redirected; " + string(nearest) + " would be nearer"
		}
		return Serve, self, "API calls are served where they arrive (routing.api: serve); " + string(nearest) + " would be nearer"
	}
	// This region cannot, and may not redirect: somebody else answers through it.
	if to := s.passOn(); to != "" {
		return Proxy, to, "this region is " + unable + "; " + string(to) + " answers in its place"
	}
	return Serve, self, "this region is " + unable + ", but no other can answer"
}
