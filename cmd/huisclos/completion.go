package main

import (
	"github.com/spf13/cobra"

	"huisclos/admin"
	"huisclos/internal/cli"
)

// words says what may follow a command where a shell completes: never a file, and after admin a command of the console.
func words(c *cobra.Command) {
	for _, sub := range c.Commands() {
		words(sub)
		if len(sub.ValidArgs) > 0 {
			continue
		}
		var verbs []string
		if sub.Name() == "admin" {
			for _, command := range admin.Commands() {
				verbs = append(verbs, string(command.Verb))
			}
		}
		sub.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return verbs, cobra.ShellCompDirectiveNoFileComp
		}
	}
}

// completion prints a shell's completions.
func (a *app) completion() *cobra.Command {
	return &cobra.Command{
		Use: "completion SHELL", Args: cli.Between(1, 1), ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.out, true)
			case "zsh":
				return root.GenZshCompletion(a.out)
			case "fish":
				return root.GenFishCompletion(a.out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.out)
			}
			return usage("bash | zsh | fish | powershell")
		},
	}
}
