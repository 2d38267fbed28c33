// Package vttest is a terminal in memory, for tests: what is written to it is
// laid out as a terminal would, and can be read back as a person would see it.
//
// It knows what a VT100 and its successors know of text: wide characters, the wrap at the right edge that waits
// for the next character, scrolling with all that scrolled off kept, cursor movement, erasing, SGR. A
// sequence that it doesn't know is noted in Unknown, so that a test can refuse it.
package vttest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Screen is a terminal's screen. It is not safe for concurrent use; see Terminal.
type Screen struct {
	// Reflow says whether a change of width breaks and joins rows anew, as most
	// terminals do, or cuts them, as xterm does.
	Reflow bool
	// Unknown lists the escape sequences that were not understood.
	Unknown []string
	// Modes holds the private modes that are set (2004 is bracketed paste).
	Modes map[int]bool
	// Bells counts BEL.
	Bells int

	width, height int
	rows          []line // all ever written; the last height of them, from top, are on the screen
	top           int
	row, col      int // of the cursor; row counts in rows
	style         string
	rest          []byte // an incomplete sequence or character
}

// line is one row: its cells, and whether the text went on in the next row by itself.
type line struct {
	cells   []cell
	wrapped bool
}

// cell is one column. The second column of a wide character is an empty cell.
type cell struct {
	text  string
	style string
}

// NewScreen makes an empty screen.
func NewScreen(width, height int) *Screen {
	return &Screen{Reflow: true, Modes: map[int]bool{}, width: width, height: height, rows: make([]line, 1)}
}

// Write interprets p; a sequence may be cut anywhere.
func (s *Screen) Write(p []byte) (int, error) {
	s.rest = append(s.rest, p...)
	for len(s.rest) > 0 {
		n := s.step(s.rest)
		if n == 0 {
			break
		}
		s.rest = s.rest[n:]
	}
	return len(p), nil
}

// step interprets the first thing in b and tells its length; 0 when more is needed.
func (s *Screen) step(b []byte) int {
	switch b[0] {
	case '\r':
		s.col = 0
		return 1
	case '\n':
		s.feed()
		return 1
	case '\b':
		s.col = max(min(s.col, s.width-1)-1, 0)
		return 1
	case '\a':
		s.Bells++
		return 1
	case 0x1b:
		return s.escape(b)
	}
	if b[0] < ' ' || b[0] == 0x7f {
		s.Unknown = append(s.Unknown, fmt.Sprintf("%q", b[0]))
		return 1
	}
	return s.print(b)
}

// print writes the text up to the next control, cluster by cluster.
func (s *Screen) print(b []byte) int {
	end := len(b)
	for i, c := range b {
		if c < ' ' || c == 0x7f {
			end = i
			break
		}
	}
	text := b[:end]
	for cut := 1; cut <= min(utf8.UTFMax, len(text)); cut++ { // a character cut by the end of a write
		if end == len(b) && utf8.RuneStart(text[len(text)-cut]) {
			if !utf8.FullRune(text[len(text)-cut:]) {
				text = text[:len(text)-cut]
			}
			break
		}
	}
	for rest, state := string(text), -1; rest != ""; {
		var c string
		var w int
		c, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		s.put(c, w)
	}
	return len(text)
}

// put writes one cluster of w columns.
func (s *Screen) put(c string, w int) {
	if w == 0 {
		if cells := s.rows[s.row].cells; s.col > 0 && s.col <= len(cells) {
			cells[s.col-1].text += c
		}
		return
	}
	if s.col+w > s.width {
		s.rows[s.row].wrapped = true
		s.col = 0
		s.feed()
	}
	s.pad(s.col + w)
	for i := range w {
		s.rows[s.row].cells[s.col+i] = cell{style: s.style}
	}
	s.rows[s.row].cells[s.col].text = c
	s.col += w
}

// pad makes the row of the cursor at least n columns long.
func (s *Screen) pad(n int) {
	for len(s.rows[s.row].cells) < n {
		s.rows[s.row].cells = append(s.rows[s.row].cells, cell{text: " "})
	}
}

// feed moves a row down and scrolls at the bottom.
func (s *Screen) feed() {
	s.row++
	if s.row == len(s.rows) {
		s.rows = append(s.rows, line{})
	}
	s.top = max(s.top, s.row-s.height+1)
}

// escape interprets ESC and what follows.
func (s *Screen) escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	if b[1] != '[' {
		s.Unknown = append(s.Unknown, fmt.Sprintf("%q", b[:2]))
		return 2
	}
	for i := 2; i < len(b); i++ {
		if b[i] >= 0x40 && b[i] <= 0x7e {
			s.csi(string(b[2:i]), b[i])
			return i + 1
		}
	}
	return 0
}

