package edit

import "strings"

// tabWidth is how many columns a tab in the edited text takes.
const tabWidth = 4

// laid is an edited text cut into the rows of the screen, with the place of the cursor.
type laid struct {
	rows     []string
	row, col int
}

// lay cuts prompt and text into rows of at most width columns. Rows after the first begin under the text, when
// there is room for that. The cursor is before the byte pos of text. secret shows a dot for each character.
func lay(prompt, text string, pos, width int, secret bool) laid {
	l := layer{width: max(width, 2)}
	head := Width(prompt)
	if head > l.width-1 {
		prompt = Clip(prompt, l.width/2)
		head = Width(prompt)
	}
	if head <= l.width/3 {
		l.indent = head
	}
	l.b.WriteString(prompt)
	l.used = head
	at := 0
	for _, c := range clusters(text) {
		if at == pos {
			l.mark()
		}
		at += len(c)
		l.put(c, secret)
	}
	if pos >= at {
		l.mark()
	}
	l.end()
	return l.laid
}

// layer is the work of lay.
type layer struct {
	laid
	b             strings.Builder
	width, indent int
	used          int
}

// mark puts the cursor here, in the next row when this one is full.
func (l *layer) mark() {
	if l.used >= l.width {
		l.end()
	}
	l.row, l.col = len(l.rows), l.used
}

func (l *layer) end() {
	l.rows = append(l.rows, l.b.String())
	l.b.Reset()
	l.b.WriteString(strings.Repeat(" ", l.indent))
	l.used = l.indent
}

func (l *layer) put(c string, secret bool) {
	if c == "\n" || c == "\r\n" {
		l.end()
		return
	}
	shown := shape(c)
	if secret {
		shown = "•"
	}
	w := Width(shown)
	if l.used+w > l.width {
		marked := l.row == len(l.rows) && l.col == l.used // the cursor stands on c: it moves with it
		l.end()
		if marked {
			l.row, l.col = len(l.rows), l.used
		}
	}
	l.b.WriteString(shown)
	l.used += w
}

// shape is how a character of the edited text is shown.
func shape(c string) string {
	if c == "\t" {
		return strings.Repeat(" ", tabWidth)
	}
	return Safe(c)
}

// window cuts l down to at most height rows around the cursor.
func (l laid) window(height int) laid {
	height = max(height, 1)
	if len(l.rows) <= height {
		return l
	}
	from := min(max(l.row-height+1, 0), len(l.rows)-height)
	return laid{rows: l.rows[from : from+height], row: l.row - from, col: l.col}
}
