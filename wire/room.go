package wire

import "huisclos/chat"

// RoomInfo is what the server says of a room.
type RoomInfo struct {
	_         struct{} `cbor:",toarray"`
	Room      chat.RoomID
	Name      string // of a key room, without "#"; empty for a private room
	Kind      chat.RoomKind
	Floor     chat.Seq // the log begins after this one
	FloorHash [32]byte // H_floor
	Head      chat.Seq
	HeadHash  [32]byte // H_head
	Online    uint32   // people in it now
}

// Send submits one envelope. It is answered by Ack, or by Failure with Ref = ID.
type Send struct {
	_        struct{} `cbor:",toarray"`
	Type     Type
	Room     chat.RoomID
	ID       chat.MessageID
	Kind     chat.EntryKind
	Base     chat.Seq // of a Commit: the last Commit that the sender has seen; else 0
	Envelope []byte
}

// Ack says that the envelope is durable, and where.
type Ack struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Room chat.RoomID
	ID   chat.MessageID
	Seq  chat.Seq
	Time int64    // ms since 1970, the server's
	Hash [32]byte // H_seq
}

// Subscribe asks for a room's entries with seq > After, and then for whatever
// comes. With Tail > 0 it begins no further back than Tail entries before the head.
// It is answered by Room, then Entries follow. Subscribing again begins anew.
type Subscribe struct {
	_     struct{} `cbor:",toarray"`
	Type  Type
	Ref   uint64
	Room  chat.RoomID
	After chat.Seq
	Tail  uint32
}

// Unsubscribe ends it. Answered by Done.
type Unsubscribe struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
	Room chat.RoomID
}

// Room answers Subscribe and Create.
type Room struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
	Info RoomInfo
}

// Entry is one place in a log. Where retention has removed the envelope but must keep the
// place, Pruned is true and Envelope is its SHA-256 (32 bytes).
type Entry struct {
	_        struct{} `cbor:",toarray"`
	Time     int64    // ms since 1970
	Kind     chat.EntryKind
	Pruned   bool
	Envelope []byte
}

// Entries pushes consecutive entries of a subscribed room: First, First+1, …
type Entries struct {
	_       struct{} `cbor:",toarray"`
	Type    Type
	Room    chat.RoomID
	First   chat.Seq
	Before  [32]byte // H_{First-1}
	Head    chat.Seq // the room's head when this was made
	Entries []Entry
}

// Read asks for one page of entries with seq > After, without subscribing. Answered by Page.
type Read struct {
	_     struct{} `cbor:",toarray"`
	Type  Type
	Ref   uint64
	Room  chat.RoomID
	After chat.Seq
	Limit uint32
}

// Page answers Read. It may hold fewer entries than asked for; none means the head.
// First is greater than After+1 where retention has cut the log.
type Page struct {
	_       struct{} `cbor:",toarray"`
	Type    Type
	Ref     uint64
	Room    chat.RoomID
	First   chat.Seq
	Before  [32]byte
	Head    chat.Seq
	Entries []Entry
}

// Rooms asks for the rooms that anyone may join. Answered by RoomList.
type Rooms struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
}

// RoomList answers Rooms.
type RoomList struct {
	_     struct{} `cbor:",toarray"`
	Type  Type
	Ref   uint64
	Rooms []RoomInfo
}

// Create makes a key room. Answered by Room.
type Create struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
	Name string
}
