package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"mirrornet/pkg/drain"
	"mirrornet/pkg/edge"
	"mirrornet/pkg/geoip"
	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
)

const askTimeout = 3 * time.Second

// errNotRunning says that there is no node to ask.
var errNotRunning = errors.New("no running node answers")

// ask GETs JSON from a running node's admin listener.
func ask(ctx context.Context, admin, path string, v any) error {
	return send(ctx, http.MethodGet, admin, path, "", nil, v)
}

// send makes a request to a running node's admin listener and reads its JSON.
func send(ctx context.Context, method, admin, path, token string, body []byte, v any) error {
	if admin == "" {
		return errNotRunning
	}
	if !strings.Contains(admin, "://") {
		admin = "http://" + admin
	}
	admin = strings.TrimSuffix(admin, "/")
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, admin+path, bytes.NewReader(body))
	if err != nil {
		return usageError{err}
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%w at %s: %v", errNotRunning, admin, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return err
	}
	var said struct{ Error string }
	switch {
	case resp.StatusCode != http.StatusOK && json.Unmarshal(answer, &said) == nil && said.Error != "":
		return fmt.Errorf("%s answered %s: %s", admin, resp.Status, said.Error)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s%s answered %s: %s", admin, path, resp.Status, strings.TrimSpace(string(answer)))
	}
	if err := json.Unmarshal(answer, v); err != nil {
		return fmt.Errorf("%s%s answered no JSON of a node: %v; name a node's admin listener with --admin", admin, path, err)
	}
	return nil
}

// asking are the flags of commands that ask a running node.
type asking struct {
	admin, output string
	config        func() (config, error)
}

func askFlags(c *cobra.Command) *asking {
	a := &asking{config: configFlags(c)}
	c.Flags().StringVar(&a.admin, "admin", "", "admin listener of the node to ask, like 127.0.0.1:9080; default: that of the configuration")
	c.Flags().StringVarP(&a.output, "output", "o", "table", "table or json")
	return a
}

func (a *asking) check() error {
	if a.output != "table" && a.output != "json" {
		return usageError{fmt.Errorf("--output %q; write table or json", a.output)}
	}
	return nil
}

// where is the admin listener to ask.
func (a *asking) where() (string, error) {
	if a.admin != "" {
		return a.admin, nil
	}
	c, err := a.config()
	if err != nil {
		return "", err
	}
	if c.admin == "" {
		return "", errors.Join(errNotRunning, invalid{"admin.listen is empty, so no running node can be asked; set it, or give --admin"})
	}
	return c.admin, nil
}

func (a *asking) print(w io.Writer, v any, table func(*tabwriter.Writer)) error {
	if a.output == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	table(t)
	return t.Flush()
}

func membersCommand() *cobra.Command {
	c := &cobra.Command{Use: "members", Short: "List the nodes as a running node sees them", Args: commandArgs(cobra.NoArgs)}
	a := askFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		var r operators
		if err := a.status(c, &r); err != nil {
			return err
		}
		return a.print(c.OutOrStdout(), r.Nodes, func(t *tabwriter.Writer) {
			fmt.Fprintln(t, "NODE\tREGION\tMEMBERSHIP\tSTATE\tREVISION\tRTT")
			for _, n := range r.Nodes {
				name, rtt := n.Name, "-"
				if n.Self {
					name += " (asked)"
				}
				if n.RTT > 0 {
					rtt = fmt.Sprintf("%.1f ms", n.RTT)
				}
				state := n.State
				if slices.ContainsFunc(r.Drains, func(d drain.Drain) bool { return d.Kind == drain.Node && d.Name == n.Name }) {
					state = "draining"
				}
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", name, n.Region, n.Membership, state, n.Revision, rtt)
			}
		})
	}
	return c
}

// status asks for the operators' status; v may be a part of it.
func (a *asking) status(c *cobra.Command, v any) error {
	if err := a.check(); err != nil {
		return err
	}
	where, err := a.where()
	if err != nil {
		return err
	}
	return ask(c.Context(), where, "/status.json", v)
}

func routeCommand() *cobra.Command {
	c := &cobra.Command{Use: "route ADDRESS | --file FILE", Short: "Explain which region serves a client, and why",
		Long: "Explain which region serves a client, and why. Asks the running node; without one, decides from the files, with every region's health unknown. " +
			"With --file it answers many addresses, a line each, in short.",
		Args: commandArgs(cobra.MaximumNArgs(1))}
	a := askFlags(c)
	host := c.Flags().String("host", "", "hostname that the client uses; default: the first canonical one")
	file := c.Flags().String("file", "", "file with one address a line, - for standard input, instead of ADDRESS")
	navigate := c.Flags().Bool("navigate", false, "decide as for a browser's page load")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := a.check(); err != nil {
			return err
		}
		switch {
		case (*file == "") == (len(args) == 0):
			return usageError{errors.New("give one address, or --file with many")}
		case *file != "":
			return a.routeMany(c, *file, *host, *navigate)
		}
		client, err := netip.ParseAddr(args[0])
		if err != nil {
			return usageError{fmt.Errorf("%q is no IP address; write one like 203.0.113.9", args[0])}
		}
		where, werr := a.where()
		q := url.Values{"addr": {client.String()}}
		if *host != "" {
			q.Set("host", *host)
		}
		if *navigate {
			q.Set("navigate", "1")
		}
		var x status.Explanation
		err = werr
		if werr == nil {
			err = ask(c.Context(), where, "/route?"+q.Encode(), &x)
		}
		if errors.Is(err, errNotRunning) && a.admin == "" {
			fmt.Fprintln(c.ErrOrStderr(), notRunning)
			x, err = a.explainFromFiles(client.Unmap(), *host, *navigate)
		}
		if err != nil {
			return err
		}
		return a.print(c.OutOrStdout(), x, func(t *tabwriter.Writer) { explanationTable(t, x) })
	}
	return c
}

