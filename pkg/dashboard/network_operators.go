package dashboard

import (
	"slices"
	"time"

	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
)

// operators is what the operators' listener adds to the page.
type operators struct {
	status.Operators
	Rows []drainRow // drains of what has no row of its own in a table
}

// drainRow is what there is to do with one region or node.
type drainRow struct {
	Kind, Name string
	InForce    bool
	By, Why    string
	Until      time.Time
}

// outcomes are what the words of region.Use mean to people.
var outcomes = map[string]string{
	string(region.ByFile):   "known; the file here holds",
	string(region.InForce):  "in force; there is no file here",
	string(region.Outvoted): "outvoted by other nodes of the region",
	string(region.Refused):  "refused",
}

func newOperators(o *status.Operators, v *status.Visit) *operators {
	ops := &operators{Operators: *o}
	ops.Announcements = slices.Clone(o.Announcements)
	for i := range ops.Announcements {
		a := &ops.Announcements[i]
		if text := outcomes[a.Outcome]; text != "" {
			a.Outcome = text
		}
	}
	known := map[string]bool{}
	for _, g := range v.Report.Regions {
		known["region "+string(g.Name)] = true
	}
	for _, n := range v.Report.Nodes {
		known["node "+n.Name] = true
	}
	for _, d := range o.Drains {
		if !known[d.Kind+" "+d.Name] {
			ops.Rows = append(ops.Rows, drainRow{Kind: d.Kind, Name: d.Name, InForce: true, By: d.By, Why: d.Why, Until: d.Until})
		}
	}
	return ops
}

// drain is what a row of a table offers; nil on the public page.
func (o *operators) drain(kind, name string) *drainRow {
	if o == nil {
		return nil
	}
	row := &drainRow{Kind: kind, Name: name}
	for _, d := range o.Drains {
		if d.Kind == kind && d.Name == name {
			row.InForce, row.By, row.Why, row.Until = true, d.By, d.Why, d.Until
		}
	}
	return row
}

// Shown reports whether the row already says that and why it is drained.
func (r *drainRow) Shown() bool { return r != nil && r.InForce }
