package dashboard

import (
	"net/http"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/status"
)

// Explorer writes the page at /.
func (p *Pages) Explorer(w http.ResponseWriter, r *http.Request, v status.Visit) {
	title := "mirrornet"
	var list []group
	if v.Catalogue != nil {
		title, list = v.Catalogue.Title, groups(v.Catalogue)
	}
	p.show(w, r, p.explorer, layout{Title: title, Page: "explorer", Report: &v.Report, Note: noteFor(r, &v, "/", ""), Problems: problems(&v), View: list})
}

type group struct {
	Name      string
	Endpoints []apispec.Endpoint
}

func groups(c *apispec.Catalogue) (list []group) {
	at := map[string]int{}
	for _, e := range c.Endpoints {
		i, ok := at[e.Group]
		if !ok {
			i = len(list)
			at[e.Group] = i
			list = append(list, group{Name: e.Group})
		}
		list[i].Endpoints = append(list[i].Endpoints, e)
	}
	return list
}
