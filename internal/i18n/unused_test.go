package i18n

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Every text is used: its ID stands in the source, or begins with a constant that ends in a dot and that the source adds to. (Those of errors
// follow from chat.Codes.)
func TestNoTextIsIdle(t *testing.T) {
	whole, prefixes := map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, err := strconv.Unquote(lit.Value)
				if err != nil {
					return true
				}
				whole[text] = true
				if len(text) > 1 && strings.HasSuffix(text, ".") {
					prefixes[text] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for id := range texts(t, "en") {
		if whole[id] || strings.HasPrefix(id, "error.") {
			continue
		}
		used := false
		for prefix := range prefixes {
			used = used || strings.HasPrefix(id, prefix)
		}
		if !used {
			t.Errorf("%s is never used", id)
		}
	}
}
