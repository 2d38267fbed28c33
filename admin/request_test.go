package admin

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"huisclos/chat"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]Request{
		"/list":                    {Verb: VerbList},
		"  LIST ":                  {Verb: VerbList},
		"/kick bob":                {Verb: VerbKick, Name: "bob"},
		"/kick bob too  loud":      {Verb: VerbKick, Name: "bob", Text: "too loud"},
		"/kick bob --yes was said": {Verb: VerbKick, Name: "bob", Text: "--yes was said"},
		"/ban bob":                 {Verb: VerbBan, Name: "bob"},
		"/ban --yes bob spam":      {Verb: VerbBan, Name: "bob", Text: "spam", Yes: true},
		"/ban bob --yes spam":      {Verb: VerbBan, Name: "bob", Text: "spam", Yes: true},
		"/ban bob spam --yes":      {Verb: VerbBan, Name: "bob", Text: "spam --yes"},
		"/key":                     {Verb: VerbKey},
		"/key rotate":              {Verb: VerbRotate},
		"/Key Rotate --all":        {Verb: VerbRotate, All: true},
		"/key approve alice bob":   {Verb: VerbApprove, Names: []string{"alice", "bob"}},
		"/key approve --everyone":  {Verb: VerbApprove, Everyone: true},
		"/say hello — à tous":      {Verb: VerbSay, Text: "hello — à tous"},
		"/say --all of you":        {Verb: VerbSay, Text: "--all of you"},
		"/audit":                   {Verb: VerbAudit},
		"/audit 20":                {Verb: VerbAudit, Count: 20},
		"/help":                    {Verb: VerbHelp},
		"/help key rotate":         {Verb: VerbHelp, Text: "key rotate"},
		"/help /kick":              {Verb: VerbHelp, Text: "kick"},
		"/quit":                    {Verb: VerbQuit},
	} {
		got, err := Parse(line)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", line, err, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for line, want := range map[string]chat.Code{
		"":                                     chat.CodeUsage,
		"/":                                    chat.CodeUsage,
		"/kcik bob":                            chat.CodeUnknownCommand,
		"/kick":                                chat.CodeUsage,
		"/kick --force bob":                    chat.CodeUsage,
		"/list bob":                            chat.CodeUsage,
		"/unban alice bob":                     chat.CodeUsage,
		"/key rotat":                           chat.CodeUsage,
		"/key rotate now":                      chat.CodeUsage,
		"/key approve":                         chat.CodeUsage,
		"/key approve bob --everyone":          chat.CodeUsage,
		"/say":                                 chat.CodeUsage,
		"/say   ":                              chat.CodeUsage,
		"/audit many":                          chat.CodeUsage,
		"/audit -1":                            chat.CodeUsage,
		"/audit 99999999":                      chat.CodeTooLarge,
		"/kick b\x1b[2Job":                     chat.CodeUsage,
		"/kick \xff":                           chat.CodeUsage,
		"/say " + strings.Repeat("é", MaxText): chat.CodeTooLarge,
	} {
		if got, err := Parse(line); !errors.Is(err, want) {
			t.Errorf("%q: %+v, %v; want %v", line, got, err, want)
		}
	}
}

func TestATypingErrorGetsASuggestion(t *testing.T) {
	for word, want := range map[string]string{"/kik": "kick", "/lst": "list", "/romms": "rooms", "/xyzzy": "", "/q": ""} {
		_, err := Parse(word)
		var e *chat.Error
		if !errors.As(err, &e) || e.Params["suggestion"] != want {
			t.Errorf("%s: %v, want the suggestion %q", word, err, want)
		}
	}
	if got := Nearest("alcie", []string{"bob", "alice", "aline"}); got != "" && got != "alice" {
		t.Errorf("alcie: %q", got)
	}
	if got := Nearest("Élodi", []string{"Élodie", "Eloi"}); got != "Élodie" {
		t.Errorf("Élodi: %q", got)
	}
}

