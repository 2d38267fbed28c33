package hub

import (
	"context"
	"time"

	"huisclos/chat"
)

// RefillStore is the part of Store that takes back what a backup lacks, from members who have kept it (docs/protocol.md, section 22).
type RefillStore interface {
	// Restored says that a backup was put back: the next Incarnation is another one, one-time key packages are gone, for they may have been handed out since, and what the
	// rooms lack may be given back until then.
	Restored(ctx context.Context, now, until time.Time) error
	// Refill reads what of a restored backup may still be given back; the zero Refill when none was restored, or it is over.
	Refill(ctx context.Context) (Refill, error)
	// PutBack appends entries to a room that is being refilled, with the times and kinds that they had, and returns its new row. CodeConflict when after and before aren't its head, or
	// something else was appended since the backup was restored; CodeSame when a device's message stands there already. All of it is kept, or nothing.
	PutBack(ctx context.Context, room chat.RoomID, after chat.Seq, before [32]byte, entries []PutBack) (Room, error)
	// EndRefill forgets that a backup was restored. It is no error when none was.
	EndRefill(ctx context.Context, a Audit) error
	// Note writes an audit row alone.
	Note(ctx context.Context, a Audit) error
}

// Refill is what Store knows of a restored backup.
type Refill struct {
	At     time.Time // when it was restored; zero: nothing is refilled
	Newest time.Time // of the backup's newest entry; zero when it has none
	Until  time.Time
	Rooms  map[chat.RoomID]chat.Seq // those to which nothing else was appended since, with the heads that the backup had
}

// PutBack is an entry that somebody gives back. Its device need not be known.
type PutBack struct {
	At       time.Time
	Kind     chat.EntryKind
	Device   chat.DeviceID
	ID       chat.MessageID
	Seen     chat.Seq
	Envelope []byte
}
