package console

import (
	"strings"

	"github.com/rivo/uniseg"
)

// gap stands between two columns.
const gap = "  "

// table sets rows in columns as wide as their widest cell. Widths are those of a terminal.
type table [][]string

func (t *table) add(cells ...string) { *t = append(*t, cells) }

// lines returns the rows; indent stands before each.
func (t table) lines(indent string) []string {
	var widths []int
	for _, row := range t {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	out := make([]string, 0, len(t))
	for _, row := range t {
		var b strings.Builder
		b.WriteString(indent)
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell)) + gap)
			}
		}
		out = append(out, strings.TrimRight(b.String(), " "))
	}
	return out
}
