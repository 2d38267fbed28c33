package hub

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// Limits is what one person and everyone together may take. Reload changes them.
type Limits struct {
	Message      int // bytes of one envelope
	Rate         int // messages a second for each account, sustained; 0: unlimited
	Burst        int // messages at once
	Rooms        int // key rooms on the server
	PrivateRooms int // private rooms on the server
	Page         int // entries of one Page
}

// Config is what a Hub is made of. Server, Store and Bus are required.
type Config struct {
	Server chat.Fingerprint
	Store  Store
	Bus    Bus
	Limits Limits
	// RefillHold is how long a room waits for members after a backup was restored; 0: DefaultRefillHold.
	RefillHold time.Duration
	// Retention is what a room keeps unless it has its own.
	Retention Retention
	// RoomRetention overrides it by the room's name.
	RoomRetention map[string]Retention
	Log           *slog.Logger // nil: nothing is logged
}

// settings are what Reload changes, as one.
type settings struct {
	limits    Limits
	retention Retention
	byName    map[string]Retention
}

// Hub is the domain of the server: rooms, who is in them, and the way of a message from Send to everyone. It knows neither
// network nor cipher. All methods may be called at the same time.
type Hub struct {
	server   chat.Fingerprint
	store    Store
	bus      Bus
	log      *slog.Logger
	settings atomic.Pointer[settings]
	appender *appender
	counters counters
	rates    rates
	takes    takes
	codes    codes
	handed   handed
	marks    atomic.Int64 // bytes of what members claim after a restored backup

	mu         sync.RWMutex // guards what follows; a room's lock may be taken under it, not the other way round
	rooms      map[chat.RoomID]*room
	list       []*room // of all key rooms, in order of creation
	sessions   map[chat.DeviceID]*Session
	accounts   map[chat.AccountID]map[*Session]struct{}
	generation Generation // in force; Number 0 when there is none
	rotated    time.Time
	closing    bool
	restored   *wire.Restored // told at each login while members give back what a restored backup lacks; nil: they don't
	restoredAt time.Time
	hold       time.Duration // set by New

	stop    context.CancelFunc // ends background work
	ctx     context.Context    //nolint:containedctx // the hub's own life
	workers sync.WaitGroup
}

// New loads the rooms, makes the lobby in a new store, and begins to work.
func New(ctx context.Context, c Config) (*Hub, error) {
	if c.Store == nil || c.Bus == nil || c.Server.IsZero() {
		return nil, chat.Errorf(chat.CodeInternal)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	h := &Hub{
		server: c.Server, store: c.Store, bus: c.Bus, log: c.Log,
		rooms: map[chat.RoomID]*room{}, sessions: map[chat.DeviceID]*Session{},
		accounts: map[chat.AccountID]map[*Session]struct{}{},
	}
	h.Reload(c.Limits, c.Retention, c.RoomRetention)
	lobby := NewRoom{ID: chat.KeyRoomID(c.Server, chat.Lobby), Name: chat.Lobby, Kind: chat.KeyRoom, At: time.Now()}
	lobby.Start = wire.ChainStart(c.Server, lobby.ID)
	if _, err := h.store.CreateRoom(ctx, lobby, 1<<31-1); err != nil && !errors.Is(err, chat.CodeRoomExists) {
		return nil, err
	}
	rows, err := h.store.Rooms(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		h.addRoom(row)
	}
	generations, err := h.store.Generations(ctx)
	if err != nil {
		return nil, err
	}
	if n := len(generations); n > 0 {
		h.generation = generations[n-1]
	}
	if h.hold = c.RefillHold; h.hold <= 0 {
		h.hold = DefaultRefillHold
	}
	if err := h.loadRefill(ctx); err != nil {
		return nil, err
	}
	h.ctx, h.stop = context.WithCancel(context.Background())
	h.appender = newAppender(h)
	h.workers.Go(h.appender.run)
	h.workers.Go(h.appender.deliver)
	h.workers.Go(h.janitor)
	h.bus.Subscribe(h.woken)
	return h, nil
}

// Reload changes the limits and the retention of a running hub.
func (h *Hub) Reload(l Limits, keep Retention, byName map[string]Retention) {
	if l.Page <= 0 {
		l.Page = 1000
	}
	if l.PrivateRooms <= 0 {
		l.PrivateRooms = 1<<31 - 1
	}
	h.settings.Store(&settings{limits: l, retention: keep, byName: byName})
	h.rates.forget()
}

func (h *Hub) limits() Limits { return h.settings.Load().limits }

// addRoom takes in a room of the store, once.
func (h *Hub) addRoom(row Room) *room {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r, ok := h.rooms[row.ID]; ok {
		return r
	}
	r := newRoom(h, row)
	h.rooms[row.ID] = r
	if row.Kind == chat.KeyRoom {
		h.list = append(h.list, r)
	}
	return r
}

// room finds a room; CodeRoomUnknown.
func (h *Hub) room(id chat.RoomID) (*room, error) {
	h.mu.RLock()
	r, ok := h.rooms[id]
	h.mu.RUnlock()
	if !ok {
		return nil, chat.Errorf(chat.CodeRoomUnknown, "name", id.String())
	}
	return r, nil
}

// keyRooms are the rooms that anyone may join.
func (h *Hub) keyRooms() []wire.RoomInfo {
	h.mu.RLock()
	list := h.list[:len(h.list):len(h.list)]
	h.mu.RUnlock()
	infos := make([]wire.RoomInfo, len(list))
	for i, r := range list {
		infos[i] = r.info()
	}
	return infos
}

// woken begins the fan-out of a room that has grown, here or on another node.
func (h *Hub) woken(w Wakeup) {
	h.mu.RLock()
	r := h.rooms[w.Room]
	h.mu.RUnlock()
	if r == nil {
		h.discover(w)
		return
	}
	r.wake(w.Head)
}

// discover takes in a room that another node has made.
func (h *Hub) discover(w Wakeup) {
	rows, err := h.store.Rooms(h.ctx)
	if err != nil {
		h.log.Error("rooms can't be read", "err", err)
		return
	}
	for _, row := range rows {
		if row.ID == w.Room {
			h.addRoom(row).wake(w.Head)
		}
	}
}

// Close says goodbye to everyone, after everything that was accepted is stored and answered, or when ctx ends.
func (h *Hub) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closing = true
	all := make([]*Session, 0, len(h.sessions))
	for _, s := range h.accounts {
		for session := range s {
			all = append(all, session)
		}
	}
	h.mu.Unlock()
	err := h.appender.close(ctx)
	bye := wire.Encode(&wire.Bye{Code: chat.CodeGoodbye})
	for _, s := range all {
		s.conn.Close(bye)
	}
	h.stop()
	return errors.Join(err, h.bus.Close(), h.wait(ctx))
}

// wait lets the background work end.
func (h *Hub) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { h.workers.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
