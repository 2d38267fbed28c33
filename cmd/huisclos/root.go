package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"huisclos/chat"
	"huisclos/internal/config"
	"huisclos/internal/i18n"
)

// root is the tree of commands. Each has its file.
func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use: "huisclos", Args: a.between(0, 0), SilenceErrors: true, SilenceUsage: true,
		RunE: func(*cobra.Command, []string) error { return a.menu() },
	}
	c.PersistentFlags().StringVar(&a.lang, "lang", "", "")
	c.CompletionOptions.DisableDefaultCmd = true
	c.SetHelpCommand(&cobra.Command{Use: "help", Hidden: true})
	c.AddCommand(
		a.host(), a.join(), a.serve(), a.send(), a.read(), a.watch(), a.keyCommand(), a.adminCommand(), a.doctor(), a.demo(),
		a.lock(), a.unlock(), a.completion(), a.version(),
	)
	a.localize(c)
	return c
}

// localize gives every command and flag its words: cmd.NAME.short, cmd.NAME.long, cmd.NAME.example and flag.NAME.
func (a *app) localize(c *cobra.Command) {
	name := strings.ReplaceAll(c.CommandPath(), " ", "_")
	name = strings.TrimPrefix(strings.TrimPrefix(name, "huisclos"), "_")
	if name == "" {
		name = "root"
	}
	if !c.Hidden {
		c.Short = a.words.T("cmd." + name + ".short")
		if id := "cmd." + name + ".long"; a.words.Has(id) {
			c.Long = a.words.T(id)
		}
		if id := "cmd." + name + ".example"; a.words.Has(id) {
			c.Example = a.words.T(id)
		}
		if id := "cmd." + name + ".use"; a.words.Has(id) {
			c.Use = a.words.T(id)
		}
	}
	c.DisableFlagsInUseLine = true
	c.Flags().VisitAll(a.explain)
	c.PersistentFlags().VisitAll(a.explain)
	c.SetUsageTemplate(a.usageTemplate())
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	c.InitDefaultHelpFlag()
	if f := c.Flags().Lookup("help"); f != nil {
		f.Usage = a.words.T("flag.help")
	}
	for _, sub := range c.Commands() {
		a.localize(sub)
	}
}

func (a *app) explain(f *pflag.Flag) {
	if f.Usage == "" {
		f.Usage = a.words.T("flag." + f.Name)
	}
}

// flagError is a mistake in the flags.
func flagError(err error) error {
	var own *chat.Error
	if errors.As(err, &own) {
		return err
	}
	return chat.Errorf(chat.CodeUsage, "detail", err.Error())
}

// usageTemplate is cobra's, in the language of the reader.
func (a *app) usageTemplate() string {
	t := func(id string) string { return a.words.T("cmd.usage." + id) }
	return t("usage") + `{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} ` + t("command") + `{{end}}{{if .HasExample}}

` + t("examples") + `
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

` + t("commands") + `{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

` + t("flags") + `
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

` + t("global") + `
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}
`
}

// menu asks what to do, when nothing was said.
func (a *app) menu() error {
	if !a.typed() {
		return usage("huisclos host | huisclos join")
	}
	a.terminal().Print(a.wrap(a.words.T("cmd.menu.title"))...)
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
			return a.joinChat(&config.Client{Home: a.home(), LAN: true}, "", joinOptions{})
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