// The distance is a metric: whatever the words, it is 0 for equal ones only, the same both ways,
// and no detour is shorter.
func TestDistanceIsAMetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SliceOfN(rapid.RuneFrom([]rune("abcé")), 0, 6)
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		ab, ba := distance(a, b), distance(b, a)
		if (ab == 0) != (string(a) == string(b)) || ab != ba || distance(a, c) > ab+distance(b, c) {
			t.Fatalf("d(%q,%q)=%d, d(%q,%q)=%d, d(%q,%q)=%d", string(a), string(b), ab, string(b), string(a), ba, string(a), string(c), distance(a, c))
		}
	})
}

// The table is what console, shell, socket and documentation are made from: its rows must hold together.
func TestTheTableIsSound(t *testing.T) {
	seen := map[Verb]bool{}
	for _, c := range Commands() {
		if seen[c.Verb] {
			t.Errorf("%s stands twice", c.Verb)
		}
		seen[c.Verb] = true
		if c.Local == (c.result != nil) {
			t.Errorf("%s: local %v, but result %v", c.Verb, c.Local, c.result != nil)
		}
		if c.Asks && !c.Has(OptionYes) {
			t.Errorf("%s asks, but a script can't say --yes", c.Verb)
		}
		for i, p := range c.Params {
			if (p == ParamReason || p == ParamText || p == ParamNames || p == ParamVerb) && i != len(c.Params)-1 {
				t.Errorf("%s: what takes the rest of the line isn't last", c.Verb)
			}
		}
		if c.Subject == "" {
			t.Errorf("%s has no subject", c.Verb)
		}
	}
	if _, ok := Lookup("nothing"); ok {
		t.Error("a command that doesn't exist is found")
	}
}

func TestASecretShowsOnlyWhenAsked(t *testing.T) {
	s := NewSecret("hc1verysecret")
	file := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewJSONHandler(f, nil)).Info("x", "key", s, "in", Key{Key: s})
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	logged, _ := os.ReadFile(file)
	text, _ := s.MarshalText()
	for _, shown := range []string{
		fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s), fmt.Sprintf("%+v", Key{Key: s}),
		fmt.Sprintf("%#v", &Rotation{Key: Key{Link: s}}), string(logged), string(text),
	} {
		if strings.Contains(shown, "very") || strings.Contains(shown, fmt.Sprintf("%x", "very")) {
			t.Errorf("%q shows the secret", shown)
		}
	}
	if s.Reveal() != "hc1verysecret" || s.IsZero() || !(Secret{}).IsZero() {
		t.Error("Reveal or IsZero is wrong")
	}
	if err := new(Secret).UnmarshalText([]byte("[secret]")); err == nil {
		t.Error("[secret] was taken for a secret")
	}
}

// FuzzRequest: a line of the socket that is taken for a request is written and read back the same, and
// passes its check; anything else has an error with a code.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"v":1,"verb":"kick","name":"bob","text":"go"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := decodeRequest(line)
		if err != nil {
			if chat.CodeOf(err) == chat.CodeInternal {
				t.Fatalf("%q: %v", line, err)
			}
			return
		}
		out, err := encodeRequest(r)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeRequest(out)
		if diff := cmp.Diff(r, back); err != nil || diff != "" {
			t.Fatalf("%q: %v\n%s", out, err, diff)
		}
	})
}

// FuzzParse: what is typed is a request that passes its check, or an error with a code.
func FuzzParse(f *testing.F) {
	f.Add("/ban --yes bob spam")
	f.Fuzz(func(t *testing.T, line string) {
		r, err := Parse(line)
		if err != nil {
			if c := chat.CodeOf(err); c != chat.CodeUsage && c != chat.CodeUnknownCommand && c != chat.CodeTooLarge {
				t.Fatalf("%q: %v", line, err)
			}
			return
		}
		if err := r.Check(); err != nil {
			t.Fatalf("%q was parsed, but %v", line, err)
		}
	})
}
