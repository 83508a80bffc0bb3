package origin

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
)

// busyModule has an endpoint that works until it may end, one that answers at
// once, one that is asked as a canary, and one with a long answer.
func busyModule(entered chan<- bool, leave <-chan bool) ensembl.Module {
	endpoint := func(id string, canaries []string, handle func(context.Context) (ensembl.Answer, error)) ensembl.Endpoint {
		return ensembl.Endpoint{Spec: apispec.Endpoint{ID: id, Path: "/" + id, Method: "GET", Group: "Things", Summary: "A thing",
			Formats: []string{apispec.JSON, apispec.Plain}, Freshness: fresh, Canaries: canaries},
			Handle: func(ctx context.Context, _ ensembl.Call) (ensembl.Answer, error) { return handle(ctx) }}
	}
	one := func(context.Context) (ensembl.Answer, error) { return ensembl.Answer{Value: 1}, nil }
	costly := func(context.Context) (ensembl.Answer, error) {
		entered <- true
		<-leave
		return ensembl.Answer{Value: 1}, nil
	}
	return ensembl.Module{Name: "busy", Endpoints: []ensembl.Endpoint{
		endpoint("costly", nil, costly), endpoint("dear", nil, costly), endpoint("cheap", nil, one), endpoint("ping", []string{"/ping"}, one),
		endpoint("long", nil, func(context.Context) (ensembl.Answer, error) {
			return ensembl.Answer{Text: bytes.Repeat([]byte("x"), 2<<20)}, nil
		}),
	}}
}

func TestOneEndpointLeavesRoomForOthers(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	h, err := New(Config{Modules: []ensembl.Module{busyModule(entered, leave)}, Genome: tiny(t), Workers: 4, MaxConcurrent: 8})
	if err != nil {
		t.Fatal(err)
	}
	var busy sync.WaitGroup
	var refused sync.WaitGroup
	ended := make(chan int, 5)
	for range 5 { // one more than the half that an endpoint may have
		refused.Go(func() { ended <- ask(h, "GET", "/costly", "").Code })
	}
	for range 2 { // as many as may work
		<-entered
	}
	if code := <-ended; code != http.StatusServiceUnavailable {
		t.Errorf("beyond the endpoint's half: %d", code)
	}
	if w := ask(h, "GET", "/cheap", ""); w.Code != http.StatusOK {
		t.Errorf("another endpoint: %d %s", w.Code, w.Body)
	}
	for range 4 {
		busy.Go(func() { ask(h, "GET", "/dear", "") })
	}
	for range 2 {
		<-entered
	}
	if w := ask(h, "GET", "/ping", ""); w.Code != http.StatusOK { // though all work
		t.Errorf("a canary: %d %s", w.Code, w.Body)
	}
	if _, err := h.Switch(t.Context(), tinyOf(t, 116)); err != nil {
		t.Errorf("a switch while all work: %v", err)
	}
	go func() {
		for range entered {
		}
	}()
	close(leave)
	busy.Wait()
	refused.Wait()
	close(entered)
	if w := ask(h, "GET", "/cheap", ""); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
}

// slowClient takes a body when it may.
type slowClient struct {
	*httptest.ResponseRecorder
	take <-chan bool
}

func (c slowClient) Write(b []byte) (int, error) {
	<-c.take
	return len(b), nil
}

func TestLongBodiesAreBounded(t *testing.T) {
	h, err := New(Config{Modules: []ensembl.Module{busyModule(nil, nil)}, Genome: tiny(t), MaxBodies: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		take := make(chan bool)
		var slow sync.WaitGroup
		for range 2 {
			slow.Go(func() {
				r := httptest.NewRequest("GET", "/long?content-type=text/plain", nil)
				h.ServeHTTP(slowClient{httptest.NewRecorder(), take}, r)
			})
		}
		synctest.Wait()
		start := time.Now()
		w := ask(h, "GET", "/long?content-type=text/plain", "")
		if w.Code != http.StatusServiceUnavailable || time.Since(start) != 30*time.Second {
			t.Errorf("a third body: %d after %s", w.Code, time.Since(start))
		}
		if w := ask(h, "GET", "/cheap", ""); w.Code != http.StatusOK {
			t.Errorf("a short body: %d", w.Code)
		}
		close(take)
		slow.Wait()
		if w := ask(h, "GET", "/long?content-type=text/plain", ""); w.Code != http.StatusOK {
			t.Errorf("once they were taken: %d", w.Code)
		}
	})
}
