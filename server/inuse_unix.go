//go:build !windows

package server

func isAddressInUse(error) bool { return false } // syscall.EADDRINUSE is what there is
