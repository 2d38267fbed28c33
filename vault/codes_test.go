package vault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"huisclos/chat"
)

// A code is burnt once and for all, and can't be read where that is noted.
func TestBurn(t *testing.T) {
	home := filepath.Join(t.TempDir(), "new", "home")
	for range 2 {
		for i := range codesAtMost / 2 {
			code := fmt.Sprintf("%d-guitare-ocean", i+1)
			err := Burn(home, code)
			if again := Burn(home, code); !errors.Is(again, chat.CodeCodeUsed) {
				t.Fatal(code, again)
			}
			if err != nil && !errors.Is(err, chat.CodeCodeUsed) {
				t.Fatal(err)
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(home, codesFile))
	if err != nil || strings.Contains(string(text), "guitare") || strings.Count(string(text), "\n") != codesAtMost/2 {
		t.Errorf("%v %d", err, strings.Count(string(text), "\n"))
	}
	if info, err := os.Stat(filepath.Join(home, codesFile)); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Error("others can read it", err)
	}
	// What is damaged or old is dropped.
	if err := os.WriteFile(filepath.Join(home, codesFile), []byte("x\n1 00 00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Burn(home, "1-guitare-ocean"); err != nil {
		t.Error(err)
	}
}
