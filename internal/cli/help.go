package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"huisclos/line/edit"
)

// help is the whole explanation of a command.
func (p Program) help(c *cobra.Command) string {
	t := func(id string) string { return p.Words.T("usage." + id) }
	about := c.Long
	if about == "" {
		about = c.Short
	}
	var lines []string
	title := func(id string) { lines = append(lines, "", t(id)) }
	lines = append(lines, strings.Split(about, "\n")...)
	title("usage")
	if c.Runnable() {
		lines = append(lines, "  "+c.UseLine())
	}
	if c.HasAvailableSubCommands() {
		lines = append(lines, "  "+c.CommandPath()+" "+t("command"))
	}
	if c.Example != "" {
		title("examples")
		lines = append(lines, strings.Split(c.Example, "\n")...)
	}
	if c.HasAvailableSubCommands() {
		title("commands")
		var rows [][2]string
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				rows = append(rows, [2]string{sub.Name(), sub.Short})
			}
		}
		lines = append(lines, columns(rows)...)
	}
	own, above := p.flags(c.LocalFlags()), p.flags(c.InheritedFlags())
	if len(own) > 0 {
		title("flags")
		lines = append(lines, columns(own)...)
	}
	if len(above) > 0 {
		title("global")
		lines = append(lines, columns(above)...)
	}
	var b strings.Builder
	for _, l := range lines {
		for _, row := range edit.WrapTable(l, p.Width) {
			b.WriteString(row + "\n")
		}
	}
	return b.String()
}

// flags are the rows of flags: how each is written, and what it does.
func (p Program) flags(set *pflag.FlagSet) [][2]string {
	var rows [][2]string
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, text := pflag.UnquoteUsage(f)
		flag := "    --" + f.Name
		if f.Shorthand != "" {
			flag = "-" + f.Shorthand + ", --" + f.Name
		}
		if f.NoOptDefVal == "" {
			flag += " " + value
		}
		if said := f.DefValue; said != "" && said != "0" && f.NoOptDefVal == "" {
			text += " " + p.Words.T("usage.default", "value", said)
		}
		rows = append(rows, [2]string{flag, text})
	})
	return rows
}

// columns sets rows in two columns.
func columns(rows [][2]string) []string {
	widest := 0
	for _, r := range rows {
		widest = max(widest, edit.Width(r[0]))
	}
	var lines []string
	for _, r := range rows {
		lines = append(lines, "  "+r[0]+strings.Repeat(" ", widest-edit.Width(r[0]))+"  "+r[1])
	}
	return lines
}
