package client

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// The history of a person, on its way from the old device to one that was linked: sealed under a key that only the two have, handed on by a server that keeps nothing. The
// new device pulls: it asks for one batch at a time, keeps the batch and its place in one transaction, and goes on there after whatever has come between.

// transferRecord is a history on its way, as both devices keep it until it is there.
type transferRecord struct {
	Key   []byte `cbor:"1,keyasint"` // 32 bytes, from the exchange
	Gives bool   `cbor:"2,keyasint,omitempty"`
	Since int64  `cbor:"3,keyasint"`           // when it began, ms since 1970
	Come  bool   `cbor:"4,keyasint,omitempty"` // of Gives: the new device has asked at least once
	// What the face is told.
	Total uint64 `cbor:"5,keyasint,omitempty"` // messages
	Moved uint64 `cbor:"6,keyasint,omitempty"`
	Bytes uint64 `cbor:"7,keyasint,omitempty"`
	// Of a device that takes: whether the old one has said which rooms it has.
	Listed bool `cbor:"8,keyasint,omitempty"`
}

// movedRecord is how far one room has come.
type movedRecord struct {
	Before chat.Seq `cbor:"1,keyasint"`           // entries before this one are still to come
	Done   bool     `cbor:"2,keyasint,omitempty"` // nothing more
}

// transfer is one of them in this process.
type transfer struct {
	peer  chat.DeviceID
	rec   transferRecord
	ask   cipher.AEAD // of what the new device says
	tell  cipher.AEAD // of what the old device says
	rooms map[chat.RoomID]*movedRecord
	told  bool // the person knows of the new device
	// Of a device that takes, in this session.
	request [requestSize]byte // the one under way; zero: none
	asked   askMessage
	timer   *time.Timer
	tries   int  // questions without an answer
	away    bool // that the other device isn't connected was told
}

const (
	requestSize = 16
	// transferLife is how long a history waits for a device that hasn't come for it.
	transferLife = 30 * 24 * time.Hour
)

// TransferView is how far a history has come.
type TransferView struct {
	Device chat.DeviceID // the other one
	Name   string        // what it is called
	Gives  bool          // it goes there, rather than comes from there
	Moved  uint64        // messages
	Total  uint64        // of so many; 0: not known yet
	Bytes  uint64
	// Of a history that comes here: how many rooms it is of, and of how many all is here.
	Rooms, RoomsDone int
}

// HistoryMoved tells how far a history has come, after each batch. Done: all of it is there. Away: the other device isn't connected; it goes on when it is.
type HistoryMoved struct {
	TransferView
	Done bool
	Away bool
}

func (HistoryMoved) event() {}

// The label and the infos of the two directions' keys.
const (
	labelMove     = "huisclos/1 history"
	labelMoveAsk  = "huisclos/1 history new to old"
	labelMoveTell = "huisclos/1 history old to new"
)

// box is what goes through the server.
type box struct {
	_       struct{} `cbor:",toarray"`
	Version uint     // 1
	Request [requestSize]byte
	Nonce   [12]byte // random: one key seals far less than the 2^32 boxes that these are good for
	Sealed  []byte
}

// boxData is the associated data: a box is of one server, from one device to another, and belongs to one request, which has been made once.
type boxData struct {
	_       struct{} `cbor:",toarray"`
	Label   string
	Server  chat.Fingerprint
	From    chat.DeviceID
	To      chat.DeviceID
	Request [requestSize]byte
}

// askKind is what the new device wants.
type askKind uint8

const (
	askRooms askKind = 1 // which rooms there are
	askBatch askKind = 2 // entries of Room before Before, the newest first
	askDone  askKind = 3 // nothing more: both forget the key
	tellHere askKind = 4 // of the old device, unasked: it is connected
)

// askMessage is what the new device says.
type askMessage struct {
	_      struct{} `cbor:",toarray"`
	Kind   askKind
	Room   chat.RoomID
	Before chat.Seq
}

// tellMessage is what the old device says.
type tellMessage struct {
	_       struct{} `cbor:",toarray"`
	Kind    askKind
	Room    chat.RoomID
	Next    chat.Seq // of a batch: all between this one and what was asked for is here; 0: there is nothing before
	Rooms   []movedRoom
	Entries []movedEntry
}

// movedRoom is a room of which there is a history.
type movedRoom struct {
	_        struct{} `cbor:",toarray"`
	Room     chat.RoomID
	Messages uint64
}

// movedEntry is one entry, as the old device has it.
type movedEntry struct {
	_      struct{} `cbor:",toarray"`
	Seq    chat.Seq
	Record []byte // entryRecord
}

var errTransfer = errors.New("client: not of this transfer")