const notRunning = "edge: no running node answers; deciding from the files, with health unknown: every region counts as serving"

func (a *asking) explainFromFiles(client netip.Addr, host string, navigate bool) (status.Explanation, error) {
	m, c, places, err := a.files()
	if err != nil {
		return status.Explanation{}, err
	}
	return edge.ExplainUnprobed(m, c.region).Explain(client, places.Locate(client), host, navigate), nil
}

// files is what a node would decide by, but for its health.
func (a *asking) files() (*region.Map, config, *geoip.Locator, error) {
	c, err := a.config()
	if err != nil {
		return nil, c, nil, err
	}
	m, err := region.Load(c.regions)
	if err != nil {
		return nil, c, nil, invalid{err.Error()}
	}
	if _, ok := m.Region(c.region); !ok {
		return nil, c, nil, noRegion(c)
	}
	places, err := geoip.Open(geoip.Config{Database: c.geo, ASN: c.asns})
	if err != nil {
		return nil, c, nil, invalid{"geo: " + err.Error()}
	}
	return m, c, places, nil
}

func explanationTable(t *tabwriter.Writer, x status.Explanation) {
	place := x.Place.City
	if x.Place.Country != "" {
		place = strings.TrimPrefix(place+", "+x.Place.Country, ", ")
	}
	if place == "" {
		place = "not known"
	}
	fmt.Fprintf(t, "client\t%s\nplace\t%s\nhost\t%s (%s)\naction\t%s\nregion\t%s\nnearest\t%s\nreason\t%s\n\n",
		x.Client, place, x.Host, x.HostKind, x.Action, x.Region, x.Nearest, x.Reason)
	fmt.Fprintln(t, "CANDIDATE\tSERVING\tKM\tRULE\tREASON")
	for _, c := range x.Candidates {
		km, name := "-", string(c.Region)
		if c.DistanceKm != nil {
			km = fmt.Sprintf("%.0f", *c.DistanceKm)
		}
		if c.Chosen {
			name = "* " + name
		}
		rule := c.Rule
		if rule == "" {
			rule = "-"
		}
		fmt.Fprintf(t, "%s\t%t\t%s\t%s\t%s\n", name, c.Serving, km, rule, c.Reason)
	}
}

func checkCommand() *cobra.Command {
	c := &cobra.Command{Use: "check", Short: "Check edge.yaml and the region files, all faults at once",
		Long: "Check edge.yaml and the region files, all faults at once. With --regions alone it checks a folder of region files, as the CI of a configuration repository would.",
		Args: commandArgs(cobra.NoArgs)}
	read := configFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if dir := c.Flags().Lookup("regions"); dir.Changed && !c.Flags().Changed("config") {
			return checkRegions(c.OutOrStdout(), dir.Value.String())
		}
		cfg, err := read()
		var faults invalid
		if err != nil && !errors.As(err, &faults) {
			return err
		}
		var m *region.Map
		if cfg.regions != "" {
			if m, err = region.Load(cfg.regions); err != nil {
				faults = append(faults, err.Error())
			} else if _, ok := m.Region(cfg.region); !ok && cfg.region.Valid() {
				faults = append(faults, noRegion(cfg)...)
			}
		}
		if _, err := geoip.Open(geoip.Config{Database: cfg.geo, ASN: cfg.asns}); err != nil {
			faults = append(faults, "geo: "+err.Error())
		}
		if _, err := readKeys(cfg.keyFile); err != nil {
			faults = append(faults, "gossip.key_file: "+err.Error())
		}
		if _, err := readKeys(cfg.originKeyFile); err != nil {
			faults = append(faults, "origin_key_file: "+err.Error())
		}
		if len(faults) > 0 {
			return faults
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "good: node %s in region %s, %d regions, revision %s\nlisten: http %s%s\n",
			cfg.node, cfg.region, len(m.Regions()), m.Revision(), cfg.listen, cfg.httpsText()+cfg.dnsText())
		return err
	}
	return c
}

func checkRegions(w io.Writer, dir string) error {
	m, err := region.Load(dir)
	if err != nil {
		return invalid{err.Error()}
	}
	_, err = fmt.Fprintf(w, "good: %d regions, revision %s\n", len(m.Regions()), m.Revision())
	return err
}

func healthcheckCommand() *cobra.Command {
	c := &cobra.Command{Use: "healthcheck", Short: "Ask a health URL; exit 0 when it answers 200", Args: commandArgs(cobra.NoArgs)}
	target := c.Flags().String("url", "http://127.0.0.1:8080"+edge.HealthPath, "URL to ask")
	c.RunE = func(c *cobra.Command, _ []string) error {
		ctx, cancel := context.WithTimeout(c.Context(), askTimeout)
		defer cancel()
		if u, err := url.Parse(*target); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return usageError{fmt.Errorf("--url %q; write an absolute one, as http://127.0.0.1:8080%s", *target, edge.HealthPath)}
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, *target, nil)
		if err != nil {
			return usageError{err}
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answered %s", *target, resp.Status)
		}
		return nil
	}
	return c
}
