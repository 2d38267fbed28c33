package line

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"huisclos/chat"
	"huisclos/client"
)

// fake is a client whose server is the test: it keeps rooms in memory and
// acknowledges when it is told to.
type fake struct {
	client.API // every method that a test needs is below; another one ends the test

	events chan client.Event

	mu       sync.Mutex // guards everything below
	status   client.Status
	rooms    map[string][]client.Message
	people   map[string][]client.PersonView
	held     []client.Message // queued, not acknowledged, when hold is set
	hold     bool
	queueErr error
	joinErr  error
	answers  []bool
	resumed  []string
	created  []string
	key      string
	verified map[string]string // how, by name
	unstored bool              // the backup isn't stored
	keyless  bool              // the account's key isn't on this device
}

func newFake() *fake {
	return &fake{
		events: make(chan client.Event, 1000),
		status: client.Status{Name: "alice", Account: chat.AccountID{1}, Online: true, Address: "192.168.1.20:7540"},
		rooms:  map[string][]client.Message{chat.Lobby: nil, "dev": nil},
		people: map[string][]client.PersonView{}, verified: map[string]string{},
	}
}

// start is the time of the first message.
func start() time.Time { return time.Date(2025, 10, 14, 18, 4, 0, 0, time.UTC) }

// said makes a message of somebody, the next one of its room.
func (f *fake) said(room, name, text string) client.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.append(client.Message{Room: room, Sender: name, Account: chat.AccountID{0, 0, 0, name[0]}, Text: text, Form: client.Text})
}

func (f *fake) append(m client.Message) client.Message {
	m.Seq = chat.Seq(len(f.rooms[m.Room]) + 1)
	if m.ID.IsZero() {
		m.ID = chat.MessageID{9, byte(m.Seq), byte(m.Seq >> 8)}
	}
	m.Time = start().Add(time.Duration(m.Seq) * time.Second)
	f.rooms[m.Room] = append(f.rooms[m.Room], m)
	return m
}

// arrive makes somebody say something now.
func (f *fake) arrive(room, name, text string) {
	f.events <- f.said(room, name, text)
}

// release acknowledges what was held.
func (f *fake) release() {
	f.mu.Lock()
	held := f.held
	f.held, f.hold = nil, false
	f.mu.Unlock()
	for _, m := range held {
		f.ack(m)
	}
}

func (f *fake) ack(m client.Message) {
	f.mu.Lock()
	m = f.append(m)
	f.status.Queued--
	f.mu.Unlock()
	f.events <- client.Sent{Room: m.Room, ID: m.ID, Seq: m.Seq, Time: m.Time}
	f.events <- m
}

func (f *fake) Status(context.Context) (client.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status, nil
}

func (f *fake) Events(context.Context) (<-chan client.Event, error) { return f.events, nil }

func (f *fake) Join(_ context.Context, room string) (client.RoomView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.joinErr != nil {
		return client.RoomView{}, f.joinErr
	}
	if _, ok := f.rooms[room]; !ok {
		return client.RoomView{}, chat.Errorf(chat.CodeRoomUnknown, "name", room)
	}
	view := client.RoomView{Name: room, Kind: chat.KeyRoom, Joined: true, Head: chat.Seq(len(f.rooms[room])), Online: 1}
	f.status.Rooms = append(f.status.Rooms, view)
	return view, nil
}

func (f *fake) Create(ctx context.Context, room string) (client.RoomView, error) {
	f.mu.Lock()
	if _, ok := f.rooms[room]; ok {
		f.mu.Unlock()
		return client.RoomView{}, chat.Errorf(chat.CodeRoomExists, "name", room)
	}
	f.rooms[room] = nil
	f.created = append(f.created, room)
	f.mu.Unlock()
	return f.Join(ctx, room)
}

func (f *fake) Leave(_ context.Context, room string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.status.Rooms)
	f.status.Rooms = slices.DeleteFunc(f.status.Rooms, func(r client.RoomView) bool { return r.Name == room })
	if len(f.status.Rooms) == n {
		return chat.Errorf(chat.CodeNotJoined, "name", room)
	}
	return nil
}

