package console

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"huisclos/admin"
)

// Terminal is where a Console reads and writes. Print may be called while ReadLine waits, by
// any goroutine.
type Terminal interface {
	// ReadLine asks for a line. io.EOF at the end of the input.
	ReadLine(ctx context.Context, prompt string) (string, error)
	// Print writes lines.
	Print(lines ...string)
}

// Prompt stands before a command.
const Prompt = "admin> "

// Console reads commands and shows their answers.
type Console struct {
	Desk     admin.Doer
	Words    Words
	Terminal Terminal
	// Asks is true where a person sits at the terminal: commands that can't be taken back ask first.
	Asks bool
	// QR draws a link; nil: not drawn.
	QR func(text string) []string
}

// Run reads commands until the input ends (nil), ctx ends or reading fails. The end of the input
// doesn't end the server.
func (c *Console) Run(ctx context.Context) error {
	for {
		line, err := c.Terminal.ReadLine(ctx, Prompt)
		switch {
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if strings.TrimSpace(line) != "" {
			c.do(ctx, line)
		}
	}
}

// do carries out one line.
func (c *Console) do(ctx context.Context, line string) {
	r, err := admin.Parse(line)
	if err == nil {
		if r.Verb == admin.VerbHelp {
			c.Terminal.Print(Help(c.Words, OnConsole, r.Text)...)
			return
		}
		if !c.confirmed(ctx, r) {
			c.Terminal.Print(c.Words.T("admin.left"))
			return
		}
		var result admin.Result
		if result, err = c.Desk.Do(ctx, r); err == nil {
			c.Terminal.Print(Render(c.Words, Look{Now: time.Now(), QR: c.QR}, result)...)
			return
		}
	}
	c.Terminal.Print(Error(c.Words, OnConsole, err)...)
}

// confirmed asks a person before what can't be taken back.
func (c *Console) confirmed(ctx context.Context, r admin.Request) bool {
	if command, _ := admin.Lookup(r.Verb); !c.Asks || !command.Asks || r.Yes {
		return true
	}
	answer, err := c.Terminal.ReadLine(ctx, Question(c.Words, r)+" ")
	return err == nil && Yes(c.Words, answer)
}

// Question is what is asked before r is done.
func Question(w Words, r admin.Request) string {
	c, _ := admin.Lookup(r.Verb)
	id := "admin.ask." + c.TextID()
	if r.All {
		id += ".all"
	}
	return w.T(id, "name", safe(r.Name))
}

// Yes reports whether an answer agrees.
func Yes(w Words, answer string) bool {
	return slices.Contains(strings.Fields(w.T("admin.yes")), strings.ToLower(strings.TrimSpace(answer)))
}

// Complete proposes what may follow the words before the cursor: verbs, options and the names of
// those who are there.
func (c *Console) Complete(ctx context.Context, before string) []string {
	typed := strings.TrimPrefix(strings.ToLower(before), "/")
	var out []string
	for _, command := range admin.Commands() {
		verb := string(command.Verb)
		if strings.HasPrefix(verb, typed) {
			out = append(out, "/"+verb)
		}
		rest, in := strings.CutPrefix(typed, verb+" ")
		if !in {
			continue
		}
		last := rest[strings.LastIndexByte(rest, ' ')+1:]
		for _, o := range command.Options {
			if strings.HasPrefix("--"+string(o), last) {
				out = append(out, before[:len(before)-len(last)]+"--"+string(o))
			}
		}
		if slices.ContainsFunc(command.Params, func(p admin.Param) bool { return p == admin.ParamName || p == admin.ParamNames }) {
			for _, name := range c.names(ctx, command.Verb) {
				if strings.HasPrefix(strings.ToLower(name), last) {
					out = append(out, before[:len(before)-len(last)]+name)
				}
			}
		}
	}
	return out
}

// names are those that a command is likely to be about.
func (c *Console) names(ctx context.Context, v admin.Verb) []string {
	var names []string
	if v == admin.VerbUnban {
		if bans, err := admin.Ask[*admin.BanList](ctx, c.Desk, admin.Request{Verb: admin.VerbBans}); err == nil {
			for _, b := range bans.Bans {
				names = append(names, b.Name)
			}
		}
		return names
	}
	if present, err := admin.Ask[*admin.Listing](ctx, c.Desk, admin.Request{Verb: admin.VerbList}); err == nil {
		for _, p := range present.Present {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
