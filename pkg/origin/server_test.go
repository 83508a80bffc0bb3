package origin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/ensembl"
)

func TestServerDrains(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	h, err := New(Config{Modules: []ensembl.Module{testModule()}, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			entered <- true
			<-leave
		}
		io.WriteString(w, "done")
	})})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Listen(ServeConfig{Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Handler: h, Drain: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()

	url := fmt.Sprintf("http://%s", s.Addr())
	answer := make(chan string)
	go func() {
		res, err := http.Get(url + "/wait")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answer <- string(b)
	}()
	<-entered
	stop()
	for { // the public listener closes while the request is worked on
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			break
		}
		c.Close()
	}
	res, err := http.Get(fmt.Sprintf("http://%s/readyz", s.AdminAddr()))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("readyz while draining: %d", res.StatusCode)
	}
	select {
	case err := <-ended:
		t.Errorf("ended before its last request: %v", err)
	default:
	}
	close(leave)
	if got := <-answer; got != "done" {
		t.Errorf("request in flight: %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestServerCutsOffAfterDrain(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	defer close(leave)
	h, err := New(Config{Upstream: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- true
		<-leave
	})})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Listen(ServeConfig{Listen: "127.0.0.1:0", Handler: h, Drain: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
	<-entered
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestServerLimits: what net/http refuses by itself, through our settings.
func TestServerLimits(t *testing.T) {
	h := newHandler(t, nil)
	s, err := Listen(ServeConfig{Listen: "127.0.0.1:0", Handler: h})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		stop()
		<-ended
	}()
	for name, tc := range map[string]struct{ request, want string }{
		"long head":  {"GET /thing/a HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 80<<10) + "\r\n\r\n", "431"},
		"bad escape": {"GET /thing/%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
		"good":       {"GET /thing/a HTTP/1.1\r\nHost: a\r\n\r\n", "200"},
	} {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, tc.request)
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.Contains(line, " "+tc.want+" ") {
			t.Errorf("%s: %q %v, want %s", name, line, err, tc.want)
		}
		c.Close()
	}
}

func TestListenRefuses(t *testing.T) {
	h := newHandler(t, nil)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, cfg := range map[string]ServeConfig{
		"no handler":  {Listen: "127.0.0.1:0"},
		"taken":       {Listen: taken.Addr().String(), Handler: h},
		"admin taken": {Listen: "127.0.0.1:0", Admin: taken.Addr().String(), Handler: h},
	} {
		if _, err := Listen(cfg); err == nil {
			t.Errorf("%s: listens", name)
		}
	}
}
