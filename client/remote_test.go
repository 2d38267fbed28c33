package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"huisclos/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// filled sets every field of a value to something that isn't zero, so that one that is lost on the way shows.
func filled(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1_700_000_000, 123_456_789).UTC()))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Cause" {
				filled(v.Field(i))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		filled(v.Index(0))
		filled(v.Index(1))
	case reflect.Array:
		for i := range v.Len() {
			filled(v.Index(i))
		}
	case reflect.Map:
		k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		filled(k)
		filled(e)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(k, e)
	case reflect.String:
		v.SetString("héllo")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(-7)
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(7)
	default:
		panic("what is " + v.Kind().String())
	}
}

func full[T any]() T {
	var v T
	filled(reflect.ValueOf(&v).Elem())
	return v
}

// scripted is an API whose answers are full values, and which writes down what it was asked.
type scripted struct {
	asked  []string
	err    error
	events chan Event
	ended  chan struct{} // closed when a call that waits was cancelled
}

func (s *scripted) note(what ...string) error {
	s.asked = append(s.asked, strings.Join(what, " "))
	return s.err
}

func (s *scripted) Status(context.Context) (Status, error) { return full[Status](), s.note("status") }
func (s *scripted) Online(context.Context) error           { return s.note("online") }
func (s *scripted) Events(ctx context.Context) (<-chan Event, error) {
	out := make(chan Event)
	go func() {
		defer close(out)
		for e := range s.events {
			select {
			case out <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, s.note("events")
}

func (s *scripted) Join(_ context.Context, r string) (RoomView, error) {
	return full[RoomView](), s.note("join", r)
}
func (s *scripted) Leave(_ context.Context, r string) error { return s.note("leave", r) }
func (s *scripted) Create(_ context.Context, r string) (RoomView, error) {
	return full[RoomView](), s.note("create", r)
}
func (s *scripted) Rooms(context.Context) ([]RoomView, error) {
	return full[[]RoomView](), s.note("rooms")
}

func (s *scripted) People(_ context.Context, r string) ([]PersonView, error) {
	return full[[]PersonView](), s.note("people", r)
}

func (s *scripted) Queue(_ context.Context, r, text string) (chat.MessageID, error) {
	return full[chat.MessageID](), s.note("queue", r, text)
}

func (s *scripted) Post(_ context.Context, r string, d Draft) (chat.MessageID, error) {
	return full[chat.MessageID](), s.note("post", r, d.Text)
}

func (s *scripted) Send(ctx context.Context, r, text string) (Receipt, error) {
	if text == "wait" {
		<-ctx.Done()
		close(s.ended)
		return Receipt{}, chat.Errorf(chat.CodeNotAcked)
	}
	return full[Receipt](), s.note("send", r, text)
}
func (s *scripted) Flush(context.Context) error { return s.note("flush") }
func (s *scripted) Private(_ context.Context, name, text string) (RoomView, error) {
	return full[RoomView](), s.note("private", name, text)
}

func (s *scripted) CreatePrivate(_ context.Context, r string) (RoomView, error) {
	return full[RoomView](), s.note("found", r)
}
func (s *scripted) Invite(_ context.Context, r string, names ...string) error {
	return s.note(append([]string{"invite", r}, names...)...)
}

func (s *scripted) Remove(_ context.Context, r, name string) error { return s.note("remove", r, name) }
func (s *scripted) Members(_ context.Context, r string) ([]MemberView, error) {
	return full[[]MemberView](), s.note("members", r)
}

func (s *scripted) SetRole(_ context.Context, r, name string, role Role) error {
	return s.note("role", r, name, fmt.Sprint(role))
}

func (s *scripted) SetTopic(_ context.Context, r, topic string) error {
	return s.note("topic", r, topic)
}

func (s *scripted) SetPast(_ context.Context, r string, days int) error {
	return s.note("past", r, fmt.Sprint(days))
}

func (s *scripted) SetSlow(_ context.Context, r string, wait time.Duration) error {
	return s.note("slow", r, wait.String())
}

func (s *scripted) SetExpiry(_ context.Context, r string, d time.Duration) error {
	return s.note("expiry", r, d.String())
}

func (s *scripted) SendDraft(_ context.Context, r string, d Draft) (Receipt, error) {
	return full[Receipt](), s.note("send draft", r, d.Text, d.Expires.String())
}
func (s *scripted) SetNotify(_ context.Context, r string, n Notify) error {
	return s.note("notify", r, fmt.Sprint(n))
}
func (s *scripted) SetReports(_ context.Context, on bool) error {
	return s.note("reports", fmt.Sprint(on))
}
func (s *scripted) MarkRead(_ context.Context, r string, n chat.Seq) error {
	return s.note("shown", r, fmt.Sprint(n))
}
func (s *scripted) SetTyping(_ context.Context, on bool) error {
	return s.note("tell typing", fmt.Sprint(on))
}
func (s *scripted) Typing(_ context.Context, r string, on bool) error {
	return s.note("typing", r, fmt.Sprint(on))
}

func (s *scripted) Mute(_ context.Context, r, name string, mute bool) error {
	return s.note("mute", r, name, fmt.Sprint(mute))
}

func (s *scripted) Ban(_ context.Context, r, name string, ban bool) error {
	return s.note("ban", r, name, fmt.Sprint(ban))
}

func (s *scripted) History(_ context.Context, r string, _ chat.Seq, _ int) ([]Message, error) {
	return full[[]Message](), s.note("history", r)
}

func (s *scripted) Recent(_ context.Context, r string, _ chat.Seq, _ int) ([]Message, error) {
	return full[[]Message](), s.note("recent", r)
}

func (s *scripted) Read(_ context.Context, r string, after chat.Seq, _ bool) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for n := after + 1; n <= 3; n++ {
			m := full[Message]()
			m.Seq = n
			if !yield(m, nil) {
				return
			}
		}
		if err := s.note("read", r); err != nil {
			yield(Message{}, err)
		}
	}
}
func (s *scripted) SetKey(_ context.Context, text string) error { return s.note("key", text) }
func (s *scripted) Resume(_ context.Context, r string) error    { return s.note("resume", r) }
func (s *scripted) Safety(_ context.Context, name string) (SafetyView, error) {
	return full[SafetyView](), s.note("safety", name)
}

func (s *scripted) Verify(_ context.Context, name, number string) (SafetyView, error) {
	return full[SafetyView](), s.note("verify", name, number)
}

func (s *scripted) Unverify(_ context.Context, name string) (SafetyView, error) {
	return full[SafetyView](), s.note("unverify", name)
}
func (s *scripted) Recovery(_ context.Context, language string) (Phrase, error) {
	return full[Phrase](), s.note("recovery", language)
}
func (s *scripted) Devices(context.Context) ([]DeviceView, error) {
	return full[[]DeviceView](), s.note("devices")
}

func (s *scripted) RevokeDevice(_ context.Context, id string) (DeviceView, error) {
	return full[DeviceView](), s.note("revoke", id)
}

func (s *scripted) RevokeDeviceBy(_ context.Context, id, phrase string) (DeviceView, error) {
	return full[DeviceView](), s.note("revoke-by", id, phrase)
}

func (s *scripted) ForgetKey(_ context.Context, words map[int]string) error {
	return s.note("forget-key", words[3], words[24])
}
func (s *scripted) TakeKey(_ context.Context, phrase string) error {
	return s.note("take-key", phrase)
}
func (s *scripted) Close(context.Context) error { return s.note("close") }

// owned serves a scripted session and connects to it.
func owned(t *testing.T, dir string) (*scripted, *Owner, *Remote) {
	t.Helper()
	s := &scripted{events: make(chan Event), ended: make(chan struct{})}
	o, err := Serve(s, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	r, err := Connect(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, o, r
}

func TestRemoteCalls(t *testing.T) {
	s, _, r := owned(t, t.TempDir())
	ctx := t.Context()
	check := func(name string, got, want any, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	status, err := r.Status(ctx)
	check("status", status, full[Status](), err)
	check("online", nil, nil, r.Online(ctx))
	room, err := r.Join(ctx, "#lobby")
	check("join", room, full[RoomView](), err)
	check("leave", nil, nil, r.Leave(ctx, "a"))
	room, err = r.Create(ctx, "b")
	check("create", room, full[RoomView](), err)
	rooms, err := r.Rooms(ctx)
	check("rooms", rooms, full[[]RoomView](), err)
	people, err := r.People(ctx, "c")
	check("people", people, full[[]PersonView](), err)
	id, err := r.Queue(ctx, "d", "/not a command")
	check("queue", id, full[chat.MessageID](), err)
	id, err = r.Post(ctx, "d", Draft{What: Reacted, Text: "x"})
	check("post", id, full[chat.MessageID](), err)
	receipt, err := r.Send(ctx, "e", "text")
	check("send", receipt, full[Receipt](), err)
	check("flush", nil, nil, r.Flush(ctx))
	room, err = r.Private(ctx, "bob", "hi")
	check("private", room, full[RoomView](), err)
	room, err = r.CreatePrivate(ctx, "team")
	check("found", room, full[RoomView](), err)
	check("invite", nil, nil, r.Invite(ctx, "team", "bob", "carol"))
	check("remove", nil, nil, r.Remove(ctx, "team", "bob"))
	members, err := r.Members(ctx, "team")
	check("members", members, full[[]MemberView](), err)
	check("role", nil, nil, r.SetRole(ctx, "team", "bob", Moderator))
	check("topic", nil, nil, r.SetTopic(ctx, "team", "tea"))
	check("past", nil, nil, r.SetPast(ctx, "team", 7))
	check("slow", nil, nil, r.SetSlow(ctx, "team", time.Minute))
	check("expiry", nil, nil, r.SetExpiry(ctx, "team", time.Hour))
	receipt, err = r.SendDraft(ctx, "team", Draft{Text: "bye", Expires: time.Hour})
	check("send draft", receipt, full[Receipt](), err)
	check("notify", nil, nil, r.SetNotify(ctx, "team", NotifyOff))
	check("reports", nil, nil, r.SetReports(ctx, true))
	check("shown", nil, nil, r.MarkRead(ctx, "team", 7))
	check("tell typing", nil, nil, r.SetTyping(ctx, true))
	check("typing", nil, nil, r.Typing(ctx, "team", true))
	check("mute", nil, nil, r.Mute(ctx, "team", "bob", true))
	check("ban", nil, nil, r.Ban(ctx, "team", "bob", true))
	messages, err := r.History(ctx, "f", 3, 10)
	check("history", messages, full[[]Message](), err)
	messages, err = r.Recent(ctx, "g", 3, 10)
	check("recent", messages, full[[]Message](), err)
	check("key", nil, nil, r.SetKey(ctx, "hc1"))
	check("resume", nil, nil, r.Resume(ctx, "h"))
	messages, err = r.Lost(ctx, "i")
	check("lost", messages, full[[]Message](), err)
	safety, err := r.Safety(ctx, "bob")
	check("safety", safety, full[SafetyView](), err)
	safety, err = r.Verify(ctx, "bob", "12345")
	check("verify", safety, full[SafetyView](), err)
	safety, err = r.Unverify(ctx, "bob")
	check("unverify", safety, full[SafetyView](), err)
	phrase, err := r.Recovery(ctx, "fr")
	check("recovery", phrase, full[Phrase](), err)
	devices, err := r.Devices(ctx)
	check("devices", devices, full[[]DeviceView](), err)
	device, err := r.RevokeDevice(ctx, "abcd")
	check("revoke", device, full[DeviceView](), err)
	device, err = r.RevokeDeviceBy(ctx, "abcd", "zoo wrong")
	check("revoke-by", device, full[DeviceView](), err)
	check("forget-key", nil, nil, r.ForgetKey(ctx, map[int]string{3: "zoo", 24: "art"}))
	check("take-key", nil, nil, r.TakeKey(ctx, "zoo wrong"))
	code, err := r.OpenCode(ctx, "team", "fr", time.Minute)
	check("code", code.Reveal(), full[InviteCode]().Words, err)
	check("uncode", nil, nil, r.CloseCode(ctx, 7))
	code, err = r.OpenLink(ctx, "fr", time.Minute)
	check("link", code.Reveal(), full[InviteCode]().Words, err)
	check("linked", nil, nil, r.AnswerLink(ctx, 7, true))
	var seqs []chat.Seq
	for m, err := range r.Read(ctx, "i", 1, false) {
		if err != nil {
			t.Error(err)
		}
		seqs = append(seqs, m.Seq)
	}
	check("read", seqs, []chat.Seq{2, 3}, nil)
	check("close", nil, nil, r.Close(ctx))
	want := []string{
		"status", "online", "join #lobby", "leave a", "create b", "rooms", "people c", "queue d /not a command", "post d x", "send e text",
		"flush", "private bob hi", "found team", "invite team bob carol", "remove team bob", "members team", "role team bob 1", "topic team tea",
		"past team 7", "slow team 1m0s", "expiry team 1h0m0s", "send draft team bye 1h0m0s", "notify team 3", "reports true", "shown team 7", "tell typing true", "typing team true", "mute team bob true", "ban team bob true", "history f", "recent g", "key hc1", "resume h", "lost i", "safety bob", "verify bob 12345", "unverify bob", "recovery fr", "devices", "revoke abcd", "revoke-by abcd zoo wrong", "forget-key zoo art", "take-key zoo wrong", "code team fr 1m0s", "uncode 7", "link fr 1m0s", "linked 7 true", "read i",
	}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("the owner was asked (-want +got):\n%s", diff)
	}
}

func TestRemoteErrorsKeepTheirCode(t *testing.T) {
	s, _, r := owned(t, t.TempDir())
	s.err = chat.Errorf(chat.CodeNameTaken, "name", "bob").Because(errors.New("secret detail"))
	_, err := r.Join(t.Context(), "x")
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != chat.CodeNameTaken || e.Params["name"] != "bob" {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "detail") {
		t.Error("the cause crossed the socket")
	}
	for _, err := range r.Read(t.Context(), "x", 3, false) {
		if !errors.Is(err, chat.CodeNameTaken) {
			t.Errorf("read: %v", err)
		}
	}
}

func TestRemoteEvents(t *testing.T) {
	s, o, r := owned(t, t.TempDir())
	events, err := r.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range eventKinds() {
		v := reflect.New(reflect.TypeOf(kind))
		filled(v.Elem())
		want := v.Elem().Interface().(Event)
		s.events <- want
		if diff := cmp.Diff(want, <-events); diff != "" {
			t.Errorf("%T (-want +got):\n%s", kind, diff)
		}
	}
	go o.Close()
	ended, ok := (<-events).(Ended)
	if !ok || !errors.Is(ended.Err, chat.CodeGoodbye) {
		t.Errorf("the end of the owner gives %v", ended)
	}
	if _, ok := <-events; ok {
		t.Error("the stream goes on after its end")
	}
	close(s.events)
}

// TestEveryEventHasAKind looks in the source of the package for events that a Remote would lose.
func TestEveryEventHasAKind(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		more, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, more...)
	}
	kinds := make(map[string]bool)
	for _, k := range eventKinds() {
		kinds[reflect.TypeOf(k).Name()] = true
	}
	declared := 0
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "func ("); ok && strings.Contains(line, ") event()") {
			declared++
			if name, _, _ = strings.Cut(name, ")"); !kinds[name] {
				t.Errorf("%s is in no table of kinds", name)
			}
		}
	}
	if declared != len(kinds) || declared == 0 {
		t.Errorf("%d events are declared, %d have kinds", declared, len(kinds))
	}
}

