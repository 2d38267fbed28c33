package mls_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"huisclos/mls"
)

// attack breaks one rule.
type attack struct {
	id    string
	class mls.Class
	what  string
	try   func(w *world) error // what the victim says
}

// attacks are all of them.
func attacks() []attack {
	return slices.Concat(encodingAttacks, framingAttacks, leafAttacks, packageAttacks, proposalAttacks, listAttacks, pathAttacks, externalAttacks, treeAttacks,
		welcomeAttacks, originAttacks, sendingAttacks)
}

const pq = mls.MLKEM768X25519AES256SHA384Ed25519

// TestCheck breaks each rule by itself: the error names it, nothing has changed, and the group goes on.
func TestCheck(t *testing.T) {
	sample := []string{"5.1.1/hpke-key", "5.1.3/open", "6.1/signature", "6.1/confirmation-tag", "6.2/membership-tag", "7.3/signature", "7.4/path-secret", "7.5/path-keys",
		"7.9.2/parent-hash", "7.9.2/path-parent-hash", "8.3/kem-output", "10.1/signature", "12.2/same-client", "12.4.2/path-key-new",
		"12.4.3.1/path-keys", "12.4.3.1/confirmation-tag", "12.4.3.1/signature", "11.2/parameters", "9.1/used"}
	for _, id := range []mls.CipherSuite{mls.X25519AES128SHA256Ed25519, pq} {
		t.Run(fmt.Sprintf("%04X", uint16(id)), func(t *testing.T) {
			for _, a := range attacks() {
				if id == pq && !slices.Contains(sample, a.id) {
					continue
				}
				t.Run(strings.TrimSpace(a.id+" "+a.what), func(t *testing.T) {
					w := newWorld(t, id)
					err := a.try(w)
					if mls.CheckOf(err) != a.id || !errors.Is(err, a.class) {
						t.Fatalf("got %v; want %v, §%s", err, a.class, a.id)
					}
					w.goesOn()
				})
			}
		})
	}
}

var isCheck = regexp.MustCompile(`^\d+(\.\d+)*/[a-z0-9-]+$`)

// checksInCode finds the names of checks in the package's source, with the places "file: function" of each.
func checksInCode(t *testing.T) map[string][]string {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
					if s, _ := strconv.Unquote(l.Value); isCheck.MatchString(s) && !slices.Contains(found[s], file+": "+fn.Name.Name) {
						found[s] = append(found[s], file+": "+fn.Name.Name)
					}
				}
				return true
			})
		}
	}
	return found
}

// register reads the table of checks: for each its places in the code.
func register(t *testing.T) map[string]string {
	b, err := os.ReadFile(filepath.Join("..", "docs", "security", "validation.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 {
			continue
		}
		id := strings.Trim(strings.TrimSpace(cells[1]), "`")
		if !isCheck.MatchString(id) {
			continue
		}
		if _, twice := rows[id]; twice {
			t.Errorf("%s is in the register twice", id)
		}
		section, _, _ := strings.Cut(id, "/")
		if !strings.Contains(cells[3], "§"+section) {
			t.Errorf("%s: the register says %s", id, cells[3])
		}
		if strings.Trim(strings.TrimSpace(cells[5]), "`") != "TestCheck/0001/"+id {
			t.Errorf("%s: the register names the test %s", id, cells[5])
		}
		rows[id] = strings.TrimSpace(cells[4])
	}
	return rows
}

// TestRegister: what the code checks, what docs/security/validation.md lists and what TestCheck breaks are the same.
func TestRegister(t *testing.T) {
	code, rows, tested := checksInCode(t), register(t), map[string]bool{}
	for _, a := range attacks() {
		tested[a.id] = true
		if a.class == 0 || a.try == nil {
			t.Errorf("%s: an attack without a class or an act", a.id)
		}
	}
	if len(code) < 100 {
		t.Fatalf("only %d checks were found in the code", len(code))
	}
	for _, id := range slices.Sorted(maps.Keys(code)) {
		places, listed := rows[id]
		if !listed {
			t.Errorf("%s (%s) isn't in docs/security/validation.md", id, strings.Join(code[id], ", "))
		} else if want := strings.Join(code[id], ", "); strings.ReplaceAll(places, "`", "") != want {
			t.Errorf("%s: the register says it is in %s; it is in %s", id, places, want)
		}
		if !tested[id] {
			t.Errorf("%s has no test", id)
		}
	}
	for id := range rows {
		if code[id] == nil {
			t.Errorf("%s is in the register and not in the code", id)
		}
	}
	for id := range tested {
		if code[id] == nil {
			t.Errorf("%s is tested and not in the code", id)
		}
	}
}
