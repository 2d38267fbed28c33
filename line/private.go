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

// The commands of private rooms and direct conversations.

// private goes to the conversation with one person, and says something there.
func (f *face) private(words []string, rest string) error {
	name := words[0]
	text := strings.TrimSpace(strings.TrimPrefix(rest, name))
	f.wait(func(ctx context.Context) (func(), error) {
		view, err := f.API.Private(ctx, name, text)
		if err != nil {
			return nil, err
		}
		return f.entered(ctx, view), nil
	})
	return nil
}

// invite takes a person into the current room; without a name it makes a code that lets somebody onto the server.
func (f *face) invite(words []string, _ string) error {
	if len(words) == 0 {
		return f.makeCode()
	}
	return f.change(words[0], func(ctx context.Context, room, _ string) error { return f.API.Invite(ctx, room, words...) })
}

func (f *face) kick(words []string, _ string) error { return f.change(words[0], f.API.Remove) }

func (f *face) ban(words []string, _ string) error {
	return f.change(words[0], func(ctx context.Context, room, name string) error { return f.API.Ban(ctx, room, name, true) })
}

func (f *face) unban(words []string, _ string) error {
	return f.change(words[0], func(ctx context.Context, room, name string) error { return f.API.Ban(ctx, room, name, false) })
}

func (f *face) mute(words []string, _ string) error {
	return f.change(words[0], func(ctx context.Context, room, name string) error { return f.API.Mute(ctx, room, name, true) })
}

func (f *face) unmute(words []string, _ string) error {
	return f.change(words[0], func(ctx context.Context, room, name string) error { return f.API.Mute(ctx, room, name, false) })
}

// role gives a member another role.
func (f *face) role(words []string, _ string) error {
	for _, r := range []client.Role{client.Plain, client.Moderator, client.RoleOwner} {
		if strings.EqualFold(words[1], f.Words.T("line.role."+roleName(r))) || strings.EqualFold(words[1], roleName(r)) {
			return f.change(words[0], func(ctx context.Context, room, name string) error {
				return f.API.SetRole(ctx, room, name, r)
			})
		}
	}
	return chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax("role"))
}

// roleName is a role's name in commands and in JSON.
func roleName(r client.Role) string {
	switch r {
	case client.Moderator:
		return "moderator"
	case client.RoleOwner:
		return "owner"
	case client.Plain:
	}
	return "member"
}

// topic shows or changes what the room is about.
func (f *face) topic(_ []string, rest string) error {
	room, err := f.roomArg(nil)
	if err != nil {
		return err
	}
	f.wait(func(ctx context.Context) (func(), error) {
		if rest != "" {
			if err := f.API.SetTopic(ctx, room, rest); err != nil {
				return nil, err
			}
			return func() {}, nil // the change itself shows
		}
		status, err := f.API.Status(ctx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(status.Rooms, func(r client.RoomView) bool { return r.Name == room })
		return func() {
			if i < 0 || status.Rooms[i].Topic == "" {
				f.view.answer(f.Words.T("line.topic.none", "room", room))
				return
			}
			f.view.answer(f.Words.T("line.topic", "room", room, "topic", edit.SafeLine(status.Rooms[i].Topic)))
		}, nil
	})
	return nil
}

// past says what newcomers are given of what was written before them.
func (f *face) past(words []string, _ string) error {
	days := 0
	switch word := strings.ToLower(words[0]); word {
	case "none", f.Words.T("line.past.none"):
	case "all", f.Words.T("line.past.all"):
		days = -1
	default:
		n, err := strconv.Atoi(word)
		if err != nil || n < 0 || n > client.MaxPastDays {
			return chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax("past"))
		}
		days = n
	}
	room, err := f.roomArg(nil)
	if err != nil {
		return err
	}
	f.wait(func(ctx context.Context) (func(), error) { return func() {}, f.API.SetPast(ctx, room, days) })
	return nil
}

// change does something to a person in the current room. The change itself shows, as an entry of the room.
func (f *face) change(name string, work func(ctx context.Context, room, name string) error) error {
	room, err := f.roomArg(nil)
	if err != nil {
		return err
	}
	f.wait(func(ctx context.Context) (func(), error) {
		if err := work(ctx, room, name); err != nil {
			return nil, err
		}
		return func() {}, nil
	})
	return nil
}

// members lists who is in a private room; false for another one.
func (f *face) members(ctx context.Context, room string) ([]client.MemberView, bool) {
	members, err := f.API.Members(ctx, room)
	return members, err == nil
}

// membersText lists the members of a private room, and who of them is there.
func (f *face) membersText(room string, members []client.MemberView, here []client.PersonView, known bool) string {
	w := f.Words
	rows := []string{w.T("line.list.private", "room", room, "members", w.N("line.members", len(members)))}
	for _, m := range members {
		facts := []string{}
		if m.Me {
			facts = append(facts, w.T("line.list.you"))
		}
		if m.Role != client.Plain {
			facts = append(facts, w.T("line.role."+roleName(m.Role)))
		}
		if m.Muted {
			facts = append(facts, w.T("line.list.muted"))
		}
		if m.Weak {
			facts = append(facts, w.T("line.list.weak"))
		}
		i := slices.IndexFunc(here, func(p client.PersonView) bool { return p.Account == m.Account })
		switch {
		case i >= 0:
			facts = append(facts, w.T("line.list.since", "since", f.clock(here[i].Since)))
		case known:
			facts = append(facts, w.T("line.list.away"))
		}
		if !m.Me && m.Trust != "" {
			facts = append(facts, w.T("line.trust."+string(m.Trust)))
		}
		row := "  " + trustMark(m.Trust, m.Me) + edit.SafeLine(m.Name)
		if len(facts) > 0 {
			row += ": " + strings.Join(facts, ", ")
		}
		rows = append(rows, row)
	}
	return strings.Join(rows, "\n")
}

