// Command edge runs a node of the mirror network and asks a running one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"mirrornet/pkg/observe"
)

var version = "dev" // set by the linker

// Exit codes.
const (
	exitRuntime = 1
	exitUsage   = 2
	exitConfig  = 78 // EX_CONFIG of sysexits.h
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(context.Background())
	var usage usageError
	var wrong invalid
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintln(stderr, wrong)
		return exitConfig
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "edge: %v\nRun edge --help for the commands.\n", usage.error)
		return exitUsage
	}
	fmt.Fprintf(stderr, "edge: %v\n", err)
	return exitRuntime
}

type usageError struct{ error }

// commandArgs makes cobra's complaint about arguments a usage error.
func commandArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{Use: "edge", Short: "A node of a mirror network for a read-mostly HTTP API",
		SilenceUsage: true, SilenceErrors: true, Args: commandArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(serveCommand(), checkCommand(), routeCommand(), membersCommand(), regionsCommand(), keysCommand(),
		drainCommand(), resumeCommand(), healthcheckCommand(), versionCommand())
	return root
}

// configFlags adds --config and one flag per setting, and gives a function
// that reads the configuration after parsing.
func configFlags(c *cobra.Command) func() (config, error) {
	file := c.Flags().StringP("config", "c", os.Getenv("EDGE_CONFIG"), "path of edge.yaml (EDGE_CONFIG)")
	var s settings
	for _, f := range s.all() {
		c.Flags().String(f.flag(), "", f.help+" ("+f.env()+")")
		if _, ok := f.value.(*bool); ok {
			c.Flags().Lookup(f.flag()).NoOptDefVal = "true"
		}
	}
	return func() (config, error) {
		given := map[string]string{}
		c.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
		return readConfig(*file, os.LookupEnv, given)
	}
}

func serveCommand() *cobra.Command {
	c := &cobra.Command{Use: "serve", Short: "Run a node until a signal ends it", Args: commandArgs(cobra.NoArgs)}
	read := configFlags(c)
	debug := c.Flags().Bool("debug", false, "log more")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := read()
		if err != nil {
			return err
		}
		level := slog.LevelInfo
		if *debug {
			level = slog.LevelDebug
		}
		return serve(c.Context(), cfg, observe.NewLogger(os.Stderr, term.IsTerminal(int(os.Stderr.Fd())), level))
	}
	return c
}

func versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: commandArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), "edge", version)
			return err
		}}
}
