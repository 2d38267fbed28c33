package console

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"

	"huisclos/admin"
	"huisclos/chat"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, lines []string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s has changed (-update writes it anew):\n%s", path, diff)
	}
}

var languages = []string{"en", "fr"}

func TestHelpOfTheWholeTable(t *testing.T) {
	for _, lang := range languages {
		w := newWords(t, lang)
		lines := Help(w, OnConsole, "")
		for _, c := range admin.Commands() {
			lines = append(append(lines, ""), HelpOn(w, OnConsole, c)...)
		}
		golden(t, "help."+lang+".txt", lines)
	}
}

// results is one of each kind, with what is hard to show.
func results(now time.Time) []admin.Result {
	key := admin.Key{Generation: 3, ID: "0011223344556677", Key: admin.NewSecret("hc1key"), Link: admin.NewSecret("huisclos://h:7540/#hc1key")}
	accounts := []admin.Account{{Name: "bob", Devices: 1}, {Name: "Zoé", Devices: 2, LastLogin: now}}
	return []admin.Result{
		&admin.Listing{},
		&admin.Listing{Present: []admin.Present{
			{Name: "alice", Address: "127.0.0.1:50000", Since: now, Rooms: []string{"lobby", "work"}, Private: 2, Client: "huisclos 0.1.0"},
			{Name: "李明", Address: "[::1]:6", Since: now.Add(-48 * time.Hour), Client: "evil\x1b[2J\u202egnp", Classical: true, Proxied: true},
		}},
		&admin.RoomList{},
		&admin.RoomList{Rooms: []admin.Room{
			{Name: "lobby", Oldest: 11, Head: 20, Bytes: 123456, Online: 2, Created: now},
			{Name: "work", Created: now, Age: 30 * 24 * time.Hour, Size: 3 << 29},
		}, Private: admin.Private{Rooms: 12, Messages: 3456, Bytes: 7 << 20}},
		&admin.Stats{Version: "0.1.0", Started: now.Add(-26*time.Hour - 3*time.Minute), Connections: 2, People: 3, Devices: 4, Rooms: 1, Messages: 5, Bytes: 999, Disk: 4 << 20, Memory: 33 << 20, Generation: 1},
		&admin.Stats{InMemory: true, Started: now},
		&admin.AuditLog{},
		&admin.AuditLog{Rows: []admin.AuditRow{{Number: 7, At: now, Actor: "console", Action: "kick", Detail: "bob too loud"},
			{Number: 8, At: now, Actor: strings.Repeat("ab", 32), Action: "device", Detail: strings.Repeat("0f", 32)}}},
		&admin.Kicked{Name: "bob", Connections: 1},
		&admin.Kicked{Name: "bob", Connections: 2},
		&admin.Banned{Name: "bob"},
		&admin.Banned{Name: "bob", Connections: 1, KeyHeld: true},
		&admin.Unbanned{Name: "bob"},
		&admin.BanList{},
		&admin.BanList{Bans: []admin.Ban{{Name: "bob", Reason: "spam", By: "console", At: now}}},
		&key,
		&admin.Rotation{Key: key, Waiting: accounts},
		&admin.Rotation{Key: key, Prove: true},
		&admin.Approval{Generation: 3},
		&admin.Approval{Generation: 3, Names: []string{"alice", "Zoé"}, Devices: 3, Waiting: accounts[:1]},
		&admin.Refill{},
		&admin.Refill{Until: now.Add(time.Hour), Held: 1, Open: 2, Over: 1, Missing: 12, Conflicts: []string{"#lobby", "a\x1b[2J"}},
		&admin.RefillEnded{},
		&admin.RefillEnded{Was: true},
		&admin.Said{Reached: 1},
		&admin.Said{},
		&admin.Reloaded{},
		&admin.Reloaded{Changed: []string{"limits.rate"}, Restart: []string{"listen"}},
		&admin.Stopping{},
	}
}

