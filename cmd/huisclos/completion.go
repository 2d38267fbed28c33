package main

import (
	"github.com/spf13/cobra"

	"huisclos/internal/cli"
)

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
