package edit

import (
	"strconv"
	"strings"
)

// region is what stands at the bottom of the terminal and is drawn again at each
// change: some rows, the line being edited, and the candidates of its completion.
type region struct {
	above []string // one row each, clipped
	input laid     // no rows: no line is edited
	below []string
}

// screen knows what it drew last. It makes the bytes that change the
// terminal from that to something else; it writes nothing itself.
type screen struct {
	width int      // of the terminal when it was drawn
	rows  []string // as they were drawn
	row   int      // of the cursor, from the first row drawn
	col   int
}

// draw makes the bytes that write lines above, for good, and then the region.
func (s *screen) draw(lines []string, r region, width int) string {
	var b strings.Builder
	b.WriteString(s.toTop(width))
	if len(lines) > 0 || width != s.width {
		b.WriteString(eraseBelow)
	}
	for _, line := range lines {
		b.WriteString(line + "\r\n")
	}
	rows := append(append(append([]string(nil), r.above...), r.input.rows...), r.below...)
	*s = screen{width: width, rows: rows}
	for i, row := range rows {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(row + eraseLine)
	}
	b.WriteString(eraseBelow)
	if len(rows) > 0 {
		s.row = len(rows) - 1
		s.col = Width(rows[s.row])
	}
	if len(r.input.rows) > 0 {
		target := len(r.above) + r.input.row
		b.WriteString(move(s.row-target, r.input.col))
		s.row, s.col = target, r.input.col
	}
	return b.String()
}

// The few sequences used (ECMA-48).
const (
	eraseLine   = "\x1b[K" // EL: to the end of the row
	eraseBelow  = "\x1b[J" // ED: to the end of the screen
	pasteModeOn = "\x1b[?2004h"
	pasteModeNo = "\x1b[?2004l"
	clearScreen = "\x1b[H\x1b[2J"
)

// toTop moves the cursor to the beginning of the region. When the terminal got narrower, it has
// broken the rows that no longer fit, as most terminals do; wider ones it leaves.
func (s *screen) toTop(width int) string {
	up := 0
	for _, row := range s.rows[:min(s.row, len(s.rows))] {
		up += breaks(row, width, Width(row)) + 1
	}
	if len(s.rows) > 0 {
		up += breaks(s.rows[s.row], width, s.col+1)
	}
	return move(up, 0)
}

// breaks counts how often a terminal of that width breaks the first columns of a row. A wide
// character is never cut in two.
func breaks(row string, width, columns int) int {
	n, used, done := 0, 0, 0
	for row != "" && done < columns {
		plain, _, rest := cutStyle(row)
		for plain != "" && done < columns {
			_, tail, w := firstCluster(plain)
			if used+w > width {
				n, used = n+1, 0
			}
			plain, used, done = tail, used+w, done+w
		}
		row = rest
	}
	return n
}

// move goes up and to a column.
func move(up, col int) string {
	m := "\r"
	if up > 0 {
		m += "\x1b[" + strconv.Itoa(up) + "A"
	}
	if col > 0 {
		m += "\x1b[" + strconv.Itoa(col) + "C"
	}
	return m
}
