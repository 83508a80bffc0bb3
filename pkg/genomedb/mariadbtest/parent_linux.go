package mariadbtest

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends the server also where the test's process is killed.
func dieWithParent(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
