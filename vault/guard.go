package vault

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"huisclos/chat"
	"huisclos/client"
)

// Lock puts the vault in dir under a passphrase; o opens it as it is now. A locked vault gets the new passphrase
// in place of the old one. The vault gets a new key and is written anew, so that an older copy of the key file
// or of the keyring opens no later state. CodeVaultInUse while a process has it open.
func Lock(dir string, o Options, p Passphrase) error {
	if len(p) == 0 {
		return chat.Errorf(chat.CodeUsage, "detail", "passphrase")
	}
	return reguard(dir, o, Options{Passphrase: p, cost: o.cost})
}

// Unlock takes the passphrase away: the key goes into the keyring, else into the key file.
func Unlock(dir string, o Options) error {
	return reguard(dir, o, Options{Keyring: o.Keyring})
}

// Protection tells how the vault in dir is guarded without opening it; "" when there is none.
func Protection(dir string) (client.Protection, error) {
	f, err := readKeyFile(dir)
	if f == nil {
		return "", err
	}
	return f.Guard, nil
}

// reguard copies the vault under a new key and guard. The key file names the database that counts, so
// the change happens when it is replaced, and a crash leaves either the old vault or the new one.
func reguard(dir string, now, then Options) error {
	if f, err := readKeyFile(dir); err != nil || f == nil {
		return errors.Join(err, errMissing(dir, f))
	}
	old, err := Open(dir, now)
	if err != nil {
		return err
	}
	defer func() { _ = old.release() }()
	stage, err := os.MkdirTemp(dir, ".reguard-*") // mode 0700
	if err != nil {
		return fileError(dir, err)
	}
	defer func() { _ = os.RemoveAll(stage) }()
	fresh, err := Open(stage, then)
	if err != nil {
		return err
	}
	err = errors.Join(copyRecords(fresh, old), fresh.Close())
	if err == nil {
		err = fileError(dir, os.Rename(fresh.path, databasePath(dir, fresh.guard.id)))
	}
	if err == nil {
		syncDir(dir)
		err = fileError(dir, os.Rename(keyPath(stage), keyPath(dir)))
	}
	if err != nil {
		return err
	}
	syncDir(dir)
	return old.forget()
}

func errMissing(dir string, f *keyFile) error {
	if f == nil {
		return chat.Errorf(chat.CodeStorage, "path", dir).Because(os.ErrNotExist)
	}
	return nil
}

func copyRecords(to, from *SQLite) error {
	return from.View(func(r client.Reader) error {
		return to.Update(client.Durable, func(w client.Writer) error {
			for _, t := range client.Tables() {
				err := r.Scan(t, nil, nil, false, func(key, value []byte) (bool, error) {
					return true, w.Put(t, key, value)
				})
				if err != nil {
					return err
				}
			}
			to.root = from.root
			return nil
		})
	})
}

// forget removes the database and the keyring's entry of a vault that another one has replaced.
func (v *SQLite) forget() error {
	err := v.release()
	for _, suffix := range []string{"", "-wal", "-journal"} {
		if e := os.Remove(v.path + suffix); !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if v.guard.file.Guard == client.ProtectedByKeyring && v.keyring != nil {
		err = errors.Join(err, v.keyring.Delete(v.guard.id.String()))
	}
	return fileError(v.path, err)
}

// sweep removes what a crash of reguard may have left: databases that the key file doesn't name.
func (v *SQLite) sweep() {
	dbs, _ := filepath.Glob(filepath.Join(escapeGlob(v.dir), "vault-*.db*"))
	for _, path := range dbs {
		if path != v.path && path != v.path+"-wal" && path != v.path+"-journal" {
			_ = os.Remove(path)
		}
	}
	stages, _ := filepath.Glob(filepath.Join(escapeGlob(v.dir), ".reguard-*"))
	for _, path := range stages {
		_ = os.RemoveAll(path)
	}
}

// Remove deletes a profile with everything in it, and its key from the keyring. CodeVaultInUse while
// a process has it open.
func Remove(dir string, k Keyring) error {
	lock, err := own(dir)
	if err != nil {
		return err
	}
	f, err := readKeyFile(dir)
	if err == nil && f != nil && f.Guard == client.ProtectedByKeyring && k != nil {
		var id ID
		if unhex(id[:], f.ID) == nil {
			_ = k.Delete(hex.EncodeToString(id[:])) // an entry that stays opens nothing any more
		}
	}
	_ = lock.Close()
	return fileError(dir, os.RemoveAll(dir))
}
