//go:build linux

package main

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
)

// machine says what was measured on, and which servers.
func (r *rig) machine() string {
	var b strings.Builder
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := cpuModel(string(text)); m != "" {
			model = m
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	average, _ := os.ReadFile("/proc/loadavg")
	fmt.Fprintf(&b, "%s, %d cores; server on core %d, load on core %d\n", model, runtime.NumCPU(), r.o.serverCore, r.o.loadCore)
	fmt.Fprintf(&b, "Linux %s, %s; load averages before: %s\n", strings.TrimSpace(string(kernel)), runtime.GOARCH,
		strings.Join(strings.Fields(string(average))[:min(3, len(strings.Fields(string(average))))], " "))
	var list []string
	for _, name := range slices.Sorted(maps.Keys(r.versions)) {
		list = append(list, name+" "+r.versions[name])
	}
	fmt.Fprintln(&b, strings.Join(list, ", "))
	return b.String()
}

func cpuModel(text string) string {
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
