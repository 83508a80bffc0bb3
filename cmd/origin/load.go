package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mirrornet/pkg/genomedb/load"
)

func loadCommand() *cobra.Command {
	var cfg load.Config
	var output string
	c := &cobra.Command{Use: "load --from DIR --db FILE", Short: "Load Ensembl database dumps into a genome file", Args: noArgs,
		Long: `Load the dumps under a folder, as Ensembl publishes them: a folder per database
with its table.sql and a TABLE.txt[.gz] per table. Databases that FILE already
has are kept, or replaced where the dumps hold them anew.

A dump at fault is refused with file and line, and FILE stays as it was.`,
		Example: "  origin load --from dumps/ --db ensembl.sqlite"}
	c.Flags().StringVar(&cfg.From, "from", "", "folder of dumps (required)")
	c.Flags().StringVar(&cfg.DB, "db", "", "genome file to make or extend (required)")
	c.Flags().BoolVar(&cfg.Replace, "replace", false, "begin with an empty file")
	c.Flags().StringVar(&output, "output", "table", "form of the summary: table or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if cfg.From == "" || cfg.DB == "" {
			return usageError{fmt.Errorf("load wants --from DIR and --db FILE")}
		}
		if err := checkOutput(output); err != nil {
			return err
		}
		p := &progress{w: c.ErrOrStderr(), redraw: isTerminal(c.ErrOrStderr())}
		cfg.Progress = p.show
		report, err := load.Run(c.Context(), cfg)
		p.end()
		if err != nil {
			return fmt.Errorf("nothing was loaded, %s is as it was: %w", cfg.DB, err)
		}
		for _, note := range report.Notes {
			fmt.Fprintln(c.ErrOrStderr(), "note:", note)
		}
		return printReport(c.OutOrStdout(), output, report)
	}
	return c
}

func printReport(w io.Writer, output string, report load.Report) error {
	if output == "json" {
		return json.NewEncoder(w).Encode(report)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "DATABASE\tKIND\tOWNER\tTABLES\tROWS")
	for _, d := range report.Databases {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\n", d.Name, d.Kind, d.Owner, d.Tables, d.Rows)
	}
	return t.Flush()
}

// progress shows how far a load is: one line that is drawn again on a
// terminal, elsewhere a line per database.
type progress struct {
	w        io.Writer
	redraw   bool
	drawn    bool
	database string
}

func (p *progress) show(now load.Progress) {
	percent := int64(100)
	if now.BytesTotal > 0 {
		percent = 100 * now.BytesDone / now.BytesTotal
	}
	switch {
	case p.redraw:
		fmt.Fprintf(p.w, "\r\x1b[K%3d %%  %s.%s  %d rows", percent, now.Database, now.Table, now.Rows)
		p.drawn = true
	case now.Database != p.database:
		fmt.Fprintf(p.w, "%3d %%  %s\n", percent, now.Database)
	}
	p.database = now.Database
}

// end leaves the redrawn line.
func (p *progress) end() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
