package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hpke"
	"crypto/sha512"
	"encoding/binary"

	"huisclos/chat"
	"huisclos/seal"
	"huisclos/trust"
	"huisclos/wire"
)

func generation(n uint32) chat.Generation { return chat.Generation(n) }

func salt(server chat.Fingerprint, g chat.Generation) []byte {
	return binary.BigEndian.AppendUint32(append([]byte(nil), server[:]...), uint32(g))
}

// Seal is seal.json: the cipher alone, the padding, and one message.
type Seal struct {
	Key, IV, Data, Plain, Sealed Hex // A256CBC-HS512; Sealed is ciphertext ‖ tag
	Padding                      []Padding
	Message                      SealedMessage
	Refused                      []RefusedEnvelope // Message, spoilt
}

// Padding is one size before and after.
type Padding struct{ Size, Padded int }

// SealedMessage is every step from content to envelope.
type SealedMessage struct {
	Header
	Content   Hex
	Data      Hex // associated data
	Signed    Hex // what the device signs: Data ‖ SHA-512(Content)
	Signature Hex
	Inner     Hex // [signature, content]
	Padded    Hex
	IV        Hex
	Sealed    Hex // IV ‖ ciphertext ‖ tag
	Envelope  Hex
	Hash      Hex // SHA-256 of the envelope
}

// Header is what is known of a message beside its content.
type Header struct {
	Server, Room    Hex
	Generation      uint32
	RoomKey         Hex
	Account, Device Hex
	ID              Hex
	Counter         uint64
	Previous        Hex
	SeenSeq         uint64
	SeenHash        Hex
}

func (w *world) seal() Seal {
	s := Seal{Key: seed("cipher key", 64), IV: seed("cipher IV", 16), Data: []byte("data"), Plain: []byte("a text that is longer than one block")}
	aead, err := seal.New(s.Key)
	if err != nil {
		w.note(err)
		return s
	}
	s.Sealed = aead.Seal(nil, s.IV, s.Plain, s.Data)
	for _, n := range []int{0, 1, 127, 128, 129, 1000, 4096, 4097, 5000, 9000, 65535, 100000} {
		s.Padding = append(s.Padding, Padding{n, seal.PaddedSize(n)})
	}
	s.Message = w.message(1, 1, "hello", [32]byte{}, 0, [32]byte{})
	s.Refused = w.refusedEnvelopes(s.Message)
	return s
}

// message seals the counter-th message of Alice's device with an IV that isn't random.
func (w *world) message(g chat.Generation, counter uint64, text string, previous [32]byte, seen chat.Seq, seenHash [32]byte) SealedMessage {
	key, a, d := w.keys[g].Room(g, w.lobby), w.account.ID(), w.device.ID()
	id := messageID(byte(counter))
	m := SealedMessage{
		Header: Header{
			Server: w.server[:], Room: w.lobby[:], Generation: uint32(g), RoomKey: key, Account: a[:], Device: d[:], ID: id[:], Counter: counter,
			Previous: previous[:], SeenSeq: uint64(seen), SeenHash: seenHash[:],
		},
		Content: textMessage(seed("salt of "+text, 16), text), IV: seed("IV of "+text, 16),
	}
	m.Data = wire.Marshal([]any{
		"huisclos/1 key room message", w.server[:], w.lobby[:], uint32(g), a[:], d[:], id[:], counter, previous[:], uint64(seen), seenHash[:],
	})
	sum := sha512.Sum512(m.Content)
	m.Signed = append(append([]byte(nil), m.Data...), sum[:]...)
	sig := trust.Sign(w.device.Key(), seal.LabelMessage, m.Signed)
	m.Signature = sig[:]
	m.Inner = wire.Marshal([]any{sig[:], []byte(m.Content)})
	m.Padded = append(append([]byte(nil), m.Inner...), make([]byte, seal.PaddedSize(len(m.Inner))-len(m.Inner))...)
	aead, err := seal.New(key)
	w.note(err)
	m.Sealed = aead.Seal(append([]byte(nil), m.IV...), m.IV, m.Padded, m.Data)
	m.Envelope = wire.Marshal(&wire.Envelope{
		Version: 1, Room: w.lobby, Generation: g, Account: a, Device: d, ID: id, Counter: counter, Previous: previous, SeenSeq: seen, SeenHash: seenHash, Sealed: m.Sealed,
	})
	hash := wire.HashEnvelope(m.Envelope)
	m.Hash = hash[:]
	return m
}

