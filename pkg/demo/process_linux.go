package main

import "syscall"

// attributes puts a process into a group of its own, and ends it when the demo
// was killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
