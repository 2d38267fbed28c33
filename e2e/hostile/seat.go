package main

import (
	"slices"

	"huisclos/chat"
	"huisclos/conn"
	"huisclos/hub"
	"huisclos/wire"
)

// seat is a member's connection: what the hub says to him goes through the server's lies first, and so does what he says.
type seat struct {
	s       *liar
	peer    hub.Peer
	stream  *conn.Stream
	session *hub.Session

	withheld [][]byte // guarded by liar.mu; not nil: what is to be read is kept back
}

var _ hub.Conn = (*seat)(nil)

// Close implements hub.Conn.
func (t *seat) Close(last []byte) { t.stream.Close(last) }

// Push implements hub.Conn.
func (t *seat) Push(frames ...[]byte) int {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	waiting := 0
	for _, raw := range frames {
		for _, raw := range t.said(raw) {
			waiting = t.stream.Push(raw)
		}
	}
	return waiting
}

// said changes a frame on its way to the member. Under liar.mu.
func (t *seat) said(raw []byte) [][]byte {
	f, err := wire.Decode(raw)
	if err != nil {
		return [][]byte{raw}
	}
	switch f := f.(type) {
	case *wire.Entries:
		if t.withheld != nil {
			t.withheld = append(t.withheld, raw)
			return nil
		}
		return t.entries(f)
	case *wire.Ack:
		v := t.view(f.Room)
		if !v.lied {
			break
		}
		v.acks = append(v.acks, f)
		return t.acks(v)
	case *wire.Room:
		if v := t.view(f.Info.Room); v.lied {
			f.Info.Head = v.toShown(f.Info.Head)
			if f.Info.Head <= v.head() {
				f.Info.HeadHash = v.hashAt(f.Info.Head)
			}
			return [][]byte{wire.Marshal(f)}
		}
	case *wire.RoomState:
		f.Seq = t.view(f.Room).commit(f.Seq)
		t.s.state.tell(t.s.shelf, f)
		if t.s.state == "own" {
			f.Info, f.Tree = t.s.made.Info, t.s.made.Tree
		}
		return [][]byte{wire.Marshal(f)}
	case *wire.Packages:
		for i := range f.Packages {
			if sw, ok := t.s.swaps[f.Packages[i].Account]; ok {
				f.Packages[i].Data = sw(f.Packages[i])
			}
		}
		return [][]byte{wire.Marshal(f)}
	case *wire.InvitationList:
		f.Invitations = append(f.Invitations, t.s.extra[t.peer.Device]...)
		delete(t.s.extra, t.peer.Device)
		return [][]byte{wire.Marshal(f)}
	}
	return [][]byte{raw}
}

func (t *seat) view(room chat.RoomID) *view {
	of := t.s.views[t.peer.Name]
	if of == nil {
		of = map[chat.RoomID]*view{}
		t.s.views[t.peer.Name] = of
	}
	if of[room] == nil {
		of[room] = &view{}
	}
	return of[room]
}

// entries shows a piece of a log.
func (t *seat) entries(f *wire.Entries) [][]byte {
	v := t.view(f.Room)
	out := v.take(f, t.next)
	var frames [][]byte
	if out != nil {
		frames = append(frames, wire.Marshal(out))
	}
	return append(frames, t.acks(v)...)
}

// next is the rule for an entry of a private room.
func (t *seat) next(e *wire.Entry) string {
	if _, err := wire.ParsePrivateEnvelope(e.Envelope); err != nil {
		return ""
	}
	rules := t.s.rules[t.peer.Name]
	i := slices.IndexFunc(rules, func(r rule) bool { return r.kind == e.Kind })
	if i < 0 {
		return ""
	}
	what := rules[i].what
	t.s.rules[t.peer.Name] = slices.Delete(rules, i, i+1)
	return what
}

// acks are the acknowledgements whose entries are shown by now.
func (t *seat) acks(v *view) (frames [][]byte) {
	v.acks = slices.DeleteFunc(v.acks, func(a *wire.Ack) bool {
		if a.Seq > v.last {
			return false
		}
		a.Seq = v.toShown(a.Seq)
		a.Hash = v.hashAt(a.Seq)
		frames = append(frames, wire.Marshal(a))
		return true
	})
	return frames
}

// heard changes what the member says, so that it fits the true log.
func (t *seat) heard(raw []byte) []byte {
	f, err := wire.Decode(raw)
	if err != nil {
		return raw
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	switch f := f.(type) {
	case *wire.Subscribe:
		f.After = t.view(f.Room).toTrue(f.After)
	case *wire.Send:
		f.Base = t.view(f.Room).toTrue(f.Base)
	case *wire.Commit:
		f.Base = t.view(f.Room).onto(f.Base)
	case *wire.PutState:
		f.Seq = t.view(f.Room).onto(f.Seq)
	default:
		return raw
	}
	return wire.Marshal(f)
}
