package i18n

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"huisclos/chat"
)

// texts reads all texts of a language: ID → plural form → text ("" where there are no forms).
func texts(t *testing.T, lang string) map[string]map[string]string {
	all := map[string]map[string]string{}
	names, err := fs.Glob(files, "text/*."+lang+".toml")
	if err != nil || len(names) == 0 {
		t.Fatal("no texts", err)
	}
	for _, name := range names {
		raw, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := toml.Unmarshal(raw, &m); err != nil {
			t.Fatal(name, err)
		}
		for id, v := range m {
			if all[id] != nil {
				t.Errorf("%s: %s is there twice", name, id)
			}
			all[id] = map[string]string{}
			switch v := v.(type) {
			case string:
				all[id][""] = v
			case map[string]any:
				for form, text := range v {
					all[id][form] = fmt.Sprint(text)
				}
			}
		}
	}
	return all
}

var parameter = regexp.MustCompile(`\.[a-zA-Z]+`)
var action = regexp.MustCompile(`\{\{[^}]*\}\}`)

// parameters lists those that a text names.
func parameters(text string) []string {
	set := map[string]bool{}
	for _, a := range action.FindAllString(text, -1) {
		for _, p := range parameter.FindAllString(a, -1) {
			set[p] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	en, fr := texts(t, "en"), texts(t, "fr")
	for id := range fr {
		if en[id] == nil {
			t.Errorf("%s is missing in English", id)
		}
	}
	for id, forms := range en {
		other := fr[id]
		if other == nil {
			t.Errorf("%s is missing in French", id)
			continue
		}
		for form, text := range forms {
			translated, ok := other[form]
			switch {
			case !ok:
				t.Errorf("%s: no form %q in French", id, form)
			case strings.TrimSpace(text) == "" || strings.TrimSpace(translated) == "":
				t.Errorf("%s is empty", id)
			case form != "one" && !slices.Equal(parameters(text), parameters(translated)):
				t.Errorf("%s: %v in English, %v in French", id, parameters(text), parameters(translated))
			}
		}
		if _, plural := forms["other"]; !plural && forms[""] == "" {
			t.Errorf("%s has no form “other”", id)
		}
	}
}

func TestEveryErrorHasWords(t *testing.T) {
	for _, lang := range Languages() {
		p := For(lang)
		for _, code := range chat.Codes() {
			for _, kind := range []string{".text", ".hint"} {
				if !p.Has("error." + string(code) + kind) {
					t.Errorf("%s: error.%s%s is missing", lang, code, kind)
				}
			}
			text, hint := p.Error(chat.Errorf(code))
			if text == "" || strings.Contains(text+hint, "{{") {
				t.Errorf("%s: %s: %q, %q", lang, code, text, hint)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	en, fr := For("en"), For("fr_FR.UTF-8")
	for _, c := range []struct {
		p    *Printer
		err  error
		want string
	}{
		{en, chat.Errorf(chat.CodeKicked, "reason", "spam"), "You were put out by an admin: spam"},
		{fr, chat.Errorf(chat.CodeKicked), "Un administrateur vous a exclu."},
		{en, chat.Errorf(chat.CodeNameForm, "reason", "empty"), "A name can't be empty."},
		{fr, fmt.Errorf("wrapped: %w", chat.Errorf(chat.CodeNameTaken, "name", "alice")), "Le nom alice appartient déjà à quelqu'un ici."},
		{en, errors.New("secret detail"), "Something went wrong inside the program."},
		{en, chat.CodeKeyChecksum, "The key has a typing error."},
		{en, chat.Errorf("a_code_of_tomorrow"), "Something went wrong inside the program."},
	} {
		if got, hint := c.p.Error(c.err); got != c.want || hint == "" {
			t.Errorf("%v: %q, %q", c.err, got, hint)
		}
	}
	if text, hint := en.Error(nil); text != "" || hint != "" {
		t.Error("words for no error")
	}
}

func TestChoice(t *testing.T) {
	for lang, want := range map[string]string{
		"": "en", "C": "en", "C.UTF-8": "en", "POSIX": "en", "fr": "fr", "fr_CA.UTF-8": "fr", "fr-BE": "fr", "FR": "fr",
		"de_DE": "en", "en_GB.UTF-8": "en", "fr_FR@euro": "fr", "nonsense-": "en",
	} {
		if got := For(lang).Lang(); got != want {
			t.Errorf("For(%q) speaks %s", lang, got)
		}
	}
}

func TestPlurals(t *testing.T) {
	for _, c := range []struct {
		lang string
		n    int
		want string
	}{{"en", 0, "0 people"}, {"en", 1, "1 person"}, {"en", 2, "2 people"}, {"fr", 0, "0 personne"}, {"fr", 1, "1 personne"}, {"fr", 2, "2 personnes"}} {
		if got := For(c.lang).N("line.people", c.n); got != c.want {
			t.Errorf("%s, %d: %q", c.lang, c.n, got)
		}
	}
}

// Every ID that the source names exists. IDs that are put together from parts begin with a constant that some ID begins with.
func TestEveryNamedTextExists(t *testing.T) {
	en := texts(t, "en")
	begins := func(prefix string) bool {
		for id := range en {
			if strings.HasPrefix(id, prefix) {
				return true
			}
		}
		return false
	}
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata" || d.Name() == "i18n") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			name, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || name.Sel.Name != "T" && name.Sel.Name != "N" {
				return true
			}
			switch arg := call.Args[0].(type) {
			case *ast.BasicLit:
				if id, _ := strconv.Unquote(arg.Value); strings.Contains(id, ".") && en[id] == nil {
					t.Errorf("%s: no text %q", path, id)
				}
			case *ast.BinaryExpr:
				if lit, ok := leftmost(arg).(*ast.BasicLit); ok {
					if prefix, _ := strconv.Unquote(lit.Value); strings.Contains(prefix, ".") && !begins(prefix) {
						t.Errorf("%s: no text begins with %q", path, prefix)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func leftmost(e ast.Expr) ast.Expr {
	for {
		b, ok := e.(*ast.BinaryExpr)
		if !ok {
			return e
		}
		e = b.X
	}
}
