package line

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/line/edit"
)

// patience bounds what a command waits for.
const patience = 20 * time.Second

// glance bounds the wait for what one can do without.
const glance = 2 * time.Second

// lastShown is how many messages of a room are shown on entering it.
const lastShown = 20

// most bounds what is shown of what one missed, and of /history.
const most = 500

// wait is do with a bound and an error to show.
func (f *face) wait(work func(ctx context.Context) (func(), error)) {
	f.do(func(ctx context.Context) func() {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		then, err := work(ctx)
		if err != nil {
			return func() { f.fail(err) }
		}
		return then
	})
}

// help lists the commands.
func (f *face) help([]string, string) error {
	w := f.Words
	widest := 0
	for _, c := range f.table {
		widest = max(widest, edit.Width(c.Syntax(w)))
	}
	rows := []string{w.T("line.help")}
	for _, c := range f.table {
		syntax := c.Syntax(w)
		rows = append(rows, "  "+syntax+strings.Repeat(" ", widest-edit.Width(syntax)+2)+w.T("line.help."+c.Name))
	}
	f.view.answer(strings.Join(append(rows, w.T("line.help.slashes"), w.T("line.help.keys")), "\n"))
	return nil
}

// list tells who is in a room.
func (f *face) list(words []string, _ string) error {
	room, err := f.roomArg(words)
	if err != nil {
		return err
	}
	f.wait(func(ctx context.Context) (func(), error) {
		people, err := f.API.People(ctx, room)
		if members, private := f.members(ctx, room); private {
			return func() { f.view.answer(f.membersText(room, members, people, err == nil)) }, nil
		}
		if err != nil {
			return nil, err
		}
		return func() { f.view.answer(f.peopleText(room, people)) }, nil
	})
	return nil
}

func (f *face) peopleText(room string, people []client.PersonView) string {
	w := f.Words
	rows := []string{w.T("line.list", "room", room, "people", w.N("line.people", len(people)))}
	for _, p := range people {
		name := edit.SafeLine(p.Name)
		switch {
		case p.Refused != nil:
			why, _ := safeError(w, p.Refused)
			rows = append(rows, "  "+w.T("line.list.refused", "name", name, "why", why))
		case p.Me:
			rows = append(rows, "  "+w.T("line.list.me", "name", name, "since", f.clock(p.Since)))
		default:
			rows = append(rows, "  "+trustMark(p.Trust, false)+w.T("line.list.one", "name", name, "since", f.clock(p.Since))+trustNote(w, p.Trust))
		}
	}
	return strings.Join(rows, "\n")
}

// clock tells a time of today by the hour, another by the day too.
func (f *face) clock(t time.Time) string {
	t = t.Local()
	if now := time.Now().Local(); t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return day(f.Words, t) + ", " + t.Format("15:04")
}

// listRooms tells which rooms there are.
func (f *face) listRooms([]string, string) error {
	f.wait(func(ctx context.Context) (func(), error) {
		rooms, err := f.API.Rooms(ctx)
		if err != nil {
			return nil, err
		}
		return func() {
			f.learn(rooms)
			f.view.answer(f.roomsText(rooms))
		}, nil
	})
	return nil
}

// learn remembers the names of rooms.
func (f *face) learn(rooms []client.RoomView) {
	for _, r := range rooms {
		f.known[r.Name] = true
		if s := f.rooms[r.Name]; s != nil && r.Notify != client.NotifyUsual {
			s.notify = r.Notify
		}
	}
}

func (f *face) roomsText(rooms []client.RoomView) string {
	w := f.Words
	out := []string{w.N("line.rooms", len(rooms))}
	widest := 0
	for _, r := range rooms {
		widest = max(widest, edit.Width(roomLabel(r.Name)))
	}
	for _, r := range rooms {
		facts := []string{}
		switch {
		case r.Direct:
			facts = append(facts, w.T("line.rooms.direct"))
		case r.Kind == chat.PrivateRoom:
			facts = append(facts, w.T("line.rooms.private"), w.N("line.members", r.Members))
		}
		if r.Pending {
			facts = append(facts, w.T("line.rooms.pending"))
		}
		if r.Missing > 0 {
			facts = append(facts, w.N("line.rooms.missing", r.Missing))
		}
		if r.Online >= 0 && r.Kind != chat.PrivateRoom {
			facts = append(facts, w.N("line.people", r.Online))
		}
		switch {
		case r.Stopped != nil:
			why, _ := safeError(w, r.Stopped)
			facts = append(facts, w.T("line.rooms.stopped", "why", why))
		case r.Name == f.room:
			facts = append(facts, w.T("line.rooms.here"))
		case r.Joined:
			facts = append(facts, w.T("line.rooms.joined"))
		}
		if s := f.rooms[r.Name]; s != nil && s.unread > 0 {
			facts = append(facts, w.N("line.unread", s.unread))
		}
		out = append(out, "  "+roomLabel(r.Name)+strings.Repeat(" ", widest-edit.Width(roomLabel(r.Name))+2)+strings.Join(facts, " · "))
	}
	return strings.Join(out, "\n")
}

