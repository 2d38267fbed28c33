package line

import (
	"strings"

	"huisclos/client"
	"huisclos/line/edit"
)

// A mention is in bold, and one of oneself stands out; an "@" that mentions nobody is text like the rest, whatever name stands behind it.

// said is what a message says, made safe, and whether it speaks of oneself: by a mention, or by one's name as a word of its own.
func (r renderer) said(m client.Message) (text string, ofMe bool) {
	var b strings.Builder
	from := 0
	plain := func(to int) {
		part := safeText(m.Text[from:to])
		if !m.Mine && mentions(part, r.me) {
			part, ofMe = r.highlight(part), true
		}
		b.WriteString(part)
	}
	for _, at := range m.Mentions {
		if at.Start < from || at.End < at.Start || at.End > len(m.Text) {
			continue
		}
		plain(at.Start)
		from = at.End
		name := safeText(m.Text[at.Start:at.End])
		if at.Me && !m.Mine {
			b.WriteString(r.style.strong(name))
		} else {
			b.WriteString(r.style.bold(name))
		}
	}
	plain(len(m.Text))
	return b.String(), ofMe || m.MentionsMe
}

// safeText is a text for a terminal.
func safeText(s string) string { return strings.ReplaceAll(edit.Safe(s), "\t", "    ") }