func (f *fake) Rooms(context.Context) ([]client.RoomView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []client.RoomView
	for name := range f.rooms {
		i := slices.IndexFunc(f.status.Rooms, func(r client.RoomView) bool { return r.Name == name })
		view := client.RoomView{Name: name, Joined: i >= 0, Online: len(f.people[name])}
		if i >= 0 && f.status.Rooms[i].Kind == chat.PrivateRoom {
			view = f.status.Rooms[i]
		}
		all = append(all, view)
	}
	slices.SortFunc(all, func(a, b client.RoomView) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func (f *fake) People(_ context.Context, room string) ([]client.PersonView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.people[room], nil
}

func (f *fake) Queue(_ context.Context, room, text string) (chat.MessageID, error) {
	f.mu.Lock()
	if f.queueErr != nil {
		f.mu.Unlock()
		return chat.MessageID{}, f.queueErr
	}
	f.status.Queued++
	id := chat.MessageID{1, byte(len(f.rooms[room])), byte(len(f.rooms[room]) >> 8), byte(len(f.held) + 1)}
	m := client.Message{
		Room: room, ID: id, Sender: f.status.Name, Account: f.status.Account, Mine: true, Text: text, Form: client.Text,
	}
	hold := f.hold
	if hold {
		f.held = append(f.held, m)
	}
	f.mu.Unlock()
	if !hold {
		f.ack(m)
	}
	return id, nil
}

func (f *fake) Flush(ctx context.Context) error {
	f.mu.Lock()
	queued := f.status.Queued
	f.mu.Unlock()
	if queued == 0 {
		return nil
	}
	<-ctx.Done()
	return chat.Errorf(chat.CodeNotAcked)
}

func (f *fake) History(_ context.Context, room string, after chat.Seq, limit int) ([]client.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var page []client.Message
	for _, m := range f.rooms[room] {
		if m.Seq > after && len(page) < limit {
			page = append(page, m)
		}
	}
	return page, nil
}

func (f *fake) Recent(_ context.Context, room string, before chat.Seq, limit int) ([]client.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var page []client.Message
	for _, m := range f.rooms[room] {
		if before == 0 || m.Seq < before {
			page = append(page, m)
		}
	}
	return slices.Clone(page[max(len(page)-limit, 0):]), nil
}

func (f *fake) Post(_ context.Context, room string, d client.Draft) (chat.MessageID, error) {
	return f.Queue(context.Background(), room, d.Text)
}

func (f *fake) Private(_ context.Context, name, _ string) (client.RoomView, error) {
	return client.RoomView{}, chat.Errorf(chat.CodeNoSuchPerson, "name", name)
}

func (f *fake) CreatePrivate(context.Context, string) (client.RoomView, error) {
	return client.RoomView{}, chat.Errorf(chat.CodeRoomLimit)
}

func (f *fake) Members(_ context.Context, room string) ([]client.MemberView, error) {
	return nil, notPrivate(room)
}
func (f *fake) Invite(_ context.Context, room string, _ ...string) error { return notPrivate(room) }
func (f *fake) Remove(_ context.Context, room, _ string) error           { return notPrivate(room) }
func (f *fake) SetRole(_ context.Context, room, _ string, _ client.Role) error {
	return notPrivate(room)
}
func (f *fake) SetPast(_ context.Context, room string, _ int) error { return notPrivate(room) }
func (f *fake) SetTopic(_ context.Context, room, _ string) error    { return notPrivate(room) }
func (f *fake) SetSlow(_ context.Context, room string, _ time.Duration) error {
	return notPrivate(room)
}
func (f *fake) Mute(_ context.Context, room, _ string, _ bool) error { return notPrivate(room) }
func (f *fake) Ban(_ context.Context, room, _ string, _ bool) error  { return notPrivate(room) }

func notPrivate(room string) error { return chat.Errorf(chat.CodeNotPrivate, "name", room) }

func (f *fake) Safety(_ context.Context, name string) (client.SafetyView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if name == "nobody" {
		return client.SafetyView{}, chat.Errorf(chat.CodeNoSuchPerson, "name", name)
	}
	return f.safety(name), nil
}

func (f *fake) safety(name string) client.SafetyView {
	v := client.SafetyView{
		Name: name, Number: strings.TrimSpace(strings.Repeat("01234 ", 12)), Code: "HUISCLOS-VERIFY:1:07:" + strings.Repeat("01234", 12), Trust: client.TrustSeen,
	}
	if by, ok := f.verified[name]; ok {
		v.Trust, v.By, v.At = client.TrustVerified, by, start()
	}
	return v
}

func (f *fake) Verify(_ context.Context, name, number string) (client.SafetyView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	by := client.ByPerson
	if number != "" {
		by = client.ByNumber
	}
	if number == "1" {
		return client.SafetyView{}, chat.Errorf(chat.CodeSafetyOther, "name", name)
	}
	f.verified[name] = by
	return f.safety(name), nil
}

func (f *fake) Unverify(_ context.Context, name string) (client.SafetyView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.verified, name)
	return f.safety(name), nil
}

func (f *fake) Recovery(context.Context, string) (client.Phrase, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := client.Phrase{Stored: !f.unstored, At: start()}
	if f.keyless {
		return p, nil
	}
	for i := range 24 {
		p.Words = append(p.Words, "word"+strconv.Itoa(i+1))
	}
	return p, nil
}

func (f *fake) Devices(context.Context) ([]client.DeviceView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []client.DeviceView{
		{Device: chat.DeviceID{0xaa}, Issued: start(), Revoked: start().AddDate(0, 0, 1)}, {Device: chat.DeviceID{0xbb}, Issued: start(), This: true, Key: !f.keyless},
		{Device: chat.DeviceID{0xcc}, Issued: start()}, {Device: chat.DeviceID{0xee}, Issued: start(), VouchedBy: chat.DeviceID{0xcc}, Absent: true},
		{Device: chat.DeviceID{0xef}, Issued: start(), VouchedBy: chat.DeviceID{0xcc}, Revoked: start()},
	}, nil
}

func (f *fake) RevokeDevice(_ context.Context, id string) (client.DeviceView, error) {
	if id != "cc" {
		return client.DeviceView{}, chat.Errorf(chat.CodeNoDevice, "id", id)
	}
	return client.DeviceView{Device: chat.DeviceID{0xcc}, Issued: start(), Revoked: start()}, nil
}

func (f *fake) RevokeDeviceBy(ctx context.Context, id, _ string) (client.DeviceView, error) {
	return f.RevokeDevice(ctx, id)
}
func (f *fake) ForgetKey(context.Context, map[int]string) error { return nil }
func (f *fake) TakeKey(context.Context, string) error           { return nil }

func (f *fake) OpenCode(_ context.Context, _, lang string, _ time.Duration) (client.InviteCode, error) {
	return client.InviteCode{Number: 7, Words: "7-" + lang + "-ocean", Expires: time.Now().Add(time.Minute)}, nil
}
func (f *fake) OpenLink(_ context.Context, lang string, _ time.Duration) (client.InviteCode, error) {
	return client.InviteCode{Number: 8, Words: "8-" + lang + "-ocean", Expires: time.Now().Add(time.Minute)}, nil
}

func (f *fake) AnswerLink(_ context.Context, number uint32, yes bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers = append(f.answers, yes)
	if number != 0 || len(f.answers) > 1 {
		return chat.Errorf(chat.CodeNoLink)
	}
	return nil
}

func (f *fake) CloseCode(context.Context, uint32) error { return nil }

func (f *fake) Resume(_ context.Context, room string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resumed = append(f.resumed, room)
	return nil
}

func (f *fake) SetKey(_ context.Context, text string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.key = text
	return nil
}