func TestRemoteCancelsTheOwnersCall(t *testing.T) {
	s, _, r := owned(t, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := r.Send(ctx, "x", "wait")
	if !errors.Is(err, chat.CodeNotAcked) {
		t.Errorf("got %v, want not_acked", err)
	}
	<-s.ended // the owner's call is cancelled too
}

func TestRemoteReadStopsEarly(t *testing.T) {
	_, o, r := owned(t, t.TempDir())
	for range r.Read(t.Context(), "x", 0, true) {
		break
	}
	if err := o.Close(); err != nil { // waits for the call's goroutines
		t.Fatal(err)
	}
	_, err := r.Status(t.Context())
	if !errors.Is(err, chat.CodeGoodbye) {
		t.Errorf("after the owner's end: %v", err)
	}
}

func TestNoOwner(t *testing.T) {
	dir := t.TempDir()
	check := func(when string) {
		t.Helper()
		if _, err := Connect(dir); !errors.Is(err, ErrNoOwner) {
			t.Errorf("%s: %v", when, err)
		}
	}
	check("nothing there")
	_, o, _ := owned(t, dir)
	note, err := os.ReadFile(filepath.Join(dir, ownerFileName))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	check("after the owner's end")
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
	// A killed owner leaves its note, and a socket that nobody listens on.
	if err := os.WriteFile(filepath.Join(dir, ownerFileName), note, 0o600); err != nil {
		t.Fatal(err)
	}
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, socketName), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	if err := stale.Close(); err != nil {
		t.Fatal(err)
	}
	check("a stale socket")
	owned(t, dir) // and the next owner takes its place
}

