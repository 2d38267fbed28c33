//go:build unix

package main

import (
	"os"
	"syscall"
)

// hangup are the signals that mean: read the configuration again.
func hangup() []os.Signal { return []os.Signal{syscall.SIGHUP} }
