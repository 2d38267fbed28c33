package client

import (
	"context"
	"errors"
	"iter"
	"net"

	"github.com/fxamacker/cbor/v2"

	"huisclos/chat"
)

// Remote is the session of another process of the same user, through its Owner.
type Remote struct {
	note ownerNote
}

var _ API = (*Remote)(nil)

// ErrNoOwner says that no process has the profile open: the caller opens it itself.
var ErrNoOwner = errors.New("client: no process has the profile open")

// Connect finds the process that has the profile in dir open. ErrNoOwner when there is none: a note or a socket that
// a killed process left behind counts as none.
func Connect(dir string) (*Remote, error) {
	note, err := readOwner(dir)
	if err != nil || note.Version != ownerVersion {
		return nil, ErrNoOwner
	}
	conn, err := net.Dial("unix", note.Socket)
	if err != nil {
		return nil, ErrNoOwner
	}
	_ = conn.Close()
	return &Remote{note: note}, nil
}

// The arguments of the calls.
type (
	roomArgs  struct{ Room, Text string }
	rangeArgs struct {
		Room   string
		Seq    chat.Seq
		Limit  int
		Follow bool
	}
	verifyArgs struct{ Name, Number string }
	memberArgs struct {
		Room, Name string
		Role       Role
		On         bool
	}
	peopleArgs struct {
		Room  string
		Names []string
	}
	postArgs struct {
		Room  string
		Draft Draft
	}
	none struct{}
)

// remoteMethod runs one method of API and gives its results to reply, one or many.
type remoteMethod func(ctx context.Context, api API, args cbor.RawMessage, reply func(any) error) error

// method makes a remoteMethod of a method with one result.
func method[A, R any](f func(context.Context, API, A) (R, error)) remoteMethod {
	return stream(func(ctx context.Context, api API, args A, reply func(any) error) error {
		result, err := f(ctx, api, args)
		if err != nil {
			return err
		}
		return reply(result)
	})
}

// stream makes a remoteMethod of one with many results.
func stream[A any](f func(context.Context, API, A, func(any) error) error) remoteMethod {
	return func(ctx context.Context, api API, raw cbor.RawMessage, reply func(any) error) error {
		var args A
		if err := remoteDecode(raw, &args); err != nil {
			return err
		}
		return f(ctx, api, args, reply)
	}
}

