// Package arch tests the rules of the tree: who may import whom, and what no package may do. Each rule says why.
package arch

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pkg is what "go list" says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	Deps       []string
	GoFiles    []string
}

const module = "huisclos/"

// list runs go list at the root of the module.
func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Imports,Deps,GoFiles"}, args...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		t.Fatal("no packages")
	}
	return all
}

// own shortens an import path of ours; "" for another's.
func own(path string) string {
	short, ok := strings.CutPrefix(path, module)
	if !ok {
		return ""
	}
	return short
}

// allowed are the packages of ours that each may import. A package that isn't here may not exist: put it in, with the reason.
var allowed = map[string][]string{
	// Words: everything may use them, so they use nothing.
	"chat": {},
	// Formats: pure; each builds on the simpler ones.
	"wire":             {"chat"},
	"trust":            {"chat", "wire"},
	"trust/gen":        {},
	"access":           {"chat", "trust", "wire"},
	"content":          {"chat"},
	"keys":             {"access", "chat", "trust", "wire"}, // the strings' code is the server's too; the ends of an invitation code show certificates
	"keys/words/gen":   {},
	"seal":             {"chat", "trust", "wire"},
	"recovery":         {"chat", "trust", "wire"}, // of clients alone: it holds the shared keys
	"mls":              {},                        // RFC 9420 and nothing of ours: it can be read, tested and used alone
	"mls/mlstest":      {"mls"},                   // forges what mls refuses, for its tests: the types of mls with a codec of its own
	"docs/vectors/gen": {"access", "chat", "content", "keys", "recovery", "seal", "trust", "wire"},
	// Domain: the server's and the client's don't know each other.
	"hub":              {"chat", "wire", "trust", "access"},
	"client":           {"access", "chat", "content", "keys", "mls", "recovery", "seal", "trust", "wire"},
	"client/vaulttest": {"chat", "client"},
	// Adapters: each imports the domain whose interface it implements, never another adapter.
	"store":             {"chat", "hub", "store/schema", "wire"},
	"store/schema":      {},
	"store/storetest":   {"chat", "hub", "wire"},
	"fanout":            {"chat", "hub"},
	"fanout/fanouttest": {"chat", "hub"},
	"conn":              {"chat"},
	"server":            {"access", "admin", "chat", "conn", "hub", "trust", "wire"}, // it is the hub's network face: conn carries it, admin's results are what it shows
	"admin":             {"chat", "hub"},
	"vault":             {"chat", "client"},
	"discover":          {"chat"},
	// Faces.
	"admin/console": {"admin", "chat"},
	"line":          {"admin", "chat", "client", "line/edit"}, // admin: Nearest, for a mistyped command
	"line/edit":     {"chat"},
	"line/vttest":   {},
	// Commands, and what both of them share.
	"internal/arch":            {},
	"internal/cli":             {"chat", "line/edit"}, // line/edit: widths and breaking between words
	"internal/config":          {"chat"},
	"internal/i18n":            {"chat"},
	"internal/version":         {},
	"internal/daemon":          {"access", "admin", "chat", "discover", "fanout", "hub", "internal/config", "server", "store"},
	"internal/testkit":         {},
	"internal/testkit/summary": {},
	"internal/errdoc":          {"chat", "internal/i18n"},
	"cmd/huisclos":             nil, // everything
	"cmd/huisclosd":            nil, // but what TestServerHalfKnowsNoKey forbids
	"bench":                    nil,
	"e2e":                      {},
	"e2e/mallory":              nil,
	"e2e/soak":                 nil, // many members, each a whole client
	"e2e/hostile":              nil,
}

func TestImports(t *testing.T) {
	for _, p := range list(t, "./...") {
		name := own(p.ImportPath)
		if len(p.GoFiles) == 0 {
			continue
		}
		may, known := allowed[name]
		if !known {
			t.Errorf("%s isn't in the list of packages: say what it may import, and why", name)
			continue
		}
		if may == nil {
			continue
		}
		for _, i := range p.Imports {
			if o := own(i); o != "" && !slices.Contains(may, o) {
				t.Errorf("%s imports %s", name, o)
			}
		}
	}
}

