package main

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/internal/cli"
	"huisclos/internal/config"
	"huisclos/internal/version"
	"huisclos/line/edit"
)

// demo starts a real server and two real clients, lets them talk, and shows what each of the three has.
func (a *app) demo() *cobra.Command {
	return &cobra.Command{Use: "demo", Args: cli.Between(0, 0), RunE: func(*cobra.Command, []string) error { return a.showDemo() }}
}

// demoPatience bounds the whole of it.
const demoPatience = 30 * time.Second

func (a *app) showDemo() error {
	ctx, cancel := context.WithTimeout(a.ctx, demoPatience)
	defer cancel()
	s := config.DefaultServer()
	s.Listen, s.LAN, s.AdminSocket = "127.0.0.1:0", false, config.NoSocket
	r, err := a.startServer(&s, nil, a.log(slog.LevelWarn))
	if err != nil {
		return err
	}
	err = a.talk(ctx, r)
	return errors.Join(err, r.Shutdown(ctx))
}

func (a *app) talk(ctx context.Context, r *running) error {
	alice, err := demoClient(ctx, r, "Alice")
	if err != nil {
		return err
	}
	defer alice.Close(ctx)
	bob, err := demoClient(ctx, r, "Bob")
	if err != nil {
		return err
	}
	defer bob.Close(ctx)
	k, err := r.keys.Show()
	if err != nil {
		return err
	}
	t := newTable(a)
	for _, l := range []string{
		a.words.T("demo.title"), "", a.words.T("demo.server", "address", r.Addr().String()), a.words.T("demo.key", "key", k.Key.Reveal()), "",
	} {
		if err := a.print(l); err != nil {
			return err
		}
	}
	if err := t.row(a.words.T("demo.alice"), a.words.T("demo.stored"), a.words.T("demo.bob")); err != nil {
		return err
	}
	if err := t.rule(); err != nil {
		return err
	}
	lobby := chat.KeyRoomID(r.Fingerprint(), chat.Lobby)
	for i, from := range []*client.Client{alice, bob, alice, bob} {
		receipt, err := from.Send(ctx, chat.Lobby, a.words.T("demo.line."+string(rune('1'+i))))
		if err != nil {
			return err
		}
		if err := a.showMessage(ctx, t, r, lobby, receipt.Seq, alice, bob); err != nil {
			return err
		}
	}
	return a.print("\n" + a.words.T("demo.end"))
}

// demoClient is a person with a profile in memory, in the lobby.
func demoClient(ctx context.Context, r *running, name string) (*client.Client, error) {
	c, err := client.Open(client.Config{
		Vault: client.NewMemory(), Dial: dial, Address: r.Addr().String(), Server: r.Fingerprint(), Key: r.keys.key.Reveal(),
		Name: name, Software: version.Program,
	})
	if err != nil {
		return nil, err
	}
	if err := c.Online(ctx); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	if _, err := c.Join(ctx, chat.Lobby); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	return c, nil
}

// showMessage shows one message as each side has it.
func (a *app) showMessage(ctx context.Context, t *table, r *running, room chat.RoomID, n chat.Seq, alice, bob *client.Client) error {
	page, err := r.Log(ctx, room, n-1)
	if err != nil {
		return err
	}
	stored := hex.EncodeToString(page.Entries[0].Envelope[len(page.Entries[0].Envelope)/2:])
	left, err := readOne(ctx, alice, n)
	if err != nil {
		return err
	}
	right, err := readOne(ctx, bob, n)
	if err != nil {
		return err
	}
	return t.row(left, stored, right)
}

// readOne waits for a message to be read and verified.
func readOne(ctx context.Context, c *client.Client, n chat.Seq) (string, error) {
	for m, err := range c.Read(ctx, chat.Lobby, n-1, true) {
		if err != nil {
			return "", err
		}
		if m.Seq == n {
			return m.Sender + ": " + m.Text, nil
		}
	}
	return "", chat.Errorf(chat.CodeTimeout)
}

// table has three columns as wide as the terminal allows.
type table struct {
	*app
	width int
}

func newTable(a *app) *table {
	width := 80
	if a.outTerminal() {
		width, _ = edit.NewSystem(a.in, a.out).Size()
	}
	return &table{app: a, width: max(16, (min(width, 132)-1-2*3)/3)}
}

// row prints three cells, the middle one cut to three lines.
func (t *table) row(left, middle, right string) error {
	cells := [3][]string{edit.Wrap(left, t.width), chop(middle, t.width, 3), edit.Wrap(right, t.width)}
	for i := range max(len(cells[0]), len(cells[1]), len(cells[2])) {
		parts := make([]string, 3)
		for c := range cells {
			text := ""
			if i < len(cells[c]) {
				text = cells[c][i]
			}
			parts[c] = text + strings.Repeat(" ", max(0, t.width-edit.Width(text)))
		}
		if err := t.print(strings.TrimRight(strings.Join(parts, " │ "), " ")); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) rule() error {
	bar := strings.Repeat("─", t.width)
	return t.print(bar + "─┼─" + bar + "─┼─" + bar)
}

// chop cuts a text without spaces into at most n lines.
func chop(s string, width, n int) []string {
	var lines []string
	for len(s) > 0 && len(lines) < n {
		k := min(width, len(s))
		lines = append(lines, s[:k])
		s = s[k:]
	}
	if len(s) > 0 {
		last := lines[len(lines)-1]
		lines[len(lines)-1] = last[:len(last)-1] + "…"
	}
	return lines
}