// remoteMethods is the table of what can be called.
func remoteMethods() map[string]remoteMethod {
	return map[string]remoteMethod{
		"status": method(func(ctx context.Context, api API, _ none) (Status, error) { return api.Status(ctx) }),
		"online": method(func(ctx context.Context, api API, _ none) (none, error) { return none{}, api.Online(ctx) }),
		"events": stream(serveEvents),
		"join":   method(func(ctx context.Context, api API, a roomArgs) (RoomView, error) { return api.Join(ctx, a.Room) }),
		"leave":  method(func(ctx context.Context, api API, a roomArgs) (none, error) { return none{}, api.Leave(ctx, a.Room) }),
		"create": method(func(ctx context.Context, api API, a roomArgs) (RoomView, error) { return api.Create(ctx, a.Room) }),
		"rooms":  method(func(ctx context.Context, api API, _ none) ([]RoomView, error) { return api.Rooms(ctx) }),
		"people": method(func(ctx context.Context, api API, a roomArgs) ([]PersonView, error) { return api.People(ctx, a.Room) }),
		"queue": method(func(ctx context.Context, api API, a roomArgs) (chat.MessageID, error) {
			return api.Queue(ctx, a.Room, a.Text)
		}),
		"post": method(func(ctx context.Context, api API, a postArgs) (chat.MessageID, error) {
			return api.Post(ctx, a.Room, a.Draft)
		}),
		"send":  method(func(ctx context.Context, api API, a roomArgs) (Receipt, error) { return api.Send(ctx, a.Room, a.Text) }),
		"flush": method(func(ctx context.Context, api API, _ none) (none, error) { return none{}, api.Flush(ctx) }),
		"private": method(func(ctx context.Context, api API, a roomArgs) (RoomView, error) {
			return api.Private(ctx, a.Room, a.Text)
		}),
		"found": method(func(ctx context.Context, api API, a roomArgs) (RoomView, error) {
			return api.CreatePrivate(ctx, a.Room)
		}),
		"invite": method(func(ctx context.Context, api API, a peopleArgs) (none, error) {
			return none{}, api.Invite(ctx, a.Room, a.Names...)
		}),
		"remove": method(func(ctx context.Context, api API, a roomArgs) (none, error) {
			return none{}, api.Remove(ctx, a.Room, a.Text)
		}),
		"members": method(func(ctx context.Context, api API, a roomArgs) ([]MemberView, error) {
			return api.Members(ctx, a.Room)
		}),
		"lost": method(func(ctx context.Context, api API, a roomArgs) ([]Message, error) { return api.Lost(ctx, a.Room) }),
		"role": method(func(ctx context.Context, api API, a memberArgs) (none, error) {
			return none{}, api.SetRole(ctx, a.Room, a.Name, a.Role)
		}),
		"past": method(func(ctx context.Context, api API, a rangeArgs) (none, error) {
			return none{}, api.SetPast(ctx, a.Room, a.Limit)
		}),
		"slow": method(serveSlow),
		"topic": method(func(ctx context.Context, api API, a roomArgs) (none, error) {
			return none{}, api.SetTopic(ctx, a.Room, a.Text)
		}),
		"mute": method(func(ctx context.Context, api API, a memberArgs) (none, error) {
			return none{}, api.Mute(ctx, a.Room, a.Name, a.On)
		}),
		"ban": method(func(ctx context.Context, api API, a memberArgs) (none, error) {
			return none{}, api.Ban(ctx, a.Room, a.Name, a.On)
		}),
		"history": method(func(ctx context.Context, api API, a rangeArgs) ([]Message, error) {
			return api.History(ctx, a.Room, a.Seq, a.Limit)
		}),
		"recent": method(func(ctx context.Context, api API, a rangeArgs) ([]Message, error) {
			return api.Recent(ctx, a.Room, a.Seq, a.Limit)
		}),
		"read":   stream(serveRead),
		"key":    method(func(ctx context.Context, api API, a roomArgs) (none, error) { return none{}, api.SetKey(ctx, a.Text) }),
		"safety": method(func(ctx context.Context, api API, a roomArgs) (SafetyView, error) { return api.Safety(ctx, a.Text) }),
		"verify": method(func(ctx context.Context, api API, a verifyArgs) (SafetyView, error) {
			return api.Verify(ctx, a.Name, a.Number)
		}),
		"unverify": method(func(ctx context.Context, api API, a roomArgs) (SafetyView, error) { return api.Unverify(ctx, a.Text) }),
		"recovery": method(func(ctx context.Context, api API, a roomArgs) (Phrase, error) { return api.Recovery(ctx, a.Text) }),
		"devices":  method(func(ctx context.Context, api API, _ none) ([]DeviceView, error) { return api.Devices(ctx) }),
		"revoke": method(func(ctx context.Context, api API, a roomArgs) (DeviceView, error) {
			return api.RevokeDevice(ctx, a.Text)
		}),
		"revoke-by":  method(revokeBy),
		"forget-key": method(forgetKey),
		"take-key":   method(takeKey),
		"code": method(func(ctx context.Context, api API, a codeArgs) (InviteCode, error) {
			return api.OpenCode(ctx, a.Room, a.Lang, a.Life)
		}),
		"uncode": method(func(ctx context.Context, api API, a codeArgs) (none, error) {
			return none{}, api.CloseCode(ctx, a.Number)
		}),
		"resume": method(func(ctx context.Context, api API, a roomArgs) (none, error) { return none{}, api.Resume(ctx, a.Room) }),
	}
}

func serveEvents(ctx context.Context, api API, _ none, reply func(any) error) error {
	events, err := api.Events(ctx)
	if err != nil {
		return err
	}
	if err := reply(none{}); err != nil { // the stream has begun
		return err
	}
	for e := range events {
		if err := reply(encodeEvent(e)); err != nil {
			return err
		}
	}
	return nil
}

