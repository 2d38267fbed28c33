package main

import (
	"github.com/spf13/cobra"

	"huisclos/access"
	"huisclos/admin"
	"huisclos/chat"
	"huisclos/internal/cli"
	"huisclos/keys"
)

// keyCommand makes keys for servers that never know them.
func (a *app) keyCommand() *cobra.Command {
	c := &cobra.Command{Use: "key", Args: cli.Group(admin.Nearest), RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var generation uint32
	made := &cobra.Command{Use: "new SERVER", Args: cli.Between(1, 1), RunE: func(_ *cobra.Command, args []string) error {
		return a.newKey(args[0], chat.Generation(generation))
	}}
	made.Flags().Uint32Var(&generation, "generation", 1, "")
	c.AddCommand(made)
	return c
}

// newKey prints the key for people and what the server is told of it.
func (a *app) newKey(text string, g chat.Generation) error {
	server, err := access.ParseServer(text)
	if err != nil {
		return err
	}
	if g == 0 {
		return chat.Errorf(chat.CodeSettingValue, "name", "--generation", "value", "0")
	}
	key := keys.New(server)
	public := access.FormatAccess(access.Public{Server: server, Generation: g, Access: key.AccessPublic(g)})
	if a.outTerminal() {
		a.note(a.words.T("cmd.key.people"))
	}
	if err := a.print(key.Reveal()); err != nil {
		return err
	}
	if a.outTerminal() {
		a.note(a.words.T("cmd.key.server"))
	}
	return a.print(public)
}
