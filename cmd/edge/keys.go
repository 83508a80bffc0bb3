package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mirrornet/pkg/status"
)

// said is what a node states of itself: its public addresses, and 8 hex digits
// of the SHA-256 of each gossip key that it has, the one in use first.
type said struct {
	Addresses []string `json:"addresses,omitempty"`
	Keys      []string `json:"keys,omitempty"`
}

// A keyHolder is one node and the keys that it has.
type keyHolder struct {
	Node string `json:"node"`
	said
}

func keysCommand() *cobra.Command {
	c := &cobra.Command{Use: "keys", Short: "The keys of gossip", Args: commandArgs(cobra.NoArgs), RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	list := &cobra.Command{Use: "list", Short: "List which node has which gossip key, and what a rotation needs next",
		Long: "List which node has which gossip key, by fingerprint (8 hex digits of SHA-256), the one that it encrypts with first. To rotate: add the new key to every node's key file below the old one and send HUP; when all have it, move it to the top everywhere; when all use it, remove the old one.",
		Args: commandArgs(cobra.NoArgs)}
	a := askFlags(list)
	list.RunE = func(c *cobra.Command, _ []string) error {
		var r operators
		if err := a.status(c, &r); err != nil {
			return err
		}
		rows, advice := keyTable(r.Nodes, r.Keys)
		v := struct {
			Nodes  []keyRow `json:"nodes"`
			Advice []string `json:"advice"`
		}{rows, advice}
		return a.print(c.OutOrStdout(), v, func(t *tabwriter.Writer) {
			fmt.Fprintln(t, "NODE\tUSES\tHAS TOO\tLACKS")
			for _, k := range rows {
				uses, too := "-", "-"
				if len(k.Keys) > 0 {
					uses = k.Keys[0]
				}
				if len(k.Keys) > 1 {
					too = strings.Join(k.Keys[1:], " ")
				}
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", k.Node, uses, too, cmp.Or(strings.Join(k.Lacks, " "), "-"))
			}
			fmt.Fprintln(t)
			for _, line := range advice {
				fmt.Fprintln(t, line)
			}
		})
	}
	c.AddCommand(list)
	return c
}

type keyRow struct {
	Node  string   `json:"node"`
	Keys  []string `json:"keys"`            // the first is used
	Lacks []string `json:"lacks,omitempty"` // used by others
}

// keyTable says who has which key and lacks one that another uses, and what a
// rotation of keys needs next.
func keyTable(nodes []status.Node, holders []keyHolder) (rows []keyRow, advice []string) {
	users, owners := map[string][]string{}, map[string]int{}
	var silent []string
	for _, n := range nodes {
		if n.Membership != "alive" && n.Membership != "suspect" && !n.Self {
			continue
		}
		row := keyRow{Node: n.Name}
		if i := slices.IndexFunc(holders, func(h keyHolder) bool { return h.Node == n.Name }); i >= 0 {
			row.Keys = holders[i].Keys
		}
		if len(row.Keys) == 0 {
			silent = append(silent, n.Name)
		} else {
			users[row.Keys[0]] = append(users[row.Keys[0]], n.Name)
		}
		for _, k := range row.Keys {
			owners[k]++
		}
		rows = append(rows, row)
	}
	if len(owners) == 0 {
		return rows, []string{"No node states a key: gossip is not encrypted, as is allowed on loopback alone."}
	}
	var used, known []string
	for k := range owners {
		known = append(known, k)
		if users[k] != nil {
			used = append(used, k)
		}
	}
	slices.Sort(used)
	slices.Sort(known)
	for i := range rows {
		for _, k := range used {
			if len(rows[i].Keys) > 0 && !slices.Contains(rows[i].Keys, k) {
				rows[i].Lacks = append(rows[i].Lacks, k)
				advice = append(advice, fmt.Sprintf("%s cannot read what %s sends: add key %s to its gossip.key_file and send it HUP.",
					rows[i].Node, strings.Join(users[k], ", "), k))
			}
		}
	}
	if silent != nil {
		advice = append(advice, fmt.Sprintf("Of %s no key is known (yet): do not remove any.", strings.Join(silent, ", ")))
	}
	for _, k := range known {
		switch {
		case users[k] == nil && owners[k] == len(rows):
			advice = append(advice, fmt.Sprintf("All nodes have %s and none uses it: if it is the new one, move it to the top everywhere and send HUP; if it is the old one, remove it.", k))
		case users[k] == nil && silent == nil:
			advice = append(advice, fmt.Sprintf("%d of %d nodes have %s and none uses it: if it is the new one, add it to the others too before one uses it.", owners[k], len(rows), k))
		}
	}
	switch {
	case len(used) == 1 && silent == nil:
		advice = append(advice, fmt.Sprintf("All %d nodes use %s.", len(rows), used[0]))
	case len(used) > 1:
		advice = append(advice, fmt.Sprintf("Nodes use %d keys: a rotation is under way. Remove none before all use the same.", len(used)))
	}
	return rows, advice
}
