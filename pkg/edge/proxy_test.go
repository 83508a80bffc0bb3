package edge

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	gometrics "runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// pattern is n bytes that are made as they are read.
type pattern struct {
	n, off int64
	each   func() // every 16 MB
}

func (p *pattern) Read(b []byte) (int, error) {
	if p.off == p.n {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), p.n-p.off)]
	was := p.off
	b = b[:copy(b, noise[p.off%int64(len(noise)):])]
	p.off += int64(len(b))
	if p.each != nil && was>>24 != p.off>>24 {
		p.each()
	}
	return len(b), nil
}

// noise has a prime length, so that no buffer's size hides what is lost or
// comes twice.
var noise = func() []byte {
	b := make([]byte, 1048573)
	rand.NewChaCha8([32]byte{}).Read(b)
	return b
}()

var crc = crc64.MakeTable(crc64.ECMA)

func sumOf(t testing.TB, r io.Reader) (int64, uint64) {
	t.Helper()
	h := crc64.New(crc)
	n, err := io.Copy(h, r)
	if err != nil {
		t.Errorf("after %d bytes: %v", n, err)
	}
	return n, h.Sum64()
}

// 200 MB go through two edges in both directions, and the process does not grow by them.
func TestProxyLong(t *testing.T) {
	const size = 200 << 20 / raceFactor
	f := newFleet(t, testMap(t), []string{"europe-1", "asia-1"})
	var before runtime.MemStats
	var peak atomic.Uint64
	live := func() uint64 { // not HeapAlloc: how much garbage waits depends on the machine's load
		m := []gometrics.Sample{{Name: "/gc/heap/live:bytes"}}
		gometrics.Read(m)
		return m[0].Value.Uint64()
	}
	sample := func() { peak.Store(max(peak.Load(), live())) }
	_, want := sumOf(t, &pattern{n: size})
	f.origin.set(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			if n, sum := sumOf(t, r.Body); n != size || sum != want {
				t.Errorf("the origin got %d other bytes", n)
			}
		}
		io.Copy(w, &pattern{n: size, each: sample})
	})
	for _, tt := range []struct {
		name string
		body io.Reader
		size int64
	}{{"POST of known length", &pattern{n: size, each: sample}, size}, {"POST in chunks", &pattern{n: size, each: sample}, -1}, {"GET", nil, 0}} {
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := live()
		peak.Store(start)
		method := "GET"
		if tt.body != nil {
			method = "POST"
		}
		r, err := http.NewRequestWithContext(t.Context(), method, f.nodes["europe-1"].srv.URL+"/other", tt.body)
		if err != nil {
			t.Fatal(err)
		}
		r.Host, r.ContentLength = "asia.test", tt.size
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(tt.name, err)
		}
		if n, sum := sumOf(t, resp.Body); n != size || sum != want || resp.Header.Get("Mirror-Region") != "asia" {
			t.Errorf("%s: got %d other bytes, by %s", tt.name, n, resp.Header.Get("Mirror-Region"))
		}
		resp.Body.Close()
		var after runtime.MemStats
		runtime.ReadMemStats(&after)
		t.Logf("%s: %d MB live at most, %d MB allocated", tt.name, peak.Load()>>20, (after.TotalAlloc-before.TotalAlloc)>>20)
		if grown := peak.Load() - start; grown > 48<<20 {
			t.Errorf("%s: the heap grew by %d MB", tt.name, grown>>20)
		}
	}
}

func TestProxyKeepsTheRequest(t *testing.T) {
	f := newFleet(t, testMap(t), []string{"europe-1", "asia-1"})
	f.origin.set(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		w.Header()["X-Many"] = []string{"1", "2"}
		w.WriteHeader(http.StatusMultiStatus)
		fmt.Fprintf(w, "%s %s %q own=%q body=%s trailer=%q te=%s", r.Method, r.RequestURI, r.Header["X-Own"], r.Header["X-Private"], body, r.Trailer, r.Header.Get("Te"))
		w.Header().Set("X-Sum", "42")
	})
	body := struct{ io.Reader }{strings.NewReader("content")}
	r, err := http.NewRequestWithContext(t.Context(), "PATCH", f.nodes["europe-1"].srv.URL+"/other/a%2Fb?x=1;redirect=no&y=%20", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "asia.test"
	r.Header["X-Own"] = []string{"1", "2"}
	r.Header.Set("X-Private", "x")
	r.Header.Set("Connection", "x-private")
	r.Header.Set("Te", "trailers")
	r.Trailer = http.Header{"X-After": {"late"}, "X-Forwarded-For": {"192.0.2.1"}}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	want := `PATCH /other/a%2Fb?x=1;y=%20 ["1" "2"] own=[] body=content trailer=map["X-After":["late"]] te=trailers`
	if string(got) != want || resp.StatusCode != http.StatusMultiStatus || len(resp.Header["X-Many"]) != 2 || resp.Trailer.Get("X-Sum") != "42" {
		t.Errorf("%d %s\nwant %s\n%v, trailer %v", resp.StatusCode, got, want, resp.Header, resp.Trailer)
	}
}

