package main

import (
	"runtime"
	"strconv"

	"github.com/spf13/cobra"

	"huisclos/chat"
	"huisclos/internal/cli"
	"huisclos/internal/version"
)

// version says which program this is.
func (a *app) version() *cobra.Command {
	return &cobra.Command{Use: "version", Args: cli.Between(0, 0), RunE: func(*cobra.Command, []string) error {
		text := "huisclos " + version.Number
		if r := version.Revision(); r != "" {
			text += " (" + r + ")"
		}
		return a.print(text + " " + a.words.T("cmd.version.protocol", "version", strconv.Itoa(chat.ProtocolVersion)) + ", " +
			runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH)
	}}
}
