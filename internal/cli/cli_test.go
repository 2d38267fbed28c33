package cli

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"huisclos/chat"
	"huisclos/line/edit"
)

// words are texts that need no file.
type words map[string]string

func (w words) Has(id string) bool { return w[id] != "" }

func (w words) T(id string, pairs ...string) string {
	text := w[id]
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+pairs[i]+"}", pairs[i+1])
	}
	return text
}

// tree is a program with a command and a group of them.
func tree(width int) (*cobra.Command, *bytes.Buffer) {
	w := words{
		"t.root.short": "A program for this test, whose words are longer than a row.", "t.say.short": "Say", "t.say.use": "say WORD",
		"flag.help": "explain", "flag.loud": "how loud: `N` times as loud as one would speak", "flag.lang": "the `LANGUAGE`", "usage.default": "(else {value})",
		"usage.usage": "USAGE", "usage.flags": "FLAGS", "usage.global": "GLOBAL", "usage.commands": "COMMANDS", "usage.command": "COMMAND",
	}
	nearest := func(word string, list []string) string {
		if slices.Contains(list, strings.TrimSuffix(word, "y")) {
			return strings.TrimSuffix(word, "y")
		}
		return ""
	}
	root := &cobra.Command{Use: "prog", Args: Group(nearest), RunE: func(*cobra.Command, []string) error { return nil }}
	root.PersistentFlags().String("lang", "", "")
	say := &cobra.Command{Use: "say", Args: Between(1, 1), RunE: func(*cobra.Command, []string) error { return nil }}
	say.Flags().Int("loud", 3, "")
	root.AddCommand(say)
	var out bytes.Buffer
	root.SetOut(&out)
	Program{Words: w, Text: "t.", Width: width}.Localize(root)
	return root, &out
}

func TestMistakesAreToldInOurWords(t *testing.T) {
	for line, want := range map[string]*chat.Error{
		"nothing":        chat.Errorf(chat.CodeUnknownCommand, "reason", "shell", "command", "prog nothing", "program", "prog"),
		"sayy":           chat.Errorf(chat.CodeUnknownCommand, "reason", "shell", "command", "prog sayy", "program", "prog", "suggestion", "prog say"),
		"say":            chat.Errorf(chat.CodeUsage, "reason", "words", "detail", "prog say WORD"),
		"say a b":        chat.Errorf(chat.CodeUsage, "reason", "words", "detail", "prog say WORD"),
		"say a --lou":    chat.Errorf(chat.CodeUsage, "reason", "flag", "detail", "--lou"),
		"say a -l":       chat.Errorf(chat.CodeUsage, "reason", "flag", "detail", "-l"),
		"say a --loud":   chat.Errorf(chat.CodeUsage, "reason", "value", "detail", "--loud"),
		"say a --loud x": chat.Errorf(chat.CodeSettingValue, "name", "--loud", "value", "x"),
		"say a --=":      chat.Errorf(chat.CodeUsage, "reason", "flag", "detail", "--="),
	} {
		root, _ := tree(80)
		root.SetArgs(strings.Fields(line))
		err := root.Execute()
		var got *chat.Error
		if !errors.As(err, &got) {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if got.Code != want.Code || len(got.Params) != len(want.Params) {
			t.Errorf("%q: %v %v, want %v %v", line, got.Code, got.Params, want.Code, want.Params)
		}
		for name, value := range want.Params {
			if got.Params[name] != value {
				t.Errorf("%q: %s is %q, want %q", line, name, got.Params[name], value)
			}
		}
	}
}

func TestHelpFitsAndNamesValues(t *testing.T) {
	for _, width := range []int{40, 80} {
		for _, line := range []string{"--help", "help", "say --help", "help say"} {
			root, out := tree(width)
			root.SetArgs(strings.Fields(line))
			if err := root.Execute(); err != nil {
				t.Fatal(err)
			}
			for row := range strings.SplitSeq(out.String(), "\n") {
				if edit.Width(row) > width {
					t.Errorf("%q is wider than %d", row, width)
				}
			}
			if strings.Contains(line, "say") && (!strings.Contains(out.String(), "--loud N") || !strings.Contains(out.String(), "3)")) {
				t.Errorf("%s:\n%s", line, out)
			}
			if strings.Contains(out.String(), "string") {
				t.Errorf("%s names a type:\n%s", line, out)
			}
		}
	}
}

func TestLangFlag(t *testing.T) {
	for line, want := range map[string]string{"--lang fr x": "fr", "x --lang=fr": "fr", "send -- --lang fr": "", "x --lang": "", "": ""} {
		if got := LangFlag(strings.Fields(line)); got != want {
			t.Errorf("%q: %q", line, got)
		}
	}
}
