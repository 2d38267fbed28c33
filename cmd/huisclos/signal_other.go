//go:build !unix

package main

import (
	"os"
	"syscall"
)

// hangup are the signals that mean: read the configuration again. Here none is ever sent.
func hangup() []os.Signal { return []os.Signal{syscall.SIGHUP} }
