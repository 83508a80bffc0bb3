package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"origin": func() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the real binary. Beside testscript's own commands there are:
//
//	serve ARGS…             start origin serve on a free port; $URL is its address
//	stop                    end it with SIGTERM; it must exit 0
//	get STATUS TARGET [F…]  ask $URL; body and head go to the files body and head
//	post STATUS TARGET FILE the same with FILE as a JSON body
//	exits CODE ARGS…        run origin; its output goes to the files out and err
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Values[running{}] = new(*exec.Cmd)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serve": serveScript,
			"stop":  stopScript,
			"get": func(ts *testscript.TestScript, _ bool, args []string) {
				if len(args) < 2 {
					ts.Fatalf("usage: get STATUS TARGET [Field: value…]")
				}
				askScript(ts, http.MethodGet, args[0], args[1], nil, args[2:])
			},
			"post": func(ts *testscript.TestScript, _ bool, args []string) {
				if len(args) != 3 {
					ts.Fatalf("usage: post STATUS TARGET FILE")
				}
				askScript(ts, http.MethodPost, args[0], args[1], strings.NewReader(ts.ReadFile(args[2])), []string{"Content-Type: application/json"})
			},
			"exits": exitsScript,
		},
	})
}

// running is the key of a script's *exec.Cmd of origin serve.
type running struct{}

// command is the binary under test, in the script's folder and environment.
func command(ts *testscript.TestScript, args ...string) *exec.Cmd {
	path, err := exec.LookPath("origin") // testscript puts it first on PATH
	ts.Check(err)
	c := exec.Command(path, args...)
	c.Dir = ts.MkAbs(".")
	c.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"), "TMPDIR="+ts.MkAbs("tmp"))
	return c
}

func serveScript(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.MkdirAll(ts.MkAbs("tmp"), 0o755))
	c := command(ts, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	log, err := os.Create(ts.MkAbs("log"))
	ts.Check(err)
	defer log.Close()
	c.Stderr = log
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	ts.Defer(func() {
		if c.ProcessState == nil {
			c.Process.Kill()
			c.Wait()
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		c.Wait()
		ts.Fatalf("origin serve said nothing: %v\n%s", err, ts.ReadFile("log"))
	}
	ts.Setenv("URL", strings.TrimSpace(strings.TrimPrefix(line, "serving ")))
	*ts.Value(running{}).(**exec.Cmd) = c
}

func stopScript(ts *testscript.TestScript, _ bool, _ []string) {
	c := *ts.Value(running{}).(**exec.Cmd)
	if c == nil {
		ts.Fatalf("nothing to stop")
	}
	ts.Check(c.Process.Signal(syscall.SIGTERM))
	if err := c.Wait(); err != nil {
		ts.Fatalf("origin serve ended with %v\n%s", err, ts.ReadFile("log"))
	}
}

func askScript(ts *testscript.TestScript, method, status, target string, body io.Reader, fields []string) {
	req, err := http.NewRequest(method, ts.Getenv("URL")+target, body)
	ts.Check(err)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	ts.Check(err)
	var head strings.Builder
	ts.Check(res.Header.Write(&head))
	ts.Check(os.WriteFile(ts.MkAbs("head"), []byte(strings.ReplaceAll(head.String(), "\r", "")), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("body"), b, 0o644))
	if strconv.Itoa(res.StatusCode) != status {
		ts.Fatalf("%s %s: %s, want %s\n%s", method, target, res.Status, status, b)
	}
}

func exitsScript(ts *testscript.TestScript, _ bool, args []string) {
	c := command(ts, args[1:]...)
	var out, stderr strings.Builder
	c.Stdout, c.Stderr = &out, &stderr
	c.Run()
	ts.Check(os.WriteFile(ts.MkAbs("out"), []byte(out.String()), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("err"), []byte(stderr.String()), 0o644))
	if got := strconv.Itoa(c.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("origin %s: exit %s, want %s\n%s%s", strings.Join(args[1:], " "), got, args[0], out.String(), stderr.String())
	}
}
