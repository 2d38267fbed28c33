package vault

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"huisclos/chat"
	"huisclos/client"
)

func TestGuards(t *testing.T) {
	working, broken := newRing(), &ring{broken: true}
	for name, c := range map[string]struct {
		o    Options
		want client.Protection
	}{
		"no keyring":         {Options{}, client.ProtectedByFile},
		"a broken keyring":   {Options{Keyring: broken}, client.ProtectedByFile},
		"a keyring":          {Options{Keyring: working}, client.ProtectedByKeyring},
		"a passphrase first": {Options{Keyring: working, Passphrase: Passphrase("p"), cost: quick}, client.ProtectedByPassphrase},
	} {
		dir := t.TempDir()
		if got, err := Protection(dir); err != nil || got != "" {
			t.Errorf("%s: before it is made: %q, %v", name, got, err)
		}
		v := mustOpen(t, dir, c.o)
		if v.Protection() != c.want {
			t.Errorf("%s: guarded by %q, want %q", name, v.Protection(), c.want)
		}
		if got, err := Protection(dir); err != nil || got != c.want {
			t.Errorf("%s: from outside: %q, %v", name, got, err)
		}
	}
}

func TestKeyringThatLostTheKey(t *testing.T) {
	r, dir := newRing(), t.TempDir()
	v := mustOpen(t, dir, Options{Keyring: r})
	fill(t, v, 3)
	mustClose(t, v)
	r.broken = true
	_, err := Open(dir, Options{Keyring: r})
	wantCode(t, err, chat.CodeKeyring)
	_, err = Open(dir, Options{}) // switched off
	wantCode(t, err, chat.CodeKeyring)
	r.broken = false
	clear(r.entries)
	_, err = Open(dir, Options{Keyring: r})
	wantCode(t, err, chat.CodeKeyring)
	r.entries[v.guard.id.String()] = "nonsense"
	_, err = Open(dir, Options{Keyring: r})
	wantCode(t, err, chat.CodeVaultCorrupt)
}

func TestLockAndUnlock(t *testing.T) {
	r, dir := newRing(), t.TempDir()
	o := Options{Keyring: r, cost: quick}
	v := mustOpen(t, dir, o)
	fill(t, v, 200)
	want, err := all(v)
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, v)
	first := v.path

	locked := Options{Keyring: r, Passphrase: Passphrase("correct horse"), cost: quick}
	if err := Lock(dir, o, locked.Passphrase); err != nil {
		t.Fatal(err)
	}
	if len(r.entries) != 0 {
		t.Errorf("the keyring still has %d entries", len(r.entries))
	}
	if _, err := os.Stat(first); !os.IsNotExist(err) {
		t.Errorf("the database under the old key is still there: %v", err)
	}
	_, err = Open(dir, o)
	wantCode(t, err, chat.CodeVaultLocked)
	_, err = Open(dir, Options{Passphrase: Passphrase("wrong"), cost: quick})
	wantCode(t, err, chat.CodePassphrase)
	if got := readAll(t, dir, locked); got != want {
		t.Errorf("the locked vault holds %d bytes, want %d", len(got), len(want))
	}

	// Another passphrase takes the place of the first.
	if err := Lock(dir, locked, Passphrase("battery")); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir, locked)
	wantCode(t, err, chat.CodePassphrase)
	if err := Unlock(dir, Options{Passphrase: Passphrase("battery"), cost: quick}); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, dir, Options{}); got != want {
		t.Errorf("the unlocked vault holds %d bytes, want %d", len(got), len(want))
	}
	wantCode(t, Lock(dir, Options{}, nil), chat.CodeUsage)
	wantCode(t, Lock(t.TempDir(), Options{}, Passphrase("x")), chat.CodeStorage)
}

func readAll(t *testing.T, dir string, o Options) string {
	t.Helper()
	v := mustOpen(t, dir, o)
	got, err := all(v)
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, v)
	return got
}

func TestOldKeyFileDoesNotOpenALockedVault(t *testing.T) {
	dir := t.TempDir()
	v := mustOpen(t, dir, Options{})
	fill(t, v, 5)
	mustClose(t, v)
	stolen, err := os.ReadFile(keyPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := Lock(dir, Options{cost: quick}, Passphrase("later")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyPath(dir), stolen, 0o600); err != nil {
		t.Fatal(err)
	}
	if v, err := Open(dir, Options{}); err == nil {
		_ = v.Close()
		t.Error("a key file stolen before Lock opens the vault after it")
	}
}

func TestCrashWhileLockingLeavesTheOldVault(t *testing.T) {
	dir := t.TempDir()
	v := mustOpen(t, dir, Options{})
	fill(t, v, 5)
	want, err := all(v)
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, v)
	// What reguard has on disk just before the key file is replaced.
	stray := filepath.Join(dir, "vault-00000000.db")
	stage := filepath.Join(dir, ".reguard-1")
	if err := os.WriteFile(stray, make([]byte, pageSize), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(stage, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, dir, Options{}); got != want {
		t.Error("the old vault isn't what it was")
	}
	for _, path := range []string{stray, stage} {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is still there", path)
		}
	}
}

func TestCrashWhileMaking(t *testing.T) {
	dir := t.TempDir()
	g, err := makeGuard(dir, Options{}) // the key file is there, the database isn't
	if err != nil {
		t.Fatal(err)
	}
	v := mustOpen(t, dir, Options{})
	fill(t, v, 1)
	if v.guard.key != g.key {
		t.Error("another key was made")
	}
}

func TestRemove(t *testing.T) {
	r, dir := newRing(), filepath.Join(t.TempDir(), "p")
	mustClose(t, mustOpen(t, dir, Options{Keyring: r}))
	if err := Remove(dir, r); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) || len(r.entries) != 0 {
		t.Errorf("left behind: folder %v, %d entries in the keyring", err, len(r.entries))
	}
}

// TestKilled ends a process that writes, by SIGKILL, and looks for everything that it reported as written.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("HUISCLOS_TEST_VAULT"); dir != "" {
		writeForever(dir)
	}
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	reported := 0
	for round := range 3 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$") //nolint:gosec // ourselves
		cmd.Env = append(os.Environ(), "HUISCLOS_TEST_VAULT="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 1)
		for range 100 + 57*round {
			if _, err := out.Read(line); err != nil {
				t.Fatal(err)
			}
			reported++
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		v := mustOpen(t, dir, Options{})
		got, err := all(v)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(got, "\n"); n < reported {
			t.Errorf("round %d: %d records after %d were reported", round, n, reported)
		} else {
			reported = n
		}
		if v.RolledBack() {
			t.Error("a killed process counts as a rollback")
		}
		mustClose(t, v)
	}
}

// writeForever writes records, one a transaction, and a byte for each that is written.
func writeForever(dir string) {
	v, err := Open(dir, Options{})
	if err != nil {
		os.Exit(3)
	}
	last := 0
	_ = v.View(func(r client.Reader) error {
		return r.Scan(client.TableHistory, nil, nil, false, func([]byte, []byte) (bool, error) { last++; return true, nil })
	})
	for i := last; ; i++ {
		key := []byte{byte(i >> 16), byte(i >> 8), byte(i)}
		d := client.Durability(i % 2) //nolint:gosec // 0 or 1
		if v.Update(d, func(w client.Writer) error {
			return w.Put(client.TableHistory, key, bytes.Repeat([]byte{1}, 300))
		}) != nil {
			os.Exit(4)
		}
		if _, err := os.Stdout.Write([]byte{'.'}); err != nil {
			os.Exit(0)
		}
	}
}
