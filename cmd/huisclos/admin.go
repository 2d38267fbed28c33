package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"huisclos/admin"
	"huisclos/admin/console"
	"huisclos/chat"
	"huisclos/internal/cli"
	"huisclos/internal/config"
	"huisclos/line/edit"
)

// adminCommand does commands of the console over the socket of a running server.
func (a *app) adminCommand() *cobra.Command {
	c := &cobra.Command{Use: "admin [COMMAND…]", Args: cli.Between(0, -1)}
	socket := c.Flags().String("socket", "", "")
	data := c.Flags().String("data", "", "")
	asJSON := c.Flags().Bool("json", false, "")
	c.Flags().SetInterspersed(false) // what follows the verb is the command's
	c.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 && args[0] == string(admin.VerbHelp) { // needs no server
			return a.print(strings.Join(fit(a.out, console.Help(a.words, console.InShell, strings.Join(args[1:], " "))...), "\n"))
		}
		client, err := a.dialAdmin(*socket, *data)
		if err != nil {
			return err
		}
		defer client.Close()
		if len(args) == 0 {
			return a.adminConsole(client)
		}
		return a.adminOnce(client, args, *asJSON)
	}
	c.AddCommand(a.health())
	return c
}

// health is for supervisors: 0 when the server stores and reads.
func (a *app) health() *cobra.Command {
	c := &cobra.Command{Use: "health", Args: cli.Between(0, 0)}
	socket := c.Flags().String("socket", "", "")
	data := c.Flags().String("data", "", "")
	c.RunE = func(*cobra.Command, []string) error {
		client, err := a.dialAdmin(*socket, *data)
		if err != nil {
			return err
		}
		defer client.Close()
		if _, err := client.Do(a.ctx, admin.Request{Verb: admin.VerbStats}); err != nil {
			return err
		}
		return a.print("ok")
	}
	return c
}

// dialAdmin finds the socket: the one that was named, that of a data folder, or the only one of this user's servers.
func (a *app) dialAdmin(socket, data string) (*admin.Client, error) {
	if data == "" {
		data = os.Getenv("HUISCLOS_DATA")
	}
	if socket == "" && data != "" {
		var err error
		if socket, err = config.DataSocket(data); err != nil {
			return nil, err
		}
	}
	if socket != "" {
		return admin.Dial(a.ctx, socket)
	}
	found, err := filepath.Glob(filepath.Join(config.RuntimeDir(), "*.sock"))
	if err != nil {
		return nil, err
	}
	var one *admin.Client
	for _, path := range found {
		c, err := admin.Dial(a.ctx, path)
		if err != nil {
			continue // a server that was killed
		}
		if one != nil {
			return nil, errors.Join(chat.Errorf(chat.CodeUsage, "reason", "servers", "detail", path), c.Close(), one.Close())
		}
		one = c
	}
	if one == nil {
		return nil, chat.Errorf(chat.CodeNoAdmin, "path", filepath.Join(config.RuntimeDir(), "*.sock"))
	}
	return one, nil
}

// adminConsole is the server's console, from elsewhere.
func (a *app) adminConsole(client *admin.Client) error {
	if !a.typed() {
		c := &console.Console{Desk: client, Words: a.words, Terminal: &pipe{in: a.reader(), out: a.out}}
		return c.Run(a.ctx)
	}
	s := &screen{editor: a.terminal(), history: &edit.History{}}
	c := &console.Console{Desk: client, Words: a.words, Terminal: s, Asks: true, QR: a.qr()}
	s.complete = func(before string) []string { return c.Complete(a.ctx, before) }
	if err := c.Run(a.ctx); err != nil && !errors.Is(err, edit.ErrInterrupted) && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// adminOnce does one command.
func (a *app) adminOnce(client *admin.Client, args []string, asJSON bool) error {
	r, err := admin.ParseWords(args)
	if err != nil {
		return a.adminError(err)
	}
	if c, ok := admin.Lookup(r.Verb); ok && c.Asks && !r.Yes && a.typed() {
		answer, err := a.ask(console.Question(a.words, r)+" ", false)
		if err != nil {
			return err
		}
		if !console.Yes(a.words, answer) {
			return a.print(a.words.T("admin.left"))
		}
	}
	result, err := client.Do(a.ctx, r)
	if err != nil {
		return a.adminError(err)
	}
	if asJSON {
		b, err := admin.Marshal(result)
		if err != nil {
			return err
		}
		return a.print(string(b))
	}
	for _, l := range fit(a.out, console.Render(a.words, a.look(), result)...) {
		if err := a.print(l); err != nil {
			return err
		}
	}
	return nil
}

// adminError shows an error as the console does.
func (a *app) adminError(err error) error {
	for _, l := range console.Error(a.words, console.InShell, err) {
		a.note(l)
	}
	return shown{err}
}