// newTransfer makes the ciphers of one.
func (e *engine) newTransfer(peer chat.DeviceID, rec transferRecord) (*transfer, error) {
	t := &transfer{peer: peer, rec: rec, rooms: make(map[chat.RoomID]*movedRecord)}
	give, take := e.id.device(), peer
	if !rec.Gives {
		give, take = take, give
	}
	for _, k := range []struct {
		info string
		to   *cipher.AEAD
	}{{labelMoveAsk, &t.ask}, {labelMoveTell, &t.tell}} {
		key, err := hkdf.Key(sha512.New, rec.Key, slices.Concat(give[:], take[:]), k.info, 32)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(key)
		if err == nil {
			*k.to, err = cipher.NewGCM(block)
		}
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// sealBox seals a message to the other device.
func (e *engine) sealBox(t *transfer, request [requestSize]byte, message any) []byte {
	b := box{Version: 1, Request: request}
	_, _ = rand.Read(b.Nonce[:]) // never fails
	c := t.ask
	if t.rec.Gives {
		c = t.tell
	}
	data := wire.Marshal(&boxData{Label: labelMove, Server: e.self.Server, From: e.id.device(), To: t.peer, Request: request})
	b.Sealed = c.Seal(nil, b.Nonce[:], wire.Marshal(message), data)
	return wire.Marshal(&b)
}

// openBox opens one from it.
func (e *engine) openBox(t *transfer, raw []byte, message any) (request [requestSize]byte, err error) {
	var b box
	if err := wire.UnmarshalStrict(raw, &b); err != nil || b.Version != 1 {
		return request, errTransfer
	}
	c := t.tell
	if t.rec.Gives {
		c = t.ask
	}
	data := wire.Marshal(&boxData{Label: labelMove, Server: e.self.Server, From: t.peer, To: e.id.device(), Request: b.Request})
	plain, err := c.Open(nil, b.Nonce[:], b.Sealed, data)
	if err != nil {
		return request, errTransfer
	}
	return b.Request, wire.UnmarshalStrict(plain, message)
}

// loadTransfers reads those that aren't at their end.
func (e *engine) loadTransfers() error {
	e.moving = make(map[chat.DeviceID]*transfer)
	old := time.Now().Add(-transferLife).UnixMilli()
	return e.vault.View(func(v Reader) error {
		err := v.Scan(TableTransfers, nil, nil, false, func(key, value []byte) (bool, error) {
			var rec transferRecord
			if err := parseRecord(value, &rec); err != nil {
				return false, err
			}
			if len(key) != len(chat.DeviceID{}) || rec.Since < old {
				e.stage.set(TableTransfers, key, nil)
				return true, nil
			}
			t, err := e.newTransfer(chat.DeviceID(key), rec)
			e.moving[chat.DeviceID(key)] = t
			return true, err
		})
		if err != nil {
			return err
		}
		return v.Scan(TableMoved, nil, nil, false, func(key, value []byte) (bool, error) {
			var rec movedRecord
			if err := parseRecord(value, &rec); err != nil {
				return false, err
			}
			if n := len(chat.DeviceID{}); len(key) == n+len(chat.RoomID{}) {
				if t := e.moving[chat.DeviceID(key[:n])]; t != nil {
					t.rooms[chat.RoomID(key[n:])] = &rec
				}
			}
			return true, nil
		})
	})
}

func movedKey(d chat.DeviceID, r chat.RoomID) []byte { return append(d[:len(d):len(d)], r[:]...) }

// keepTransfer stages its record.
func (e *engine) keepTransfer(t *transfer) { e.put(TableTransfers, t.peer[:], &t.rec) }

// endTransfer forgets it.
func (e *engine) endTransfer(t *transfer) {
	if t.timer != nil {
		t.timer.Stop()
	}
	delete(e.moving, t.peer)
	e.remove(TableTransfers, t.peer[:])
	for r := range t.rooms {
		e.remove(TableMoved, movedKey(t.peer, r))
	}
}

func (e *engine) transferView(t *transfer) TransferView {
	v := TransferView{
		Device: t.peer, Name: e.deviceNames()[t.peer], Gives: t.rec.Gives, Moved: min(t.rec.Moved, t.rec.Total), Total: t.rec.Total, Bytes: t.rec.Bytes,
		Rooms: len(t.rooms),
	}
	for _, r := range t.rooms {
		if r.Done {
			v.RoomsDone++
		}
	}
	return v
}

func (e *engine) transferViews() []TransferView {
	var all []TransferView
	for _, t := range e.moving {
		all = append(all, e.transferView(t))
	}
	slices.SortFunc(all, func(a, b TransferView) int { return slices.Compare(a.Device[:], b.Device[:]) })
	return all
}

// fromDevice takes what another device of ours has sent. What isn't of a transfer is nobody's.
func (e *engine) fromDevice(f *wire.FromDevice) {
	t := e.moving[f.Device]
	switch {
	case t == nil, e.withdrawn(t):
	case t.rec.Gives:
		e.giveHistory(t, f.Data)
	default:
		e.takeHistory(t, f.Data)
	}
}

// resumeTransfers goes on with them in a new session.
func (e *engine) resumeTransfers() {
	for _, t := range e.moving {
		t.tries, t.away = 0, false
		if t.rec.Gives {
			e.tellHere(t)
		} else {
			e.pull(t)
		}
	}
}

// dropTransfers ends all of them: this device has other keys now, and nobody's history is for those.
func (e *engine) dropTransfers() {
	for _, t := range e.moving {
		e.endTransfer(t)
	}
}

// withdrawn ends the transfer with a device that our account has revoked.
func (e *engine) withdrawn(t *transfer) bool {
	_, revoked := e.people.list(e.id.account()).Revoked(t.peer)
	if revoked {
		e.endTransfer(t)
	}
	return revoked
}

// pauseTransfers forgets what belongs to a session.
func (e *engine) pauseTransfers() {
	for _, t := range e.moving {
		t.request = [requestSize]byte{}
		if t.timer != nil {
			t.timer.Stop()
		}
	}
}
