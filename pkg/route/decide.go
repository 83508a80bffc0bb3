package route

import "net/http"

// regional: the name is the user's choice and is honoured while it can be. named
// is -1 where this node's own region has no file.
func (c *chooser) regional(named int) (Action, int, why) {
	r, q := c.r, &c.q
	self := r.plan.self
	able := r.able(named)
	switch {
	case q.Forwarded:
		return Serve, self, becauseForwarded
	case named == self && able:
		return Serve, self, becauseNamed
	case r.world.Isolated:
		return Serve, self, becauseIsolated
	case named == self:
		return c.inPlace()
	case able && !r.states[named].lacks(q.Class):
		return Proxy, named, becauseNamedOther
	}
	return Serve, self, becauseNamedUnable
}

// able reports whether nothing keeps a region from serving; -1: this node's own,
// of which there is no file.
func (r *Router) able(i int) bool {
	if i < 0 {
		s := r.world.status(r.world.Self)
		return s.Serving && s.Draining == ""
	}
	return r.states[i].able
}

// canonical: page loads are redirected, API calls do what policy says.
func (c *chooser) canonical(nearest int) (Action, int, why) {
	r, q := c.r, &c.q
	self := r.plan.self
	able := r.able(self)
	readOnly := q.Method == http.MethodGet || q.Method == http.MethodHead
	stay := q.Stay && !q.Force
	switch {
	case q.Forwarded:
		return Serve, self, becauseForwarded
	case r.world.Isolated:
		return Serve, self, becauseIsolated
	case nearest < 0:
		return Serve, self, becauseNobody
	case nearest == self:
		return Serve, self, becauseNearest
	case able && stay:
		return Serve, self, becauseStay
	}
	if q.Navigation && readOnly {
		if !stay && r.plan.network.Navigation != "serve" {
			return Redirect, nearest, becauseNavigation
		}
		if able {
			return Serve, self, becauseNavigationServe
		}
	} else if able {
		switch r.plan.network.API {
		case "proxy":
			return Proxy, nearest, becauseAPIProxy
		case "redirect":
			if readOnly {
				return Redirect, nearest, becauseAPIRedirect
			}
			return Serve, self, becauseMethod
		}
		return Serve, self, becauseAPIServe
	}
	// This region cannot, and may not redirect: somebody else answers through it.
	return c.inPlace()
}

// inPlace has another region answer a request that this one should and cannot.
func (c *chooser) inPlace() (Action, int, why) {
	if to := c.passOn(); to >= 0 {
		return Proxy, to, becauseInPlace
	}
	return Serve, c.r.plan.self, becauseNoOther
}
