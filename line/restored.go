package line

import (
	"context"
	"strings"

	"huisclos/client"
	"huisclos/line/edit"
)

// lost lists what only this device has of a room.
func (f *face) lost(words []string, _ string) error {
	room, err := f.roomArg(words)
	if err != nil {
		return err
	}
	f.wait(func(ctx context.Context) (func(), error) {
		messages, err := f.API.Lost(ctx, room)
		if err != nil {
			return nil, err
		}
		return func() {
			if len(messages) == 0 {
				f.view.notice(f.Words.T("line.lost.none", "room", room))
				return
			}
			f.showLost(client.MessagesLost{Room: room, Messages: messages, Total: len(messages)})
		}, nil
	})
	return nil
}

// showLost shows them.
func (f *face) showLost(e client.MessagesLost) {
	f.view.notice(f.Words.N("line.lost", e.Total, "room", e.Room))
	for _, m := range e.Messages {
		f.view.notice(f.Words.T("line.lost.one", "sender", edit.SafeLine(m.Sender), "text", edit.SafeLine(m.Text)))
	}
}

// restoredEvent tells of a server whose backup was put back.
func (f *face) restoredEvent(e client.Event) {
	w := f.Words
	switch e := e.(type) {
	case client.ServerRestored:
		if f.restored {
			return // the event and the status have told of the same
		}
		f.restored = true
		if e.Backup.IsZero() {
			f.view.notice(w.T("line.restored.empty"))
			return
		}
		f.view.notice(w.T("line.restored", "time", e.Backup.Local().Format("2006-01-02 15:04")))
	case client.Refilling:
		if e.Messages == 0 {
			f.view.notice(w.T("line.refilling.wait", "room", e.Room))
			return
		}
		f.view.notice(w.N("line.refilling", e.Messages, "room", e.Room))
	case client.Refilled:
		f.view.notice(w.N("line.refilled", e.Messages, "room", e.Room))
	case client.RefillConflict:
		f.view.notice(w.T("line.refill.conflict", "room", e.Room))
	case client.Readmitted:
		f.view.notice(w.T("line.readmitted", "room", e.Room, "names", edit.SafeLine(strings.Join(e.Names, ", "))))
	case client.MessagesLost:
		f.showLost(e)
	}
}

// restoredJSON writes these events.
func restoredJSON(w Words, e client.Event) []byte {
	switch e := e.(type) {
	case client.ServerRestored:
		return jsonEvent("server_restored", "backup", timeJSON(e.Backup), "until", timeJSON(e.Until))
	case client.Refilling:
		return jsonEvent("refilling", "room", e.Room, "messages", e.Messages)
	case client.Refilled:
		return jsonEvent("refilled", "room", e.Room, "messages", e.Messages)
	case client.RefillConflict:
		return jsonEvent("refill_conflict", "room", e.Room, "seq", e.Seq)
	case client.Readmitted:
		return jsonEvent("readmitted", "room", e.Room, "names", list(e.Names))
	case client.MessagesLost:
		lost := make([]any, len(e.Messages))
		for i := range e.Messages {
			lost[i] = messageJSON(w, e.Messages[i])
		}
		return jsonEvent("messages_lost", "room", e.Room, "total", e.Total, "messages", lost)
	}
	return jsonEvent("unknown")
}
