package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// endTime is how long a process may take to end by itself.
const endTime = 10 * time.Second

// process is one program that the demo started.
type process struct {
	name  string
	log   string // file with all that it writes
	again string // command that starts it again
	cmd   *exec.Cmd
	done  chan struct{} // closed when it ended
	err   error         // how; read it after done
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// processes are those that run, in the order of their start.
type processes struct {
	mu   sync.Mutex // guards all
	all  []*process
	dead chan *process
}

func (ps *processes) start(p *process, program string, args ...string) error {
	if err := os.MkdirAll(filepath.Dir(p.log), 0o755); err != nil {
		return err
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd = exec.Command(program, args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = attributes() // a terminal's Ctrl-C is ours to pass on, in order
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.done = make(chan struct{})
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.dead == nil {
		ps.dead = make(chan *process, 64)
	}
	ps.all = append(ps.all, p)
	go func() {
		if p.err = p.cmd.Wait(); p.err == nil {
			p.err = errEnded
		}
		close(p.done)
		ps.dead <- p
	}()
	return nil
}

func (ps *processes) list() []*process {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return slices.Clone(ps.all)
}

// ended is a process that has ended, if any has.
func (ps *processes) ended() *process {
	for _, p := range ps.list() {
		select {
		case <-p.done:
			return p
		default:
		}
	}
	return nil
}

// wait tells of each process that ends, until ctx does.
func (ps *processes) wait(ctx context.Context, tell func(*process)) error {
	for {
		select {
		case p := <-ps.dead:
			tell(p)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// end ends all processes, the last started first: edges before their
// memcached and the origin.
func (ps *processes) end() {
	all := ps.list()
	slices.Reverse(all)
	var wg sync.WaitGroup
	stop := func(p *process) {
		p.cmd.Process.Signal(syscall.SIGTERM)
		p.cmd.Process.Signal(syscall.SIGCONT) // one that was stopped could not end
		select {
		case <-p.done:
		case <-time.After(endTime):
			p.cmd.Process.Kill()
			<-p.done
		}
	}
	for _, edges := range []bool{true, false} {
		for _, p := range all {
			if (len(p.name) > 4 && p.name[:4] == "edge") == edges {
				wg.Go(func() { stop(p) })
			}
		}
		wg.Wait()
	}
}
