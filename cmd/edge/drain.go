package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"mirrornet/pkg/admin"
	"mirrornet/pkg/drain"
	"mirrornet/pkg/status"
)

func drainCommand() *cobra.Command {
	c := &cobra.Command{Use: "drain [REGION|NODE]", Short: "Take a region or a node out for a while; without a name, list what is out",
		Long: "Take a region or a node out for a while, on all nodes. It gets no new clients, answers who asks it, and comes back by itself. Asks a running node, which keeps it over a restart. Without a name it lists what is out.",
		Args: commandArgs(cobra.MaximumNArgs(1))}
	a := askFlags(c)
	howLong := c.Flags().Duration("for", 0, "how long, like 2h or 90m; a minute to a week (required with a name)")
	why := c.Flags().String("why", "", "a few words for people")
	kind := kindFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := a.check(); err != nil {
			return err
		}
		if len(args) == 1 && *howLong <= 0 {
			return usageError{errors.New("for how long? give --for 2h; it ends by itself")}
		}
		if len(args) == 1 {
			k, name, r, err := a.subject(c, args[0], *kind)
			if err != nil {
				return err
			}
			var made drain.Drain
			err = a.change(c, http.MethodPost, "/drains", admin.DrainRequest{Kind: k, Name: name, For: howLong.String(), Why: *why}, &made)
			if err != nil {
				return err
			}
			if k == drain.Region && !slices.ContainsFunc(r.Regions, func(g status.Region) bool { return string(g.Name) != name && g.State == "serving" }) {
				fmt.Fprintf(c.ErrOrStderr(), "edge: no other region serves now, so clients have nowhere else to go\n")
			}
			return a.print(c.OutOrStdout(), made, func(t *tabwriter.Writer) {
				fmt.Fprintf(t, "%s %s is drained %s\nedge resume %s ends it before.\n", made.Kind, made.Name, made, made.Name)
			})
		}
		where, err := a.where()
		if err != nil {
			return err
		}
		var list []drain.Drain
		if err := ask(c.Context(), where, "/drains", &list); err != nil {
			return err
		}
		return a.print(c.OutOrStdout(), list, func(t *tabwriter.Writer) {
			if len(list) == 0 {
				fmt.Fprintln(t, "Nothing is drained by a statement.")
				return
			}
			fmt.Fprintln(t, "DRAINED\tUNTIL\tBY\tWHY")
			for _, d := range list {
				fmt.Fprintf(t, "%s %s\t%s\t%s\t%s\n", d.Kind, d.Name, d.Until.UTC().Format(time.RFC3339), d.By, d.Why)
			}
		})
	}
	return c
}

func resumeCommand() *cobra.Command {
	c := &cobra.Command{Use: "resume REGION|NODE", Short: "End a drain before its time", Args: commandArgs(cobra.ExactArgs(1))}
	a := askFlags(c)
	kind := kindFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := a.check(); err != nil {
			return err
		}
		k, name, _, err := a.subject(c, args[0], *kind)
		if err != nil {
			return err
		}
		var done map[string]any
		if err := a.change(c, http.MethodDelete, "/drains/"+string(k)+"/"+url.PathEscape(name), nil, &done); err != nil {
			return err
		}
		return a.print(c.OutOrStdout(), done, func(t *tabwriter.Writer) { fmt.Fprintf(t, "%s %s takes clients again\n", k, name) })
	}
	return c
}

func kindFlag(c *cobra.Command) *string {
	return c.Flags().String("kind", "", "region or node, where both have that name")
}

// subject finds out whether a name is a region's or a node's, now or in a drain.
func (a *asking) subject(c *cobra.Command, name, kind string) (drain.Kind, string, operators, error) {
	var r operators
	if kind != "" && kind != string(drain.Region) && kind != string(drain.Node) {
		return "", "", r, usageError{fmt.Errorf("--kind %q; write region or node", kind)}
	}
	if err := a.status(c, &r); err != nil {
		return "", "", r, err
	}
	if kind != "" {
		return drain.Kind(kind), name, r, nil
	}
	var known []string
	found := map[drain.Kind]bool{}
	note := func(k drain.Kind, n string) {
		known = append(known, n)
		if n == name {
			found[k] = true
		}
	}
	for _, g := range r.Regions {
		note(drain.Region, string(g.Name))
	}
	for _, n := range r.Nodes {
		note(drain.Node, n.Name)
	}
	for _, d := range r.Drains {
		note(d.Kind, d.Name)
	}
	switch {
	case len(found) == 2:
		return "", "", r, usageError{fmt.Errorf("a region and a node are named %s; say which with --kind", name)}
	case found[drain.Region]:
		return drain.Region, name, r, nil
	case found[drain.Node]:
		return drain.Node, name, r, nil
	}
	slices.Sort(known)
	return "", "", r, fmt.Errorf("neither a region nor a node is named %s; known are %s", name, strings.Join(slices.Compact(known), ", "))
}

// change asks the node for something that its token guards.
func (a *asking) change(c *cobra.Command, method, path string, body, v any) error {
	where, err := a.where()
	if err != nil {
		return err
	}
	cfg, err := a.config()
	var faults invalid
	if errors.As(err, &faults) { // with --admin only the token counts
		faults = slices.DeleteFunc(faults, func(s string) bool { return !strings.Contains(s, "admin.token_file: ") })
		if len(faults) > 0 {
			return faults
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return send(c.Context(), method, where, path, cfg.token, text, v)
}
