package store

import (
	"os"

	"golang.org/x/sys/windows"
)

// tryLock takes the file's lock, or reports that somebody else has it. The system frees it
// when the process ends, however it ends.
func tryLock(f *os.File) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if err == windows.ERROR_LOCK_VIOLATION || err == windows.ERROR_IO_PENDING { //nolint:errorlint // an errno
		return false, nil
	}
	return err == nil, err
}