func serveRead(ctx context.Context, api API, a rangeArgs, reply func(any) error) error {
	for m, err := range api.Read(ctx, a.Room, a.Seq, a.Follow) {
		if err == nil {
			err = reply(m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ErrOwnerGone is the cause where the owner ended: the caller may open the profile itself.
var ErrOwnerGone = errors.New("client: the process that has the profile open has ended")

// begin sends a call. The connection ends with ctx or by stop.
func (r *Remote) begin(ctx context.Context, name string, args any) (conn net.Conn, stop func(), err error) {
	var d net.Dialer
	conn, err = d.DialContext(ctx, "unix", r.note.Socket)
	if err != nil {
		return nil, nil, r.broken(ctx, err)
	}
	release := context.AfterFunc(ctx, func() { _ = conn.Close() })
	stop = func() {
		release()
		_ = conn.Close()
	}
	err = writeRemote(conn, &remoteCall{Version: ownerVersion, Token: r.note.Token, Method: name, Args: remoteEncode(args)})
	if err != nil {
		stop()
		return nil, nil, r.broken(ctx, err)
	}
	return conn, stop, nil
}

// broken tells the end of a call's context from the end of the owner.
func (r *Remote) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	return ownerGone(err)
}

// ownerGone is the error of a call to an owner that has ended.
func ownerGone(err error) error {
	return chat.Errorf(chat.CodeGoodbye, "reason", ReasonOwner).Because(errors.Join(ErrOwnerGone, err))
}

// next reads a reply into v; false at the end.
func (r *Remote) next(ctx context.Context, conn net.Conn, v any) (bool, error) {
	var reply remoteReply
	if err := readRemote(conn, &reply); err != nil {
		return false, r.broken(ctx, err)
	}
	switch {
	case reply.Code != "":
		return false, &chat.Error{Code: reply.Code, Params: reply.Params}
	case reply.Done:
		return false, nil
	}
	return true, remoteDecode(reply.Value, v)
}

// call makes a call with one result.
func call[R any](ctx context.Context, r *Remote, name string, args any) (R, error) {
	var result R
	conn, stop, err := r.begin(ctx, name, args)
	if err != nil {
		return result, err
	}
	defer stop()
	ok, err := r.next(ctx, conn, &result)
	if err == nil && !ok {
		err = r.broken(ctx, nil)
	}
	return result, err
}

// run makes a call without a result.
func (r *Remote) run(ctx context.Context, name string, args any) error {
	_, err := call[none](ctx, r, name, args)
	return err
}

// Status implements API.
func (r *Remote) Status(ctx context.Context) (Status, error) {
	return call[Status](ctx, r, "status", none{})
}

// Online implements API.
func (r *Remote) Online(ctx context.Context) error { return r.run(ctx, "online", none{}) }

// Events implements API. The end of the owner ends the stream with an Ended.
func (r *Remote) Events(ctx context.Context) (<-chan Event, error) {
	conn, stop, err := r.begin(ctx, "events", none{})
	if err != nil {
		return nil, err
	}
	if ok, err := r.next(ctx, conn, new(none)); err != nil || !ok {
		stop()
		return nil, errors.Join(err, ctx.Err())
	}
	out := make(chan Event)
	go func() {
		defer close(out)
		defer stop()
		for {
			var coded remoteEvent
			ok, err := r.next(ctx, conn, &coded)
			var ev Event
			if err == nil && ok {
				ev, err = decodeEvent(coded)
			}
			if err != nil {
				ev = Ended{Err: asError(err)}
			}
			if ev == nil {
				return
			}
			select {
			case out <- ev:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return out, nil
}

// Join implements API.
func (r *Remote) Join(ctx context.Context, room string) (RoomView, error) {
	return call[RoomView](ctx, r, "join", roomArgs{Room: room})
}

// Leave implements API.
func (r *Remote) Leave(ctx context.Context, room string) error {
	return r.run(ctx, "leave", roomArgs{Room: room})
}

// Create implements API.
func (r *Remote) Create(ctx context.Context, room string) (RoomView, error) {
	return call[RoomView](ctx, r, "create", roomArgs{Room: room})
}

// Rooms implements API.
func (r *Remote) Rooms(ctx context.Context) ([]RoomView, error) {
	return call[[]RoomView](ctx, r, "rooms", none{})
}

// People implements API.
func (r *Remote) People(ctx context.Context, room string) ([]PersonView, error) {
	return call[[]PersonView](ctx, r, "people", roomArgs{Room: room})
}

// Queue implements API.
func (r *Remote) Queue(ctx context.Context, room, text string) (chat.MessageID, error) {
	return call[chat.MessageID](ctx, r, "queue", roomArgs{room, text})
}

// Post implements API.
func (r *Remote) Post(ctx context.Context, room string, d Draft) (chat.MessageID, error) {
	return call[chat.MessageID](ctx, r, "post", postArgs{room, d})
}

// Send implements API.
func (r *Remote) Send(ctx context.Context, room, text string) (Receipt, error) {
	receipt, err := call[Receipt](ctx, r, "send", roomArgs{room, text})
	return receipt, unacknowledged(ctx, err)
}

// Flush implements API.
func (r *Remote) Flush(ctx context.Context) error {
	return unacknowledged(ctx, r.run(ctx, "flush", none{}))
}

// unacknowledged names the end of a wait for the server.
func unacknowledged(ctx context.Context, err error) error {
	if err != nil && (ctx.Err() != nil || errors.Is(err, ErrOwnerGone)) {
		return chat.Errorf(chat.CodeNotAcked).Because(err)
	}
	return err
}

// Private implements API.
func (r *Remote) Private(ctx context.Context, name, text string) (RoomView, error) {
	return call[RoomView](ctx, r, "private", roomArgs{name, text})
}

// CreatePrivate implements API.
func (r *Remote) CreatePrivate(ctx context.Context, room string) (RoomView, error) {
	return call[RoomView](ctx, r, "found", roomArgs{Room: room})
}

// Invite implements API.
func (r *Remote) Invite(ctx context.Context, room string, names ...string) error {
	return r.run(ctx, "invite", peopleArgs{room, names})
}

// Remove implements API.
func (r *Remote) Remove(ctx context.Context, room, name string) error {
	return r.run(ctx, "remove", roomArgs{room, name})
}

// Members implements API.
func (r *Remote) Members(ctx context.Context, room string) ([]MemberView, error) {
	return call[[]MemberView](ctx, r, "members", roomArgs{Room: room})
}

// SetRole implements API.
func (r *Remote) SetRole(ctx context.Context, room, name string, role Role) error {
	return r.run(ctx, "role", memberArgs{Room: room, Name: name, Role: role})
}

// SetTopic implements API.
func (r *Remote) SetTopic(ctx context.Context, room, topic string) error {
	return r.run(ctx, "topic", roomArgs{room, topic})
}

// SetPast implements API.
func (r *Remote) SetPast(ctx context.Context, room string, days int) error {
	return r.run(ctx, "past", rangeArgs{Room: room, Limit: days})
}

// Mute implements API.
func (r *Remote) Mute(ctx context.Context, room, name string, mute bool) error {
	return r.run(ctx, "mute", memberArgs{Room: room, Name: name, On: mute})
}

// Ban implements API.
func (r *Remote) Ban(ctx context.Context, room, name string, ban bool) error {
	return r.run(ctx, "ban", memberArgs{Room: room, Name: name, On: ban})
}

// History implements API.
func (r *Remote) History(ctx context.Context, room string, after chat.Seq, limit int) ([]Message, error) {
	return call[[]Message](ctx, r, "history", rangeArgs{Room: room, Seq: after, Limit: limit})
}

// Recent implements API.
func (r *Remote) Recent(ctx context.Context, room string, before chat.Seq, limit int) ([]Message, error) {
	return call[[]Message](ctx, r, "recent", rangeArgs{Room: room, Seq: before, Limit: limit})
}

// Read implements API.
func (r *Remote) Read(ctx context.Context, room string, after chat.Seq, follow bool) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		conn, stop, err := r.begin(ctx, "read", rangeArgs{Room: room, Seq: after, Follow: follow})
		if err != nil {
			yield(Message{}, err)
			return
		}
		defer stop()
		for {
			var m Message
			ok, err := r.next(ctx, conn, &m)
			if err != nil && (!follow || ctx.Err() == nil) {
				yield(Message{}, err)
			}
			if err != nil || !ok || !yield(m, nil) {
				return
			}
		}
	}
}

// SetKey implements API.
func (r *Remote) SetKey(ctx context.Context, text string) error {
	return r.run(ctx, "key", roomArgs{Text: text})
}

// Resume implements API.
func (r *Remote) Resume(ctx context.Context, room string) error {
	return r.run(ctx, "resume", roomArgs{Room: room})
}

// Safety implements API.
func (r *Remote) Safety(ctx context.Context, name string) (SafetyView, error) {
	return call[SafetyView](ctx, r, "safety", roomArgs{Text: name})
}

// Verify implements API.
func (r *Remote) Verify(ctx context.Context, name, number string) (SafetyView, error) {
	return call[SafetyView](ctx, r, "verify", verifyArgs{name, number})
}

// Unverify implements API.
func (r *Remote) Unverify(ctx context.Context, name string) (SafetyView, error) {
	return call[SafetyView](ctx, r, "unverify", roomArgs{Text: name})
}

// Recovery implements API.
func (r *Remote) Recovery(ctx context.Context, language string) (Phrase, error) {
	return call[Phrase](ctx, r, "recovery", roomArgs{Text: language})
}

// Devices implements API.
func (r *Remote) Devices(ctx context.Context) ([]DeviceView, error) {
	return call[[]DeviceView](ctx, r, "devices", none{})
}

// RevokeDevice implements API.
func (r *Remote) RevokeDevice(ctx context.Context, id string) (DeviceView, error) {
	return call[DeviceView](ctx, r, "revoke", roomArgs{Text: id})
}

// Close implements API: the session goes on in its own process.
func (r *Remote) Close(context.Context) error { return nil }
