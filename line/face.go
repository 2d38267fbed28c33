package line

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/client"
)

// Options are what a conversation is made of.
type Options struct {
	API   client.API
	Words Words
	// Room is the first room; empty for the lobby.
	Room string
	// Share gives the link to hand on, when this program holds the key; nil when it never does.
	Share func(ctx context.Context) (link string, err error)
	// Server does a command of the server that runs in the same program, and returns
	// what it answers; nil where there is none.
	Server func(ctx context.Context, command string) (answer string, err error)
	// ServerWords completes such a command; may be nil.
	ServerWords func(before string) []string
}

// view is what a face shows its work on: the screen or plain lines. Its methods are
// called by the face's goroutine only.
type view interface {
	// shows reports whether messages of a room are shown now, when room is the current one.
	shows(room, current string) bool
	message(m client.Message)
	notice(text string)                                                  // something happened
	answer(text string)                                                  // something was asked for
	link(link, text string)                                              // the link to share
	code(text string)                                                    // something to photograph
	header(room client.RoomView, people []client.PersonView, known bool) // known: people are those who are there
	problem(err error)
	past() int               // how many messages of the past to show on entering a room; < 0: not even those missed
	patience() time.Duration // how long, on leaving, no acknowledgement may come before it isn't waited for any more
	restore(text string)     // text that couldn't be sent, for the person to change
	ring()                   // something is told loudly
	update(s *face)          // the room, the unread, what is pending
}

// input is a line that a person typed or a pipe sent.
type input struct {
	text string
	err  error // why there is none
	done bool  // the end of all of them
}

// face holds one conversation. One goroutine, run, owns it; what waits for the client runs in another one, one
// thing at a time, and gives back what is to be done here.
type face struct {
	Options
	view  view
	table []Command

	me       client.Status
	room     string // the current one, without "#"; empty for none
	rooms    map[string]*roomState
	known    map[string]bool // every room heard of, for the completion
	pending  []*outgoing
	echoed   recent      // own messages shown already
	keys     chan string // what stands in the line being typed; only the newest
	typists  []typist
	wrote    bool // it was said that one is writing
	wroteAt  time.Time
	aside    aside
	online   bool
	offline  client.Offline
	retryAt  time.Time
	restored bool // it was told that the server works on a backup

	progress Progress // of histories on their way

	ctx      context.Context
	results  chan func()
	cancel   context.CancelFunc // of the work under way; nil when there is none
	waiting  []func()           // what comes after it: lines, mostly
	quitting bool               // the person or the pipe is done; what is queued is still sent
	ending   bool               // it is over
	deadline time.Time          // when quitting: until then the last messages of ours may appear
	strict   bool               // what fails is remembered
	failure  error              // the first thing that failed, if strict
}

// roomState is what the face knows of a room that is joined.
type roomState struct {
	heard    chat.Seq // the last message that was shown or counted
	shown    chat.Seq // the last message shown; 0 for none
	oldest   chat.Seq // the first message shown; 0 for none
	known    bool     // joined in an earlier session: what came since then is unread
	entered  bool     // in this session
	pending  bool     // its name isn't known yet
	unread   int
	mentions int
	locked   map[chat.Seq]bool // shown as unreadable; they may open yet
	notify   client.Notify     // NotifyUsual until it is known
	last     []client.Message  // the last messages shown, for the commands that mean one
}

// outgoing is a message of ours that isn't in the log yet.
type outgoing struct {
	room, text string
	id         chat.MessageID // zero until the client has it
}

// newFace makes a face; run does everything.
func newFace(o Options, v view) *face {
	table := Commands()
	if o.Server != nil {
		table = append(table, serverCommand())
	}
	return &face{Options: o, view: v, table: table, rooms: map[string]*roomState{}, known: map[string]bool{}, results: make(chan func(), 1), keys: make(chan string, 1), aside: aside{done: make(chan struct{}, 1)}}
}