// roomLabel is how a room is shown: "#team", "@bob".
func roomLabel(name string) string {
	if strings.HasPrefix(name, "@") {
		return edit.SafeLine(name)
	}
	return "#" + name
}

// roomArg is the room that a command names, or the current one.
func (f *face) roomArg(words []string) (string, error) {
	if len(words) > 0 {
		return chat.RoomRef(words[0])
	}
	if f.room == "" {
		return "", chat.Errorf(chat.CodeNotJoined, "name", chat.Lobby)
	}
	return f.room, nil
}

// join enters a room.
func (f *face) join(words []string, _ string) error {
	room, err := chat.RoomRef(words[0])
	if err != nil {
		return err
	}
	f.enter(room)
	return nil
}

// create makes a room and enters it: a private one, or with --open one that everyone who has the key can read.
func (f *face) create(words []string, _ string) error {
	make := f.API.CreatePrivate
	if open := slices.Index(words, "--open"); open >= 0 {
		words = slices.Delete(words, open, open+1)
		make = f.API.Create
	}
	if len(words) != 1 {
		return chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax("new"))
	}
	room, err := chat.RoomName(words[0])
	if err != nil {
		return err
	}
	f.wait(func(ctx context.Context) (func(), error) {
		view, err := make(ctx, room)
		if err != nil {
			return nil, err
		}
		return f.entered(ctx, view), nil
	})
	return nil
}

// enter makes room the current one, and joins it when it isn't joined. One that is joined can be entered
// without a network.
func (f *face) enter(room string) {
	f.wait(func(ctx context.Context) (func(), error) {
		view, err := f.joined(ctx, room)
		if err != nil {
			return nil, err
		}
		return f.entered(ctx, view), nil
	})
}

// joined finds a room that is joined, or joins it.
func (f *face) joined(ctx context.Context, room string) (client.RoomView, error) {
	status, err := f.API.Status(ctx)
	if err != nil {
		return client.RoomView{}, err
	}
	for _, r := range status.Rooms {
		if strings.EqualFold(r.Name, room) && r.Joined {
			return r, nil
		}
	}
	if strings.HasPrefix(room, "@") {
		return f.API.Private(ctx, room, "")
	}
	return f.API.Join(ctx, room)
}

// entered fetches what is shown of a room on entering it: what was missed, or the last messages.
func (f *face) entered(ctx context.Context, room client.RoomView) func() {
	last, err := f.API.Recent(ctx, room.Name, 0, most)
	// Who is there is shown if it can be had soon; a room can be entered without a network.
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	people, unknown := f.API.People(ctx, room.Name)
	rooms, _ := f.API.Rooms(ctx)
	return func() {
		f.learn(rooms)
		r := f.state(room.Name)
		f.room, r.entered, r.pending, r.notify = room.Name, true, room.Pending, room.Notify
		f.view.header(room, people, unknown == nil)
		if err != nil {
			f.view.problem(err)
		}
		past := f.view.past()
		if past >= 0 {
			past = max(past, r.unread)
		}
		for i, m := range last {
			if r.shown == 0 && i < len(last)-past {
				r.heard = max(r.heard, m.Seq)
				continue
			}
			f.show(r, m)
		}
		r.unread, r.mentions = 0, 0
		if room.Stopped != nil {
			f.view.problem(room.Stopped)
		}
	}
}

// leave leaves a room; from the current one one goes back to the lobby, or to another one.
func (f *face) leave(words []string, _ string) error {
	room, err := f.roomArg(words)
	if err != nil {
		return err
	}
	f.wait(func(ctx context.Context) (func(), error) {
		if err := f.API.Leave(ctx, room); err != nil {
			return nil, err
		}
		return func() {
			f.view.notice(f.Words.T("line.left", "room", room))
			f.left(room)
		}, nil
	})
	return nil
}

