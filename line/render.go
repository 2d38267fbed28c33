package line

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/cases"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/line/edit"
)

// renderer makes rows of a terminal out of what the client says. It draws nothing.
type renderer struct {
	style style
	words Words
	zone  *time.Location
	me    string // one's own name, to find mentions
}

// timeWidth is the column of the time with the space after it.
const timeWidth = 6

// message makes the rows of one message, for a terminal of that width:
//
//	18:04 [#lobby] alice: hello
//
// Further rows begin under the text where there is room for that. An own message that isn't acknowledged
// yet has no time.
func (r renderer) message(m client.Message, width int) []string {
	clock := m.Time.In(r.zone).Format("15:04")
	text, note, mentioned := r.body(m)
	if !note {
		if m.Ref != nil {
			text = r.style.faint("↪ "+quoted(r.words, m.Ref)) + "\n" + text
		}
		after := afterText(r.words, m)
		if at := goes(r.words, m, r.zone); at != "" {
			after += " " + at
		}
		if after != "" {
			text += r.style.faint(after)
		}
	}
	mark := " "
	if mentioned {
		mark = r.style.bold("»")
	}
	room := "[" + roomLabel(m.Room) + "] "
	sender := edit.SafeLine(m.Sender)
	known := trustMark(m.Trust, m.Mine)
	head := timeWidth + edit.Width(room) + edit.Width(known) + edit.Width(sender) + 2
	first := r.style.faint(clock) + mark + r.style.faint(room)
	switch {
	case sender == "":
		head -= 2 + edit.Width(known)
	case m.Mine:
		first += r.style.bold(sender) + ": "
	default:
		first += r.trust(known) + r.style.name(m.Account, sender) + ": "
	}
	if note {
		return hang(first, head, r.faintLines(text), width)
	}
	return hang(first, head, text, width)
}

// faintLines is faint, line by line, so that a row never carries a style over.
func (r renderer) faintLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = r.style.faint(lines[i])
	}
	return strings.Join(lines, "\n")
}

// body is what a message says, made safe; note is true when the words are ours, not the sender's, and mentioned when they speak of oneself.
func (r renderer) body(m client.Message) (text string, note, mentioned bool) {
	if m.Form == client.Text {
		text, mentioned = r.said(m)
		return text, false, mentioned
	}
	return formText(r.words, m), true, false
}

// formText says what is in the place of a message that can't be shown.
func formText(w Words, m client.Message) string {
	switch m.Form {
	case client.Changed:
		return changeText(w, m)
	case client.Unreadable:
		if m.Generation == 0 {
			if m.Err != nil && m.Err.Code == chat.CodeReturning {
				return w.T("line.form.returning")
			}
			return w.T("line.form.missed")
		}
		return w.T("line.form.unreadable", "generation", strconv.Itoa(int(m.Generation)))
	case client.Taken:
		return w.T("line.form.taken")
	case client.Expired:
		return w.T("line.form.expired")
	case client.Removed:
		return w.T("line.form.removed")
	case client.Unsupported:
		return w.T("line.form.unsupported")
	}
	why := ""
	if m.Err != nil {
		why, _ = safeError(w, m.Err)
	}
	return w.T("line.form.refused", "why", why)
}

// pending is the row of a message that isn't durable yet.
func (r renderer) pending(room, name, text string) string {
	return r.style.faint("  …   " + "[" + roomLabel(room) + "] " + edit.SafeLine(name) + ": " + edit.SafeLine(text))
}

// dayLine separates the days.
func (r renderer) dayLine(t time.Time, width int) string {
	return r.rule(day(r.words, t.In(r.zone)), width)
}

// rule is a line across the terminal with a title in it.
func (r renderer) rule(title string, width int) string {
	const most = 72
	rest := min(width-1, most) - edit.Width(title) - 4
	return r.style.faint("── ") + r.style.bold(title) + r.style.faint(" "+strings.Repeat("─", max(rest, 2)))
}

