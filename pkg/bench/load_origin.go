//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"mirrornet/pkg/genomedb/load/loadbench"
)

// loadMain measures origin load: beside mariadb-import on dumps that exist, or
// on a dump that it makes, of any size.
func loadMain(args []string) error {
	f := flag.NewFlagSet("bench load", flag.ExitOnError)
	from := f.String("from", "../shared/ensembl/test-genome-DBs", "folder of dumps that are not compressed, to load with both")
	size := f.Int64("size", 0, "instead, make a dump of about so many MB and load that; twice the room is needed")
	dir := f.String("dir", "", "folder for it; empty: a temporary one")
	profile := f.String("profile", "", "write a CPU profile of that load to this file")
	f.Parse(args)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *size == 0 {
		return loadbench.Compare(ctx, os.Stdout, *from)
	}
	made, err := os.MkdirTemp(*dir, "bench-load")
	if err != nil {
		return err
	}
	dump := filepath.Join(made, loadbench.Database)
	err = loadbench.Generate(dump, *size*1_000_000, true)
	if err == nil {
		err = loadbench.Load(ctx, os.Stdout, dump, *profile)
	}
	return errors.Join(err, os.RemoveAll(made))
}
