package loadbench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"

	"mirrornet/pkg/genomedb/load"
)

// Load loads the dumps below dir on one processor into a temporary file beside
// them, and writes a line with megabytes of text per second of processor time
// and the greatest memory of the process. A profile is written to the file
// profile, if that is given.
func Load(ctx context.Context, w io.Writer, dir, profile string) (err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	temp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), "load-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	before, start := processorTime(), time.Now()
	report, err := load.Run(ctx, load.Config{From: dir, DB: filepath.Join(temp, "x.sqlite")})
	if err != nil {
		return err
	}
	cpu, wall := processorTime()-before, time.Since(start)
	var rows int64
	for _, d := range report.Databases {
		rows += d.Rows
	}
	st, err := os.Stat(filepath.Join(temp, "x.sqlite"))
	if err != nil {
		return err
	}
	mb := float64(report.TextBytes) / 1e6
	_, err = fmt.Fprintf(w, "%.0f MB of text, %d rows, into %.0f MB: %.1f s of processor, %.1f MB/s; %.1f s in all; at most %d MiB resident\n",
		mb, rows, float64(st.Size())/1e6, cpu.Seconds(), mb/cpu.Seconds(), wall.Seconds(), maxResident()>>20)
	return err
}

func usage() (u syscall.Rusage) {
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it fails only for other arguments
	return u
}

func processorTime() time.Duration {
	u := usage()
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// maxResident is the greatest so far, in bytes. Linux counts in kilobytes.
func maxResident() int64 { return usage().Maxrss << 10 }
