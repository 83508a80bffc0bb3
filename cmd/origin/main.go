// Command origin serves the Ensembl REST API from a genome file or in front of
// another server, and loads Ensembl's dumps into genome files.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
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
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	var usage usageError
	var config configError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "origin: %v\nRun %s --help.\n", usage.error, command.CommandPath())
		return exitUsage
	case errors.As(err, &config):
		fmt.Fprintf(stderr, "origin: %v\n", config.error)
		return exitConfig
	}
	fmt.Fprintf(stderr, "origin: %v\n", err)
	return exitRuntime
}

// usageError is a command line that says nothing sensible.
type usageError struct{ error }

// configError is a setting that cannot be worked with.
type configError struct{ error }

func configErrorf(format string, args ...any) error { return configError{fmt.Errorf(format, args...)} }

// noArgs makes cobra's complaint about arguments a usage error.
func noArgs(c *cobra.Command, args []string) error {
	if err := cobra.NoArgs(c, args); err != nil {
		return usageError{err}
	}
	return nil
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{Use: "origin", Short: "The origin of a mirror network: the Ensembl REST API",
		SilenceUsage: true, SilenceErrors: true, Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(serveCommand(), loadCommand(), endpointsCommand(), openapiCommand(), healthcheckCommand(), versionCommand())
	return root
}

func versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), "origin", version)
			return err
		}}
}