// notice makes the rows of something that the program says, apart from what people say.
func (r renderer) notice(text string, width int) []string {
	var rows []string
	for i, line := range strings.Split(text, "\n") {
		lead := "      "
		if i == 0 {
			lead = "    · "
		}
		rows = append(rows, hang(r.style.faint(lead), timeWidth, r.style.faint(line), width)...)
	}
	return rows
}

// plainNotice is notice for what was asked for: it isn't faint.
func (r renderer) plainNotice(text string, width int) []string {
	var rows []string
	for _, line := range strings.Split(text, "\n") {
		for _, row := range edit.WrapTable(line, max(width-1-timeWidth, 1)) {
			rows = append(rows, strings.Repeat(" ", timeWidth)+row)
		}
	}
	return rows
}

// problem makes the rows of an error: what happened, and what to do.
func (r renderer) problem(err error, width int) []string {
	text, hint := safeError(r.words, err)
	rows := hang("    "+r.style.alarm("!")+" ", timeWidth, r.style.bold(text), width)
	if hint != "" {
		rows = append(rows, hang(strings.Repeat(" ", timeWidth), timeWidth, hint, width)...)
	}
	return rows
}

// hang lays text out after first, which takes head columns; further rows begin at head, or, on a narrow
// terminal, a little from the edge.
func hang(first string, head int, text string, width int) []string {
	const narrow = 4
	width = max(width-1, narrow+1)
	indent := head
	if head > width/2 {
		indent = narrow
	}
	pad := strings.Repeat(" ", indent)
	var rows []string
	for _, line := range strings.Split(text, "\n") {
		for _, row := range wrapFirst(line, width-head, width-indent, len(rows) == 0) {
			if len(rows) == 0 {
				rows = append(rows, first+row)
			} else {
				rows = append(rows, pad+row)
			}
		}
	}
	return rows
}

// wrapFirst is edit.Wrap with another width for the first row.
func wrapFirst(text string, firstWidth, width int, isFirst bool) []string {
	if !isFirst || firstWidth == width {
		return edit.Wrap(text, width)
	}
	head := edit.Wrap(text, max(firstWidth, 1))
	if len(head) == 1 {
		return head
	}
	return append(head[:1], edit.Wrap(strings.Join(head[1:], " "), width)...)
}

// highlight marks each mention of one's own name.
func (r renderer) highlight(text string) string {
	var b strings.Builder
	for {
		from, to, ok := findMention(text, r.me)
		if !ok {
			return b.String() + text
		}
		b.WriteString(text[:from] + r.style.strong(text[from:to]))
		text = text[to:]
	}
}

// mentions reports whether text names somebody, as a word of its own, whatever the capitals.
func mentions(text, name string) bool {
	_, _, ok := findMention(text, name)
	return ok
}

func findMention(text, name string) (from, to int, ok bool) {
	if name == "" {
		return 0, 0, false
	}
	fold := cases.Fold()
	want := fold.String(name)
	for i := range text {
		if before := lastRune(text[:i]); i > 0 && (wordRune(before) || before == '@') { // "@bob" is a mention, or nothing
			continue
		}
		end, matched := foldedPrefix(text[i:], want, fold)
		if matched && (i+end == len(text) || !wordRune(firstRune(text[i+end:]))) {
			return i, i + end, true
		}
	}
	return 0, 0, false
}

// foldedPrefix finds how many bytes of s fold to want.
func foldedPrefix(s, want string, fold cases.Caser) (int, bool) {
	const slack = 3 // folding may lengthen a character that much
	folded := ""
	for i, r := range s {
		if folded == want {
			return i, true
		}
		if len(folded) > len(want)+slack || !strings.HasPrefix(want, folded) {
			return 0, false
		}
		folded += fold.String(string(r))
	}
	return len(s), folded == want
}

func wordRune(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.M) || r == '_' }

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}

func lastRune(s string) rune {
	var last rune
	for _, r := range s[max(len(s)-4, 0):] {
		last = r
	}
	return last
}
