package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"mirrornet/pkg/geoip"
	"mirrornet/pkg/region"
	"mirrornet/pkg/replay"
	"mirrornet/pkg/rtt"
)

// sharedMap is what a running node decides by, for another program to decide
// alike.
type sharedMap struct {
	Revision   string                 `json:"revision"`
	Network    string                 `json:"network"` // as network.yaml
	Regions    map[region.Name]string `json:"regions"` // as region files
	RoundTrips []sharedTrips          `json:"round_trips,omitempty"`
}

// sharedTrips is a digest of round trips that a node of a region gave.
type sharedTrips struct {
	Region region.Name `json:"region"`
	Digest []byte      `json:"digest"`
}

// shared is this node's map, with the announced regions, and what the network
// knows of round trips to clients.
func (n *node) shareMap() any {
	m := n.maps.Map()
	s := sharedMap{Revision: m.Revision(), Network: m.Network().Text(), Regions: map[region.Name]string{}}
	for _, r := range m.Regions() {
		s.Regions[r.Name] = r.Text()
	}
	if n.gossip == nil {
		return s
	}
	regions := map[string]region.Name{}
	for _, g := range n.gossip.Nodes() {
		regions[g.Name] = g.Region
	}
	for _, st := range n.gossip.Statements("rtt") {
		s.RoundTrips = append(s.RoundTrips, sharedTrips{regions[st.Writer], st.Value})
	}
	return s
}

func (s sharedMap) read() (*region.Map, *rtt.Map, error) {
	network, err := region.ParseNetwork("network.yaml", []byte(s.Network))
	if err != nil {
		return nil, nil, err
	}
	var regions []region.Region
	for name, text := range s.Regions {
		r, err := region.ParseRegion(name, string(name)+".yaml", []byte(text))
		if err != nil {
			return nil, nil, err
		}
		regions = append(regions, r)
	}
	m, err := region.NewMap(network, regions...)
	if err != nil {
		return nil, nil, err
	}
	var all []rtt.Said
	for _, d := range s.RoundTrips {
		if d.Region != "" {
			all = append(all, rtt.Said{Region: d.Region, Digest: d.Digest})
		}
	}
	trips, _ := rtt.Merge(all)
	return m, trips, nil
}

func replayCommand() *cobra.Command {
	c := &cobra.Command{Use: "replay --log FILE --to FOLDER", Short: "Show what changed region files would do to the clients of an access log",
		Long: `Show what changed region files would do to the clients of an access log: who moves from which region to which, the kilometres and round trips, and what each region then has to serve. Nothing is applied.

Before is the map of the running node, with what it knows of round trips; without one, the region files of edge.yaml. After is the folder --to. Logs may be compressed with gzip; - is the standard input.`,
		Args: commandArgs(cobra.NoArgs)}
	a := askFlags(c)
	logs := c.Flags().StringArray("log", nil, "access log of an edge; may be given again (required)")
	to := c.Flags().String("to", "", "folder with the changed region files (required)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := a.check(); err != nil {
			return err
		}
		if len(*logs) == 0 || *to == "" {
			return usageError{errors.New("what is to be replayed? give --log FILE and --to FOLDER")}
		}
		after, err := region.Load(*to)
		if err != nil {
			return invalid{err.Error()}
		}
		before, trips, err := a.before(c)
		if err != nil {
			return err
		}
		cfg, _ := a.config() // its other faults are edge check's
		geo, err := geoip.Open(geoip.Config{Database: cfg.geo, ASN: cfg.asns})
		if err != nil {
			return invalid{"geo: " + err.Error()}
		}
		if cfg.geo == "" {
			fmt.Fprintln(c.ErrOrStderr(), "edge: no geo.database is given, so clients have no place: rules by network alone decide")
		}
		rc := replay.Config{Before: before, After: after, Locate: geo.Locate}
		if trips.Len() > 0 {
			rc.Clients = trips
		}
		v := replayed{Before: before.Revision(), After: after.Revision()}
		in := &logFiles{names: *logs, stdin: c.InOrStdin()}
		stop := in.progress(c.ErrOrStderr())
		v.Report = replay.Replay(rc, in.entries(&v))
		stop()
		if in.err != nil {
			return in.err
		}
		return a.print(c.OutOrStdout(), v, func(t *tabwriter.Writer) { replayTable(t, v) })
	}
	return c
}

// before is the map that holds now.
func (a *asking) before(c *cobra.Command) (*region.Map, *rtt.Map, error) {
	where, err := a.where()
	var s sharedMap
	if err == nil {
		err = ask(c.Context(), where, "/map", &s)
	}
	if err == nil {
		return s.read()
	}
	var faults invalid // of what is no matter here, where the files are named
	if !errors.Is(err, errNotRunning) && !errors.As(err, &faults) || a.admin != "" {
		return nil, nil, err
	}
	cfg, err := a.config()
	if cfg.regions == "" {
		return nil, nil, err
	}
	fmt.Fprintf(c.ErrOrStderr(), "edge: no running node answers; before is %s, without round trips\n", cfg.regions)
	m, err := region.Load(cfg.regions)
	if err != nil {
		return nil, nil, invalid{err.Error()}
	}
	return m, nil, nil
}

// replayed is what the command prints.
type replayed struct {
	Before string `json:"revision_before"`
	After  string `json:"revision_after"`
	replay.Report
	Lines lineCounts `json:"lines"`
}