func TestEveryResultInWords(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	defer func() { time.Local = local }()
	now := time.Date(2026, 2, 3, 14, 5, 6, 0, time.UTC)
	for _, lang := range languages {
		var lines []string
		for _, r := range results(now) {
			shown := Render(newWords(t, lang), Look{Now: now, QR: func(string) []string { return []string{"[QR]"} }}, r)
			if len(shown) == 0 {
				t.Errorf("%T shows nothing", r)
			}
			for _, line := range shown {
				if strings.ContainsFunc(line, hidden) {
					t.Errorf("%T: %q would act on the terminal", r, line)
				}
			}
			lines = append(append(lines, shown...), "")
		}
		golden(t, "results."+lang+".txt", lines)
	}
}

func TestErrorsInWords(t *testing.T) {
	for _, lang := range languages {
		var lines []string
		for _, err := range []error{
			errors.New("a fault"),
			chat.Errorf(chat.CodeUsage, "command", "kick"),
			chat.Errorf(chat.CodeUsage, "detail", "something else"),
			chat.Errorf(chat.CodeNoSuchPerson, "name", "bobb", "suggestion", "bob"),
			chat.Errorf(chat.CodeAdminRefused, "reason", admin.ReasonForeignKey),
			chat.Errorf(chat.CodeAdminRefused, "reason", admin.ReasonNoGeneration),
			chat.Errorf(chat.CodeAdminRefused, "reason", admin.ReasonBanned, "name", "bob"),
			chat.Errorf(chat.CodeAdminRefused, "reason", "of a later version"),
		} {
			lines = append(lines, Error(newWords(t, lang), OnConsole, err)...)
		}
		golden(t, "errors."+lang+".txt", lines)
	}
}

// script is a terminal whose lines are written beforehand.
type script struct {
	in  []string
	out []string
}

func (s *script) ReadLine(_ context.Context, prompt string) (string, error) {
	s.out = append(s.out, prompt)
	if len(s.in) == 0 {
		return "", io.EOF
	}
	line := s.in[0]
	s.in = s.in[1:]
	return line, nil
}

func (s *script) Print(lines ...string) { s.out = append(s.out, lines...) }

// desk notes what it is asked.
type desk struct{ asked []admin.Request }

func (d *desk) Do(_ context.Context, r admin.Request) (admin.Result, error) {
	d.asked = append(d.asked, r)
	switch r.Verb {
	case admin.VerbBan:
		return &admin.Banned{Name: r.Name, Connections: 1}, nil
	case admin.VerbList:
		return &admin.Listing{Present: []admin.Present{{Name: "bob"}, {Name: "barbara"}, {Name: "bob"}}}, nil
	case admin.VerbBans:
		return &admin.BanList{Bans: []admin.Ban{{Name: "mallory"}}}, nil
	case admin.VerbKick:
		return nil, chat.Errorf(chat.CodeNotConnected, "name", r.Name)
	case admin.VerbRotate:
		return &admin.Rotation{}, nil
	}
	return &admin.Stopping{}, nil
}

func run(t *testing.T, asks bool, in ...string) (*desk, []string) {
	t.Helper()
	d, s := &desk{}, &script{in: in}
	c := &Console{Desk: d, Words: newWords(t, "fr"), Terminal: s, Asks: asks}
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d, s.out
}

func verbs(d *desk) []string {
	var out []string
	for _, r := range d.asked {
		out = append(out, string(r.Verb)+" "+r.Name)
	}
	return out
}

func TestAPersonIsAskedBeforeABan(t *testing.T) {
	d, out := run(t, true, "/ban bob", "n", "/ban bob", "", "/ban bob", "oui", "/ban bob --yes", "/key rotate --all", "O")
	if diff := cmp.Diff([]string{"ban bob", "ban bob", "key rotate "}, verbs(d)); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(out, "Bannir bob ? [o/N] ") || !slices.ContainsFunc(out, func(s string) bool { return strings.Contains(s, "déconnecter tout le monde") }) {
		t.Errorf("the questions are missing in %q", out)
	}
}