func TestOwnerWantsTheToken(t *testing.T) {
	s, _, r := owned(t, t.TempDir())
	r.note.Token = strings.Repeat("0", 64)
	if _, err := r.Status(t.Context()); !errors.Is(err, chat.CodeAuth) {
		t.Errorf("with a wrong token: %v", err)
	}
	conn, err := net.Dial("unix", r.note.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("\xff\xff\xff\xffnonsense")); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("nonsense was answered with %d bytes", n)
	}
	if len(s.asked) != 0 {
		t.Errorf("the session was asked %q", s.asked)
	}
}

func TestSocketIsTheUsersOwn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes on Windows")
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if err := os.MkdirAll(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	for _, dir := range []string{t.TempDir(), long} {
		_, o, r := owned(t, dir)
		if _, err := r.Status(t.Context()); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
		if len(r.note.Socket) > maxSocketPath {
			t.Errorf("the socket's path has %d bytes", len(r.note.Socket))
		}
		for _, path := range []string{r.note.Socket, filepath.Join(dir, ownerFileName)} {
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
			}
		}
		if folder := filepath.Dir(r.note.Socket); folder != dir {
			if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%s: mode %v, %v", folder, info.Mode(), err)
			}
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(r.note.Socket); !os.IsNotExist(err) {
			t.Errorf("the socket is still there: %v", err)
		}
		if folder := filepath.Dir(r.note.Socket); folder != dir {
			if _, err := os.Stat(folder); !os.IsNotExist(err) {
				t.Errorf("the socket's folder is still there: %v", err)
			}
		}
	}
}
