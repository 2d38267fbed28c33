package line

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/line/edit"
)

// Converse holds a conversation on a terminal until /quit, Ctrl-D or the end of the session; e stays open.
// nil: the person left. Else why the session ended, as the client says it.
func Converse(ctx context.Context, e *edit.Editor, color Color, o Options) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := newScreen(e, color, o)
	lines := make(chan input)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.read(ctx, lines)
	}()
	err := s.face.run(ctx, lines)
	stop()
	<-ended
	e.Update(nil, nil)
	return err
}

// maxPending is how many messages that wait are shown above the line.
const maxPending = 5

// screen is the view of a terminal. The face's goroutine owns it, but for what is said of lookup.
type screen struct {
	editor  *edit.Editor
	face    *face
	render  renderer
	history edit.History // used by the goroutine of read
	lookup  completer    // locks itself

	day   string   // of the last message shown
	rows  []string // to print at the next update, in one drawing with what stands above the line
	drawn string   // what the last update showed
	room  string
}

func newScreen(e *edit.Editor, color Color, o Options) *screen {
	s := &screen{editor: e, render: renderer{style: style{color}, words: o.Words, zone: time.Local}}
	s.face = newFace(o, s)
	s.lookup.table, s.lookup.words, s.lookup.server = s.face.table, o.Words, o.ServerWords
	return s
}

// read brings the lines that are typed, until ctx ends or the input does.
func (s *screen) read(ctx context.Context, lines chan<- input) {
	for {
		line, err := s.editor.ReadLine(ctx, edit.Prompt{History: &s.history, Complete: s.lookup.complete, Typed: s.typed})
		in := input{text: line.Text}
		switch {
		case errors.Is(err, edit.ErrInterrupted):
			s.editor.Print(s.render.notice(s.render.words.T("line.interrupt"), s.width())...)
			continue
		case errors.Is(err, io.EOF):
			in.done = true
		case err != nil:
			return
		}
		select {
		case lines <- in:
		case <-ctx.Done():
			return
		}
		if in.done {
			return
		}
	}
}

// typed passes on what stands in the line: the newest, when the face is slow. It is called by the goroutine of read.
func (s *screen) typed(text string) {
	for {
		select {
		case s.face.keys <- text:
			return
		default:
		}
		select {
		case <-s.face.keys:
		default:
		}
	}
}

func (s *screen) width() int {
	w, _ := s.editor.Size()
	return w
}

func (s *screen) print(rows ...string) { s.rows = append(s.rows, rows...) }

// shows: one room at a time.
func (s *screen) shows(room, current string) bool { return room == current }

func (s *screen) past() int { return lastShown }

// patience: who leaves waits a little for what was just said.
func (s *screen) patience() time.Duration { return 3 * time.Second }

func (s *screen) message(m client.Message) {
	s.render.me = s.face.me.Name
	if d := m.Time.In(s.render.zone).Format(time.DateOnly); d != s.day && !m.Time.IsZero() {
		s.day = d
		s.print(s.render.dayLine(m.Time, s.width()))
	}
	s.lookup.person(m.Sender)
	switch {
	case m.Form == client.Changed:
		s.notice(changeText(s.render.words, m))
		return
	case m.Form == client.Text && m.What != client.Said:
		s.notice(saidText(s.render.words, m))
		return
	}
	s.print(s.render.message(m, s.width())...)
	if m.Form == client.Text && m.Err != nil {
		s.problem(m.Err)
	}
}

func (s *screen) notice(text string)  { s.print(s.render.notice(text, s.width())...) }
func (s *screen) answer(text string)  { s.print(s.render.plainNotice(text, s.width())...) }
func (s *screen) problem(err error)   { s.print(s.render.problem(err, s.width())...) }
func (s *screen) ring()               { s.editor.Bell() }
func (s *screen) restore(text string) { s.editor.Offer(text) }

// link shows a link for another person, as text and as a code to photograph.
func (s *screen) link(link, text string) {
	s.print(s.render.plainNotice(text, s.width())...)
	s.print("", "  "+s.render.style.bold(link), "")
	s.code(link)
}

// code shows a text as a code to photograph, where it fits.
func (s *screen) code(text string) {
	rows, err := QR(text, s.render.style.color)
	if err != nil || len(rows) > 0 && edit.Width(rows[0])+2 > s.width() {
		return // the text stands there too
	}
	for _, row := range rows {
		s.print("  " + row)
	}
	s.print("")
}

