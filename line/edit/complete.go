package edit

import "strings"

// Candidate is one way to complete a line.
type Candidate struct {
	Text string // what takes the place of the word; it ends with a space where another word follows
	Note string // said beside it, may be empty
}

// Completer finds the candidates for the word that ends at the cursor; start is where it begins in
// before, the text up to the cursor.
type Completer func(before string) (start int, candidates []Candidate)

// completion is one under way: from the first Tab to the first other key.
type completion struct {
	start      int // of the word, in bytes
	candidates []Candidate
	at         int // the candidate in the line; -1 for their common beginning
}

// begin starts a completion; nil when there is nothing to choose from any more.
func begin(b *buffer, find Completer) *completion {
	start, candidates := find(b.before())
	switch len(candidates) {
	case 0:
		return nil
	case 1:
		replace(b, start, candidates[0].Text)
		return nil
	}
	common := candidates[0].Text
	for _, c := range candidates[1:] {
		common = commonPrefix(common, c.Text)
	}
	if len(common) > len(b.before())-start {
		replace(b, start, common)
	}
	return &completion{start: start, candidates: candidates, at: -1}
}

// step puts the next or the previous candidate into the line.
func (c *completion) step(b *buffer, back bool) {
	n := len(c.candidates)
	switch {
	case back && c.at <= 0:
		c.at = n - 1
	case back:
		c.at--
	default:
		c.at = (c.at + 1) % n
	}
	replace(b, c.start, c.candidates[c.at].Text)
}

// replace puts text in the place of what stands between start and the cursor.
func replace(b *buffer, start int, text string) {
	b.cut(start, b.pos)
	b.insert(text)
}

// commonPrefix is what a and b begin with, in whole characters.
func commonPrefix(a, b string) string {
	n := 0
	for _, c := range clusters(a) {
		if !strings.HasPrefix(b[n:], c) {
			break
		}
		n += len(c)
	}
	return a[:n]
}

// rows shows the candidates: with their notes one a row, when any has one and all fit, else in columns.
func (c *completion) rows(width, height int) []string {
	if height < 1 {
		return nil
	}
	widest, notes := 0, false
	for _, x := range c.candidates {
		widest = max(widest, Width(strings.TrimRight(x.Text, " ")))
		notes = notes || x.Note != ""
	}
	if notes && len(c.candidates) <= height {
		return c.list(widest, width)
	}
	return c.columns(widest, width, height)
}

func (c *completion) list(widest, width int) []string {
	rows := make([]string, 0, len(c.candidates))
	for i, x := range c.candidates {
		rows = append(rows, Clip("  "+c.cell(i, widest)+faint+x.Note+reset, width))
	}
	return rows
}

func (c *completion) columns(widest, width, height int) []string {
	perRow := max((width-2)/(widest+2), 1)
	var rows []string
	for i := 0; i < len(c.candidates); i += perRow {
		if len(rows) == height-1 && i+perRow < len(c.candidates) {
			return append(rows, faint+"  …"+reset)
		}
		row := "  "
		for j := i; j < min(i+perRow, len(c.candidates)); j++ {
			row += c.cell(j, widest)
		}
		rows = append(rows, Clip(row, width))
	}
	return rows
}

const (
	faint   = "\x1b[2m"
	reverse = "\x1b[7m"
)

// cell shows a candidate in a column of that width; the one that stands in the line is marked.
func (c *completion) cell(i, widest int) string {
	text := strings.TrimRight(c.candidates[i].Text, " ")
	pad := strings.Repeat(" ", widest-Width(text)+2)
	if i == c.at {
		text = reverse + text + reset
	}
	return text + pad
}
