package line_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every event that watch --json can print is in both guides.
func TestGuidesNameEveryEvent(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"message": true, "updated": true}
	call := regexp.MustCompile(`jsonEvent\("([a-z_]+)"`)
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllSubmatch(source, -1) {
			names[string(m[1])] = true
		}
	}
	delete(names, "unknown")
	if len(names) < 39 {
		t.Fatalf("only %d events", len(names))
	}
	for _, guide := range []string{"../docs/guide.md", "../docs/guide.fr.md"} {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		for name := range names {
			if !regexp.MustCompile("(?m)^\\| [^|]*`" + name + "`").Match(text) {
				t.Errorf("%s doesn't have the event %s", guide, name)
			}
		}
		if n := strings.Count(string(text), "| `event` |"); n != 3 {
			t.Errorf("%s has %d tables of events", guide, n)
		}
	}
}