// header tells in what room one is, who reads it, and who is there.
func (s *screen) header(room client.RoomView, people []client.PersonView, known bool) {
	w := s.render.words
	s.day = ""
	s.print(s.render.rule(roomLabel(room.Name)+" · "+w.T("line.header."+headerKind(room)), s.width()))
	for _, row := range headerText(w, room) {
		s.notice(row)
	}
	all := make([]string, 0, len(people))
	for _, p := range people {
		if !p.Me && p.Refused == nil {
			all = append(all, trustMark(p.Trust, false)+p.Name)
			s.lookup.person(p.Name)
		}
	}
	if !known {
		return
	}
	if len(all) == 0 {
		s.notice(w.T(aloneText(room)))
		return
	}
	s.notice(w.N("line.header.people", len(all), "names", names(all)))
}

// headerKind names what protects a room.
func headerKind(room client.RoomView) string {
	switch {
	case room.Direct:
		return "direct"
	case room.Kind == chat.PrivateRoom:
		return "private"
	}
	return "keyroom"
}

// headerText says who can read a room.
func headerText(w Words, room client.RoomView) []string {
	if room.Kind != chat.PrivateRoom {
		return []string{w.T("line.header.readable"), w.T("line.header.nosecrecy")}
	}
	rows := []string{w.N("line.header.members", room.Members)}
	if room.Direct {
		rows = []string{w.T("line.header.two", "name", edit.SafeLine(strings.TrimPrefix(room.Name, "@")))}
	}
	if room.Away && !room.Pending {
		rows = append(rows, w.T("line.returning", "room", room.Name))
	}
	if room.Pending {
		rows = []string{w.T("line.pending.room")}
	}
	if room.Expiry > 0 {
		rows = append(rows, expiryText(w, room.Name, room.Expiry))
	}
	if room.Topic != "" {
		rows = append(rows, w.T("line.topic", "room", room.Name, "topic", edit.SafeLine(room.Topic)))
	}
	return rows
}

// aloneText is the ID of what is said when nobody else is there.
func aloneText(room client.RoomView) string {
	switch {
	case room.Direct:
		return "line.header.alone.direct"
	case room.Kind == chat.PrivateRoom && room.Members <= 1:
		return "line.header.alone.new"
	case room.Kind == chat.PrivateRoom:
		return "line.header.alone.private"
	}
	return "line.header.alone"
}

// update draws what was printed since the last one, what waits above the line, and the prompt.
func (s *screen) update(f *face) {
	s.lookup.rooms(f)
	above := s.pending(f)
	if status := s.status(f); status != "" {
		above = append(above, status)
	}
	now := strings.Join(above, "\n")
	if len(s.rows) > 0 || now != s.drawn {
		s.editor.Update(s.rows, above)
		s.rows, s.drawn = nil, now
	}
	r := f.rooms[f.room]
	if prompt := s.promptFor(f.room, r != nil && r.pending); prompt != s.room {
		s.room = prompt
		s.editor.SetPrompt(prompt)
	}
}

func (s *screen) promptFor(room string, pending bool) string {
	if room == "" {
		return s.render.style.bold("[…]") + " "
	}
	if pending {
		return s.render.style.bold("["+s.render.words.T("line.prompt.pending", "room", roomLabel(room))+"]") + " "
	}
	return s.render.style.bold("["+roomLabel(room)+"]") + " "
}

// pending are the rows of the messages that aren't durable yet.
func (s *screen) pending(f *face) []string {
	var rows []string
	for i, out := range f.pending {
		if i == maxPending {
			rest := s.render.words.N("line.pending.more", len(f.pending)-i)
			rows = append(rows, s.render.style.faint("      "+rest))
			break
		}
		rows = append(rows, s.render.pending(out.room, f.me.Name, out.text))
	}
	return rows
}

// status is the row above the line that tells what goes on elsewhere; empty when nothing does.
func (s *screen) status(f *face) string {
	w, st := s.render.words, s.render.style
	var parts []string
	if !f.online {
		parts = append(parts, st.alarm("○ ")+w.N("line.status.offline", f.retryIn()))
	}
	if typing := f.typingText(); typing != "" {
		parts = append(parts, typing)
	}
	for _, room := range slices.Sorted(maps.Keys(f.rooms)) {
		r := f.rooms[room]
		switch {
		case r.unread == 0 || room == f.room:
		case r.mentions > 0:
			parts = append(parts, st.bold(roomLabel(room)+" "+w.T("line.status.mention", "unread", strconv.Itoa(r.unread))))
		default:
			parts = append(parts, roomLabel(room)+" "+strconv.Itoa(r.unread))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "    " + st.faint("· ") + strings.Join(parts, st.faint(" · "))
}
