package line

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/line/edit"
)

// event shows what the client tells.
func (f *face) event(e client.Event) {
	switch e := e.(type) {
	case client.Message:
		f.message(e)
	case client.Sent: // the message itself comes with it, in the order of the log
	case client.SendFailed:
		if out := f.find(e.ID); out != nil {
			f.drop(out)
		}
		f.fail(e.Err)
		f.view.restore(e.Text)
	case client.Arrivals:
		f.arrivals(e)
	case client.Online, client.Offline:
		f.connection(e)
	case client.Updated: // what was done shows as an entry of its own
		f.state(e.Message.Room).updated(e.Message)
	case client.Typing:
		f.typing(e)
	case client.ReportRead: // /seen tells it
	case client.Notice:
		f.view.notice(f.Words.T("line.notice.server", "text", edit.SafeLine(e.Text)))
	case client.Missed:
		f.catchUp()
	default:
		f.warning(e)
	}
}

// message shows a message of a room that is shown now, and counts one of another.
func (f *face) message(m client.Message) {
	if m.Mine {
		f.echoed.add(m.ID)
		if out := f.find(m.ID); out != nil {
			f.drop(out)
		}
	}
	r := f.state(m.Room)
	f.typing(client.Typing{Room: m.Room, Name: m.Sender})
	if m.Seq > r.heard {
		f.ring(r, m)
	}
	if f.view.shows(m.Room, f.room) && (r.entered || !m.Old) {
		f.show(r, m)
		return
	}
	if m.Seq <= r.heard {
		return
	}
	r.heard = m.Seq
	if m.Old && !r.known {
		return // the past of a room that is new to us
	}
	if m.Form == client.Text && m.What != client.Said {
		return
	}
	r.unread++
	if m.Form == client.Text && !m.Mine && (m.MentionsMe || mentions(m.Text, f.me.Name)) {
		r.mentions++
	}
}

// show shows a message once. One that was unreadable is shown again when its key has come.
func (f *face) show(r *roomState, m client.Message) {
	opened := m.Form == client.Text && r.locked[m.Seq]
	if m.Seq <= r.shown && !opened {
		return
	}
	if m.Form == client.Unreadable {
		if r.locked == nil {
			r.locked = map[chat.Seq]bool{}
		}
		r.locked[m.Seq] = true
	}
	if opened {
		delete(r.locked, m.Seq)
	}
	f.view.message(m)
	f.shown(m)
	r.remember(m)
	r.shown = max(r.shown, m.Seq)
	r.heard = max(r.heard, m.Seq)
	if r.oldest == 0 {
		r.oldest = m.Seq
	}
}

// state is what the face knows of a room; a new one is made.
func (f *face) state(room string) *roomState {
	r := f.rooms[room]
	if r == nil {
		r = &roomState{}
		f.rooms[room] = r
	}
	return r
}

// arrivals tells who came and went, of the current room.
func (f *face) arrivals(a client.Arrivals) {
	if !f.view.shows(a.Room, f.room) {
		return
	}
	people := f.Words.N("line.people", a.Online)
	cameID, wentID := "line.came", "line.went"
	if a.Member {
		cameID, wentID = "line.came.member", "line.went.member"
	}
	others := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == f.me.Name })
	}
	if came := others(a.Came); len(came) > 0 {
		f.view.notice(f.Words.N(cameID, len(came), "names", names(came), "room", a.Room, "people", people))
	}
	if went := others(a.Went); len(went) > 0 {
		f.view.notice(f.Words.N(wentID, len(went), "names", names(went), "room", a.Room, "people", people))
	}
}

// connection tells of a connection that is lost or there again; a lost one
// then counts down in the status.
func (f *face) connection(e client.Event) {
	switch e := e.(type) {
	case client.Online:
		if !f.online && !e.First {
			f.view.notice(f.Words.T("line.online", "address", e.Address))
		}
		f.online = true
		f.refreshStatus()
	case client.Offline:
		switch {
		case e.Err != nil && e.Err.Code == chat.CodePhraseNeeded: // it doesn't come back by itself
			f.view.problem(e.Err)
		case f.online:
			text, _ := safeError(f.Words, e.Err)
			f.view.notice(f.Words.T("line.offline", "why", text))
		}
		f.online, f.offline = false, e
		f.retryAt = time.Now().Add(e.RetryIn)
	}
}

// refreshStatus learns what a login may have changed.
func (f *face) refreshStatus() {
	ctx, cancel := context.WithTimeout(f.ctx, time.Second)
	defer cancel()
	if s, err := f.API.Status(ctx); err == nil {
		f.me = s
	}
}

// warning tells of what a person should know before going on.
func (f *face) warning(e client.Event) {
	w := f.Words
	switch e := e.(type) {
	case client.Gap:
		f.view.notice(w.N("line.gap", int(e.To-e.From)+1, "room", e.Room)) //nolint:gosec // a count
	case client.RoomStopped:
		f.view.notice(w.T("line.stopped", "room", e.Room))
		f.view.problem(e.Err)
	case client.RoomResumed:
		r := f.state(e.Room)
		r.shown, r.heard = min(r.shown, e.After), min(r.heard, e.After)
		f.view.notice(w.T("line.resumed", "room", e.Room))
	case client.Rotated:
		if e.Have {
			f.view.notice(w.T("line.rotated.have", "generation", fmt.Sprint(e.Generation)))
		} else {
			f.view.notice(w.T("line.rotated.lack", "generation", fmt.Sprint(e.Generation)))
		}
	case client.KeyMissing:
		f.view.problem(e.Err)
	case client.KeyGained:
		if e.Opened == 0 {
			f.view.notice(w.T("line.keygained.none", "generation", fmt.Sprint(e.Generation)))
			return
		}
		f.view.notice(w.N("line.keygained", e.Opened, "generation", fmt.Sprint(e.Generation)))
	case client.IdentityChanged:
		f.view.problem(e.Err)
		if e.Verified {
			f.view.notice(w.T("line.identity.verified", "name", edit.SafeLine(e.Name)))
		}
	case client.DeviceAdded:
		f.deviceAdded(e)
	case client.DeviceRevoked, client.DevicesWithheld:
		f.deviceList(e)
	case client.NewDevice:
		f.view.notice(w.T("line.newdevice." + e.Reason))
	case client.CodeUsed, client.CodeFailed:
		f.codeEvent(e)
	case client.LinkAsked, client.LinkDone, client.HistoryMoved:
		f.linkEvent(e)
	default:
		f.membership(e)
	}
}

// catchUp shows what a burst of events left out.
func (f *face) catchUp() {
	if f.room == "" {
		return
	}
	room, from := f.room, f.state(f.room).shown
	f.after(func() {
		f.do(func(ctx context.Context) func() {
			page, err := f.API.History(ctx, room, from, historyPage)
			return func() {
				if err != nil {
					f.fail(err)
					return
				}
				for _, m := range page {
					f.message(m)
				}
				if len(page) == historyPage && f.room == room {
					f.catchUp()
				}
			}
		})
	})
}

// historyPage is how many messages are asked for at once.
const historyPage = 500

// names lists people: at most a few by name.
func names(all []string) string {
	const most = 8
	if len(all) > most {
		return edit.SafeLine(strings.Join(all[:most], ", ")) + ", …"
	}
	return edit.SafeLine(strings.Join(all, ", "))
}

// retryIn is how long until the next attempt to connect, in whole seconds.
func (f *face) retryIn() int {
	return max(int(time.Until(f.retryAt).Round(time.Second)/time.Second), 0)
}
