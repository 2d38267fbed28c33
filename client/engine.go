package client

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// engine is the state of a Client. Its goroutine (run) owns every field; everything else
// reaches it by Client.calls and by the channels that run selects on. It works in turns: whatever has
// arrived is worked through, the stage is committed once, then its effects happen.
type engine struct {
	c     *Client
	cfg   Config
	ctx   context.Context // ends everything that the engine has started
	vault Vault
	wg    sync.WaitGroup // of the goroutines of sessions and attempts

	self      selfRecord
	selfDirty bool
	id        *identity
	keys      *keyset
	people    *people
	rooms     map[chat.RoomID]*room
	dirty     map[*room]struct{}
	stage     *stage
	backup    backup
	listing   int // how often we tried in this session to give the server our device list

	session  *session // nil: offline
	offline  *chat.Error
	attempt  int                // failed in a row
	dialed   chan loginResult   // of the attempt under way
	cancel   context.CancelFunc // of it; nil: none is under way
	retry    *time.Timer
	logins   int                      // of this process
	wantKey  bool                     // no attempt makes sense before SetKey
	prove    bool                     // the server wants the newest key proven
	told     map[chat.Generation]bool // it was asked how the key can be had
	lacking  map[chat.Generation]bool // it can't: KeyMissing was told
	online   []func(error)            // who waits for the session
	flushing []*flush
	invites  map[uint32]*invite // codes that can be used, by number
	links    map[uint32]*linkCode
	moving   map[chat.DeviceID]*transfer // of history, by the other device
	sendHold time.Time                   // nothing is sent before: the server couldn't store

	mls          *mls.Config
	unknown      map[chat.DeviceID]bool // whom the validator of groups asked for and we don't know
	lenient      bool                   // unknown devices are only noted
	unvetted     bool                   // nobody is looked at: that comes after (private_vet.go)
	inviting     bool                   // the Welcomes that wait for us are being taken
	moreInvited  bool                   // and there may be more
	searched     bool                   // rooms of ours that this device doesn't know were asked for in this session
	calls        map[chat.RoomID]bool   // rooms of which the server has said since that there is something for us
	todo         []func()               // before the end of this turn
	expiry       expiry
	restoredTold []byte    // the incarnation of which it was told that it is a restored backup
	rawBytes     int64     // of envelopes that are kept as they came
	rawSwept     time.Time // when that was last looked through

	ended bool
	final Ended
}

func newEngine(ctx context.Context, c *Client, cfg Config) (*engine, error) {
	e := &engine{
		c: c, cfg: cfg, ctx: ctx, vault: cfg.Vault,
		rooms:   make(map[chat.RoomID]*room),
		dirty:   make(map[*room]struct{}),
		stage:   newStage(),
		dialed:  make(chan loginResult, 1),
		retry:   time.NewTimer(0),
		expiry:  expiry{timer: time.NewTimer(0)},
		told:    make(map[chat.Generation]bool),
		lacking: make(map[chat.Generation]bool),
		unknown: make(map[chat.DeviceID]bool),
		calls:   make(map[chat.RoomID]bool),
	}
	e.mls = e.mlsConfig()
	if err := e.load(); err != nil {
		return nil, err
	}
	e.commit()
	e.sweepAll()
	if e.ended {
		return nil, e.final.Err
	}
	return e, nil
}

// run is the engine's goroutine.
func (e *engine) run() {
	for !e.ended {
		e.turn(true)
		for n := 0; n < turnLength && !e.ended && e.turn(false); n++ {
		}
		e.commit()
	}
	e.finish()
}

// turnLength is how many things one commit may serve.
const turnLength = 64

// turn handles the next thing; without wait it reports whether there was one.
func (e *engine) turn(wait bool) bool {
	var in <-chan inbound
	if e.session != nil {
		in = e.session.in
	}
	if !wait {
		select {
		case f := <-e.c.calls:
			f(e)
		case i := <-in:
			e.receive(i)
		default:
			return false
		}
		return true
	}
	select {
	case f := <-e.c.calls:
		f(e)
	case i := <-in:
		e.receive(i)
	case l := <-e.dialed:
		e.cancel()
		e.cancel = nil
		e.connected(l)
	case <-e.retry.C:
		e.tick()
	case <-e.expiry.timer.C:
		e.sweep()
	case <-e.ctx.Done():
		e.end(nil, false)
	}
	return true
}

// tick is the timer's: time to connect, or to send again.
func (e *engine) tick() {
	if e.session == nil {
		e.connect()
		return
	}
	for _, r := range e.roomsInOrder() {
		e.pump(r)
	}
}

// roomsInOrder lists the rooms in the order of their names.
func (e *engine) roomsInOrder() []*room {
	return slices.SortedFunc(maps.Values(e.rooms), func(a, b *room) int {
		if a.rec.Name < b.rec.Name {
			return -1
		}
		return 1
	})
}

