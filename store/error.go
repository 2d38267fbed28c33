package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
)

// fileError gives a failure of the file system its code.
func fileError(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return chat.Errorf(chat.CodePermission, "path", path).Because(err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return chat.Errorf(chat.CodeDiskFull, "path", path).Because(err)
	}
	return chat.Errorf(chat.CodeStorage, "path", path).Because(err)
}

// folderError is fileError for a folder that can't be made: usually something else has its name.
func folderError(path string, err error) error {
	failed := fileError(path, err)
	if errors.Is(failed, chat.CodeStorage) {
		return chat.Errorf(chat.CodeStorage, "path", path, "reason", "folder").Because(err)
	}
	return failed
}

// databaseError gives a failure of SQLite its code; it leaves the others as they are.
func databaseError(path string, err error) error {
	var own *chat.Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	code := chat.CodeStorage
	switch {
	case errors.Is(err, sqlite3.IOERR) && isFull(path), errors.Is(err, sqlite3.FULL), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return chat.Errorf(chat.CodeDiskFull).Because(err)
	case errors.Is(err, sqlite3.CORRUPT), errors.Is(err, sqlite3.NOTADB), errors.Is(err, sqlite3.IOERR_DATA), errors.Is(err, sqlite3.IOERR_CORRUPTFS):
		code = chat.CodeDataCorrupt
	case errors.Is(err, sqlite3.BUSY):
		code = chat.CodeDataInUse
	case errors.Is(err, sqlite3.PERM), errors.Is(err, sqlite3.READONLY), errors.Is(err, sqlite3.CANTOPEN), errors.Is(err, fs.ErrPermission):
		code = chat.CodePermission
	}
	return chat.Errorf(code, "path", path).Because(err)
}

// isFull reports whether the disk of a file has no room for some pages more. SQLite's VFS reports a full disk as any other
// failure to write, without its cause.
func isFull(path string) bool {
	f, err := os.CreateTemp(filepath.Dir(path), ".room")
	if err == nil {
		_, err = f.Write(make([]byte, 64<<10))
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
