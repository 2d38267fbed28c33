package wire

import (
	"crypto/sha256"
	"encoding/binary"

	"huisclos/chat"
)

// Envelope is one message as the log holds it (PROTOCOL §5). In a key room
// everything but Sealed is readable by the server and authenticated inside Sealed.
type Envelope struct {
	_          struct{} `cbor:",toarray"`
	Version    uint     // 1
	Room       chat.RoomID
	Generation chat.Generation
	Account    chat.AccountID
	Device     chat.DeviceID
	ID         chat.MessageID
	Counter    uint64   // of this sender in this room, from 1
	Previous   [32]byte // SHA-256 of this sender's previous envelope in this room; zero for the first
	SeenSeq    chat.Seq // the newest entry that the sender had verified
	SeenHash   [32]byte // H_SeenSeq; zero when SeenSeq is 0
	Sealed     []byte
}

// HashEnvelope is SHA-256 of an envelope's bytes.
func HashEnvelope(raw []byte) [32]byte { return sha256.Sum256(raw) }

// ChainStart is H_0 of a room: SHA-256("huisclos/1 log" ‖ server fingerprint ‖ room).
func ChainStart(server chat.Fingerprint, room chat.RoomID) [32]byte {
	h := sha256.New()
	h.Write([]byte("huisclos/1 log"))
	h.Write(server[:])
	h.Write(room[:])
	return [32]byte(h.Sum(nil))
}

// Chain is H_n = SHA-256(H_{n-1} ‖ n as 8 bytes big-endian ‖ SHA-256(envelope)).
func Chain(before [32]byte, n chat.Seq, envelope [32]byte) [32]byte {
	var b [72]byte
	copy(b[:32], before[:])
	binary.BigEndian.PutUint64(b[32:40], uint64(n))
	copy(b[40:], envelope[:])
	return sha256.Sum256(b[:])
}

// ParseEnvelope reads an envelope strictly: version 1, deterministic, with a sender, an ID and something sealed, which shares
// memory with raw. CodeEnvelope.
func ParseEnvelope(raw []byte) (Envelope, error) {
	var e Envelope
	s := scanner{rest: raw}
	if e.scan(&s); !s.ok() {
		return Envelope{}, chat.Errorf(chat.CodeEnvelope)
	}
	if e.Version != 1 || e.Account.IsZero() || e.Device.IsZero() || e.ID.IsZero() || e.Counter == 0 || e.Generation == 0 || len(e.Sealed) == 0 {
		return Envelope{}, chat.Errorf(chat.CodeEnvelope)
	}
	return e, nil
}
