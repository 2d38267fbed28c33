package line

import (
	"huisclos/client"
	"huisclos/line/edit"
)

// asking tells who is asked for what this device can't read.
func (f *face) asking(e client.Event) {
	w := f.Words
	switch e := e.(type) {
	case client.PastAsked:
		switch {
		case e.Messages == 0:
		case e.Of == "":
			f.view.notice(w.N("line.asking", e.Messages, "room", e.Room))
		case e.Of == f.me.Name:
			f.view.notice(w.N("line.asking.own", e.Messages, "room", e.Room))
		default:
			f.view.notice(w.N("line.asking.of", e.Messages, "name", edit.SafeLine(e.Of), "room", e.Room))
		}
	case client.PastEnded:
		if e.Missing > 0 {
			f.view.notice(w.N("line.asking.end", e.Missing, "room", e.Room))
		}
	}
}

// renamed goes on in a room whose name has come.
func (f *face) renamed(e client.Invited) {
	old := f.rooms[e.Was]
	if e.Was == "" || e.Was == e.Room || old == nil {
		return
	}
	old.pending = false
	f.rooms[e.Room] = old
	delete(f.rooms, e.Was)
	delete(f.known, e.Was)
	if f.room == e.Was {
		f.room = e.Room
	}
}
