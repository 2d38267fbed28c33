package admin

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"time"

	"huisclos/chat"
	"huisclos/hub"
)

// Live is what a Desk needs of the running server beside its store.
type Live interface {
	// Present lists the connections, by name.
	Present() []Present
	// Online counts the connections that read a room.
	Online(room chat.RoomID) int
	// Kick ends the account's connections, telling them why, and their sessions in the
	// store; it returns how many there were. CodeNotConnected when there was none, and
	// nothing has changed.
	Kick(ctx context.Context, account chat.AccountID, reason string, a hub.Audit) (int, error)
	// Ban does so and keeps the account out. It isn't an error to be absent.
	Ban(ctx context.Context, account chat.AccountID, reason string, a hub.Audit) (int, error)
	// Rotate begins a generation and tells everyone.
	Rotate(ctx context.Context, g hub.Generation, prove bool, a hub.Audit) error
	// Grant keeps sealed keys for devices and tells those that are connected.
	Grant(ctx context.Context, g chat.Generation, grants map[chat.DeviceID][]byte, a hub.Audit) error
	// Say tells everyone text and returns how many connections that are.
	Say(text string) int
	// Retention is what a room keeps, its own or the server's.
	Retention(r hub.Room) hub.Retention
	// RefillState says what a restored server still takes back.
	RefillState() hub.RefillState
	// EndRefill ends that; false when there was nothing to end.
	EndRefill(ctx context.Context, a hub.Audit) (bool, error)
}

// DeskOptions is what a Desk works on. Store and Live are required.
type DeskOptions struct {
	Store hub.Store
	Live  Live
	// Keys is nil where the server never knows its key.
	Keys KeyHolder
	// Reload reads the configuration again; nil: there is none.
	Reload func(ctx context.Context) (*Reloaded, error)
	// Quit begins the end of the server and returns at once.
	Quit func()
	// Self is the account of the person who hosts the server from his own chat; it can be neither kicked nor
	// banned here. Zero when there is none, or not yet.
	Self func() chat.AccountID

	Version  string
	Started  time.Time
	InMemory bool
}

// Desk carries out the commands on a running server. All methods may be called at
// the same time; commands that change something are done one after another.
type Desk struct {
	o  DeskOptions
	mu sync.Mutex // held by commands that change something
}

// NewDesk makes a Desk.
func NewDesk(o DeskOptions) *Desk { return &Desk{o: o} }

// As returns the Desk as actor ("console", "socket", …) uses it: the name goes into the audit log.
func (d *Desk) As(actor string) Doer { return seat{d, actor} }

// seat is a Desk with the name of who sits at it.
type seat struct {
	*Desk
	actor string
}

// Do carries out r. Errors besides those of the Store: CodeUsage, CodeUnknownCommand,
// CodeNoSuchPerson (name, suggestion), CodeNotConnected (name), CodeNotBanned (name), CodeSelf, CodeKeyUnknown,
// CodeAdminRefused (reason), CodeConfig and the like of Reload.
func (s seat) Do(ctx context.Context, r Request) (Result, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	switch r.Verb {
	case VerbList:
		return &Listing{Present: s.o.Live.Present()}, nil
	case VerbRooms:
		return s.rooms(ctx)
	case VerbStats:
		return s.stats(ctx)
	case VerbAudit:
		return s.auditLog(ctx, r.Count)
	case VerbBans:
		return s.bans(ctx)
	case VerbRefill:
		return s.refill()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Verb {
	case VerbKick:
		return s.kick(ctx, r)
	case VerbBan:
		return s.ban(ctx, r)
	case VerbUnban:
		return s.unban(ctx, r)
	case VerbKey:
		return s.key()
	case VerbRotate:
		return s.rotate(ctx, r)
	case VerbApprove:
		return s.approve(ctx, r)
	case VerbRefillEnd:
		return s.endRefill(ctx)
	case VerbSay:
		return &Said{Reached: s.o.Live.Say(r.Text)}, nil
	case VerbReload:
		return s.reload(ctx)
	case VerbQuit:
		s.o.Quit()
		return &Stopping{}, nil
	}
	return nil, unknownCommand(string(r.Verb))
}

func (s seat) audit(action string, detail ...string) hub.Audit {
	return hub.Audit{Actor: s.actor, Action: action, Detail: strings.Join(detail, " "), At: time.Now()}
}

func (s seat) reload(ctx context.Context) (Result, error) {
	if s.o.Reload == nil {
		return &Reloaded{}, nil
	}
	r, err := s.o.Reload(ctx)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (s seat) rooms(ctx context.Context) (Result, error) {
	rooms, err := s.o.Store.Rooms(ctx)
	if err != nil {
		return nil, err
	}
	list := &RoomList{}
	for _, r := range rooms {
		if r.Kind == chat.PrivateRoom {
			list.Private.Rooms++
			list.Private.Messages += int64(r.Head - r.Floor) //nolint:gosec // far from 2^63
			list.Private.Bytes += r.Bytes
			continue
		}
		keep := s.o.Live.Retention(r)
		list.Rooms = append(list.Rooms, Room{
			Name: r.Name, Oldest: min(r.Floor+1, r.Head), Head: r.Head, Bytes: r.Bytes,
			Online: s.o.Live.Online(r.ID), Created: r.Created, Age: keep.Age, Size: keep.Bytes,
		})
	}
	return list, nil
}

func (s seat) stats(ctx context.Context) (Result, error) {
	kept, err := s.o.Store.Stats(ctx)
	if err != nil {
		return nil, err
	}
	generations, err := s.o.Store.Generations(ctx)
	if err != nil {
		return nil, err
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	st := &Stats{
		Version: s.o.Version, Started: s.o.Started, Connections: len(s.o.Live.Present()),
		People: kept.Accounts, Devices: kept.Devices, Rooms: kept.Rooms, Messages: kept.Entries,
		Bytes: kept.EnvelopeBytes, Disk: kept.DiskBytes, InMemory: s.o.InMemory,
		Memory: int64(memory.Sys - memory.HeapReleased), Goroutines: runtime.NumGoroutine(), //nolint:gosec // far from 2^63
	}
	if n := len(generations); n > 0 {
		st.Generation = generations[n-1].Number
	}
	return st, nil
}

// auditRows is how many rows "audit" shows unless told.
const auditRows = 50

// auditLog reads the last rows: it goes through the log by pages, since rows have numbers and no count.
func (s seat) auditLog(ctx context.Context, count int) (Result, error) {
	if count == 0 {
		count = auditRows
	}
	const page = 1000
	var last []AuditRow
	for after := uint64(0); ; {
		rows, err := s.o.Store.AuditLog(ctx, after, page)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			last = append(last, AuditRow{Number: r.Number, At: r.At, Actor: r.Actor, Action: r.Action, Detail: r.Detail})
			after = r.Number
		}
		if n := len(last); n > count {
			last = append([]AuditRow(nil), last[n-count:]...)
		}
		if len(rows) < page {
			return &AuditLog{Rows: last}, nil
		}
	}
}
