package main

import (
	"strings"

	"github.com/spf13/cobra"

	"huisclos/admin"
	"huisclos/internal/cli"
	"huisclos/internal/config"
	"huisclos/internal/i18n"
	"huisclos/keys"
)

// root is the tree of commands. Each has its file.
func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use: "huisclos", Args: cli.Group(admin.Nearest),
		RunE: func(*cobra.Command, []string) error { return a.menu() },
	}
	c.PersistentFlags().StringVar(&a.lang, "lang", "", "")
	c.AddCommand(
		a.host(), a.join(), a.invite(), a.link(), a.serve(), a.send(), a.read(), a.watch(), a.keyCommand(), a.adminCommand(), a.doctor(), a.demo(),
		a.lock(), a.unlock(), a.recoveryWords(), a.recover(), a.completion(), a.version(),
	)
	words(c)
	cli.Program{Words: a.words, Text: "cmd.", Width: cli.Width(a.out)}.Localize(c)
	return c
}

// menu asks what to do, when nothing was said.
func (a *app) menu() error {
	if !a.typed() {
		return usage("huisclos host | huisclos join")
	}
	a.terminal().Print(fit(a.out, a.words.T("cmd.menu.title"))...)
	a.terminal().Print("  1  "+a.words.T("cmd.menu.host"), "  2  "+a.words.T("cmd.menu.join"))
	for {
		answer, err := a.ask(a.words.T("cmd.menu.ask")+" ", false)
		if err != nil {
			return err
		}
		switch strings.ToLower(answer) {
		case "1", "h", "host":
			c := config.DefaultServer()
			return a.hostChat(&c, &config.Client{Home: a.home(), LAN: true})
		case "2", "j", "r", "join", "rejoindre":
			return a.joinChat(&config.Client{Home: a.home(), LAN: true}, "", keys.Code{}, joinOptions{})
		}
	}
}

// home is the profiles' folder, "" when the system names none; the commands say so when they need it.
func (a *app) home() string {
	dir, err := config.Home()
	if err != nil {
		return ""
	}
	return dir
}

// setLanguage takes a configuration file's word on the language, if nobody said another.
func (a *app) setLanguage(lang string) {
	if a.lang == "" && lang != "" {
		a.words = i18n.For(lang)
	}
}
