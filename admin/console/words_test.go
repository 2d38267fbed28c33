package console

import (
	"os"
	"strings"
	"testing"
	"text/template"

	"github.com/pelletier/go-toml/v2"

	"huisclos/chat"
)

// words reads the area's own texts, so that these tests show what a person reads.
type words struct {
	t     *testing.T
	lang  string
	texts map[string]any
}

func newWords(t *testing.T, lang string) *words {
	t.Helper()
	b, err := os.ReadFile("../../internal/i18n/text/admin." + lang + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	w := &words{t: t, lang: lang}
	if err := toml.Unmarshal(b, &w.texts); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *words) fill(text string, pairs []string) string {
	values := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	var b strings.Builder
	if err := template.Must(template.New("").Option("missingkey=error").Parse(text)).Execute(&b, values); err != nil {
		w.t.Errorf("%s: %q: %v", w.lang, text, err)
	}
	return b.String()
}

func (w *words) T(id string, pairs ...string) string {
	text, ok := w.texts[id].(string)
	if !ok {
		w.t.Errorf("%s has no text %q", w.lang, id)
	}
	return w.fill(text, pairs)
}

func (w *words) N(id string, n int, pairs ...string) string {
	forms, ok := w.texts[id].(map[string]any)
	if !ok {
		w.t.Errorf("%s has no plural text %q", w.lang, id)
		return ""
	}
	form := "other"
	if n == 1 || n == 0 && w.lang == "fr" {
		form = "one"
	}
	return w.fill(forms[form].(string), append(pairs, "n", itoa(int64(n))))
}

func (w *words) Error(err error) (text, hint string) {
	return "error " + string(chat.CodeOf(err)), "hint"
}