func (f *face) left(room string) {
	delete(f.rooms, room)
	if room != f.room {
		return
	}
	f.room = ""
	rest := slices.Sorted(maps.Keys(f.rooms))
	if slices.Contains(rest, chat.Lobby) {
		f.enter(chat.Lobby)
	} else if len(rest) > 0 {
		f.enter(rest[0])
	}
}

// history shows messages older than those on the screen.
func (f *face) history(words []string, _ string) error {
	n := lastShown
	if len(words) > 0 {
		var err error
		if n, err = strconv.Atoi(words[0]); err != nil || n < 1 {
			return chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax("history"))
		}
	}
	room, err := f.roomArg(nil)
	if err != nil {
		return err
	}
	before := f.state(room).oldest
	f.wait(func(ctx context.Context) (func(), error) {
		older, err := f.API.Recent(ctx, room, before, min(n, most))
		if err != nil {
			return nil, err
		}
		return func() {
			if len(older) == 0 {
				f.view.notice(f.Words.T("line.history.none", "room", room))
				return
			}
			f.view.notice(f.Words.N("line.history", len(older), "room", room))
			for _, m := range older {
				f.view.message(m)
				f.state(room).remember(m)
			}
			f.state(room).oldest = older[0].Seq
			f.view.notice(f.Words.T("line.history.end"))
		}, nil
	})
	return nil
}

func (f *face) syntax(name string) string {
	for _, c := range f.table {
		if c.Name == name {
			return c.Syntax(f.Words)
		}
	}
	return "/" + name
}

// key shows the link to hand on, or takes the key of another generation.
func (f *face) key(words []string, _ string) error {
	if len(words) > 0 {
		f.wait(func(ctx context.Context) (func(), error) {
			if err := f.API.SetKey(ctx, words[0]); err != nil {
				return nil, err
			}
			return func() { f.view.notice(f.Words.T("line.key.taken")) }, nil
		})
		return nil
	}
	if f.Share == nil {
		return chat.Errorf(chat.CodeKeyUnknown)
	}
	f.wait(func(ctx context.Context) (func(), error) {
		link, err := f.Share(ctx)
		if err != nil {
			return nil, err
		}
		return func() { f.view.link(link, f.Words.T("line.key.share")) }, nil
	})
	return nil
}

// retry goes on with a room that stopped, on the person's own decision.
func (f *face) retry(words []string, _ string) error {
	room, err := f.roomArg(words)
	if err != nil {
		return err
	}
	f.wait(func(ctx context.Context) (func(), error) {
		if err := f.API.Resume(ctx, room); err != nil {
			return nil, err
		}
		return func() { f.view.notice(f.Words.T("line.retried", "room", room)) }, nil
	})
	return nil
}

// server does a command of the server in the same program.
func (f *face) server(_ []string, rest string) error {
	f.wait(func(ctx context.Context) (func(), error) {
		answer, err := f.Server(ctx, rest)
		if err != nil {
			return nil, err
		}
		return func() { f.view.answer(answer) }, nil
	})
	return nil
}

// quit ends the conversation.
func (f *face) quit([]string, string) error {
	f.leaveChat()
	return nil
}

// leaveChat sends what is queued and ends then. A second time it doesn't wait.
func (f *face) leaveChat() {
	if f.quitting || !f.strict && (!f.online || len(f.pending) == 0) {
		f.ending = true
		return
	}
	f.quitting = true
	f.do(func(ctx context.Context) func() {
		err := f.flush(ctx)
		return func() {
			if err != nil {
				f.fail(err)
				f.ending = true
				return
			}
			if f.deadline = time.Now().Add(glance); len(f.pending) == 0 {
				f.ending = true
			}
		}
	})
}

// flush waits until everything is durable. It gives up when nothing was acknowledged for a while.
func (f *face) flush(ctx context.Context) error {
	queued := -1
	for {
		status, err := f.API.Status(ctx)
		if err != nil {
			return err
		}
		if queued >= 0 && status.Queued >= queued {
			return chat.Errorf(chat.CodeNotAcked)
		}
		queued = status.Queued
		bound, cancel := context.WithTimeout(ctx, f.view.patience())
		err = f.API.Flush(bound)
		cancel()
		if !errors.Is(err, chat.CodeNotAcked) || ctx.Err() != nil {
			return err
		}
	}
}
