package clients

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/mirrortest"
)

// testPreflight: what a browser asks before a page of another origin may POST
// (Fetch §4.8), and what it wants to see in the answers.
func testPreflight(t *testing.T, n *mirrortest.Network) {
	for name, port := range map[string]int{"direct": origin, "edge": asia} {
		for _, target := range []string{"/lookup/id", "/sequence/id", "/sequence/region/human", "/archive/id", "/lookup/symbol/human"} {
			r, err := n.Ask("OPTIONS", port, target, "", "Host", fmt.Sprintf("asia.localhost:%d", n.Port(port)), "Origin", "https://lab.example",
				"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
			if err != nil {
				t.Fatal(err)
			}
			if r.StatusCode/100 != 2 || r.Header.Get("Access-Control-Allow-Origin") != "*" ||
				!strings.Contains(r.Header.Get("Access-Control-Allow-Methods"), "POST") ||
				!strings.EqualFold(r.Header.Get("Access-Control-Allow-Headers"), "content-type") {
				t.Errorf("%s: preflight of POST %s: %s %v", name, target, r.Status, r.Header)
			}
		}
		for body, status := range map[string]int{`{"ids":["ENSG00000157764"]}`: 200, `{`: 400} {
			r, err := n.Ask("POST", port, "/lookup/id", body, "Host", fmt.Sprintf("asia.localhost:%d", n.Port(port)), "Origin", "https://lab.example", "Content-Type", "application/json")
			if err != nil {
				t.Fatal(err)
			}
			exposed := r.Header.Get("Access-Control-Expose-Headers")
			if r.StatusCode != status || r.Header.Get("Access-Control-Allow-Origin") != "*" || !exposes(exposed, "Ensembl-Release") || !exposes(exposed, "X-RateLimit-Remaining") {
				t.Errorf("%s: POST %s: %s %v", name, body, r.Status, r.Header)
			}
		}
	}
}

// testBrowser: a page of another origin reads GET, POST and an error, by a
// browser's own rules.
func testBrowser(t *testing.T, n *mirrortest.Network) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skipf("%v; on Debian: sudo apt-get install chromium", err)
	}
	page, err := os.ReadFile("testdata/page.html")
	if err != nil {
		t.Fatal(err)
	}
	reports := make(chan string, 1)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			select {
			case reports <- string(b):
			default: // a second one
			}
			return
		}
		w.Header().Set("Content-Type", "text/html")
		w.Write(page)
	}))
	defer site.Close()
	for name, api := range map[string]string{
		"direct": fmt.Sprintf("http://localhost:%d", n.Port(origin)),
		"edge":   fmt.Sprintf("http://asia.localhost:%d", n.Port(asia)),
	} {
		cmd := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
			"--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", site.URL+"/?"+api)
		var said strings.Builder
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		select {
		case report := <-reports:
			if err := json.Unmarshal([]byte(report), &got); err != nil {
				t.Errorf("%s: %v: %s", name, err, report)
			}
		case <-time.After(60 * time.Second):
			t.Errorf("%s: the page reported nothing", name)
		}
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		want := map[string]any{"get": "BRAF", "post": "BRAF", "text": "7", "error": "400 ID 'ENSG00000000000' not found", "release": "115"}
		for k, w := range want {
			if got[k] != w {
				t.Errorf("%s: the page saw %v, want %v", name, got, want)
				break
			}
		}
		if t.Failed() {
			t.Logf("%s", said.String())
		}
	}
}

// exposes reports whether a page may read a field: "*" is any, where no
// credentials are sent (Fetch §3.3.3).
func exposes(list, field string) bool {
	for member := range strings.SplitSeq(list, ",") {
		if member = strings.TrimSpace(member); member == "*" || strings.EqualFold(member, field) {
			return true
		}
	}
	return false
}
