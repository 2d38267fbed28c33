package edit

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Width is how many columns s takes. Escape sequences for colours (SGR) that the
// program itself made count nothing.
func Width(s string) int {
	if !strings.Contains(s, "\x1b[") {
		return uniseg.StringWidth(s)
	}
	n := 0
	for s != "" {
		plain, _, rest := cutStyle(s)
		n += uniseg.StringWidth(plain)
		s = rest
	}
	return n
}

// cutStyle cuts s before and after its first escape sequence of the form ESC [ … m.
func cutStyle(s string) (before, style, after string) {
	i := strings.Index(s, "\x1b[")
	if i < 0 {
		return s, "", ""
	}
	j := strings.IndexByte(s[i:], 'm')
	if j < 0 {
		return s[:i], s[i:], ""
	}
	return s[:i], s[i : i+j+1], s[i+j+1:]
}

// firstCluster cuts the first grapheme cluster off s and tells its width.
func firstCluster(s string) (cluster, rest string, width int) {
	cluster, rest, width, _ = uniseg.FirstGraphemeClusterInString(s, -1)
	return cluster, rest, width
}

// clusters cuts s into its grapheme clusters.
func clusters(s string) []string {
	var all []string
	state := -1
	for s != "" {
		var c string
		c, s, _, state = uniseg.FirstGraphemeClusterInString(s, state)
		all = append(all, c)
	}
	return all
}

// Clip shortens s to at most width columns, with "…" where something was cut. s may
// hold styles; what is cut off ends them.
func Clip(s string, width int) string {
	if width <= 0 {
		return ""
	}
	if Width(s) <= width {
		return s
	}
	var b strings.Builder
	n, style := 0, ""
	for s != "" {
		plain, sgr, rest := cutStyle(s)
		for plain != "" {
			c, tail, w := firstCluster(plain)
			if n+w > width-1 {
				b.WriteString("…")
				if style != "" {
					b.WriteString(reset)
				}
				return b.String()
			}
			b.WriteString(c)
			n, plain = n+w, tail
		}
		b.WriteString(sgr)
		style = styleAfter(style, sgr)
		s = rest
	}
	return b.String()
}

// Wrap breaks s, which holds no line end, into rows of at most width columns,
// between words. A word that is wider than a row is left whole: the terminal breaks it, and a
// link can still be opened or copied. s may hold styles; each row ends plain and the next one takes the style up.
func Wrap(s string, width int) []string {
	if width < 1 {
		width = 1
	}
	var rows []string
	var row strings.Builder
	style, used := "", 0
	end := func() {
		if style != "" {
			row.WriteString(reset)
		}
		rows = append(rows, row.String())
		row.Reset()
		row.WriteString(style)
		used = 0
	}
	for _, word := range words(s) {
		w := Width(word)
		if used > 0 && used+w > width {
			end()
			word = strings.TrimLeft(word, " ")
			w = Width(word)
		}
		row.WriteString(word)
		used += w
		style = styleAfter(style, word)
	}
	end()
	return rows
}

// WrapTable is Wrap for a line that may be indented, or a row of a table whose cells stand at least two spaces apart: further rows
// begin where the last cell does, when that leaves it two fifths of the width, otherwise under the beginning of the line.
func WrapTable(s string, width int) []string {
	text := strings.TrimLeft(s, " ")
	lead := s[:len(s)-len(text)]
	if Width(s) <= width || text == "" {
		return []string{s}
	}
	if i := strings.LastIndex(text, "  "); i >= 0 && Width(lead+text[:i+2]) <= width*3/5 {
		lead += text[:i+2]
		text = text[i+2:]
	}
	indent := Width(lead)
	rows := Wrap(text, width-indent)
	for i := range rows {
		if i == 0 {
			rows[i] = lead + rows[i]
		} else {
			rows[i] = strings.Repeat(" ", indent) + rows[i]
		}
	}
	return rows
}

// reset ends every style.
const reset = "\x1b[0m"

// words cuts s before each run of spaces that follows something else, so that every word but the first begins
// with the spaces before it; joined they are s. The spaces that French sets before “: ; ? ! »” and after “«” stay within a word.
func words(s string) []string {
	var all []string
	start, inSpace := 0, true
	for i := range len(s) {
		space := s[i] == ' '
		if space && !inSpace && !tied(s[:i], s[i:]) {
			all = append(all, s[start:i])
			start = i
		}
		inSpace = space
	}
	return append(all, s[start:])
}

// tied reports whether what goes before a space and what begins with it belong on one row.
func tied(before, after string) bool {
	mark, _, _ := strings.Cut(strings.TrimPrefix(after, " "), " ")
	switch mark {
	case ":", ";", "?", "!", "»", "».", "»,":
		return true
	}
	return strings.HasSuffix(before, "«")
}

// styleAfter is the style in force after s, when it was style before.
func styleAfter(style, s string) string {
	for s != "" {
		_, sgr, rest := cutStyle(s)
		switch sgr {
		case "":
		case reset:
			style = ""
		default:
			style += sgr
		}
		s = rest
	}
	return style
}
