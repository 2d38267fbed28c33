package client

import (
	"errors"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// session is one login: a link, who answers what on it, and what the server said of itself. The
// engine owns it; its two goroutines only move frames.
type session struct {
	link     Link
	address  string
	hello    wire.HelloS
	welcome  wire.Welcome
	since    time.Time
	skew     time.Duration
	restored *wire.Restored // the server says that it works on a backup that was put back, and takes back what it lacks

	in   chan inbound
	quit chan struct{} // closed when the engine has let go of it
	out  *outqueue

	ref      uint64
	requests map[uint64]answerer
	access   map[chat.Generation][32]byte // as announced in this session
}

// answerer gets the answer of a request, or why there is none.
type answerer func(wire.Frame, *chat.Error)

// inbound is a frame from the server, or the end of the link.
type inbound struct {
	frame wire.Frame
	err   error
}

// inboundAhead is how many frames are decoded ahead of the engine.
const inboundAhead = 32

func (e *engine) newSession(l loginResult) *session {
	s := &session{
		link: l.link, address: l.address, hello: l.hello, welcome: l.welcome, since: time.Now(),
		skew:     time.Duration(l.welcome.Time-time.Now().UnixMilli()) * time.Millisecond,
		in:       make(chan inbound, inboundAhead),
		quit:     make(chan struct{}),
		out:      newOutqueue(),
		requests: make(map[uint64]answerer),
		access:   make(map[chat.Generation][32]byte),
	}
	e.wg.Go(s.read)
	e.wg.Go(s.write)
	return s
}

// read brings frames to the engine until the link ends.
func (s *session) read() {
	for {
		raw, err := s.link.Read()
		var in inbound
		if err == nil {
			in.frame, err = wire.Decode(raw)
		}
		in.err = err
		select {
		case s.in <- in:
		case <-s.quit:
			return
		}
		if err != nil {
			return
		}
	}
}

// write sends what the engine has put into the queue, as much at once as there is, and ends the link after the last.
func (s *session) write() {
	for {
		frames := s.out.next()
		if len(frames) == 0 {
			_ = s.link.Close()
			return
		}
		if err := s.link.Write(frames...); err != nil {
			_ = s.link.Close() // the reader reports it
			return
		}
	}
}

// lingering is how long the last frames may take to leave.
const lingering = 2 * time.Second

// end lets go of the link: what is in the queue is still written, nothing more is read.
func (s *session) end() {
	close(s.quit)
	s.out.close()
	// A server that no longer reads must not keep the writer for ever.
	time.AfterFunc(lingering, func() { _ = s.link.Close() })
}

// ask stages a request; make gets its number. The answer comes in a later turn, or with the end of the session.
func (e *engine) ask(frame func(ref uint64) []byte, then answerer) {
	s := e.session
	if s == nil {
		then(nil, e.offlineError())
		return
	}
	s.ref++
	s.requests[s.ref] = then
	e.stage.frames = append(e.stage.frames, frame(s.ref))
}

// answered gives a frame to whoever asked. False when nobody did.
func (s *session) answered(ref uint64, f wire.Frame, err *chat.Error) bool {
	then, ok := s.requests[ref]
	if !ok {
		return false
	}
	delete(s.requests, ref)
	then(f, err)
	return true
}

// answerRef finds the request that a frame answers; 0 for a frame that answers none.
func answerRef(f wire.Frame) (ref uint64, err *chat.Error) {
	switch f := f.(type) {
	case *wire.Done:
		return f.Ref, nil
	case *wire.Failure:
		return f.Ref, f.Err()
	case *wire.Room:
		return f.Ref, nil
	case *wire.Page:
		return f.Ref, nil
	case *wire.RoomList:
		return f.Ref, nil
	case *wire.People:
		return f.Ref, nil
	case *wire.Listing:
		return f.Ref, nil
	case *wire.Generations:
		return f.Ref, nil
	case *wire.Backup:
		return f.Ref, nil
	case *wire.PackageState:
		return f.Ref, nil
	case *wire.Packages:
		return f.Ref, nil
	case *wire.InvitationList:
		return f.Ref, nil
	case *wire.RoomState:
		return f.Ref, nil
	case *wire.RosterList:
		return f.Ref, nil
	case *wire.CodeOpened:
		return f.Ref, nil
	case *wire.Refill:
		return f.Ref, nil
	}
	return 0, nil
}

// errProtocol is a server that doesn't keep to the protocol.
var errProtocol = errors.New("client: a frame out of order")

// receive handles what came from the link.
func (e *engine) receive(in inbound) {
	if in.err != nil {
		e.disconnected(linkError(in.err))
		return
	}
	if ref, err := answerRef(in.frame); ref != 0 {
		if !e.session.answered(ref, in.frame, err) {
			e.disconnected(chat.Errorf(chat.CodeFrame).Because(errProtocol))
		}
		return
	}
	switch f := in.frame.(type) {
	case *wire.Entries:
		e.receiveEntries(f)
	case *wire.Ack:
		e.acknowledged(f)
	case *wire.Failure: // of a Send
		e.notStored(f)
	case *wire.Presence:
		e.presence(f)
	case *wire.Notice:
		e.emit(Notice{Text: f.Text, Time: time.UnixMilli(f.Time)})
	case *wire.Rotated:
		e.rotated(f)
	case *wire.Devices:
		e.ownDevices()
	case *wire.CodeMessage:
		e.codeMessage(f)
	case *wire.CodeLeft:
		e.codeLeft(f)
	case *wire.FromDevice:
		e.fromDevice(f)
	case *wire.Typed:
		e.typed(f)
	case *wire.Bye:
		e.dismissed(f)
	case *wire.Invited:
		e.called(f.Room)
	case *wire.Expelled:
		if r := e.rooms[f.Room]; r != nil && r.active() {
			e.expelled(r)
		}
	case *wire.Restored:
		e.serverRestored(f)
	case *wire.Refill:
		e.refilled(f)
	case *wire.WantEntries:
		e.giveBack(f)
	case *wire.WantState:
		if r := e.rooms[f.Room]; r != nil {
			e.putState(r)
		}
	default:
		e.disconnected(chat.Errorf(chat.CodeFrame).Because(errProtocol))
	}
}

// linkError gives the end of a link its code.
func linkError(err error) *chat.Error {
	if e := asError(err); e.Code != chat.CodeInternal {
		return e
	}
	return chat.Errorf(chat.CodeUnreachable).Because(err)
}