// changeText says who came into a private room and who went.
func changeText(w Words, m client.Message) string {
	by := edit.SafeLine(m.Sender)
	var rows []string
	for _, c := range m.Changes {
		if c.About == client.AboutPast {
			rows = append(rows, pastText(w, m, c))
			continue
		}
		if c.About == client.AboutSlow {
			rows = append(rows, slowText(w, by, m.Room, c.Value))
			continue
		}
		if c.About == client.AboutExpiry {
			rows = append(rows, aboutExpiry(w, m, c))
			continue
		}
		rows = append(rows, w.T(aboutID(c), "by", by, "name", edit.SafeLine(c.Name), "topic", edit.SafeLine(c.Value), "room", m.Room))
	}
	if len(m.Added) > 0 && strings.HasPrefix(m.Room, "@") {
		return w.T("line.change.direct", "by", by)
	}
	if len(m.Added) > 0 {
		rows = append(rows, w.T("line.change.added", "by", by, "names", names(m.Added), "room", m.Room))
	}
	if len(m.Removed) > 0 {
		rows = append(rows, w.T("line.change.removed", "by", by, "names", names(m.Removed), "room", m.Room))
	}
	if len(m.Weak) > 0 {
		rows = append(rows, w.N("line.change.weak", len(m.Weak), "names", names(m.Weak)))
	}
	if len(m.Silent) > 0 {
		rows = append(rows, w.N("line.change.silent", len(m.Silent), "names", names(m.Silent), "room", m.Room))
	}
	if len(m.Sleeping) > 0 {
		rows = append(rows, w.T("line.change.sleeping", "names", names(m.Sleeping), "room", m.Room))
	}
	if len(m.Left) > 0 {
		rows = append(rows, w.N("line.change.left", len(m.Left), "names", names(m.Left), "room", m.Room))
	}
	if len(m.NewDevices) > 0 {
		rows = append(rows, w.T("line.change.device", "names", names(m.NewDevices), "room", m.Room))
	}
	if m.Returned {
		rows = append(rows, w.T("line.change.returned", "by", by, "room", m.Room))
	}
	return strings.Join(rows, "\n")
}

// pastText says what newcomers are given.
func pastText(w Words, m client.Message, c client.Change) string {
	by := edit.SafeLine(m.Sender)
	switch days, err := strconv.Atoi(c.Value); {
	case err == nil && days > 0:
		return w.N("line.about.past", days, "by", by, "room", m.Room)
	case err == nil && days < 0:
		return w.T("line.about.past.all", "by", by, "room", m.Room)
	}
	return w.T("line.about.past.none", "by", by, "room", m.Room)
}

// aboutID is the text of a change of a room's state.
func aboutID(c client.Change) string {
	switch c.About {
	case client.AboutTopic:
		if c.Value == "" {
			return "line.about.topic.none"
		}
		return "line.about.topic"
	case client.AboutMuted:
		return "line.about.muted"
	case client.AboutUnmuted:
		return "line.about.unmuted"
	case client.AboutBanned:
		return "line.about.banned"
	case client.AboutUnbanned:
		return "line.about.unbanned"
	case client.AboutRole, client.AboutPast, client.AboutSlow, client.AboutExpiry:
	}
	return "line.about." + roleName(c.Role)
}

// membership tells what happened to our own place in private rooms.
func (f *face) membership(e client.Event) {
	w := f.Words
	switch e := e.(type) {
	case client.PastAsked, client.PastEnded:
		f.asking(e)
	case client.Invited:
		f.renamed(e)
		f.known[e.Room] = true
		f.state(e.Room).known = true
		if e.Direct {
			f.view.notice(w.T("line.invitation.direct", "by", edit.SafeLine(e.By), "room", edit.SafeLine(e.Room)))
		} else {
			f.view.notice(w.T("line.invitation", "by", edit.SafeLine(e.By), "room", e.Room, "members", w.N("line.members", e.Members)))
		}
		if e.Weak {
			f.view.notice(w.T("line.invitation.weak"))
		}
	case client.InvitationRefused:
		f.view.notice(w.T("line.invitation.refused", "by", edit.SafeLine(e.By)))
		f.view.problem(e.Err)
	case client.PutOut:
		switch {
		case e.Silent:
			f.view.notice(w.T("line.putout.silent", "room", e.Room))
			f.left(e.Room)
		case e.By == "":
			f.view.notice(w.T("line.putout.server", "room", e.Room))
		default:
			f.view.notice(w.T("line.putout", "by", edit.SafeLine(e.By), "room", e.Room))
			f.left(e.Room)
		}
	case client.Left: // said when it was asked for
	case client.Returning:
		f.view.notice(w.T("line.returning", "room", e.Room))
	case client.PastShared:
		f.view.notice(w.N("line.pastshared", e.Messages, "by", edit.SafeLine(e.By), "room", e.Room))
	case client.Held:
		f.view.notice(f.heldText(e))
	case client.Returned:
		f.view.notice(w.T("line.returned", "room", e.Room))
	default:
		f.restoredEvent(e)
	}
}
