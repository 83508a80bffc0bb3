//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc: USER_HZ is 100 on every Linux.
const tick = 10 * time.Millisecond

// stat is what a line of /proc/PID/stat says that matters here.
type stat struct {
	Parent int
	CPU    time.Duration // utime and stime
}

func parseStat(line []byte) (stat, error) {
	_, rest, ok := cutLast(line, ") ") // the name in parentheses may hold anything
	f := strings.Fields(string(rest))
	if !ok || len(f) < 13 {
		return stat{}, fmt.Errorf("no line of /proc/PID/stat: %q", line)
	}
	parent, err := strconv.Atoi(f[1])
	user, uerr := strconv.ParseInt(f[11], 10, 64)
	system, serr := strconv.ParseInt(f[12], 10, 64)
	if err != nil || uerr != nil || serr != nil {
		return stat{}, fmt.Errorf("no line of /proc/PID/stat: %q", line)
	}
	return stat{parent, time.Duration(user+system) * tick}, nil
}

func cutLast(b []byte, sep string) (before, after []byte, found bool) {
	i := bytes.LastIndex(b, []byte(sep))
	if i < 0 {
		return b, nil, false
	}
	return b[:i], b[i+len(sep):], true
}

func readStat(pid int) (stat, error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(line)
}

// family lists processes and all that descend from them.
func family(roots []int) []int {
	children := map[int][]int{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range files {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if s, err := readStat(pid); err == nil { // else it has ended meanwhile
			children[s.Parent] = append(children[s.Parent], pid)
		}
	}
	all := slices.Clone(roots)
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// cpuTime is what processes have used; one that ended is an error, since its
// time is lost.
func cpuTime(pids []int) (sum time.Duration, err error) {
	for _, pid := range pids {
		s, err := readStat(pid)
		if err != nil {
			return 0, err
		}
		sum += s.CPU
	}
	return sum, nil
}

// coreTime is how long a core was busy since the machine started.
func coreTime(core int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseCoreTime(string(text), core)
}

func parseCoreTime(text string, core int) (time.Duration, error) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 9 || f[0] != fmt.Sprintf("cpu%d", core) {
			continue
		}
		var busy int64
		for i, s := range f[1:9] { // user nice system idle iowait irq softirq steal
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("/proc/stat: %q", line)
			}
			if i != 3 && i != 4 {
				busy += n
			}
		}
		return time.Duration(busy) * tick, nil
	}
	return 0, fmt.Errorf("there is no core %d", core)
}

// resident is the memory of processes, in which what they share counts once.
func resident(pids []int) (sum int64, err error) {
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return 0, err
		}
		n, err := parseKB(string(text), "Pss:")
		if err != nil {
			return 0, fmt.Errorf("/proc/%d/smaps_rollup: %w", pid, err)
		}
		sum += n
	}
	return sum, nil
}

// parseKB finds a line like "Pss:  12 kB" and returns its bytes.
func parseKB(text, field string) (int64, error) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == field && f[2] == "kB" {
			n, err := strconv.ParseInt(f[1], 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("no line %s", field)
}

// folderSize is the room that the files of a folder take, which for a folder in
// memory is memory.
func folderSize(dir string) (sum int64) {
	filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if i, err := d.Info(); err == nil {
				sum += (i.Size() + 4095) &^ 4095 // whole pages
			}
		}
		return nil
	})
	return sum
}
