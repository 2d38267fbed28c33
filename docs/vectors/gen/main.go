// Command gen writes the test vectors of docs/protocol.md into docs/vectors, one JSON file for each area. Run it from
// the project's root:
//
//	go run ./docs/vectors/gen
//
// Every input is fixed, so it writes the same files each time. Byte strings are hexadecimal.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	files, err := all()
	for name, v := range files {
		if err != nil {
			break
		}
		var b []byte
		if b, err = encode(v); err == nil {
			err = os.WriteFile(filepath.Join("docs", "vectors", name), b, 0o644) //nolint:gosec // public
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// all makes every file.
func all() (map[string]any, error) {
	w, err := newWorld()
	if err != nil {
		return nil, err
	}
	files := map[string]any{
		"ids.json": w.ids(), "strings.json": w.strings(), "names.json": w.names(), "signatures.json": w.signatures(),
		"derivations.json": w.derivations(), "login.json": w.login(), "content.json": w.content(), "seal.json": w.seal(),
		"log.json": w.log(), "generations.json": w.generations(), "frames.json": w.frames(), "recovery.json": w.recovery(), "refill.json": w.refill(),
		"private.json": w.private(),
		"code.json":    w.code(),
		"device.json":  w.deviceLink(),
		"typing.json":  w.typing(),
	}
	return files, w.err
}

// encode writes JSON for people, with a line feed at its end.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Hex is a byte string in the files.
type Hex []byte

// MarshalText writes hexadecimal digits.
func (h Hex) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

// UnmarshalText reads them.
func (h *Hex) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// seed is n bytes that follow from their name: SHA-256 of "huisclos test vector " ‖ the name ‖ a counter of one byte.
func seed(name string, n int) []byte {
	var out []byte
	for i := byte(0); len(out) < n; i++ {
		sum := sha256.Sum256(append([]byte("huisclos test vector "+name), i))
		out = append(out, sum[:]...)
	}
	return out[:n]
}

// Bytes is a byte string among the fields of a frame, in the diagnostic notation of CBOR (RFC 8949 §8).
type Bytes []byte

// MarshalText writes h'…'.
func (b Bytes) MarshalText() ([]byte, error) { return []byte("h'" + hex.EncodeToString(b) + "'"), nil }