// Log is log.json: the lobby's log with three messages, the second of which retention has removed later.
type Log struct {
	Server, Room Hex
	Start        Hex // H_0
	Entries      []LogEntry
	Frame        Hex // Entries, from the first
	Wrong        []WrongLog
}

// LogEntry is one place.
type LogEntry struct {
	Seq      uint64
	Time     int64
	Pruned   bool
	Envelope Hex // its hash alone when pruned
	Counter  uint64
	SeenSeq  uint64
	Text     string
	Hash     Hex // H_n
}

func (w *world) log() Log {
	start := wire.ChainStart(w.server, w.lobby)
	l := Log{Server: w.server[:], Room: w.lobby[:], Start: start[:]}
	frame := &wire.Entries{Room: w.lobby, First: 1, Before: start, Head: 3}
	h, previous, seenHash := start, [32]byte{}, [32]byte{}
	for i, text := range []string{"hello", "is anyone there?", "I see"} {
		n := chat.Seq(i + 1)
		m := w.message(1, uint64(n), text, previous, n-1, seenHash)
		previous = [32]byte(m.Hash)
		h = wire.Chain(h, n, previous)
		seenHash = h
		e := LogEntry{Seq: uint64(n), Time: now + int64(n)*1000, Pruned: n == 2, Envelope: m.Envelope, Counter: uint64(n), SeenSeq: uint64(n - 1), Text: text, Hash: h[:]}
		e.Hash = append(Hex(nil), e.Hash...)
		if e.Pruned {
			e.Envelope = m.Hash
		}
		l.Entries = append(l.Entries, e)
		frame.Entries = append(frame.Entries, wire.Entry{Time: e.Time, Kind: chat.Content, Pruned: e.Pruned, Envelope: e.Envelope})
	}
	l.Frame = wire.Encode(frame)
	l.Wrong = w.wrongLogs(w.message(1, 1, "hello", [32]byte{}, 0, [32]byte{}))
	return l
}

// Generations is generations.json: how a newcomer gets the old key, and a member the new one.
type Generations struct {
	Server                       Hex
	Generation                   uint32 // of the new key
	K, Before                    Hex
	LinkKey, LinkNonce, LinkData Hex
	Link                         Hex // nonce ‖ ciphertext ‖ tag
	Account, Device              Hex
	HPKESeed, HPKEPublic         Hex
	GrantInfo                    Hex
	Grant                        Hex // enc ‖ ciphertext: made once, as encapsulation is random
	GrantSecret                  Hex // the shared secret of the KEM
	GrantKey, GrantNonce         Hex // of AES-256-GCM
}

func (w *world) generations() Generations {
	const g = 2
	a, d, private := w.account.ID(), w.device.ID(), w.device.Bytes()
	v := Generations{
		Server: w.server[:], Generation: g, K: w.keys[2].Bytes(), Before: w.keys[1].Bytes(), LinkNonce: seed("nonce of a link", 12),
		Account: a[:], Device: d[:], HPKESeed: private[32:], HPKEPublic: w.cert.HPKE, Grant: grant,
	}
	v.LinkKey = hkdf(v.K, salt(w.server, g), "huisclos/1 key link", 32)
	v.LinkData = append([]byte("huisclos/1 key link"), salt(w.server, g)...)
	block, err := aes.NewCipher(v.LinkKey)
	w.note(err)
	gcm, err := cipher.NewGCM(block)
	w.note(err)
	v.Link = gcm.Seal(append([]byte(nil), v.LinkNonce...), v.LinkNonce, v.Before, v.LinkData)
	v.GrantInfo = append(append(append([]byte("huisclos/1 key grant"), salt(w.server, g)...), a[:]...), d[:]...)
	k, err := hpke.Open(w.device.HPKE(), hpke.HKDFSHA512(), hpke.AES256GCM(), v.GrantInfo, v.Grant)
	if err == nil && string(k) != string(v.K) {
		err = errGrant
	}
	w.note(err)
	v.GrantSecret, err = kem(v.HPKESeed, v.Grant[:1120])
	w.note(err)
	v.GrantKey, v.GrantNonce = schedule(v.GrantSecret, v.GrantInfo)
	return v
}
