package store

import (
	"errors"
	"io/fs"
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

// databaseError gives a failure of SQLite its code; it leaves the others as they are.
func databaseError(path string, err error) error {
	var own *chat.Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	code := chat.CodeStorage
	switch {
	case errors.Is(err, sqlite3.FULL), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
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
