package origin

import (
	"context"
	"runtime"

	"golang.org/x/sync/semaphore"

	"mirrornet/pkg/apispec"
)

// turns share out the work, so that the costliest requests of one endpoint
// take at most half of it, and none of what shows edges that the origin lives.
type turns struct {
	all       room
	endpoints map[string]room // by id
	canaries  room            // of the catalogue's canaries, which are cheap
	// long are the bytes of long bodies that are held until clients have them.
	long *semaphore.Weighted
	most int64
}

// room is a part of the whole: places for requests, and for those among them
// whose answers are made.
type room struct{ slots, workers chan struct{} }

func newRoom(slots, workers int) room {
	return room{make(chan struct{}, max(slots, 1)), make(chan struct{}, max(workers, 1))}
}

const (
	canarySlots = 64
	// longBody is what a body may have without being counted.
	longBody = 1 << 20
)

func newTurns(cfg Config, endpoints []apispec.Endpoint) *turns {
	t := &turns{all: newRoom(cfg.MaxConcurrent, cfg.Workers), endpoints: make(map[string]room, len(endpoints)),
		canaries: newRoom(canarySlots, max(2, runtime.GOMAXPROCS(0))), long: semaphore.NewWeighted(cfg.MaxBodies), most: cfg.MaxBodies}
	for i := range endpoints {
		t.endpoints[endpoints[i].ID] = newRoom((cfg.MaxConcurrent+1)/2, (cfg.Workers+1)/2)
	}
	return t
}

// enter takes a place without waiting, to be left; ok is false when there is
// none.
func (t *turns) enter(id string, canary bool) (ok bool) {
	if canary {
		return try(t.canaries.slots)
	}
	own := t.endpoints[id].slots // none where no endpoint was found
	if own != nil && !try(own) {
		return false
	}
	if !try(t.all.slots) {
		if own != nil {
			<-own
		}
		return false
	}
	return true
}

func (t *turns) leave(id string, canary bool) {
	if canary {
		<-t.canaries.slots
		return
	}
	<-t.all.slots
	if own := t.endpoints[id].slots; own != nil {
		<-own
	}
}

func try(c chan struct{}) bool {
	select {
	case c <- struct{}{}:
		return true
	default:
		return false
	}
}

// begin waits for the turn to work, to be ended.
func (t *turns) begin(ctx context.Context, id string, canary bool) error {
	if canary {
		return wait(ctx, t.canaries.workers)
	}
	own := t.endpoints[id].workers
	if err := wait(ctx, own); err != nil {
		return err
	}
	err := wait(ctx, t.all.workers)
	if err != nil {
		<-own
	}
	return err
}

func (t *turns) end(id string, canary bool) {
	if canary {
		<-t.canaries.workers
		return
	}
	<-t.all.workers
	<-t.endpoints[id].workers
}

func wait(ctx context.Context, c chan struct{}) error {
	select {
	case c <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hold waits until a body of n bytes may be kept for its client, and gives
// what is to be let go.
func (t *turns) hold(ctx context.Context, n int) (held int64, err error) {
	if n <= longBody {
		return 0, nil
	}
	held = min(int64(n), t.most)
	return held, t.long.Acquire(ctx, held)
}

func (t *turns) letGo(held int64) {
	if held > 0 {
		t.long.Release(held)
	}
}
