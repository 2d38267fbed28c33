// Package cli gives a tree of cobra commands its words: the help of each command and flag in the reader's language, as wide as the
// terminal, and an error of ours for whatever can't be understood of a command line.
//
// It guarantees that a person reads no word of a library: neither a type of Go, nor the text of an error.
package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"huisclos/chat"
)

// Words gives the texts of one language: *i18n.Printer.
type Words interface {
	T(id string, pairs ...string) string
	Has(id string) bool
}

// Program is what a tree of commands is localized with.
type Program struct {
	Words Words
	// Text begins the IDs of its texts, such as "cmd.": with it NAME.short, NAME.long, NAME.use and NAME.example, with root as the
	// NAME of the program itself and "_" for a space.
	Text string
	// Width is how wide help is.
	Width int
}

// Localize gives c and what is below it their words. Flags have flag.NAME, in which backquotes stand around what their value is called.
func (p Program) Localize(c *cobra.Command) {
	c.SilenceErrors, c.SilenceUsage = true, true
	c.CompletionOptions.DisableDefaultCmd = true
	c.SetHelpCommand(&cobra.Command{Use: "help", Hidden: true, RunE: func(_ *cobra.Command, args []string) error {
		of, _, err := c.Find(args)
		if err != nil {
			return err
		}
		return of.Help()
	}})
	c.InitDefaultHelpCmd()
	p.localize(c)
	c.SetHelpFunc(func(of *cobra.Command, _ []string) { _, _ = of.OutOrStdout().Write([]byte(p.help(of))) })
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return FlagError(err) })
}

func (p Program) localize(c *cobra.Command) {
	name := "root"
	if _, below, ok := strings.Cut(c.CommandPath(), " "); ok {
		name = strings.ReplaceAll(below, " ", "_")
	}
	for field, to := range map[string]*string{"short": &c.Short, "long": &c.Long, "example": &c.Example, "use": &c.Use} {
		if id := p.Text + name + "." + field; p.Words.Has(id) {
			*to = p.Words.T(id)
		}
	}
	c.DisableFlagsInUseLine = true
	c.InitDefaultHelpFlag()
	explain := func(f *pflag.Flag) { f.Usage = p.Words.T("flag." + f.Name) }
	c.Flags().VisitAll(explain)
	c.PersistentFlags().VisitAll(explain)
	for _, sub := range c.Commands() {
		p.localize(sub)
	}
}

// Between checks the number of words after a command; most < 0: as many as one likes.
func Between(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return chat.Errorf(chat.CodeUsage, "reason", "words", "detail", c.UseLine())
		}
		return nil
	}
}

// Group is the check of a command that only has others below it: a word after it is one that doesn't exist.
func Group(nearest func(word string, list []string) string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		e := chat.Errorf(chat.CodeUnknownCommand, "reason", "shell", "command", c.CommandPath()+" "+args[0], "program", c.CommandPath())
		var names []string
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				names = append(names, sub.Name())
			}
		}
		if near := nearest(strings.ToLower(args[0]), names); near != "" {
			e.Params["suggestion"] = c.CommandPath() + " " + near
		}
		return e
	}
}

// FlagError is a mistake in the flags.
func FlagError(err error) error {
	var (
		own     *chat.Error
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		value   *pflag.InvalidValueError
		syntax  *pflag.InvalidSyntaxError
	)
	switch {
	case errors.As(err, &own):
		return err
	case errors.As(err, &unknown):
		flag := "--" + unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			flag = "-" + unknown.GetSpecifiedName()
		}
		return chat.Errorf(chat.CodeUsage, "reason", "flag", "detail", flag).Because(err)
	case errors.As(err, &missing):
		return chat.Errorf(chat.CodeUsage, "reason", "value", "detail", "--"+missing.GetFlag().Name).Because(err)
	case errors.As(err, &value):
		return chat.Errorf(chat.CodeSettingValue, "name", "--"+value.GetFlag().Name, "value", value.GetValue()).Because(err)
	case errors.As(err, &syntax):
		return chat.Errorf(chat.CodeUsage, "reason", "flag", "detail", syntax.GetSpecifiedFlag()).Because(err)
	}
	return chat.Errorf(chat.CodeUsage).Because(err)
}

// LangFlag finds --lang before the flags are parsed: their explanations speak it too.
func LangFlag(args []string) string {
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--lang="); ok {
			return value
		}
		if arg == "--lang" && i+1 < len(args) {
			return args[i+1]
		}
		if arg == "--" {
			break
		}
	}
	return ""
}