// The promise that a server can't read the rooms is a fact of the build: no package of its half reaches a key, the cipher, or a client.
func TestServerHalfKnowsNoKey(t *testing.T) {
	for _, p := range list(t, "./hub", "./store", "./fanout/...", "./server", "./admin/...", "./internal/daemon", "./cmd/huisclosd") {
		for _, d := range p.Deps {
			switch o := own(d); o {
			case "keys", "seal", "recovery", "content", "vault", "client", "line", "mls", "tui", "web":
				t.Errorf("%s reaches %s", own(p.ImportPath), o)
			}
		}
	}
}

// Formats are pure: what they do depends on their arguments alone (and on randomness), so they can be fuzzed and run in a browser.
func TestFormatsArePure(t *testing.T) {
	for _, p := range list(t, "./chat", "./wire", "./trust", "./access", "./keys", "./seal", "./mls", "./mls/mlstest", "./content", "./recovery") {
		for _, i := range p.Imports {
			switch i {
			case "net", "os", "database/sql", "net/http", "crypto/tls", "os/exec", "syscall", "path/filepath":
				t.Errorf("%s imports %s", own(p.ImportPath), i)
			}
		}
	}
}

// Outside packages have one door each.
func TestForeignPackagesHaveOneDoor(t *testing.T) {
	doors := map[string][]string{
		"github.com/ncruces/go-sqlite3":       {"store", "vault", "bench"},
		"github.com/coder/websocket":          {"conn"},
		"github.com/spf13/cobra":              {"cmd/huisclos", "cmd/huisclosd", "internal/cli"},
		"github.com/spf13/pflag":              {"internal/cli", "internal/config"},
		"github.com/pelletier/go-toml/v2":     {"internal/config", "internal/i18n"},
		"github.com/nicksnyder/go-i18n/v2":    {"internal/i18n"},
		"github.com/zalando/go-keyring":       {"vault"},
		"github.com/prometheus/client_golang": {"server"},
		"golang.org/x/term":                   {"line/edit", "cmd/huisclos", "internal/cli"},
		"github.com/fxamacker/cbor/v2":        {"wire", "client"},
		"rsc.io/qr":                           {"line"},
		"golang.org/x/time":                   {"hub", "server"},
		"github.com/gtank/ristretto255":       {"keys", "docs/vectors/gen"}, // the vectors are made by other code than what they test
		"github.com/sethvargo/go-diceware":    {"keys"},
	}
	for _, p := range list(t, "./...") {
		for _, i := range p.Imports {
			for foreign, may := range doors {
				if (i == foreign || strings.HasPrefix(i, foreign+"/")) && !slices.Contains(may, own(p.ImportPath)) {
					t.Errorf("%s imports %s, which only %v may", own(p.ImportPath), i, may)
				}
			}
		}
	}
}

// maxLines bounds a file: more than one concept lives in a longer one.
const maxLines = 500

// What no file of the product may do.
func TestFiles(t *testing.T) {
	for _, p := range list(t, "./...") {
		name := own(p.ImportPath)
		base := filepath.Base(name)
		if base == "util" || base == "utils" || base == "common" || base == "helpers" || base == "misc" {
			t.Errorf("%s: a package is named after what it provides", name)
		}
		for _, f := range p.GoFiles {
			checkFile(t, name, filepath.Join(p.Dir, f))
		}
	}
}

func checkFile(t *testing.T, name, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := name + "/" + filepath.Base(path)
	if strings.Contains(string(text[:min(200, len(text))]), "DO NOT EDIT") {
		return
	}
	if n := strings.Count(string(text), "\n"); n > maxLines {
		t.Errorf("%s has %d lines, more than %d", file, n, maxLines)
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	program := strings.HasPrefix(name, "cmd/") || name == "bench" || strings.HasSuffix(name, "/gen") || strings.HasPrefix(name, "internal/testkit") || strings.HasPrefix(name, "e2e") || name == "internal/errdoc"
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				t.Errorf("%s: init() hides what happens at the start", file)
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok || program || name == "internal/config" {
				return true
			}
			if x.Name == "os" && (n.Sel.Name == "Exit" || n.Sel.Name == "Getenv" || n.Sel.Name == "LookupEnv" || n.Sel.Name == "Args") {
				t.Errorf("%s: os.%s belongs into cmd and internal/config", file, n.Sel.Name)
			}
		}
		return true
	})
}

// A test that sleeps is slow when it passes, and fails on a busy machine.
func TestTestsDoNotSleep(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.Contains(string(text), "time."+"Sleep(") && !strings.Contains(string(text), "testing/synctest") {
			t.Errorf("%s sleeps", strings.TrimPrefix(path, "../../"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
