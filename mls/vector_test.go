package mls

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// The test vectors of the IETF working group (github.com/mlswg/mls-implementations) aren't part of the project: they are looked for
// beside it, or in HUISCLOS_MLS_VECTORS.

// vectorFiles are the files that the tests know; a test for each is named TestVector….
var vectorFiles = []string{"tree-math", "crypto-basics", "secret-tree", "message-protection", "key-schedule", "psk_secret", "transcript-hashes", "welcome",
	"tree-operations", "tree-validation", "treekem", "messages", "passive-client-welcome", "passive-client-handling-commit",
	"passive-client-random", "deserialization"}

func vectorFolder() (dir string, named bool) {
	if dir := os.Getenv("HUISCLOS_MLS_VECTORS"); dir != "" {
		return dir, true
	}
	return filepath.Join("..", "..", "shared", "mls", "vectors"), false
}

// A folder that was named and holds nothing known would let every test pass without testing anything.
func TestVectorFolder(t *testing.T) {
	dir, named := vectorFolder()
	found := 0
	for _, f := range vectorFiles {
		if _, err := os.Stat(filepath.Join(dir, f+".json")); err == nil {
			found++
		}
	}
	switch {
	case found == 0 && named:
		t.Fatalf("no known file of test vectors in %s", dir)
	case found == 0:
		t.Skip("NO MLS TEST VECTORS: looked in ../shared/mls/vectors; HUISCLOS_MLS_VECTORS names another folder")
	}
	t.Logf("%d of %d known files", found, len(vectorFiles))
}

// vectors reads a file; it skips, loudly, when it isn't there.
func vectors[T any](t *testing.T, name string) []T {
	t.Helper()
	dir, _ := vectorFolder()
	b, err := os.ReadFile(filepath.Join(dir, name+".json"))
	if os.IsNotExist(err) {
		t.Skipf("NO TEST VECTORS %s.json in %s", name, dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	var list []T
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatalf("%s.json is empty", name)
	}
	return list
}

// hexBytes is bytes in a vector; null is nil.
type hexBytes []byte

func (h *hexBytes) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil || s == nil {
		return err
	}
	d, err := hex.DecodeString(*s)
	if d == nil {
		d = []byte{}
	}
	*h = d
	return err
}

func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Fatalf("%s: %x, want %x", what, got, want)
	}
}

func vectorSuite(t *testing.T, id CipherSuite) *suite {
	t.Helper()
	s := suiteFor(id, MLKEM768X25519AES256SHA384Ed25519)
	if s == nil {
		t.Skipf("%s isn't one of this package's", id)
	}
	return s
}

func decode[T any](t *testing.T, b []byte, f func(*reader) T) T {
	t.Helper()
	r := reader{b: b}
	v := f(&r)
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	return v
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
