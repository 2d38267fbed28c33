package vault

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"
	_ "github.com/ncruces/go-sqlite3/vfs/adiantum" // the encrypting file system

	"huisclos/chat"
	"huisclos/client"
)

// Options say how a vault is opened.
type Options struct {
	// Keyring keeps the key of new vaults and finds that of older ones; nil: none is used.
	Keyring Keyring
	// Passphrase opens a locked vault. A new vault opened with one is locked from the start.
	Passphrase Passphrase

	cost *cost // of Argon2id, for tests
}

func (o Options) costOrStandard() cost {
	if o.cost != nil {
		return *o.cost
	}
	return standardCost
}

// SQLite is a client.Vault in a folder.
type SQLite struct {
	dir     string
	path    string // of the database
	keyring Keyring

	mu       sync.Mutex // guards everything below: one connection, one transaction at a time
	lock     *os.File
	db       *sqlite3.Conn // nil when closed
	get      *sqlite3.Stmt
	put      *sqlite3.Stmt
	del      *sqlite3.Stmt
	guard    *guarded
	seal     sealer
	root     root
	mirrored uint64 // the root counter as the mirror has it
	full     bool   // synchronous=FULL is set
}

var _ client.Vault = (*SQLite)(nil)

// mirrorEvery is how many transactions may pass before the mirror of the counter is renewed; it
// is renewed at Close as well. A rollback of fewer than that, after a crash, is seen in the server's log only.
const mirrorEvery = 4096

// checkedWhole is the size of a database up to which every page is checked when it is opened,
// in bytes. Larger ones are checked page by page as they are read.
const checkedWhole = 16 << 20

// Open opens the vault in dir, and makes it, with its folder, if there is none. Errors: CodeVaultInUse, CodeVaultLocked
// (needs its passphrase), CodePassphrase (a wrong one), CodeKeyring, CodeVaultNewer, CodeVaultCorrupt, CodePermission.
func Open(dir string, o Options) (*SQLite, error) {
	lock, err := own(dir)
	if err != nil {
		return nil, err
	}
	v := &SQLite{dir: dir, keyring: o.Keyring, lock: lock}
	if err := v.open(o); err != nil {
		_ = v.release()
		return nil, err
	}
	v.sweep()
	return v, nil
}

// own makes the folder and takes its lock.
func own(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fileError(dir, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFileName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fileError(dir, err)
	}
	ok, err := tryLock(f)
	if ok {
		return f, nil
	}
	_ = f.Close()
	if err != nil {
		return nil, fileError(dir, err)
	}
	return nil, chat.Errorf(chat.CodeVaultInUse, "path", dir)
}

func (v *SQLite) open(o Options) error {
	file, err := readKeyFile(v.dir)
	if err != nil {
		return err
	}
	if file == nil {
		err = v.create(o)
	} else {
		err = v.reopen(file, o)
	}
	if err != nil {
		return err
	}
	v.mirrored = v.guard.counter
	if v.root.counter < v.mirrored && !v.root.rolledBack {
		v.root = root{counter: v.mirrored, rolledBack: true}
		return v.update(client.Durable, func(client.Writer) error { return nil })
	}
	return nil
}

func (v *SQLite) create(o Options) error {
	if old, _ := filepath.Glob(filepath.Join(escapeGlob(v.dir), "vault-*.db")); len(old) > 0 {
		return corrupt(keyPath(v.dir), errors.New("a database without its key file"))
	}
	var err error
	if v.guard, err = makeGuard(v.dir, o); err != nil {
		return err
	}
	return v.connect(true)
}

func (v *SQLite) reopen(file *keyFile, o Options) error {
	var err error
	if v.guard, err = file.open(v.dir, o); err != nil {
		return err
	}
	path := databasePath(v.dir, v.guard.id)
	info, err := os.Stat(path)
	fresh := errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0
	if fresh && v.guard.counter > 0 {
		return corrupt(path, errors.New("the database is gone"))
	}
	return v.connect(fresh) // fresh: a crash between the key file and the database
}

func databasePath(dir string, id ID) string {
	return filepath.Join(dir, "vault-"+id.String()[:8]+".db")
}

