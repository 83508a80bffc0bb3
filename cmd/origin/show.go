package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"mirrornet/pkg/ensembl/all"
	"mirrornet/pkg/origin"
)

func checkOutput(output string) error {
	if output != "table" && output != "json" {
		return usageError{fmt.Errorf("--output %q; write table or json", output)}
	}
	return nil
}

func endpointsCommand() *cobra.Command {
	var output string
	c := &cobra.Command{Use: "endpoints", Short: "List the API's endpoints", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			catalogue, err := origin.Catalogue(origin.Config{Modules: all.Modules()})
			if err != nil {
				return err
			}
			if output == "json" {
				return writeIndented(c.OutOrStdout(), catalogue)
			}
			t := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "METHOD\tPATH\tFRESH\tSUMMARY")
			for _, e := range catalogue.Endpoints {
				for _, path := range append([]string{e.Path}, e.Aliases...) {
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", e.Method, path, time.Duration(e.Freshness.MaxAge)*time.Second, e.Summary)
				}
			}
			return t.Flush()
		}}
	c.Flags().StringVar(&output, "output", "table", "table, or json for the whole catalogue")
	return c
}

func openapiCommand() *cobra.Command {
	return &cobra.Command{Use: "openapi", Short: "Print the API's OpenAPI document", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			catalogue, err := origin.Catalogue(origin.Config{Modules: all.Modules()})
			if err != nil {
				return err
			}
			doc, err := origin.OpenAPI(catalogue, all.Modules())
			if err != nil {
				return err
			}
			return writeIndented(c.OutOrStdout(), json.RawMessage(doc))
		}}
}

func writeIndented(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func healthcheckCommand() *cobra.Command {
	var target string
	var timeout time.Duration
	c := &cobra.Command{Use: "healthcheck", Short: "Ask a running origin whether it is ready; exit 0 if so, else 1", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			u, err := url.Parse(target)
			if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				return usageError{fmt.Errorf("--url %q; write an absolute one, as http://127.0.0.1:8000/-/healthz", target)}
			}
			return healthcheck(c.Context(), target, timeout)
		}}
	c.Flags().StringVar(&target, "url", "http://127.0.0.1:8000/-/healthz", "what to ask")
	c.Flags().DurationVar(&timeout, "timeout", 3*time.Second, "how long to wait")
	return c
}

func healthcheck(ctx context.Context, target string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{}} // the origin is near: no proxy
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s: %s", res.Status, strings.TrimSpace(string(body)))
	}
	return nil
}
