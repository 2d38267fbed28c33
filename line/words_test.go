package line

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"huisclos/chat"
)

type testWords map[string]any

func words(t *testing.T, lang string) Words {
	t.Helper()
	data, err := os.ReadFile("../internal/i18n/text/line." + lang + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	w := testWords{}
	if err := toml.Unmarshal(data, &w); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w testWords) fill(s string, pairs []string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		s = strings.ReplaceAll(s, "{{."+pairs[i]+"}}", pairs[i+1])
	}
	return s
}

func (w testWords) T(id string, pairs ...string) string {
	s, ok := w[id].(string)
	if !ok {
		return "MISSING " + id
	}
	return w.fill(s, pairs)
}

func (w testWords) N(id string, n int, pairs ...string) string {
	m, ok := w[id].(map[string]any)
	if !ok {
		return "MISSING " + id
	}
	form := "other"
	if n == 1 {
		form = "one"
	}
	return w.fill(m[form].(string), append(pairs, "n", strconv.Itoa(n)))
}

func (w testWords) Error(err error) (string, string) {
	return "error " + string(chat.CodeOf(err)) + ".", "a hint."
}
