package loadbench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"mirrornet/pkg/genomedb/load"
	"mirrornet/pkg/genomedb/mariadbtest"
)

// compareRounds is how often Compare loads with each; the best counts, as
// others may be at work on the machine.
const compareRounds = 3

// Compare loads the dumps below dir, whose files are not compressed, with
// origin load and with mariadb-import --local into a MariaDB server of its own,
// in turns, and writes a table of their rates. Of origin load, all is counted;
// of the other, neither the server's start nor CREATE TABLE.
func Compare(ctx context.Context, w io.Writer, dir string) error {
	if why := mariadbtest.Missing(); why != "" {
		return errors.New(why)
	}
	importer, err := exec.LookPath("mariadb-import")
	if err != nil {
		return fmt.Errorf("%w (Debian, Ubuntu: apt-get install mariadb-client)", err)
	}
	dumps, text, err := dumpsBelow(dir)
	if err != nil {
		return err
	}
	var ours, theirs []cost
	for range compareRounds {
		c, err := loadOnce(ctx, dir)
		if err != nil {
			return err
		}
		ours = append(ours, c)
		if c, err = importOnce(ctx, importer, dumps); err != nil {
			return err
		}
		theirs = append(theirs, c)
	}
	a, b := best(ours), best(theirs)
	mb := float64(text) / 1e6
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%d databases, %.1f MB of text\tseconds\tof processor\tMB/s\t\n", len(dumps), mb)
	fmt.Fprintf(t, "origin load\t%.2f\t%.2f\t%.1f\t\n", a.wall.Seconds(), a.cpu.Seconds(), mb/a.wall.Seconds())
	fmt.Fprintf(t, "mariadb-import --local\t%.2f\t%.2f\t%.1f\t\n", b.wall.Seconds(), b.cpu.Seconds(), mb/b.wall.Seconds())
	fmt.Fprintf(t, "ratio of the rates\t%.2f\t%.2f\t\t\n", b.wall.Seconds()/a.wall.Seconds(), b.cpu.Seconds()/a.cpu.Seconds())
	return t.Flush()
}

type cost struct{ wall, cpu time.Duration }

func best(all []cost) cost {
	return slices.MinFunc(all, func(a, b cost) int { return cmp.Compare(a.wall, b.wall) })
}

// localDump is a folder with its tables' files.
type localDump struct {
	dir   string
	files []string
}

func dumpsBelow(dir string) (dumps []localDump, text int64, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".sql" {
			return err
		}
		d := localDump{dir: filepath.Dir(path)}
		schema, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		all, err := filepath.Glob(filepath.Join(d.dir, "*.txt"))
		for _, f := range all {
			st, err := os.Stat(f)
			if err != nil {
				return err
			}
			table := strings.TrimSuffix(filepath.Base(f), ".txt")
			if st.Size() > 0 && strings.Contains(string(schema), "`"+table+"`") {
				d.files = append(d.files, f)
				text += st.Size()
			}
		}
		dumps = append(dumps, d)
		return err
	})
	return dumps, text, err
}

func loadOnce(ctx context.Context, dir string) (c cost, err error) {
	temp, err := os.MkdirTemp("", "load-*")
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	cpu, start := processorTime(), time.Now()
	_, err = load.Run(ctx, load.Config{From: dir, DB: filepath.Join(temp, "x.sqlite")})
	return cost{time.Since(start), processorTime() - cpu}, err
}

func importOnce(ctx context.Context, importer string, dumps []localDump) (c cost, err error) {
	server, err := mariadbtest.Launch()
	if err != nil {
		return c, err
	}
	defer server.Stop()
	for i, d := range dumps {
		name := fmt.Sprint("d", i)
		schemas, err := filepath.Glob(filepath.Join(d.dir, "*.sql"))
		if err != nil {
			return c, err
		}
		schema, err := os.ReadFile(schemas[0])
		if err != nil {
			return c, err
		}
		if err := errors.Join(server.Exec(ctx, "", "CREATE DATABASE "+name), server.Exec(ctx, name, string(schema))); err != nil {
			return c, err
		}
	}
	before, err := processorOf(server.Pid())
	if err != nil {
		return c, err
	}
	for i, d := range dumps {
		if len(d.files) == 0 {
			continue
		}
		socket := strings.TrimSuffix(strings.TrimPrefix(server.DSN(), "anyone@unix("), ")/")
		args := append([]string{"--no-defaults", "--silent", "--local", "--user=anyone", "--socket=" + socket, fmt.Sprint("d", i)}, d.files...)
		start := time.Now()
		command := exec.CommandContext(ctx, importer, args...)
		if out, err := command.CombinedOutput(); err != nil {
			return c, fmt.Errorf("mariadb-import of %s: %w\n%s", d.dir, err, out)
		}
		c.wall += time.Since(start)
		c.cpu += command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	}
	after, err := processorOf(server.Pid())
	c.cpu += after - before
	return c, err
}

// processorOf is the processor time of another process, from Linux's /proc,
// which counts in hundredths of a second.
func processorOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %d fields", pid, len(fields))
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2)
}
