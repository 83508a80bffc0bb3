//go:build linux

package world

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// run starts a program at a host; what it writes is appended to NAME.log.
func (w *World) run(h *host, name, program string, args ...string) *process {
	w.t.Helper()
	if err := os.MkdirAll(w.at(h, ""), 0o755); err != nil {
		w.t.Fatal(err)
	}
	log, err := os.OpenFile(w.at(h, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Close()
	p := &process{cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = w.at(h, ""), log, log
	if err := h.ns.start(p.cmd); err != nil {
		w.t.Fatalf("%s at %s: %v", name, h.name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	w.t.Cleanup(func() { p.kill(syscall.SIGKILL) })
	if name != "memcached" {
		h.mu.Lock()
		h.edge = p
		h.mu.Unlock()
	}
	return p
}

func (w *World) memcached(h *host) {
	w.t.Helper()
	w.run(h, "memcached", "memcached", "-s", w.at(h, "memcached.sock"), "-m", "32", "-t", "1", "-u", "root")
}

func (w *World) startEdge(h *host) {
	w.t.Helper()
	w.run(h, "edge", filepath.Join(w.bin, "edge"), "serve", "--config", w.at(h, "edge.yaml"))
}

// command runs an edge command at a node to its end, and gives what it wrote.
func (w *World) command(h *host, args ...string) (string, error) {
	var out bytes.Buffer
	cmd := exec.Command(filepath.Join(w.bin, "edge"), append(args, "--config", w.at(h, "edge.yaml"))...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := h.ns.start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		err = fmt.Errorf("edge %s at %s: %w: %s", strings.Join(args, " "), h.name, err, &out)
	}
	return out.String(), err
}

// process is what runs at a host.
func (h *host) process() *process {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.edge
}

// end stops all edges and then the origins, in order; whoever does not end is
// killed.
func (w *World) end() {
	var wg sync.WaitGroup
	for _, hosts := range [][]*host{append(w.nodes[:len(w.nodes):len(w.nodes)], w.added), w.origins} {
		for _, h := range hosts {
			p := h.process()
			if p == nil {
				continue
			}
			wg.Go(func() {
				p.cmd.Process.Signal(syscall.SIGTERM)
				select {
				case <-p.done:
				case <-time.After(20 * time.Second):
					w.t.Errorf("%s did not end within 20 s of SIGTERM", h.name)
					p.kill(syscall.SIGKILL)
				}
			})
		}
		wg.Wait()
	}
	if w.t.Failed() && *dir == "" {
		for _, h := range w.nodes {
			w.t.Logf("%s (the end of its log):\n%s", h.name, w.logTail(h, 2000))
		}
	}
}

// logTail is the end of an edge's log without the lines of requests.
func (w *World) logTail(h *host, size int) []byte {
	text, err := os.ReadFile(w.at(h, "edge.log"))
	if err != nil {
		return fmt.Append(nil, err)
	}
	var kept []byte
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte(`"msg":"request"`)) {
			kept = append(kept, line...)
		}
	}
	return kept[max(0, len(kept)-size):]
}
