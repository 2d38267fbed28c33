package vault

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"huisclos/chat"
)

// codesFile is where a home remembers which invitation codes were tried.
const codesFile = "codes"

const (
	codesKept   = 24 * time.Hour // longer than any code holds, even at a server that lies
	codesAtMost = 100
)

// Burn notes that an invitation code is tried now, and returns CodeCodeUsed when it was before: a code gives one guess to whoever stands in
// between, and no second one because somebody types it again. The file holds salted hashes; who can read it could find the words of a code, which is worth
// nothing any more.
func Burn(home, code string) error {
	path := filepath.Join(home, codesFile)
	failed := func(err error) error { return chat.Errorf(chat.CodeStorage, "path", path).Because(err) }
	if err := os.MkdirAll(home, 0o700); err != nil {
		return failed(err)
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed(err)
	}
	now := time.Now()
	var kept []string
	for line := range strings.Lines(string(text)) {
		var at int64
		var salt, sum []byte
		if _, err := fmt.Sscanf(line, "%d %x %x\n", &at, &salt, &sum); err != nil || now.Sub(time.Unix(at, 0)) > codesKept {
			continue
		}
		if bytes.Equal(codeSum(salt, code), sum) {
			return chat.Errorf(chat.CodeCodeUsed)
		}
		kept = append(kept, strings.TrimSpace(line))
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the program instead
	kept = append(kept, fmt.Sprintf("%d %s %s", now.Unix(), hex.EncodeToString(salt), hex.EncodeToString(codeSum(salt, code))))
	kept = kept[max(0, len(kept)-codesAtMost):]
	if err := os.WriteFile(path+".new", []byte(strings.Join(kept, "\n")+"\n"), 0o600); err != nil {
		return failed(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return failed(err)
	}
	return nil
}

func codeSum(salt []byte, code string) []byte {
	sum := sha256.Sum256(append(bytes.Clone(salt), code...))
	return sum[:]
}
