package line

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/line/edit"
)

// What one is told loudly, and what others are told of one's reading and writing: /notify, /reports, /seen, /typing.

// notify says when a room rings.
func (f *face) notify(words []string, _ string) error {
	room, err := f.roomArg(nil)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		f.view.answer(f.notifyText(room, f.state(room).notify))
		return nil
	}
	n := client.NotifyUsual
	switch {
	case isWord(f.Words, words[0], "line.notify.all", "all"):
		n = client.NotifyAll
	case isWord(f.Words, words[0], "line.notify.mentions", "mentions"):
		n = client.NotifyMentions
	case isWord(f.Words, words[0], "line.off", "off"):
		n = client.NotifyOff
	default:
		return chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax("notify"))
	}
	f.wait(func(ctx context.Context) (func(), error) {
		if err := f.API.SetNotify(ctx, room, n); err != nil {
			return nil, err
		}
		return func() {
			f.state(room).notify = n
			f.view.answer(f.notifyText(room, n))
		}, nil
	})
	return nil
}

func (f *face) notifyText(room string, n client.Notify) string {
	switch n {
	case client.NotifyAll:
		return f.Words.T("line.notify.is.all", "room", roomLabel(room))
	case client.NotifyOff:
		return f.Words.T("line.notify.is.off", "room", roomLabel(room))
	case client.NotifyUsual, client.NotifyMentions:
	}
	return f.Words.T("line.notify.is.mentions", "room", roomLabel(room))
}

// ring rings for a message that a room's choice wants told loudly.
func (f *face) ring(r *roomState, m client.Message) {
	n := r.notify
	if n == client.NotifyUsual { // of a room that we know nothing of yet
		n = client.NotifyMentions
		if strings.HasPrefix(m.Room, "@") {
			n = client.NotifyAll
		}
	}
	if n.Loud(&m) {
		f.view.ring()
	}
}

// turn is a command that switches something on or off, or tells how it is.
func (f *face) turn(name string, words []string, is bool, set func(context.Context, bool) error, done func(on bool), on, off string) error {
	tell := func(now bool) {
		if now {
			f.view.answer(f.Words.T(on))
		} else {
			f.view.answer(f.Words.T(off))
		}
	}
	want := false
	switch {
	case len(words) == 0:
		tell(is)
		return nil
	case isWord(f.Words, words[0], "line.on", "on"):
		want = true
	case isWord(f.Words, words[0], "line.off", "off"):
	default:
		return chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax(name))
	}
	f.wait(func(ctx context.Context) (func(), error) {
		if err := set(ctx, want); err != nil {
			return nil, err
		}
		return func() {
			done(want)
			tell(want)
		}, nil
	})
	return nil
}

// reports switches reports of delivery and reading.
func (f *face) reports(words []string, _ string) error {
	return f.turn("reports", words, f.me.Reports, f.API.SetReports, func(on bool) { f.me.Reports = on }, "line.reports.on", "line.reports.off")
}

// tellTyping switches signs of typing.
func (f *face) tellTyping(words []string, _ string) error {
	return f.turn("typing", words, f.me.Typing, f.API.SetTyping, func(on bool) { f.me.Typing = on }, "line.typing.on", "line.typing.off")
}

// seen tells who has got and read a message of one's own.
func (f *face) seen(_ []string, rest string) error {
	m, _, err := f.meant(rest, true)
	if err == nil && !m.Mine {
		err = chat.Errorf(chat.CodeNoMessage)
	}
	if err != nil {
		return err
	}
	f.wait(func(ctx context.Context) (func(), error) {
		now, err := f.API.History(ctx, m.Room, m.Seq-1, 1)
		if err != nil {
			return nil, err
		}
		if len(now) == 0 || now[0].ID != m.ID {
			return nil, chat.Errorf(chat.CodeNoMessage)
		}
		return func() { f.view.answer(f.seenText(now[0])) }, nil
	})
	return nil
}

func (f *face) seenText(m client.Message) string {
	w := f.Words
	var read, got []string
	for _, s := range m.Seen {
		who := edit.SafeLine(s.Name) + " (" + f.clock(s.Time) + ")"
		if s.Read {
			read = append(read, who)
		} else {
			got = append(got, who)
		}
	}
	var rows []string
	if len(read) > 0 {
		rows = append(rows, w.T("line.seen.read", "names", strings.Join(read, ", ")))
	}
	if len(got) > 0 {
		rows = append(rows, w.T("line.seen.got", "names", strings.Join(got, ", ")))
	}
	if len(rows) == 0 {
		rows = append(rows, w.T("line.seen.none"))
	}
	return strings.Join(rows, "\n")
}

// aside is what is done beside everything else, and nobody waits for: one thing at a time, of each kind the newest.
type aside struct {
	waiting map[string]func(context.Context)
	busy    bool
	done    chan struct{}
}

// quietly does something aside.
func (f *face) quietly(kind string, work func(context.Context)) {
	if f.aside.waiting == nil {
		f.aside.waiting = map[string]func(context.Context){}
	}
	f.aside.waiting[kind] = work
	f.nextAside()
}

func (f *face) nextAside() {
	a := &f.aside
	if a.busy || len(a.waiting) == 0 {
		return
	}
	kind := slices.Sorted(maps.Keys(a.waiting))[0]
	work := a.waiting[kind]
	delete(a.waiting, kind)
	a.busy = true
	go func() {
		ctx, cancel := context.WithTimeout(f.ctx, glance)
		defer cancel()
		work(ctx)
		select {
		case a.done <- struct{}{}:
		case <-f.ctx.Done():
		}
	}()
}

// shown says that a message was shown to a person.
func (f *face) shown(m client.Message) {
	if f.strict || !f.me.Reports || m.Mine {
		return
	}
	f.quietly("shown "+m.Room, func(ctx context.Context) { _ = f.API.MarkRead(ctx, m.Room, m.Seq) }) // the next one says it again
}

// typingAgain is how often it is said that one is still writing.
const typingAgain = 3 * time.Second

// typist is what is known of somebody's writing.
type typist struct {
	room, name string
	until      time.Time
}

// writing says that the person at this terminal writes in the current room; a command is nobody's business.
func (f *face) writing(text string) {
	on := text != "" && (!strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//"))
	room := f.room
	if !f.me.Typing || room == "" || on == f.wrote && (!on || time.Since(f.wroteAt) < typingAgain) {
		return
	}
	f.wrote, f.wroteAt = on, time.Now()
	f.quietly("typing "+room, func(ctx context.Context) { _ = f.API.Typing(ctx, room, on) }) // a lost sign is no loss
}

// typing takes what is told of somebody's writing.
func (f *face) typing(e client.Typing) {
	f.typists = slices.DeleteFunc(f.typists, func(t typist) bool { return t.room == e.Room && t.name == e.Name })
	if e.On {
		f.typists = append(f.typists, typist{e.Room, e.Name, time.Now().Add(client.TypingLife)})
	}
}

// typingText says who is writing in the current room; empty when nobody is.
func (f *face) typingText() string {
	now := time.Now()
	f.typists = slices.DeleteFunc(f.typists, func(t typist) bool { return now.After(t.until) })
	var all []string
	for _, t := range f.typists {
		if t.room == f.room {
			all = append(all, t.name)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return f.Words.N("line.typing", len(all), "names", names(all))
}
