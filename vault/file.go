package vault

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
)

// The files of a profile's folder.
const (
	keyFileName     = "vault.key"
	lockFileName    = "vault.lock"
	profileFileName = "profile.json"
)

// replace writes a file of mode 0600 so that after a crash there is either
// the old one or the new one, whole.
func replace(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return fileError(path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fileError(path, err)
	}
	syncDir(filepath.Dir(path))
	return nil
}

// syncDir makes a rename durable where the system lets one sync a folder.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // Windows refuses, and needs no sync
		_ = d.Close()
	}
}

// fileError gives a failure of the file system its code.
func fileError(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return chat.Errorf(chat.CodePermission, "path", path).Because(err)
	case errors.Is(err, syscall.ENOSPC):
		return chat.Errorf(chat.CodeVaultFull, "path", path).Because(err)
	}
	return chat.Errorf(chat.CodeStorage, "path", path).Because(err)
}

// databaseError gives a failure of SQLite its code.
func databaseError(path string, err error) error {
	var own *chat.Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	code := chat.CodeStorage
	switch {
	case errors.Is(err, sqlite3.IOERR_CORRUPTFS), errors.Is(err, sqlite3.IOERR_DATA),
		errors.Is(err, sqlite3.CORRUPT), errors.Is(err, sqlite3.NOTADB), errors.Is(err, sqlite3.IOERR_SHORT_READ):
		code = chat.CodeVaultCorrupt
	case errors.Is(err, sqlite3.FULL), errors.Is(err, syscall.ENOSPC):
		code = chat.CodeVaultFull
	case errors.Is(err, sqlite3.BUSY):
		code = chat.CodeVaultInUse
	case errors.Is(err, sqlite3.PERM), errors.Is(err, sqlite3.READONLY), errors.Is(err, fs.ErrPermission):
		code = chat.CodePermission
	}
	return chat.Errorf(code, "path", path).Because(err)
}

func corrupt(path string, cause error) error {
	return chat.Errorf(chat.CodeVaultCorrupt, "path", path).Because(cause)
}

// escapeGlob makes a path match only itself; filepath.Match has no other way on every system.
func escapeGlob(path string) string {
	if filepath.Separator == '\\' {
		return path // no escapes there, and names of folders hold none of the characters
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
