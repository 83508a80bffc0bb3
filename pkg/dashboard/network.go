package dashboard

import (
	"net/http"

	"mirrornet/pkg/status"
)

// Network writes the page at /network.
func (p *Pages) Network(w http.ResponseWriter, r *http.Request, v status.Visit) {
	p.show(w, r, p.network, layout{Title: "Network", Page: "network", Report: &v.Report, Note: noteFor(r, &v, "/network", ""), Problems: problems(&v),
		View: struct{ Differs bool }{revisionsDiffer(v.Report)}})
}

func revisionsDiffer(s status.Report) bool {
	for _, n := range s.Nodes {
		if n.Membership == "alive" && n.Revision != s.Revision {
			return true
		}
	}
	return false
}
