package mls

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// seedsOf all targets, made of real conversations; each seed is the list of its arguments.
func seedsOf(t *testing.T) map[string][][]any {
	s, public := speak(t, false), speak(t, true)
	all := map[string][][]any{}
	add := func(target string, seeds ...[]byte) {
		for _, b := range seeds {
			all[target] = append(all[target], []any{b})
		}
	}
	add("FuzzMessage", append(slices.Clone(s.messages), public.messages...)...)
	add("FuzzOpen", append(slices.Clone(public.messages), s.valid, public.commit)...)
	add("FuzzRatchetTree", s.trees...)
	add("FuzzGroupSecrets", marshal(&groupSecrets{joiner: bytes.Repeat([]byte{1}, 32), pathSecret: bytes.Repeat([]byte{2}, 32)}))
	add("FuzzCommit", marshal(must(ParseMessage(public.commit))(t).public.auth.content.commit))
	add("FuzzGroupInfo", s.messages[2][4:])
	add("FuzzKeyPackage", s.messages[3][4:])
	for _, x := range s.spoken() {
		var w writer
		x.content.encodeBody(&w)
		all["FuzzSigned"] = append(all["FuzzSigned"], []any{uint8(SenderMember), uint8(x.content.contentType), bytes.Clone(w.b), true})
		x.encodeAuth(&w)
		all["FuzzPlaintext"] = append(all["FuzzPlaintext"], []any{uint8(x.content.contentType), w.b})
	}
	for i, key := range slices.Sorted(maps.Keys(s.alice.disk)) {
		all["FuzzLoad"] = append(all["FuzzLoad"], []any{uint8(i), key, s.alice.disk[key]})
	}
	return all
}

// The folders of seeds must not go missing or empty unseen. -update writes them anew.
func TestFuzzSeedsAreThere(t *testing.T) {
	dirs := must(filepath.Glob(filepath.Join("testdata", "fuzz", "Fuzz*")))(t)
	for target, seeds := range seedsOf(t) {
		dir := filepath.Join("testdata", "fuzz", target)
		if *update {
			putSeeds(t, dir, seeds)
		}
		dirs = append(dirs, dir)
	}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s has no seeds: %v", dir, err)
		}
		for _, f := range files {
			if info, err := os.Stat(f); err != nil || info.Size() == 0 {
				t.Errorf("%s is empty", f)
			}
		}
	}
}

func putSeeds(t *testing.T, dir string, seeds [][]any) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, seed := range seeds {
		text := strings.Builder{}
		text.WriteString("go test fuzz v1\n")
		for _, v := range seed {
			switch v := v.(type) {
			case uint8:
				fmt.Fprintf(&text, "byte(%q)\n", rune(v))
			case bool:
				fmt.Fprintf(&text, "bool(%t)\n", v)
			case string:
				fmt.Fprintf(&text, "string(%q)\n", v)
			case []byte:
				fmt.Fprintf(&text, "[]byte(%q)\n", v)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("seed-%d", i)), []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
