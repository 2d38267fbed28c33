package line

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/line/edit"
)

// What is done to messages that were said: /reply, /edit, /delete, /react. Which one is meant is told by a word that begins with "^": ^3 is the third from the
// end, ^bob the last one of bob. Without it, it is the last one of somebody else to answer, and the last own one to change.

// mostLast is how many messages of a room can be meant.
const mostLast = 200

// remember keeps a message that was shown among those that can be meant.
func (r *roomState) remember(m client.Message) {
	if m.Form != client.Text || m.What != client.Said || slices.ContainsFunc(r.last, func(x client.Message) bool { return x.ID == m.ID }) {
		return
	}
	at, _ := slices.BinarySearchFunc(r.last, m, func(a, b client.Message) int { return int(a.Seq) - int(b.Seq) }) //nolint:gosec // places in a log
	r.last = slices.Insert(r.last, at, m)
	if len(r.last) > mostLast {
		r.last = r.last[1:]
	}
}

// updated takes what became of a message.
func (r *roomState) updated(m client.Message) {
	i := slices.IndexFunc(r.last, func(x client.Message) bool { return x.ID == m.ID })
	switch {
	case i < 0:
	case m.Form != client.Text:
		r.last = slices.Delete(r.last, i, i+1)
	default:
		r.last[i] = m
	}
}

// meant finds the message that a command is about, and the rest of its words.
func (f *face) meant(words string, own bool) (client.Message, string, error) {
	room, err := f.roomArg(nil)
	if err != nil {
		return client.Message{}, "", err
	}
	all := f.state(room).last
	right := func(m client.Message) bool { return m.Mine == own }
	from := 1
	if strings.HasPrefix(words, "^") {
		word, rest, _ := strings.Cut(words, " ")
		words = strings.TrimSpace(rest)
		name := strings.TrimPrefix(word, "^")
		if n, err := strconv.Atoi(name); err == nil && n > 0 {
			from, right = n, func(client.Message) bool { return true }
		} else if name != "" {
			right = func(m client.Message) bool { return strings.EqualFold(m.Sender, name) }
		}
	}
	for _, m := range slices.Backward(all) {
		if !right(m) {
			continue
		}
		if from--; from == 0 {
			return m, words, nil
		}
	}
	return client.Message{}, "", chat.Errorf(chat.CodeNoMessage)
}

// reply answers a message.
func (f *face) reply(_ []string, rest string) error {
	m, text, err := f.meant(rest, false)
	if err == nil && text == "" {
		err = chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax("reply"))
	}
	if err != nil {
		return err
	}
	f.post(m.Room, client.Draft{Text: text, Ref: m.ID})
	return nil
}

// editMessage gives an own message another text.
func (f *face) editMessage(_ []string, rest string) error {
	m, text, err := f.meant(rest, true)
	if err == nil && text == "" {
		err = chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax("edit"))
	}
	if err != nil {
		return err
	}
	f.post(m.Room, client.Draft{What: client.Edited, Text: text, Ref: m.ID})
	return nil
}

// takeBack takes a message back.
func (f *face) takeBack(_ []string, rest string) error {
	m, _, err := f.meant(rest, true)
	if err != nil {
		return err
	}
	f.post(m.Room, client.Draft{What: client.TookBack, Ref: m.ID})
	return nil
}

// react puts an emoji at a message; the same once more takes it away.
func (f *face) react(_ []string, rest string) error {
	m, emoji, err := f.meant(rest, false)
	if err == nil && emoji == "" {
		err = chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax("react"))
	}
	if err != nil {
		return err
	}
	d := client.Draft{What: client.Reacted, Text: emoji, Ref: m.ID}
	for _, r := range m.Reactions {
		if r.Emoji == emoji && !r.Mine.IsZero() {
			d = client.Draft{What: client.Unreacted, Ref: r.Mine}
		}
	}
	f.post(m.Room, d)
	return nil
}

// post queues what isn't a plain line.
func (f *face) post(room string, d client.Draft) {
	f.do(func(ctx context.Context) func() {
		_, err := f.API.Post(ctx, room, d)
		return func() {
			if err != nil {
				f.fail(err)
			}
		}
	})
}

// mostQuoted bounds what is shown of a message that another one is about, in columns.
const mostQuoted = 40

// quoted is the beginning of a message that another one is about.
func quoted(w Words, q *client.Quote) string {
	if q == nil || q.Seq == 0 {
		return w.T("line.said.unseen")
	}
	text := edit.SafeLine(q.Text)
	if q.Form != client.Text {
		text = w.T("line.form.taken")
		if q.Form == client.Expired {
			text = w.T("line.form.expired")
		}
	}
	if edit.Width(text) > mostQuoted {
		text = strings.TrimRight(edit.Wrap(text, mostQuoted)[0], " ") + "…"
	}
	return edit.SafeLine(q.Sender) + ": " + text
}

// saidText says what somebody did to a message.
func saidText(w Words, m client.Message) string {
	by := edit.SafeLine(m.Sender)
	switch m.What {
	case client.Edited:
		return w.T("line.said.edited", "by", by, "text", edit.SafeLine(m.Text))
	case client.TookBack:
		if m.Ref != nil && m.Ref.Seq != 0 && m.Ref.Sender != m.Sender {
			return w.T("line.said.moderated", "by", by, "name", edit.SafeLine(m.Ref.Sender))
		}
		return w.T("line.said.tookback", "by", by)
	case client.Reacted:
		return w.T("line.said.reacted", "by", by, "emoji", edit.SafeLine(m.Text), "quote", quoted(w, m.Ref))
	case client.Unreacted:
		return w.T("line.said.unreacted", "by", by)
	case client.Said:
	}
	return ""
}

// after is what stands behind a text: that it was edited, and the reactions to it.
func afterText(w Words, m client.Message) string {
	var b strings.Builder
	if m.Edited {
		b.WriteString(" " + w.T("line.said.mark"))
	}
	if m.SharedBy != "" && m.SharedBy != m.Sender { // of one's own words one is the best witness
		b.WriteString(" " + w.T("line.said.shared", "by", edit.SafeLine(m.SharedBy)))
	}
	for _, r := range m.Reactions {
		b.WriteString(" " + edit.SafeLine(r.Emoji))
		if len(r.By) > 1 {
			b.WriteString(strconv.Itoa(len(r.By)))
		}
	}
	return b.String()
}
