package edge

import (
	"net/url"
	"slices"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/fetch"
	"mirrornet/pkg/health"
)

// How often an origin is probed: by the first canary of the catalogue, and by
// the canary of each other class. Each node of the network does so.
const (
	originEvery = time.Second
	classEvery  = 2 * time.Second
)

// originState is what is known of one origin.
type originState struct {
	source fetch.Source
	state  health.State // as far as asking it goes; serving if it serves any class
	lost   []string     // classes that it cannot serve
}

func originID(base *url.URL) string              { return "origin " + base.String() }
func classID(base *url.URL, class string) string { return originID(base) + " " + class }

// originTargets are the probes of the origins. Real requests are reported of
// the first, whatever their class.
func (e *Edge) originTargets() (targets []health.Target) {
	canaries := e.catalogue.canaries()
	for _, o := range e.Origins {
		t := health.Target{ID: originID(o), Kind: health.Origin, AlwaysTry: len(e.Origins) == 1, Every: originEvery, URL: o.String()}
		if len(canaries) == 0 {
			t.ConnectOnly = true
			targets = append(targets, t)
			continue
		}
		t.URL += canaries[0].Target
		targets = append(targets, t)
		for _, c := range canaries[1:] {
			t.ID, t.URL, t.Every = classID(o, c.Class), o.String()+c.Target, classEvery
			targets = append(targets, t)
		}
	}
	return targets
}

// observeOrigins looks at the origins: each for itself, and which classes
// none of them serves. It reports whether this node is known to reach none of
// them, which is damped as isolation has to be.
func (e *Edge) observeOrigins(w *world, view *health.View) (unreached bool) {
	canaries := e.catalogue.canaries()
	var all []health.TargetStatus // of every origin and class
	for _, o := range e.Origins {
		all = append(all, classStatus(view, o, canaries)...)
	}
	losers := map[string]int{}
	for _, o := range e.Origins {
		s := originState{source: fetch.Source{Kind: fetch.Origin, Name: o.String(), URL: o}, state: worth(view.Status[originID(o)])}
		for i, c := range classStatus(view, o, canaries) {
			if c.Answers() {
				s.state = health.Serving
			}
			if lost(c, all) && canaries[i].Class != "" {
				s.lost = append(s.lost, canaries[i].Class)
				losers[canaries[i].Class]++
			}
		}
		w.origins = append(w.origins, s)
	}
	w.down = !slices.ContainsFunc(w.origins, func(o originState) bool { return o.state != health.Unreachable })
	if !w.down {
		for class, n := range losers {
			if n == len(e.Origins) {
				w.without = append(w.without, class)
			}
		}
		slices.Sort(w.without)
	}
	return !slices.ContainsFunc(e.Origins, func(o *url.URL) bool {
		return view.Status[originID(o)].State != health.Unreachable ||
			slices.ContainsFunc(classStatus(view, o, canaries), func(c health.TargetStatus) bool { return c.State == health.Serving })
	})
}

// worth is the state of an origin as far as asking it goes: no client is sent
// there, so it is not damped.
func worth(t health.TargetStatus) health.State {
	if t.Back {
		return health.Serving
	}
	return t.State
}

// classStatus is what is known of one origin's canaries, in their order.
func classStatus(view *health.View, origin *url.URL, canaries []apispec.Canary) []health.TargetStatus {
	list := make([]health.TargetStatus, len(canaries))
	for i, c := range canaries {
		id := classID(origin, c.Class)
		if i == 0 {
			id = originID(origin)
		}
		list[i] = view.Status[id]
	}
	return list
}

// lost reports whether a canary fails while others are answered: before and
// after its verdict, so that neither an origin that dies nor one that comes
// back, whose canaries are never seen to do so at the same time, counts as one
// that lost a class.
func lost(c health.TargetStatus, all []health.TargetStatus) bool {
	return c.State == health.Unreachable && !c.Back && slices.ContainsFunc(all, func(o health.TargetStatus) bool {
		return o.State == health.Serving && o.LastOK.After(c.Since) && c.Failed.After(o.Since)
	})
}

// originSources are the origins to ask for something of that class ("": any),
// in order of preference: those that serve it, then those that lost it, then
// the unreachable; nobody may change the slice. down says that all of them are
// known not to answer.
func (w *world) originSources(class string) (sources []fetch.Source, down bool) {
	if s, ok := w.sources[class]; ok {
		return s, w.down
	}
	return w.sources[""], w.down
}

// order finds the origins to ask.
func (w *world) order() {
	w.sources = map[string][]fetch.Source{"": w.ordered("")}
	for _, o := range w.origins {
		for _, class := range o.lost {
			if w.sources[class] == nil {
				w.sources[class] = w.ordered(class)
			}
		}
	}
}

func (w *world) ordered(class string) []fetch.Source {
	var tiers [3][]fetch.Source
	for _, o := range w.origins {
		tier := 0
		switch {
		case o.state == health.Unreachable:
			tier = 2
		case slices.Contains(o.lost, class):
			tier = 1
		}
		tiers[tier] = append(tiers[tier], o.source)
	}
	return slices.Concat(tiers[:]...)
}
