package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mirrornet/pkg/drain"
	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
)

// operators is what the admin listener's status adds to the public one, as far
// as commands show it.
type operators struct {
	status.Report
	Problems      []string         `json:"region_problems"`
	Announcements []region.Outcome `json:"announcements"`
	Drains        []drain.Drain    `json:"drains"`
	Keys          []keyHolder      `json:"keys"`
}

func regionsCommand() *cobra.Command {
	c := &cobra.Command{Use: "regions", Short: "List the regions as a running node sees them: where revisions differ, what is announced, what was refused",
		Args: commandArgs(cobra.NoArgs)}
	a := askFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		var r operators
		if err := a.status(c, &r); err != nil {
			return err
		}
		v := struct {
			Revision      string           `json:"revision"`
			Regions       []status.Region  `json:"regions"`
			Nodes         []status.Node    `json:"nodes"`
			Announcements []region.Outcome `json:"announcements,omitempty"`
			Drains        []drain.Drain    `json:"drains,omitempty"`
			Problems      []string         `json:"region_problems,omitempty"`
		}{r.Revision, r.Regions, r.Nodes, r.Announcements, r.Drains, r.Problems}
		return a.print(c.OutOrStdout(), v, func(t *tabwriter.Writer) { regionsTable(t, r) })
	}
	c.AddCommand(schemaCommand(), addCommand(), replayCommand())
	return c
}

func regionsTable(t *tabwriter.Writer, r operators) {
	drained := map[string]string{}
	for _, d := range r.Drains {
		drained[string(d.Kind)+" "+d.Name] = d.String()
	}
	fmt.Fprintln(t, "REGION\tSTATE\tNODES\tURL\tFROM\tWHY")
	for _, g := range r.Regions {
		from, why := "file", g.Why
		if g.Announced {
			from = "announced"
		}
		if d := drained["region "+string(g.Name)]; d != "" {
			if strings.HasPrefix(d, why) { // which says its end, and no more
				why = "drained " + d
			} else {
				why = "drained " + d + "; " + why
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\n", g.Name, g.State, g.Nodes, g.URL, from, why)
	}
	revisionsTable(t, r)
	for i, o := range noted(r.Announcements) {
		if i == 0 {
			fmt.Fprintln(t, "\nNODE\tREGION\tANNOUNCES\tUSED\tWHY")
		}
		for j, note := range o.Notes {
			if j == 0 {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", o.Node, o.Region, o.Digest, o.Use, note)
			} else {
				fmt.Fprintf(t, "\t\t\t\t%s\n", note)
			}
		}
	}
	for i, p := range r.Problems {
		if i == 0 {
			fmt.Fprintln(t, "\nThe region files as they are now are refused, and the last good ones hold:")
		}
		fmt.Fprintln(t, p)
	}
}

// noted are the announcements of which there is something to say.
func noted(list []region.Outcome) (out []region.Outcome) {
	for _, o := range list {
		if len(o.Notes) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// revisionsTable says which nodes run which revision, if they differ.
func revisionsTable(t *tabwriter.Writer, r operators) {
	var order []string
	nodes := map[string][]string{}
	for _, n := range r.Nodes {
		if n.Membership != "alive" && n.Membership != "suspect" && !n.Self {
			continue
		}
		revision := n.Revision
		if revision == "" {
			revision = "unknown"
		}
		if nodes[revision] == nil {
			order = append(order, revision)
		}
		nodes[revision] = append(nodes[revision], n.Name)
	}
	if len(order) == 1 {
		fmt.Fprintf(t, "\nAll %d nodes run revision %s.\n", len(nodes[order[0]]), order[0])
		return
	}
	fmt.Fprintln(t, "\nNodes run different revisions; compare their region files, above all network.yaml:\nREVISION\tNODES")
	for _, revision := range order {
		here := ""
		if revision == r.Revision {
			here = " (asked)"
		}
		fmt.Fprintf(t, "%s%s\t%s\n", revision, here, strings.Join(nodes[revision], " "))
	}
}

func schemaCommand() *cobra.Command {
	c := &cobra.Command{Use: "schema", Short: "Print the JSON Schema of region files, for editors and CI", Args: commandArgs(cobra.NoArgs)}
	network := c.Flags().Bool("network", false, "that of network.yaml")
	c.RunE = func(c *cobra.Command, _ []string) error {
		text := region.RegionSchema()
		if *network {
			text = region.NetworkSchema()
		}
		_, err := c.OutOrStdout().Write(text)
		return err
	}
	return c
}