// Who asks before it sends a long body is answered by the origin, behind two edges, and not before.
func TestProxyExpect(t *testing.T) {
	f := newFleet(t, testMap(t), []string{"europe-1", "asia-1"}, func(_ string, c *Config) { c.Transport.(*http.Transport).ExpectContinueTimeout = 10 * time.Second })
	for _, code := range []int{http.StatusExpectationFailed, http.StatusOK} {
		f.origin.set(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Expect") != "100-continue" {
				t.Errorf("the origin was sent Expect %q", r.Header.Get("Expect"))
			}
			if code == http.StatusOK {
				io.Copy(io.Discard, r.Body)
			}
			w.WriteHeader(code)
		})
		c, err := net.Dial("tcp", f.nodes["europe-1"].srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		fmt.Fprintf(c, "PUT /other HTTP/1.1\r\nHost: asia.test\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", 5<<20)
		in := bufio.NewReader(c)
		r := &http.Request{Method: "PUT"}
		resp, err := http.ReadResponse(in, r)
		if err == nil && resp.StatusCode == http.StatusContinue {
			if code != http.StatusOK {
				t.Error("the body was asked for though the origin wants none")
			}
			io.Copy(c, &pattern{n: 5 << 20})
			resp, err = http.ReadResponse(in, r)
		}
		if err != nil || resp.StatusCode != code {
			t.Errorf("%v %v, want %d", resp, err, code)
		}
		c.Close()
	}
}

// refusing is an address where nobody listens.
func refusing(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// chunked is a body that cannot be sent twice.
func chunked(s string) io.Reader { return struct{ io.Reader }{strings.NewReader(s)} }

func TestProxyFallsBack(t *testing.T) {
	for _, tt := range []struct {
		name   string
		asia1  func(http.ResponseWriter, *http.Request) // nil: refuses connections
		asia2  func(http.ResponseWriter, *http.Request)
		method string
		body   func() io.Reader
		want   string
	}{
		{"the next node", nil, nodeAnswers(200), "GET", nil, "200 asia-2 "},
		{"the next node, body of known length", nil, nodeAnswers(200), "PUT", func() io.Reader { return strings.NewReader("content") }, "200 asia-2 content"},
		{"the next node, body in chunks", nil, nodeAnswers(200), "PUT", func() io.Reader { return chunked("content") }, "200 asia-2 content"},
		{"nobody there", nil, nil, "GET", nil, "200 here "},
		{"nobody there, body of known length", nil, nil, "PUT", func() io.Reader { return strings.NewReader("content") }, "200 here content"},
		{"nobody there, body in chunks", nil, nil, "PUT", func() io.Reader { return chunked("content") }, "200 here content"},
		{"both unavailable", nodeAnswers(503), nodeAnswers(502), "GET", nil, "200 here "},
		{"first unavailable", nodeAnswers(503), nodeAnswers(200), "GET", nil, "200 asia-2 "},
		{"unavailable, to what must not be repeated", nodeAnswers(503), nodeAnswers(200), "PUT", func() io.Reader { return strings.NewReader("content") }, "503 asia-1 content"},
		{"a safe POST", nodeAnswers(503), nil, "POST", func() io.Reader { return strings.NewReader(`{"ids":["a"]}`) }, `200 here {"ids":["a"]}`},
		{"breaks off before its head", nodeAnswers(0), nodeAnswers(0), "GET", nil, "200 here "},
		{"breaks off, what must not be repeated", nodeAnswers(0), nodeAnswers(200), "PUT", func() io.Reader { return strings.NewReader("content") }, "503 "},
		{"the API's own error", nodeAnswers(500), nodeAnswers(500), "GET", nil, "500 asia-1 "},
		{"not found", nodeAnswers(404), nodeAnswers(200), "GET", nil, "404 asia-1 "},
	} {
		f := newFleet(t, testMap(t), []string{"europe-1", "asia-1", "asia-2"})
		f.origin.set(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "here %s", body)
		})
		w := f.nodes["europe-1"].world
		for i, h := range []func(http.ResponseWriter, *http.Request){tt.asia1, tt.asia2} {
			m := &w.members[1+i]
			m.RTT = time.Duration(1+i) * time.Millisecond // asia-1 is nearer
			if m.Advertise = refusing(t); h != nil {
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Node", m.Node)
					h(w, r)
				}))
				t.Cleanup(srv.Close)
				m.Advertise = srv.URL
			}
		}
		f.nodes["europe-1"].edge.Refresh()
		target := "/other"
		if tt.method == "POST" {
			target = "/thing"
		}
		var body io.Reader
		if tt.body != nil {
			body = tt.body()
		}
		r, err := http.NewRequestWithContext(t.Context(), tt.method, f.nodes["europe-1"].srv.URL+target, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "asia.test"
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		got := fmt.Sprintf("%d %s", resp.StatusCode, text)
		if strings.HasPrefix(string(text), `{"error"`) {
			got = fmt.Sprintf("%d ", resp.StatusCode)
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if by, want := resp.Header.Get("Mirror-Region"), strings.Contains(tt.want, "here"); want != (by == "europe") {
			t.Errorf("%s: Mirror-Region %s", tt.name, by)
		}
	}
}