// lineCounts are the lines of the logs, by what they were.
type lineCounts struct {
	Read      int `json:"read"`
	Forwarded int `json:"forwarded"` // by another edge, which has logged them too
	Other     int `json:"other"`
	Broken    int `json:"broken"`
}

// logFiles reads logs one after the other.
type logFiles struct {
	names []string
	stdin io.Reader
	done  atomic.Int64 // bytes read, compressed
	total int64        // 0: unknown
	err   error
}

func (l *logFiles) entries(v *replayed) iter.Seq[replay.Entry] {
	return func(yield func(replay.Entry) bool) {
		for _, name := range l.names {
			if l.err = l.one(name, v, yield); l.err != nil {
				l.err = fmt.Errorf("%s: %w", name, l.err)
				return
			}
		}
	}
}

func (l *logFiles) one(name string, v *replayed, yield func(replay.Entry) bool) error {
	var file io.Reader = l.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		file = f
	}
	in := bufio.NewReader(counting{file, &l.done})
	var text io.Reader = in
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		defer z.Close()
		text = z
	}
	log := replay.ReadLog(text)
	for e := range log.Entries() {
		if !yield(e) {
			break
		}
	}
	v.Lines.Read += log.Read
	v.Lines.Forwarded += log.Forwarded
	v.Lines.Other += log.Other
	v.Lines.Broken += log.Broken
	return log.Err()
}

type counting struct {
	io.Reader
	n *atomic.Int64
}

func (c counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// progress writes how far the reading is, on a terminal, until the function
// that it gives is called.
func (l *logFiles) progress(w io.Writer) (stop func()) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func() {}
	}
	for _, name := range l.names {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			l.total += info.Size()
		}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				done := l.done.Load()
				if l.total > 0 {
					fmt.Fprintf(w, "\r%d of %d MiB, %d %% ", done>>20, l.total>>20, min(100, done*100/l.total))
				} else {
					fmt.Fprintf(w, "\r%d MiB ", done>>20)
				}
			case <-end:
				fmt.Fprint(w, "\r\x1b[K")
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}

func replayTable(t *tabwriter.Writer, v replayed) {
	period := ""
	if !v.From.IsZero() {
		period = ", " + v.From.UTC().Format(time.RFC3339) + " to " + v.To.UTC().Format(time.RFC3339)
	}
	fmt.Fprintf(t, "%s of %s%s; revision %s against %s\n", count(v.Requests, "request"), count(v.Clients, "client"), period, v.Before, v.After)
	if v.Unlocated > 0 {
		fmt.Fprintf(t, "%s from places that are not known\n", count(v.Unlocated, "request"))
	}
	if l := v.Lines; l.Forwarded+l.Other+l.Broken > 0 {
		fmt.Fprintf(t, "left out: %s that another edge forwarded, %s of other kinds, %d broken\n", count(l.Forwarded, "request"), count(l.Other, "line"), l.Broken)
	}
	if len(v.Moves) == 0 {
		fmt.Fprintln(t, "No client moves.")
	} else {
		fmt.Fprintf(t, "%s (%s) with %s (%s) would be served elsewhere\n\n", count(v.Moved.Clients, "client"), share(v.Moved.Clients, v.Clients), count(v.Moved.Requests, "request"), share(v.Moved.Requests, v.Requests))
		fmt.Fprintln(t, "FROM\tTO\tCLIENTS\tREQUESTS\tKM\tROUND TRIP\tONE OF THEM")
		row := func(from, to, example string, m replay.Moved) {
			km, trip := "-", "-"
			if m.KmKnown > 0 {
				km = fmt.Sprintf("%.0f → %.0f", m.KmBefore, m.KmAfter)
			}
			if m.RTTKnown > 0 {
				trip = fmt.Sprintf("%s → %s", m.RTTBefore.Round(time.Millisecond), m.RTTAfter.Round(time.Millisecond))
			}
			fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s\t%s\n", from, to, m.Clients, m.Requests, km, trip, example)
		}
		for _, m := range v.Moves {
			row(cmp.Or(string(m.From), "(none)"), cmp.Or(string(m.To), "(none)"), m.Example.String(), m.Moved)
		}
		row("all", "", "", v.Moved)
	}
	fmt.Fprintln(t, "\nREGION\tREQUESTS\tCLIENTS\tBUSIEST MINUTE, REQUESTS/S\tLIMITS")
	for _, l := range v.Regions {
		var limits []string
		if l.SoftRPS > 0 {
			limits = append(limits, fmt.Sprintf("soft %g", l.SoftRPS))
		}
		if l.HardRPS > 0 {
			limits = append(limits, fmt.Sprintf("hard %g", l.HardRPS))
		}
		if l.Over != "" {
			limits = append(limits, "ABOVE "+l.Over)
		}
		fmt.Fprintf(t, "%s\t%d → %d\t%d → %d\t%.1f → %.1f\t%s\n", cmp.Or(string(l.Region), "(none)"), l.RequestsBefore, l.RequestsAfter,
			l.ClientsBefore, l.ClientsAfter, l.PeakBefore, l.PeakAfter, cmp.Or(strings.Join(limits, ", "), "-"))
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func share(part, whole int) string {
	if whole == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}