func (s *Screen) csi(params string, final byte) {
	n, err := strconv.Atoi(params)
	if err != nil || n == 0 {
		n = 1
	}
	switch {
	case final == 'm':
		s.style = params
		if params == "" || params == "0" {
			s.style = ""
		}
	case final == 'A':
		s.row = max(s.row-n, s.top)
	case final == 'C':
		s.col = min(min(s.col, s.width-1)+n, s.width-1)
	case final == 'H' && params == "":
		s.row, s.col = s.top, 0
	case final == 'K' && params == "":
		s.eraseFrom(s.row, min(s.col, s.width-1))
	case final == 'J' && params == "":
		s.eraseBelow()
	case final == 'J' && params == "2":
		for i := s.top; i < len(s.rows); i++ {
			s.rows[i] = line{}
		}
	case (final == 'h' || final == 'l') && strings.HasPrefix(params, "?"):
		mode, _ := strconv.Atoi(params[1:])
		s.Modes[mode] = final == 'h'
	default:
		s.Unknown = append(s.Unknown, "CSI "+params+string(final))
	}
}

func (s *Screen) eraseFrom(row, col int) {
	s.rows[row].cells = s.rows[row].cells[:min(col, len(s.rows[row].cells))]
	s.rows[row].wrapped = false
}

func (s *Screen) eraseBelow() {
	s.eraseFrom(s.row, min(s.col, s.width-1))
	s.rows = s.rows[:s.row+1]
}

// Resize changes the size.
func (s *Screen) Resize(width, height int) {
	if width != s.width {
		if s.Reflow {
			s.reflow(width)
		} else {
			for i := range s.rows {
				s.rows[i].cells = s.rows[i].cells[:min(width, len(s.rows[i].cells))]
			}
			s.col = min(s.col, width-1)
		}
	}
	s.width, s.height = width, height
	s.top = max(0, s.row-height+1, len(s.rows)-height)
	s.top = min(s.top, s.row)
}

// reflow breaks and joins the rows for another width; the cursor stays on its character.
func (s *Screen) reflow(width int) {
	var rows []line
	row, col := 0, 0
	for i := 0; i < len(s.rows); {
		var cells []cell
		at := -1 // the cursor within cells
		for {
			if i == s.row {
				at = len(cells) + s.col
			}
			cells = append(cells, s.rows[i].cells...)
			i++
			if i == len(s.rows) || !s.rows[i-1].wrapped {
				break
			}
		}
		first := len(rows)
		rows = append(rows, breakCells(cells, width)...)
		if at >= 0 {
			row, col = place(rows[first:], at)
			row += first
		}
	}
	s.rows, s.row, s.col = rows, row, col
}

// place finds the cell with that number; after the last one, the end of the last row.
func place(rows []line, at int) (row, col int) {
	for row < len(rows)-1 && at >= len(rows[row].cells) {
		at -= len(rows[row].cells)
		row++
	}
	return row, at
}

func breakCells(cells []cell, width int) []line {
	var rows []line
	for len(cells) > width {
		n := width
		if cells[n].text == "" { // not inside a wide character
			n--
		}
		rows = append(rows, line{cells: slices.Clone(cells[:n]), wrapped: true})
		cells = cells[n:]
	}
	return append(rows, line{cells: slices.Clone(cells)})
}

// Lines is all that was ever written and not erased, rows that wrapped by themselves joined, without
// spaces at their ends and empty rows at the end.
func (s *Screen) Lines() []string { return s.lines(func(c cell) string { return c.text }) }

// Styled is Lines with each change of style written as ‹SGR parameters›.
func (s *Screen) Styled() []string {
	style := ""
	return s.lines(func(c cell) string {
		text := c.text
		if c.style != style {
			style = c.style
			text = "‹" + style + "›" + text
		}
		return text
	})
}

func (s *Screen) lines(show func(cell) string) []string {
	var all []string
	var b strings.Builder
	for _, row := range s.rows {
		for _, c := range row.cells {
			b.WriteString(show(c))
		}
		if !row.wrapped {
			all = append(all, strings.TrimRight(b.String(), " "))
			b.Reset()
		}
	}
	for len(all) > 0 && all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return all
}

// Rows is what is on the screen now, row by row, without spaces at their ends and empty rows at the end.
func (s *Screen) Rows() []string {
	var all []string
	for _, row := range s.rows[s.top:] {
		var b strings.Builder
		for _, c := range row.cells {
			b.WriteString(c.text)
		}
		all = append(all, strings.TrimRight(b.String(), " "))
	}
	for len(all) > 0 && all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return all
}

// Cursor is the place of the cursor on the screen, from 0.
func (s *Screen) Cursor() (row, col int) { return s.row - s.top, min(s.col, s.width-1) }
