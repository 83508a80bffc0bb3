//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// measureMemory starts a server, fills it, and says what an entry takes.
func (r *rig) measureMemory(ctx context.Context, name string, row row) (sample, error) {
	if name == theEdge {
		// Its heap grows towards what it may use: it gets what an operator would
		// give it for that many, a quarter of which is for the lane.
		row.setup.CacheMB = (r.o.entries*row.size*7/4)>>20 + 64
	}
	s, err := r.startServer(ctx, name, row)
	defer r.stopServer(s)
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	if err := fill(ctx, s.Addr, row, 1); err != nil {
		return sample{}, err
	}
	empty, err := s.memory()
	if err != nil {
		return sample{}, err
	}
	if err := fill(ctx, s.Addr, row, r.o.entries); err != nil {
		return sample{}, err
	}
	full, err := s.memory()
	if err != nil {
		return sample{}, err
	}
	n := float64(r.o.entries)
	result := sample{Bytes: float64(full-empty) / n, PerSecond: n / time.Since(began).Seconds()}
	// They must still be there: every hundredth is asked for.
	before, err := r.asked()
	if err != nil {
		return sample{}, err
	}
	c, err := dial(s.Addr)
	if err != nil {
		return sample{}, err
	}
	defer c.conn.Close()
	checked := 0
	for i := 0; i < r.o.entries; i += 100 {
		if err := c.verify(row.target(i), "", row.size); err != nil {
			return sample{}, err
		}
		checked++
	}
	after, err := r.asked()
	if err != nil {
		return sample{}, err
	}
	result.Lost = float64(after-before) / float64(checked)
	if name == theEdge {
		if result.Counted, err = counted(ctx, s.Admin); err != nil {
			return sample{}, err
		}
	}
	return result, nil
}

// memory is what a server takes: its processes, and its files in memory.
func (s *server) memory() (int64, error) {
	if err := s.count(); err != nil {
		return 0, err
	}
	sum, err := resident(s.pids)
	for _, dir := range s.folders {
		sum += folderSize(dir)
	}
	return sum, err
}

// counted is the edge's own count of bytes for each stored response.
func counted(ctx context.Context, admin string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/status.json", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var status struct {
		Memory struct{ Entries, Bytes float64 } `json:"memory"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		return 0, err
	}
	if status.Memory.Entries == 0 {
		return 0, errors.New("the edge counts no entries in /status.json")
	}
	return status.Memory.Bytes / status.Memory.Entries, nil
}
