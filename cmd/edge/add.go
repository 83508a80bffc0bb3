package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"mirrornet/pkg/region"
)

// answers are the settings of a region to be, as given.
type answers struct {
	title, url, lat, lon, country, parent, state, soft, hard string
	continents, countries, networks, asns                    []string
	share                                                    string
}

func addCommand() *cobra.Command {
	c := &cobra.Command{Use: "add NAME", Short: "Write the file of a new region",
		Long: "Write the file of a new region. On a terminal it asks for what no flag says. The whole folder is checked with the new file before that is written; an existing file is never replaced.",
		Args: commandArgs(cobra.ExactArgs(1))}
	var a answers
	f := c.Flags()
	file := f.StringP("config", "c", os.Getenv("EDGE_CONFIG"), "path of edge.yaml (EDGE_CONFIG), for its regions folder")
	dir := f.String("regions", "", "folder of the region files; default: that of edge.yaml")
	f.StringVar(&a.url, "url", "", "scheme and host that users type, like https://africa.example.org (required)")
	f.StringVar(&a.title, "title", "", "what people read, like Africa (Cape Town)")
	f.StringVar(&a.lat, "lat", "", "latitude of its machines in degrees, north positive (required)")
	f.StringVar(&a.lon, "lon", "", "longitude of its machines in degrees, east positive (required)")
	f.StringVar(&a.country, "country", "", "code of its country, like ZA")
	f.StringVar(&a.parent, "parent", "", "region to ask before the origin")
	f.StringSliceVar(&a.continents, "continents", nil, "continents whose clients are meant for it, like AF")
	f.StringSliceVar(&a.countries, "countries", nil, "countries, like ZA,NA")
	f.StringSliceVar(&a.networks, "networks", nil, "networks, like 192.0.2.0/24")
	f.StringSliceVar(&a.asns, "asns", nil, "autonomous systems, like 64500")
	f.StringVar(&a.soft, "soft-rps", "", "requests per second above which the excess goes elsewhere")
	f.StringVar(&a.hard, "hard-rps", "", "requests per second above which it takes no new client")
	f.StringVar(&a.state, "state", "", "serving, canary, draining or retired; default: serving")
	f.StringVar(&a.share, "share", "", "percent of the clients in state canary")
	c.RunE = func(c *cobra.Command, args []string) error {
		folder := *dir
		if folder == "" {
			cfg, _ := readConfig(*file, os.LookupEnv, nil) // its other faults are edge check's
			if folder = cfg.regions; folder == "" {
				return usageError{errors.New("which folder? give --regions, or --config with an edge.yaml that names it")}
			}
		}
		if in, ok := c.InOrStdin().(*os.File); ok && term.IsTerminal(int(in.Fd())) {
			if err := a.complete(in, c.ErrOrStderr(), args[0]); err != nil {
				return err
			}
		}
		return a.add(c.OutOrStdout(), folder, region.Name(args[0]))
	}
	return c
}

// complete asks for what is missing; an empty answer leaves it so.
func (a *answers) complete(in io.Reader, out io.Writer, name string) error {
	lines := bufio.NewScanner(in)
	for _, q := range []struct {
		value *string
		text  string
	}{{&a.url, "URL that users type, like https://" + name + ".example.org"}, {&a.title, "Title for people, like Africa (Cape Town)"},
		{&a.lat, "Latitude in degrees, north positive"}, {&a.lon, "Longitude in degrees, east positive"}, {&a.country, "Country, like ZA"}} {
		if *q.value != "" {
			continue
		}
		fmt.Fprintf(out, "%s: ", q.text)
		if !lines.Scan() {
			return errors.Join(errors.New("the answers ended; nothing was written"), lines.Err())
		}
		*q.value = strings.TrimSpace(lines.Text())
	}
	if len(a.continents)+len(a.countries)+len(a.networks)+len(a.asns) == 0 {
		fmt.Fprint(out, "Continents whose clients it serves, like AF (empty: by distance alone): ")
		if lines.Scan() {
			a.continents = strings.FieldsFunc(lines.Text(), func(r rune) bool { return r == ',' || r == ' ' })
		}
	}
	return lines.Err()
}

var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+./:_-]*$|^-?[0-9.]+$`)

// scalar writes a value so that no reader takes it for something else.
func scalar(s string) string {
	if plain.MatchString(s) && !slices.Contains([]string{"no", "yes", "on", "off", "true", "false", "null", "y", "n"}, strings.ToLower(s)) {
		return s
	}
	return strconv.Quote(s)
}

// text is the file.
func (a *answers) text(name region.Name) string {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	given := func(key, value string) string {
		if value == "" {
			return ""
		}
		return key + ": " + scalar(value)
	}
	list := func(key string, values []string) string {
		var texts []string
		for _, v := range values {
			texts = append(texts, scalar(strings.TrimSpace(v)))
		}
		if len(texts) == 0 {
			return ""
		}
		return key + ": [" + strings.Join(texts, ", ") + "]"
	}
	flow := func(parts ...string) string {
		if parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" }); len(parts) == 0 {
			return ""
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	if a.title != "" {
		line("title", strconv.Quote(a.title))
	}
	if a.url != "" {
		line("url", scalar(a.url))
	}
	line("location", flow(given("lat", a.lat), given("lon", a.lon), given("country", a.country)))
	line("serves", flow(list("continents", a.continents), list("countries", a.countries), list("networks", a.networks), list("asns", a.asns)))
	line("capacity", flow(given("soft_rps", a.soft), given("hard_rps", a.hard)))
	for _, f := range [][2]string{{"parent", a.parent}, {"state", a.state}, {"share", a.share}} {
		if f[1] != "" {
			line(f[0], scalar(f[1]))
		}
	}
	return b.String()
}

func (a *answers) add(w io.Writer, dir string, name region.Name) error {
	text := a.text(name)
	if text == "" {
		return usageError{errors.New("where is it? give --url, --lat and --lon, or run this on a terminal to be asked")}
	}
	m, err := region.Add(dir, name, []byte(text))
	path := filepath.Join(dir, string(name)+".yaml")
	var bad region.Problems
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is there already, and was left as it is; edit it, or remove it first", path)
	case errors.As(err, &bad):
		return invalid{err.Error(), "Nothing was written. The file would have been:\n" + strings.TrimSuffix(text, "\n")}
	case err != nil:
		return err
	}
	fmt.Fprintf(w, "wrote %s: %d regions, revision %s\n%s\n", path, len(m.Regions()), m.Revision(), text)
	fmt.Fprintf(w, "Nodes that watch this folder have it within seconds.\nNext:\n")
	fmt.Fprintf(w, "  1. Start its node with node: %[1]s-1 and region: %[1]s in edge.yaml, this folder, and the gossip address of another node under gossip.join.\n", name)
	r, _ := m.Region(name)
	if m.Network().Announced.AllowsURL(r.URL) {
		fmt.Fprintf(w, "  2. Other nodes need no file: its node announces it, and announced.urls in network.yaml covers its URL. With the file, they keep it while its nodes are away.\n")
	} else {
		fmt.Fprintf(w, "  2. Copy %s to the other nodes, since announced.urls in network.yaml does not cover its URL.\n", path)
	}
	_, err = fmt.Fprintf(w, "  3. edge regions shows whether all nodes run revision %s, edge route ADDRESS who is sent there.\n", m.Revision())
	return err
}