// run converses until the lines end, /quit or the end of the session. It returns nil for the first two, when nothing failed.
func (f *face) run(ctx context.Context, lines <-chan input) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	f.ctx = ctx
	events, err := f.API.Events(ctx)
	if err != nil {
		return err
	}
	if err := f.begin(ctx); err != nil {
		return err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for !f.ending {
		f.view.update(f)
		var ticks <-chan time.Time
		if !f.online || !f.deadline.IsZero() || len(f.typists) > 0 {
			ticks = tick.C
		}
		in := lines
		if f.strict && f.busy() {
			in = nil // a pipe can wait
		}
		select {
		case e, ok := <-events:
			if !ok {
				return f.over(ctx)
			}
			if ended, ok := e.(client.Ended); ok {
				return f.ended(ended)
			}
			f.event(e)
		case line := <-in:
			f.take(line)
		case done := <-f.results:
			f.cancel()
			f.cancel = nil
			done()
			f.next()
		case text := <-f.keys:
			f.writing(text)
		case <-f.aside.done:
			f.aside.busy = false
			f.nextAside()
		case <-ticks:
			if !f.deadline.IsZero() && time.Now().After(f.deadline) {
				f.ending = true
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.cancel != nil {
		f.cancel()
	}
	return told(f.failure)
}

// Told is an error that was shown when it happened: the caller needs only its code.
type Told struct{ Err error }

func (t Told) Error() string { return t.Err.Error() }
func (t Told) Unwrap() error { return t.Err }

func told(err error) error {
	if err == nil {
		return nil
	}
	return Told{err}
}

// begin learns where we are and enters the first room.
func (f *face) begin(ctx context.Context) error {
	status, err := f.API.Status(ctx)
	if err != nil {
		return err
	}
	f.me, f.online = status, status.Online
	for _, r := range status.Rooms {
		if r.Joined {
			f.rooms[r.Name] = &roomState{heard: r.Read, known: true, notify: r.Notify}
		}
	}
	if status.NewDevice != "" {
		f.event(client.NewDevice{Reason: status.NewDevice})
	}
	if status.Restored != nil {
		f.event(*status.Restored)
	}
	if status.Protection == client.ProtectedByFile {
		f.view.notice(f.Words.T("line.protection.file"))
	}
	if status.Offline != nil && status.Offline.Code == chat.CodePhraseNeeded {
		f.view.problem(status.Offline)
	}
	if status.Queued > 0 && !status.Online {
		f.view.notice(f.Words.N("line.waiting", status.Queued))
	}
	first := f.Room
	if first == "" {
		first = chat.Lobby
	}
	f.enter(first)
	return nil
}

// over is the end of the stream of events without an Ended, which only a remote face sees.
func (f *face) over(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return chat.Errorf(chat.CodeGoodbye, "reason", client.ReasonOwner).Because(client.ErrOwnerGone)
}

// ended is the end of the session; the caller says why.
func (f *face) ended(e client.Ended) error {
	if e.Err == nil {
		return told(f.failure)
	}
	return e.Err
}

// do runs work that may wait, in its own goroutine; what it returns is done in this one. The next line is taken after that.
func (f *face) do(work func(ctx context.Context) func()) {
	ctx, cancel := context.WithCancel(f.ctx)
	f.cancel = cancel
	go func() { f.results <- work(ctx) }()
}

// busy reports that work is under way.
func (f *face) busy() bool { return f.cancel != nil }

// after does what comes when the work under way is done; now, when there is none.
func (f *face) after(then func()) {
	f.waiting = append(f.waiting, then)
	f.next()
}

// next does what waited, up to what makes work again.
func (f *face) next() {
	for len(f.waiting) > 0 && !f.busy() && !f.ending {
		then := f.waiting[0]
		f.waiting = f.waiting[1:]
		then()
	}
}

// take takes a line; while work is under way it waits for its turn, but /quit doesn't.
func (f *face) take(line input) {
	if name, _ := split(strings.TrimSpace(line.text)); !f.strict && f.busy() && name == "/quit" {
		f.cancel() // it can't be waited for any more
		f.waiting = nil
	}
	f.after(func() { f.line(line) })
}

// line says it, or does the command in it. Several lines at once were pasted: they are said, whatever they
// begin with. "//" begins a message that begins with "/".
func (f *face) line(line input) {
	text := line.text
	switch {
	case line.done:
		f.leaveChat()
	case line.err != nil:
		if f.me.MaxText > 0 && errors.Is(line.err, chat.CodeTooLarge) {
			line.err = chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(f.me.MaxText))
		}
		f.fail(line.err)
	case f.quitting:
	case strings.TrimSpace(text) == "":
	case strings.Contains(text, "\n"):
		f.say(text)
	case strings.HasPrefix(text, "//"):
		f.say(text[1:])
	case strings.HasPrefix(text, "/"):
		name, rest := split(text[1:])
		c, err := lookup(f.table, name)
		if err == nil {
			err = c.parse(f, rest)
		}
		if err != nil {
			f.fail(err)
		}
	default:
		f.say(text)
	}
}

// fail shows an error and remembers the first one.
func (f *face) fail(err error) {
	if f.strict && f.failure == nil {
		f.failure = err
	}
	f.view.problem(err)
}

// say queues a message for the current room.
func (f *face) say(text string) {
	if f.room == "" {
		f.fail(chat.Errorf(chat.CodeNotJoined, "name", chat.Lobby))
		f.view.restore(text)
		f.ending = f.strict // nothing of what follows could be said
		return
	}
	out := &outgoing{room: f.room, text: text}
	f.pending = append(f.pending, out)
	f.do(func(ctx context.Context) func() {
		id, err := f.API.Queue(ctx, out.room, out.text)
		return func() {
			if err != nil {
				f.drop(out)
				f.fail(err)
				f.view.restore(text)
				return
			}
			out.id = id
			if f.echoed.has(id) {
				f.drop(out)
			}
		}
	})
}

// drop takes a message out of those that are pending.
func (f *face) drop(out *outgoing) {
	switch i := slices.Index(f.pending, out); {
	case i == 0:
		f.pending = f.pending[1:]
	case i > 0:
		f.pending = slices.Delete(f.pending, i, i+1)
	}
	if !f.deadline.IsZero() && len(f.pending) == 0 {
		f.ending = true
	}
}

// find finds a pending message.
func (f *face) find(id chat.MessageID) *outgoing {
	for _, o := range f.pending {
		if o.id == id {
			return o
		}
	}
	return nil
}

// recent remembers the last few own messages seen in a log: the client may
// tell of one before Queue has returned.
type recent struct {
	ids [64]chat.MessageID
	at  int
}

func (r *recent) add(id chat.MessageID) {
	r.ids[r.at%len(r.ids)] = id
	r.at++
}

func (r *recent) has(id chat.MessageID) bool {
	for _, x := range r.ids {
		if x == id && !id.IsZero() {
			return true
		}
	}
	return false
}