// nodeAnswers is an edge that answers with its name and what it was sent; status 0: it breaks off.
func nodeAnswers(status int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		node := w.Header().Get("Node")
		w.Header().Set("Mirror-Region", "asia")
		w.WriteHeader(status)
		fmt.Fprintf(w, "%s %s", node, body)
	}
}

// A body that takes longer than the wait for a head is no source that is silent.
func TestSlowUpload(t *testing.T) {
	f := newFleet(t, testMap(t), []string{"europe-1", "asia-1"}, func(_ string, c *Config) { c.Timeout = 600 * time.Millisecond }) // 300 ms for a head
	f.origin.set(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, err)
	})
	in, out := io.Pipe()
	go func() {
		for range 10 {
			out.Write(make([]byte, 1000))
			<-time.After(100 * time.Millisecond)
		}
		out.Close()
	}()
	r, err := http.NewRequestWithContext(t.Context(), "PUT", f.nodes["europe-1"].srv.URL+"/other", in)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "asia.test"
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "10000 <nil>" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// Credentials and cookies go in clear text to origins, as the client sent them, and to edges on loopback; off
// loopback never, whatever for the edge is asked.
func TestSecretsInClearText(t *testing.T) {
	for _, scheme := range []string{"http", "https"} {
		for _, tt := range []struct{ name, host, method, target string }{
			{"proxied", "asia.test", "GET", "/other"},
			{"proxied, unsafe", "asia.test", "PUT", "/other"},
			{"sibling and parent", "europe.test", "GET", "/other"},
			{"another region, for what is passed on", "europe.test", "GET", "/thing/a"},
		} {
			for _, mode := range []Mode{Auto, None} {
				var mu sync.Mutex
				var leaked []string
				asked := map[string]int{}
				record := roundTripper(func(r *http.Request) (*http.Response, error) {
					mu.Lock()
					defer mu.Unlock()
					asked[r.URL.Hostname()]++
					if strings.HasPrefix(r.URL.Hostname(), "origin") {
						return nil, errors.New("down")
					}
					if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
						leaked = append(leaked, r.URL.Host)
					}
					w := httptest.NewRecorder()
					w.WriteHeader(http.StatusOK)
					return w.Result(), nil
				})
				f := newFleet(t, parented(t), []string{"europe-1", "europe-2", "asia-1"}, func(_ string, c *Config) {
					c.Transport, c.Catalogue = record, mode
					c.Origins = []*url.URL{{Scheme: "http", Host: "origin.test"}}
				})
				n := f.nodes["europe-1"]
				for i := range n.world.members {
					n.world.members[i].Advertise = scheme + "://" + n.world.members[i].Node + ".test"
				}
				n.edge.Refresh()
				f.ask("europe-1", tt.method, tt.target, "", "Host", tt.host, "Authorization", "Basic x", "Cookie", "a=b")
				f.ask("europe-1", tt.method, tt.target, "", "Host", tt.host, "Cookie", "a=b")
				if scheme == "http" && len(leaked) > 0 {
					t.Errorf("%s, %s: secrets went to %v", tt.name, mode, leaked)
				}
				if len(asked) == 0 {
					t.Errorf("%s, %s, %s: nobody was asked", tt.name, mode, scheme)
				}
			}
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A node that takes the connection and says nothing is left for the next after two seconds; one that waits for its
// origin is not.
func TestProxySilent(t *testing.T) {
	f := newFleet(t, testMap(t), []string{"europe-1", "asia-1", "asia-2"})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer silent.Close()
	defer silent.CloseClientConnections()
	f.origin.set(func(w http.ResponseWriter, r *http.Request) {
		<-time.After(remoteLife + 200*time.Millisecond)
		io.WriteString(w, "slow")
	})
	w := f.nodes["europe-1"].world
	w.members[1].Advertise, w.members[1].RTT, w.members[2].RTT = silent.URL, 1, 2
	f.nodes["europe-1"].edge.Refresh()
	start := time.Now()
	got := f.ask("europe-1", "DELETE", "/other", "", "Host", "asia.test")
	if d := time.Since(start); got.Code != http.StatusServiceUnavailable || d < remoteLife || d > 2*remoteLife {
		t.Errorf("what must not be repeated: %d after %s", got.Code, d)
	}
	if got := f.ask("europe-1", "GET", "/other", "", "Host", "asia.test"); got.Code != 200 || got.Body.String() != "slow" || !strings.Contains(strings.Join(got.Header().Values("Via"), ","), "asia-2") {
		t.Errorf("%d %s, Via %q", got.Code, got.Body, got.Header().Values("Via"))
	}
}
