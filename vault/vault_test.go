package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/client/vaulttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quick makes Argon2id cheap enough for tests.
var quick = &cost{time: 1, memory: 64, threads: 1}

// ring is a keyring in memory; broken makes every call fail.
type ring struct {
	entries map[string]string
	broken  bool
}

func newRing() *ring { return &ring{entries: map[string]string{}} }

var errBroken = errors.New("no keyring here")

func (r *ring) Get(entry string) (string, error) {
	s, ok := r.entries[entry]
	switch {
	case r.broken:
		return "", errBroken
	case !ok:
		return "", ErrNoEntry
	}
	return s, nil
}

func (r *ring) Set(entry, secret string) error {
	if r.broken {
		return errBroken
	}
	r.entries[entry] = secret
	return nil
}

func (r *ring) Delete(entry string) error {
	delete(r.entries, entry)
	return nil
}

func mustOpen(t testing.TB, dir string, o Options) *SQLite {
	t.Helper()
	v, err := Open(dir, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

func mustClose(t testing.TB, v *SQLite) {
	t.Helper()
	if err := v.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func fill(t testing.TB, v *SQLite, n int) {
	t.Helper()
	err := v.Update(client.Durable, func(w client.Writer) error {
		for i := range n {
			if err := w.Put(client.TableHistory, fmt.Appendf(nil, "room%06d", i), fmt.Appendf(nil, "the secret message number %d", i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// all reads the history as one text.
func all(v *SQLite) (string, error) {
	var b strings.Builder
	err := v.View(func(r client.Reader) error {
		return r.Scan(client.TableHistory, nil, nil, false, func(k, val []byte) (bool, error) {
			fmt.Fprintf(&b, "%s=%s\n", k, val)
			return true, nil
		})
	})
	return b.String(), err
}

func wantCode(t testing.TB, err error, code chat.Code) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestConformance(t *testing.T) {
	for name, o := range map[string]Options{
		"file": {}, "keyring": {Keyring: newRing()}, "passphrase": {Passphrase: Passphrase("correct horse"), cost: quick},
	} {
		t.Run(name, func(t *testing.T) {
			vaulttest.Run(t, func(t *testing.T) (client.Vault, func() client.Vault) {
				dir := filepath.Join(t.TempDir(), "a profile? #1%20")
				return mustOpen(t, dir, o), func() client.Vault { return mustOpen(t, dir, o) }
			})
		})
	}
}

func TestNothingReadableOnDisk(t *testing.T) {
	dir := t.TempDir()
	r := newRing()
	v := mustOpen(t, dir, Options{Keyring: r})
	fill(t, v, 2000)
	look := func() {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) < 3 {
			t.Fatalf("only %q in the profile's folder (%v)", files, err)
		}
		for _, path := range files {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, clear := range []string{"secret message", "room0", "SQLite format", "CREATE TABLE"} {
				if bytes.Contains(data, []byte(clear)) {
					t.Errorf("%s holds %q", filepath.Base(path), clear)
				}
			}
			for _, key := range r.entries {
				if bytes.Contains(data, []byte(key[:32])) {
					t.Errorf("%s holds the key that belongs in the keyring", filepath.Base(path))
				}
			}
		}
	}
	look() // with the write-ahead log
	mustClose(t, v)
	look()
}

func TestOnlyTheOwnerCanRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes on Windows")
	}
	dir := filepath.Join(t.TempDir(), "home", "profile")
	v := mustOpen(t, dir, Options{})
	fill(t, v, 10)
	if err := v.Remember(client.Facts{Name: "alice"}); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(filepath.Dir(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 && !strings.HasSuffix(path, "-wal") {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSecondOpenerIsRefused(t *testing.T) {
	dir := t.TempDir()
	v := mustOpen(t, dir, Options{})
	_, err := Open(dir, Options{})
	wantCode(t, err, chat.CodeVaultInUse)
	wantCode(t, Lock(dir, Options{}, Passphrase("x")), chat.CodeVaultInUse)
	wantCode(t, Remove(dir, nil), chat.CodeVaultInUse)
	mustClose(t, v)
	mustClose(t, mustOpen(t, dir, Options{}))
}

// TestFlippedBit flips single bits all over the folder: each vault then says that it was changed,
// or gives back exactly what was written, when the bit stood in a page that isn't in use.
func TestFlippedBit(t *testing.T) {
	dir := t.TempDir()
	v := mustOpen(t, dir, Options{})
	fill(t, v, 400)
	want, err := all(v)
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, v)
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	for _, name := range []string{filepath.Base(v.path), keyFileName} {
		clean, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		noticed, tries := 0, 150
		for range tries {
			at := rng.IntN(len(clean) * 8)
			bad := bytes.Clone(clean)
			bad[at/8] ^= 1 << (at % 8)
			got, err := openCopy(t, dir, name, bad)
			switch {
			case err == nil && got == want: // white space of the key file, an unused page
			case errors.Is(err, chat.CodeVaultCorrupt), name == keyFileName && errors.Is(err, chat.CodeVaultNewer):
				noticed++
			default:
				t.Errorf("bit %d of %s: error %v, and %d bytes instead of %d", at, name, err, len(got), len(want))
			}
		}
		if noticed < tries*9/10 {
			t.Errorf("%s: only %d of %d flipped bits were noticed", name, noticed, tries)
		}
	}
}

// openCopy reads a copy of the profile in which one file is replaced.
func openCopy(t *testing.T, dir, name string, data []byte) (string, error) {
	t.Helper()
	bad := t.TempDir()
	if err := os.CopyFS(bad, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bad, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := Open(bad, Options{})
	if err != nil {
		return "", err
	}
	defer v.Close()
	if v.RolledBack() {
		return "", errors.New("counts as rolled back")
	}
	return all(v)
}

func TestLargeVaultIsCheckedAsItIsRead(t *testing.T) {
	dir := t.TempDir()
	v := mustOpen(t, dir, Options{})
	big := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	for i := range 300 { // 19 MB, above checkedWhole
		err := v.Update(client.Lazy, func(w client.Writer) error {
			return w.Put(client.TableHistory, fmt.Appendf(nil, "%04d", i), big)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, v)
	data, err := os.ReadFile(v.path)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) <= checkedWhole {
		t.Fatalf("%d bytes are too few for this test", len(data))
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(v.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	v = mustOpen(t, dir, Options{})
	wantCode(t, v.Check(), chat.CodeVaultCorrupt)
	_, err = all(v)
	wantCode(t, err, chat.CodeVaultCorrupt)
}

func TestTruncatedOrMissing(t *testing.T) {
	dir := t.TempDir()
	v := mustOpen(t, dir, Options{})
	fill(t, v, 400)
	mustClose(t, v)
	data, err := os.ReadFile(v.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 100, pageSize, pageSize + 1, len(data) - pageSize, len(data) - 1} {
		_, err := openCopy(t, dir, filepath.Base(v.path), data[:n])
		if !errors.Is(err, chat.CodeVaultCorrupt) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	if err := os.Remove(keyPath(dir)); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir, Options{})
	wantCode(t, err, chat.CodeVaultCorrupt)
}

func TestRecordInAnotherPlaceDoesNotOpen(t *testing.T) {
	s := newSealer(newMaster(), ID{1})
	sealed := s.seal(client.TableKeys, []byte("k"), []byte("value"))
	if got, err := s.open(client.TableKeys, []byte("k"), sealed); err != nil || string(got) != "value" {
		t.Fatalf("got %q, %v", got, err)
	}
	if _, err := s.open(client.TableSelf, []byte("k"), sealed); err == nil {
		t.Error("a record opens in another table")
	}
	if _, err := s.open(client.TableKeys, []byte("l"), sealed); err == nil {
		t.Error("a record opens under another key")
	}
	if _, err := newSealer(newMaster(), ID{1}).open(client.TableKeys, []byte("k"), sealed); err == nil {
		t.Error("a record opens in another vault")
	}
}

func TestNewerVersions(t *testing.T) {
	dir := t.TempDir()
	v := mustOpen(t, dir, Options{})
	fill(t, v, 1)
	if err := v.db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	mustClose(t, v)
	_, err := Open(dir, Options{})
	wantCode(t, err, chat.CodeVaultNewer)
	text, err := os.ReadFile(keyPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	newer := bytes.Replace(text, []byte(`"version": 1`), []byte(`"version": 2, "unknown": true`), 1)
	if err := os.WriteFile(keyPath(dir), newer, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir, Options{})
	wantCode(t, err, chat.CodeVaultNewer)
	var e *chat.Error
	if errors.As(err, &e) && e.Params["version"] != "2" {
		t.Errorf("the version isn't told: %v", err)
	}
}

func TestRollbackIsNoticed(t *testing.T) {
	r := newRing()
	for name, o := range map[string]Options{"keyring": {Keyring: r}, "file": {}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			v := mustOpen(t, dir, o)
			fill(t, v, 10)
			mustClose(t, v)
			old, err := os.ReadFile(v.path)
			if err != nil {
				t.Fatal(err)
			}
			v = mustOpen(t, dir, o)
			fill(t, v, 20)
			mustClose(t, v)
			if err := os.WriteFile(v.path, old, 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // it stays known until it is settled
				v = mustOpen(t, dir, o)
				if !v.RolledBack() {
					t.Error("an older copy of the database wasn't noticed")
				}
				mustClose(t, v)
			}
			v = mustOpen(t, dir, o)
			if err := v.Settled(); err != nil {
				t.Fatal(err)
			}
			mustClose(t, v)
			if v = mustOpen(t, dir, o); v.RolledBack() {
				t.Error("still rolled back after Settled")
			}
		})
	}
}

func TestManyTransactionsRenewTheMirror(t *testing.T) {
	dir := t.TempDir()
	v := mustOpen(t, dir, Options{})
	for range mirrorEvery + 10 {
		if err := v.Update(client.Lazy, func(client.Writer) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	f, err := readKeyFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	if f.Counter < mirrorEvery {
		t.Errorf("the mirror is at %d after %d transactions", f.Counter, v.root.counter)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	m, p := newMaster(), Passphrase("correct horse")
	text := fmt.Sprintf("%v %+v %#v %s %x %q %v %+v %#v %s %x", m, m, m, m, m, m, p, p, p, p, p)
	text += fmt.Sprintf("%+v", Options{Passphrase: p}) + fmt.Sprintf("%+v %#v", guarded{key: m}, keyFile{Key: "horse"})
	if want := strings.TrimSpace(strings.Repeat("[secret] ", 11)); !strings.HasPrefix(text, want) {
		t.Errorf("printed as %s", text)
	}
	if strings.Contains(text, "horse") || strings.Contains(text, fmt.Sprint(m[0], " ", m[1])) {
		t.Errorf("a secret is in %s", text)
	}
}

func BenchmarkOpenRoom(b *testing.B) {
	dir := b.TempDir()
	v := mustOpen(b, dir, Options{})
	text := bytes.Repeat([]byte("message "), 40)
	for start := 0; start < 100_000; start += 1000 {
		err := v.Update(client.Lazy, func(w client.Writer) error {
			for i := start; i < start+1000; i++ {
				if err := w.Put(client.TableHistory, fmt.Appendf(nil, "room%08d", i), text); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	mustClose(b, v)
	for b.Loop() {
		v := mustOpen(b, dir, Options{})
		n := 0
		err := v.View(func(r client.Reader) error {
			return r.Scan(client.TableHistory, []byte("room"), []byte("roon"), true, func([]byte, []byte) (bool, error) {
				n++
				return n < 100, nil
			})
		})
		if err != nil || n != 100 {
			b.Fatalf("%d messages, %v", n, err)
		}
		mustClose(b, v)
	}
}