// connect begins an attempt, if none is under way.
func (e *engine) connect() {
	if e.session != nil || e.cancel != nil || e.ended || e.self.Renew != "" {
		return
	}
	ctx, cancel := context.WithTimeout(e.ctx, e.cfg.Patience)
	e.cancel = cancel
	l := e.newLogin()
	e.wg.Go(func() { e.dialed <- l.run(ctx) })
}

// connected takes the result of an attempt.
func (e *engine) connected(l loginResult) {
	if l.err != nil {
		e.refused(l)
		return
	}
	e.attempt, e.wantKey, e.prove = 0, false, false
	e.offline = nil
	e.session = e.newSession(l)
	e.logins++
	e.loggedIn(l)
	e.emit(Online{Address: l.address, Session: l.welcome.Session, First: e.logins == 1})
	e.tellOnline(nil)
}

// disconnected ends the session and plans the next attempt.
func (e *engine) disconnected(err *chat.Error) {
	stayed := e.session != nil && time.Since(e.session.since) > e.cfg.MaxBackoff
	e.dropSession(err)
	if stayed {
		e.attempt = 0
	}
	e.later(err)
}

// later plans the next attempt: the wait doubles, with jitter, so that the clients of a server that
// was restarted don't all come at once.
func (e *engine) later(err *chat.Error) {
	e.offline = err
	wait := e.cfg.Backoff << min(e.attempt, 20)
	if wait <= 0 || wait > e.cfg.MaxBackoff {
		wait = e.cfg.MaxBackoff
	}
	wait = wait/2 + rand.N(wait) //nolint:gosec // no secret
	if e.attempt == 0 && e.logins > 0 {
		wait = rand.N(e.cfg.Backoff) //nolint:gosec // no secret
	}
	e.attempt++
	e.retry.Reset(wait)
	e.emit(Offline{Err: err, RetryIn: wait})
	e.tellOnline(err)
}

// dropSession lets go of the link; nothing more comes from it.
func (e *engine) dropSession(err *chat.Error) {
	s := e.session
	if s == nil {
		return
	}
	e.session = nil
	s.end()
	for _, ref := range slices.Sorted(maps.Keys(s.requests)) {
		s.answered(ref, nil, err)
	}
	for _, r := range e.rooms {
		r.disconnected()
	}
	e.inviting, e.moreInvited, e.searched = false, false, false
	clear(e.calls)
	e.pauseTransfers()
}

// tellOnline answers whoever waits for the session.
func (e *engine) tellOnline(err *chat.Error) {
	waiting := e.online
	e.online = nil
	for _, answer := range waiting {
		e.then(func() { answer(orNil(err)) })
	}
}

// whenOnline runs f once there is a session, or with the reason why the attempt under way failed.
func (e *engine) whenOnline(f func(error)) {
	switch {
	case e.session != nil:
		f(nil)
	case e.wantKey, e.self.Renew != "", e.cancel == nil && e.attempt > 0:
		f(e.offlineError())
	default:
		e.online = append(e.online, f)
	}
}

// offlineError says why there is no session.
func (e *engine) offlineError() *chat.Error {
	if e.offline != nil {
		return e.offline
	}
	return chat.Errorf(chat.CodeUnreachable, "address", e.address())
}

func (e *engine) address() string {
	if e.cfg.Address != "" {
		return e.cfg.Address
	}
	return e.self.Address
}

// close is the person's end of the session.
func (e *engine) close() {
	if e.session != nil {
		e.stage.frames = append(e.stage.frames, wire.Encode(&wire.Bye{Code: chat.CodeGoodbye}))
	}
	e.end(nil, false)
}

// fail ends the client because its state can't be kept.
func (e *engine) fail(err error) {
	e.cfg.Log.Error("the vault failed", "err", err)
	e.end(asError(err), false)
}

// end ends the client for good, at the end of this turn.
func (e *engine) end(err *chat.Error, gone bool) {
	if e.ended {
		return
	}
	e.ended = true
	e.final = Ended{Err: err, Gone: gone}
}

// finish is the last thing that the engine does.
func (e *engine) finish() {
	final := e.final
	for _, f := range e.flushing {
		f.answer(orNil(final.Err))
	}
	e.dropSession(errClosed)
	e.commit()
	if e.cancel != nil {
		e.cancel()
		if l := <-e.dialed; l.link != nil {
			_ = l.link.Close()
		}
	}
	e.retry.Stop()
	e.expiry.timer.Stop()
	e.wg.Wait()
	if err := e.vault.Close(); err != nil && final.Err == nil {
		final.Err = asError(err)
	}
	e.c.mu.Lock()
	e.c.final = final
	e.c.mu.Unlock()
	e.c.events.publish(final)
	e.c.events.end()
	e.c.stop()
	close(e.c.done)
}