func TestAPipeIsNeverAsked(t *testing.T) {
	d, out := run(t, false, "/ban bob", "", "   ", "/key rotate", "/kick bob", "/nothing", "/help", "/help kick bob", "/help nothing", "/quit")
	if diff := cmp.Diff([]string{"ban bob", "key rotate ", "kick bob", "quit "}, verbs(d)); diff != "" {
		t.Error(diff)
	}
	text := strings.Join(out, "\n")
	for _, want := range []string{"error not_connected", "error unknown_command", "/kick NOM [RAISON]", "Au revoir."} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}

// broken is a terminal that fails.
type broken struct{ err error }

func (b broken) ReadLine(context.Context, string) (string, error) { return "", b.err }
func (broken) Print(...string)                                    {}

func TestTheEndOfTheInputIsNoError(t *testing.T) {
	fault := errors.New("the terminal is gone")
	for _, tc := range []struct{ err, want error }{{io.EOF, nil}, {fault, fault}} {
		c := &Console{Desk: &desk{}, Words: newWords(t, "en"), Terminal: broken{tc.err}}
		if err := c.Run(t.Context()); !errors.Is(err, tc.want) {
			t.Errorf("%v: %v", tc.err, err)
		}
	}
}

func TestComplete(t *testing.T) {
	c := &Console{Desk: &desk{}, Words: newWords(t, "en")}
	for typed, want := range map[string][]string{
		"/k":              {"/kick", "/key", "/key rotate", "/key approve"},
		"/kick b":         {"/kick barbara", "/kick bob"},
		"/unban ":         {"/unban mallory"},
		"/key r":          {"/key rotate"},
		"/key rotate --":  {"/key rotate --all", "/key rotate --yes"},
		"/key approve bo": {"/key approve bob"},
		"/nothing ":       nil,
	} {
		if diff := cmp.Diff(want, c.Complete(t.Context(), typed)); diff != "" {
			t.Errorf("%q: %s", typed, diff)
		}
	}
}

func TestSizesAndLengthsInWords(t *testing.T) {
	en, fr := newWords(t, "en"), newWords(t, "fr")
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 200 << 20: "200 MiB", 1 << 50: "1024 TiB"} {
		if got := Size(en, n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got := Size(fr, 1536); got != "1,5 Kio" {
		t.Errorf("in French: %q", got)
	}
	for d, want := range map[time.Duration]string{
		0: "0 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min 1 s", 2 * time.Hour: "2 h", 49*time.Hour + 59*time.Minute: "2 d 1 h",
	} {
		if got := Length(en, d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestColumnsAreAsWideAsTheirWidestCell(t *testing.T) {
	lines := table{{"李明", "x"}, {"é", "y"}, {"abcdef"}}.lines("")
	for _, line := range lines[:2] {
		if got := uniseg.StringWidth(line); got != 9 {
			t.Errorf("%q is %d wide, want 9", line, got)
		}
	}
}

func TestCommandsAreShownAsTheyAreTyped(t *testing.T) {
	w := newWords(t, "en")
	_, mistyped := admin.Parse("kikc bob")
	_, unknown := admin.Parse("nothing")
	_, short := admin.Parse("kick")
	for at, want := range map[Prefix][]string{
		OnConsole: {"Did you mean “/kick”?", "/help lists the commands.", "Type it like this: /kick NAME [REASON]"},
		InChat:    {"Did you mean “/server kick”?", "/server help lists the commands.", "Type it like this: /server kick NAME [REASON]"},
		InShell: {
			"Did you mean “huisclos admin kick”?", "huisclos admin help lists the commands.",
			"Type it like this: huisclos admin kick NAME [REASON]",
		},
	} {
		var got []string
		for _, err := range []error{mistyped, unknown, short} {
			got = append(got, Error(w, at, err)...)
		}
		for _, line := range want {
			if !slices.Contains(got, line) {
				t.Errorf("%q is missing in %q", line, got)
			}
		}
		if help := strings.Join(Help(w, at, ""), "\n"); !strings.Contains(help, "  "+string(at)+"kick NAME") {
			t.Errorf("%q: help without it:\n%s", at, help)
		}
	}
}
