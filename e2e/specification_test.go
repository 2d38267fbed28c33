package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/specification.md names a script for each line of the specification; each of them exists, and none that says it shows the
// specification is left out.
func TestEveryScriptOfTheSpecificationExists(t *testing.T) {
	page, err := os.ReadFile("../docs/specification.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	quoted := regexp.MustCompile("`([^`]+)`")
	for line := range strings.SplitSeq(string(page), "\n") {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "|") || len(cells) != 3 {
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[2], -1) {
			path := filepath.Join("testdata", "script", m[1]+".txtar")
			if strings.HasSuffix(m[1], ".go") {
				path = filepath.Join("..", m[1])
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s names %s: %v", cells[0], m[1], err)
			}
			named[m[1]] = true
		}
	}
	scripts, err := filepath.Glob("testdata/script/spec_*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts of the specification", err)
	}
	for _, s := range scripts {
		if name := strings.TrimSuffix(filepath.Base(s), ".txtar"); !named[name] {
			t.Errorf("docs/specification.md doesn't name %s", name)
		}
	}
}
