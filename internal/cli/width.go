package cli

import (
	"os"

	"golang.org/x/term"
)

// The widths of help: elsewhere than on a terminal, and at most.
const (
	usualWidth  = 80
	widestWidth = 100
)

// Width is how wide help is on out.
func Width(out *os.File) int {
	width, _, err := term.GetSize(int(out.Fd())) //nolint:gosec // a file descriptor
	if err != nil {
		return usualWidth
	}
	return max(40, min(width-1, widestWidth))
}
