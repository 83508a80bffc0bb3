package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"mirrornet/pkg/genomedb/load"
	"mirrornet/pkg/genomedb/load/site"
)

func loadCommand() *cobra.Command {
	var cfg load.Config
	var output string
	c := &cobra.Command{Use: "load --from DIR|URL --db FILE", Short: "Load Ensembl database dumps into a genome file", Args: noArgs,
		Long: `Load the dumps under a folder or a site's address, as Ensembl publishes them: a
folder per database, such as mysql/homo_sapiens_core_115_38, with its .sql and a
TABLE.txt[.gz] per table. With a file CHECKSUMS beside them, all are checked.
Databases that FILE already has are kept, or replaced where the dumps hold them
anew.

FILE appears when all is in. Until then the work is in the folder FILE.partial:
after an interruption or a fault, the same command goes on there, with the first
table that is not finished. A dump at fault is refused with file and line.`,
		Example: `  origin load --from dumps/ --db ensembl.sqlite
  origin load --from https://ftp.ensembl.org/pub/ --release 115 --species human,mouse --kinds core,variation --db ensembl.sqlite
  origin load --from https://ftp.ensembl.org/pub/release-115/mysql/homo_sapiens_core_115_38/ --db human.sqlite
  origin load --from dumps/ --db new.sqlite --output json > summary.json`}
	c.Flags().StringVar(&cfg.From, "from", "", "folder or http(s) address of dumps (required)")
	c.Flags().StringVar(&cfg.DB, "db", "", "genome file to make or extend (required)")
	c.Flags().BoolVar(&cfg.Replace, "replace", false, "begin with an empty file")
	c.Flags().StringSliceVar(&cfg.Species, "species", nil, "load these species alone: production names such as homo_sapiens, or human, mouse …; multi: what belongs to none")
	c.Flags().StringSliceVar(&cfg.Kinds, "kinds", nil, "load these kinds of database alone: core, variation, funcgen, compara, ontology, stable_ids …")
	c.Flags().IntVar(&cfg.Release, "release", 0, "load this release of Ensembl alone")
	c.Flags().StringVar(&output, "output", "table", "form of the summary: table or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if cfg.From == "" || cfg.DB == "" {
			return usageError{fmt.Errorf("load wants --from DIR|URL and --db FILE")}
		}
		if scheme, _, is := strings.Cut(cfg.From, "://"); is && scheme != "http" && scheme != "https" {
			return usageError{fmt.Errorf("--from %q: dumps are read from a folder or over http and https; write for instance https://ftp.ensembl.org/pub/", cfg.From)}
		}
		if dir := filepath.Dir(cfg.DB); !isDir(dir) {
			return usageError{fmt.Errorf("--db %q: there is no folder %s; make it first", cfg.DB, dir)}
		}
		if cfg.Release < 0 {
			return usageError{fmt.Errorf("--release %d: releases are numbers such as 115", cfg.Release)}
		}
		if err := checkOutput(output); err != nil {
			return err
		}
		p := &progress{w: c.ErrOrStderr(), redraw: isTerminal(c.ErrOrStderr()), start: time.Now()}
		cfg.Progress = p.show
		cfg.Site = &site.Client{Retrying: func(url string, err error, wait time.Duration) {
			p.say("%v; trying again in %v", err, wait.Round(time.Second/10))
		}}
		report, err := load.Run(c.Context(), cfg)
		p.end()
		if err != nil {
			if _, left := os.Stat(cfg.DB + ".partial"); left == nil {
				return fmt.Errorf("%s is as it was, and what is finished waits in %s.partial for the same command: %w", cfg.DB, cfg.DB, err)
			}
			return fmt.Errorf("nothing was loaded, %s is as it was: %w", cfg.DB, err)
		}
		for _, note := range report.Notes {
			fmt.Fprintln(c.ErrOrStderr(), "note:", note)
		}
		return printReport(c.OutOrStdout(), output, report, time.Since(p.start))
	}
	return c
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// summary is the report's form in JSON.
type summary struct {
	Databases []loaded `json:"databases"`
	Notes     []string `json:"notes"`
	Resumed   int      `json:"tables_of_an_earlier_run"`
	TextBytes int64    `json:"text_bytes"`
	Seconds   float64  `json:"seconds"`
}

type loaded struct {
	Name          string `json:"name"`
	Kind          string `json:"kind"`
	Owner         string `json:"owner"`
	SchemaVersion int    `json:"schema_version"`
	Tables        int    `json:"tables"`
	Rows          int64  `json:"rows"`
	Ignored       int64  `json:"rows_ignored"`
}

func printReport(w io.Writer, output string, report load.Report, took time.Duration) error {
	if output == "json" {
		s := summary{Databases: []loaded{}, Notes: append([]string{}, report.Notes...), Resumed: report.Resumed, TextBytes: report.TextBytes, Seconds: took.Seconds()}
		for _, d := range report.Databases {
			s.Databases = append(s.Databases, loaded{d.Name, d.Kind, d.Owner, d.SchemaVersion, d.Tables, d.Rows, d.Ignored})
		}
		return json.NewEncoder(w).Encode(s)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "DATABASE\tKIND\tOWNER\tTABLES\tROWS")
	for _, d := range report.Databases {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\n", d.Name, d.Kind, d.Owner, d.Tables, d.Rows)
	}
	err := t.Flush()
	of := ""
	if report.Resumed > 0 {
		of = fmt.Sprintf("; %d tables were there from an earlier run", report.Resumed)
	}
	_, err2 := fmt.Fprintf(w, "%.1f MB of text in %v%s\n", float64(report.TextBytes)/1e6, took.Round(time.Second/10), of)
	return errors.Join(err, err2)
}

// progress shows how far a load is: one line that is drawn again on a
// terminal, elsewhere a line per database and every ten seconds.
type progress struct {
	mu       sync.Mutex // faults are told while files are fetched
	w        io.Writer
	redraw   bool
	drawn    bool
	database string
	start    time.Time
	shown    time.Time
}

func (p *progress) show(now load.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := time.Now()
	every := 10 * time.Second
	if p.redraw {
		every = time.Second / 10
	}
	if at.Sub(p.shown) < every && (p.redraw || now.Database == p.database) {
		return
	}
	p.shown, p.database = at, now.Database
	line := progressLine(now, at.Sub(p.start))
	if p.redraw {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		p.drawn = true
	} else {
		fmt.Fprintln(p.w, line)
	}
}

// progressLine says how far it is, how fast, and how long it may still take.
func progressLine(now load.Progress, took time.Duration) string {
	percent := int64(100)
	if now.BytesTotal > 0 {
		percent = 100 * now.BytesDone / now.BytesTotal
	}
	line := fmt.Sprintf("%3d %%", percent)
	if done := now.BytesDone - now.BytesResumed; done > 0 && took > time.Second/2 {
		rate := float64(done) / took.Seconds()
		left := time.Duration(float64(now.BytesTotal-now.BytesDone) / rate * float64(time.Second))
		line += fmt.Sprintf("  %.1f MB/s  %v left", rate/1e6, left.Round(time.Second))
	}
	line += "  " + now.Database
	if now.Table != "" {
		line += "." + now.Table
	}
	if now.Rows > 0 {
		line += fmt.Sprintf("  %d rows", now.Rows)
	}
	if now.Doing != "" {
		line += "  " + now.Doing
	}
	return line
}

// say writes a line of its own.
func (p *progress) say(format string, args ...any) {
	p.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, format+"\n", args...)
}

// end leaves the redrawn line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.drawn = false
	}
}
