package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mirrornet/pkg/edge"
	"mirrornet/pkg/status"
)

// askedAtOnce is how many addresses one request to a running node carries: with
// the longest ones it stays below the 64 KiB that a node reads.
const askedAtOnce = 500

// routeMany answers a file of addresses, one a line, in short: a line of JSON
// each, or of columns between tabs.
func (a *asking) routeMany(c *cobra.Command, file, host string, navigate bool) error {
	in := c.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return usageError{err}
		}
		defer f.Close()
		in = f
	}
	answer, err := a.router(c, host, navigate)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(c.OutOrStdout(), 64<<10)
	write := a.routedLines(out)
	answered := func(addrs []netip.Addr) error {
		list, err := answer(addrs)
		for i := 0; err == nil && i < len(list); i++ {
			err = write(list[i])
		}
		return err
	}
	var addrs []netip.Addr
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return errors.Join(fmt.Errorf("%s:%d: %q is no IP address; write one a line, like 203.0.113.9", file, n, text), out.Flush())
		}
		if addrs = append(addrs, addr.Unmap()); len(addrs) == askedAtOnce {
			if err := answered(addrs); err != nil {
				return err
			}
			addrs = addrs[:0]
		}
	}
	if err := errors.Join(lines.Err(), answered(addrs)); err != nil {
		return err
	}
	return out.Flush()
}

// routedLines writes one line an answer.
func (a *asking) routedLines(w io.Writer) func(status.Routed) error {
	if a.output == "json" {
		e := json.NewEncoder(w)
		return func(r status.Routed) error { return e.Encode(r) }
	}
	fmt.Fprintln(w, "CLIENT\tCOUNTRY\tACTION\tREGION\tNEAREST\tREASON")
	return func(r status.Routed) error {
		_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Client, r.Country, r.Action, r.Region, r.Nearest, r.Reason)
		return err
	}
}

// router answers from the running node, or, where none does, from the files.
func (a *asking) router(c *cobra.Command, host string, navigate bool) (func([]netip.Addr) ([]status.Routed, error), error) {
	where, err := a.where()
	var node status.Report
	if err == nil {
		err = ask(c.Context(), where, "/status.json", &node)
	}
	switch {
	case errors.Is(err, errNotRunning) && a.admin == "":
		fmt.Fprintln(c.ErrOrStderr(), notRunning)
		return a.routerFromFiles(host, navigate)
	case err != nil:
		return nil, err
	}
	return func(addrs []netip.Addr) (list []status.Routed, err error) {
		if len(addrs) == 0 {
			return nil, nil
		}
		q := url.Values{}
		for _, addr := range addrs {
			q.Add("addr", addr.String())
		}
		if len(addrs) == 1 {
			q.Add("addr", addrs[0].String()) // one alone is explained at length
		}
		if host != "" {
			q.Set("host", host)
		}
		if navigate {
			q.Set("navigate", "1")
		}
		err = ask(c.Context(), where, "/route?"+q.Encode(), &list)
		return list[:min(len(list), len(addrs))], err
	}, nil
}

func (a *asking) routerFromFiles(host string, navigate bool) (func([]netip.Addr) ([]status.Routed, error), error) {
	m, c, places, err := a.files()
	if err != nil {
		return nil, err
	}
	x := edge.ExplainUnprobed(m, c.region)
	var list []status.Routed
	return func(addrs []netip.Addr) ([]status.Routed, error) {
		list = list[:0]
		for _, addr := range addrs {
			list = append(list, x.Route(addr, places.Locate(addr), host, navigate))
		}
		return list, nil
	}, nil
}