// connect opens the database with the key, and checks or makes what is in it.
func (v *SQLite) connect(fresh bool) error {
	v.path = databasePath(v.dir, v.guard.id)
	v.seal = newSealer(v.guard.key, v.guard.id)
	f, err := os.OpenFile(v.path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite would make it readable to others
	if err != nil {
		return fileError(v.path, err)
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return fileError(v.path, err)
	}
	if info.Size()%pageSize != 0 {
		return corrupt(v.path, fmt.Errorf("%d bytes are no whole number of pages", info.Size()))
	}
	uri := "file:" + escapeURI(filepath.ToSlash(v.path)) + "?vfs=adiantum"
	v.db, err = sqlite3.OpenFlags(uri, sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return databaseError(v.path, err)
	}
	err = v.db.Exec("PRAGMA hexkey='" + hex.EncodeToString(v.guard.key.derive(v.guard.id, "pages")) + "'")
	if err == nil && fresh {
		err = v.db.EnableChecksums("main")
	}
	if err == nil {
		err = v.prepare(info.Size())
	}
	return databaseError(v.path, err)
}

// pageSize is SQLite's and the cipher's.
const pageSize = 4096

// escapeURI protects the characters that mean something in SQLite's file names.
func escapeURI(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

func (v *SQLite) prepare(size int64) error {
	for _, sql := range []string{
		"PRAGMA temp_store=memory", "PRAGMA locking_mode=exclusive", "PRAGMA cell_size_check=on",
		"PRAGMA journal_mode=wal", "PRAGMA synchronous=normal", "PRAGMA secure_delete=fast",
		"PRAGMA wal_autocheckpoint=2000", "PRAGMA journal_size_limit=16777216",
	} {
		if err := v.db.Exec(sql); err != nil {
			return err
		}
	}
	if size > 0 && size <= checkedWhole {
		if err := v.checkPages(); err != nil {
			return err
		}
	}
	if err := migrate(v.db, v.path); err != nil {
		return err
	}
	for _, s := range []struct {
		stmt **sqlite3.Stmt
		sql  string
	}{
		{&v.get, "SELECT value FROM record WHERE tab = ? AND key = ?"},
		{&v.put, "INSERT INTO record (tab, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"},
		{&v.del, "DELETE FROM record WHERE tab = ? AND key = ?"},
	} {
		var err error
		if *s.stmt, _, err = v.db.PrepareFlags(s.sql, sqlite3.PREPARE_PERSISTENT); err != nil {
			return err
		}
	}
	return v.readRoot()
}

// readRoot finds the root record, which only a database without any record lacks.
func (v *SQLite) readRoot() error {
	tx := &tx{v: v}
	b, err := tx.Get(rootTable, rootKey)
	if err != nil {
		return err
	}
	if b == nil {
		empty := true
		for _, t := range client.Tables() {
			err := tx.Scan(t, nil, nil, false, func([]byte, []byte) (bool, error) { empty = false; return false, nil })
			if err != nil {
				return err
			}
		}
		if !empty {
			return corrupt(v.path, errRoot)
		}
		return nil
	}
	if v.root, err = parseRoot(b); err != nil {
		return corrupt(v.path, err)
	}
	return nil
}

// View implements client.Vault.
func (v *SQLite) View(f func(client.Reader) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.db == nil {
		return closedError(v.dir)
	}
	return databaseError(v.path, f(&tx{v: v}))
}

// Update implements client.Vault.
func (v *SQLite) Update(d client.Durability, f func(client.Writer) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.db == nil {
		return closedError(v.dir)
	}
	return v.update(d, f)
}

func closedError(path string) error {
	return chat.Errorf(chat.CodeStorage, "path", path).Because(os.ErrClosed)
}

func (v *SQLite) update(d client.Durability, f func(client.Writer) error) (err error) {
	if err := v.synchronous(d == client.Durable); err != nil {
		return databaseError(v.path, err)
	}
	if err := v.db.Exec("BEGIN IMMEDIATE"); err != nil {
		return databaseError(v.path, err)
	}
	before := v.root
	defer func() {
		if err != nil {
			v.root = before
			_ = v.db.Exec("ROLLBACK") // fails when SQLite has done it by itself
		}
	}()
	tx := &tx{v: v}
	if err := f(tx); err != nil {
		return databaseError(v.path, err)
	}
	v.root.counter++
	if err := tx.Put(rootTable, rootKey, v.root.marshal()); err != nil {
		return databaseError(v.path, err)
	}
	if err := v.db.Exec("COMMIT"); err != nil {
		return databaseError(v.path, err)
	}
	if v.root.counter-v.mirrored >= mirrorEvery {
		v.mirror()
	}
	return nil
}

// synchronous chooses whether a commit waits for the disk.
func (v *SQLite) synchronous(full bool) error {
	if v.full == full {
		return nil
	}
	mode := "normal"
	if full {
		mode = "full"
	}
	if err := v.db.Exec("PRAGMA synchronous=" + mode); err != nil {
		return err
	}
	v.full = full
	return nil
}

// mirror renews the counter beside the key. A failure leaves an older mirror, which is still a lower bound.
func (v *SQLite) mirror() {
	if v.guard.mirror(v.dir, v.root.counter, v.keyring) == nil {
		v.mirrored = v.root.counter
	}
}

// Protection implements client.Vault.
func (v *SQLite) Protection() client.Protection { return v.guard.file.Guard }

// RolledBack implements client.Vault.
func (v *SQLite) RolledBack() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.root.rolledBack
}

// Settled implements client.Vault.
func (v *SQLite) Settled() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.db == nil {
		return closedError(v.dir)
	}
	return v.update(client.Durable, func(client.Writer) error {
		v.root.rolledBack = false
		return nil
	})
}

// Scrub implements client.Vault: the database is rebuilt, and the log before it emptied.
func (v *SQLite) Scrub() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.db == nil {
		return closedError(v.dir)
	}
	for _, sql := range []string{"PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if err := v.db.Exec(sql); err != nil {
			return databaseError(v.path, err)
		}
	}
	return nil
}

// Remember implements client.Vault.
func (v *SQLite) Remember(f client.Facts) error { return writeFacts(v.dir, f) }

// Dir is the profile's folder.
func (v *SQLite) Dir() string { return v.dir }

// Close implements client.Vault.
func (v *SQLite) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.db == nil {
		return nil
	}
	if v.root.counter > v.mirrored {
		v.mirror()
	}
	return v.release()
}

// release closes whatever is open; it also ends a half-opened vault.
func (v *SQLite) release() error {
	var err error
	if v.db != nil {
		for _, s := range []*sqlite3.Stmt{v.get, v.put, v.del} {
			if s != nil {
				err = errors.Join(err, s.Close())
			}
		}
		err = errors.Join(err, v.db.Close())
		v.db = nil
	}
	if v.lock != nil {
		err = errors.Join(err, v.lock.Close()) // frees the lock
		v.lock = nil
	}
	return databaseError(v.path, err)
}
