//go:build unix && !solaris && !aix

package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// tryLock takes the file's lock, or reports that somebody else has it. The system frees it
// when the process ends, however it ends.
func tryLock(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) //nolint:gosec // a file descriptor
	if err == unix.EWOULDBLOCK {                              //nolint:errorlint // an errno, never wrapped
		return false, nil
	}
	return err == nil, err
}
