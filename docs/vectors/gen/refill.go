package main

import (
	"huisclos/chat"
	"huisclos/wire"
)

// Refill is refill.json: a server that was restored has the first entry of log.json, and a member gives the two others back.
type Refill struct {
	Server, Room Hex
	Head         uint64 // the server's
	HeadHash     Hex
	Entries      []RefillEntry
	Claim, Give  Hex // frames
}

// RefillEntry is one that the server lacks.
type RefillEntry struct {
	Seq            uint64
	Time           int64
	Kind           uint8
	Envelope, Hash Hex // H_n
	Marked         Hex // what is hashed
	Mark           Hex
}

func (w *world) refill() Refill {
	start := wire.ChainStart(w.server, w.lobby)
	v := Refill{Server: w.server[:], Room: w.lobby[:], Head: 1}
	h, previous, seenHash := start, [32]byte{}, [32]byte{}
	claim := &wire.Claim{Ref: 1, Room: w.lobby, After: 1, Head: 3}
	give := &wire.Give{Ref: 2, Room: w.lobby, First: 2}
	for i, text := range []string{"hello", "is anyone there?", "I see"} {
		n := chat.Seq(i + 1)
		m := w.message(1, uint64(n), text, previous, n-1, seenHash)
		previous = [32]byte(m.Hash)
		h = wire.Chain(h, n, previous)
		seenHash = h
		hash := h
		if n == 1 {
			v.HeadHash, claim.Before = hash[:], hash
			continue
		}
		at := now + int64(n)*1000
		mark := wire.Mark(hash, at, chat.Content)
		marked := append([]byte("huisclos/1 refill"), hash[:]...)
		for shift := 56; shift >= 0; shift -= 8 {
			marked = append(marked, byte(at>>shift))
		}
		v.Entries = append(v.Entries, RefillEntry{
			Seq: uint64(n), Time: at, Kind: uint8(chat.Content), Envelope: m.Envelope, Hash: hash[:], Marked: append(marked, byte(chat.Content)), Mark: mark[:],
		})
		claim.Marks = append(claim.Marks, mark)
		give.Entries = append(give.Entries, wire.Entry{Time: at, Kind: chat.Content, Envelope: m.Envelope})
	}
	v.Claim, v.Give = wire.Encode(claim), wire.Encode(give)
	return v
}

// refillFrames are those about a restored backup.
func (w *world) refillFrames(add func(name string, raw []byte, fields ...any), h [32]byte, entries []wire.Entry, entryFields any) {
	room, hash := Bytes(w.lobby[:]), Bytes(h[:])
	add("Restored", wire.Encode(&wire.Restored{At: now, Until: now + 86400000}), now, now+86400000)
	add("Claim", wire.Encode(&wire.Claim{Ref: 30, Room: w.lobby, After: 299, Before: h, Marks: [][32]byte{h}, Head: 300}), 30, room, 299, hash, []any{hash}, 300)
	add("Refill", wire.Encode(&wire.Refill{Ref: 30, Room: w.lobby, Phase: wire.RefillHeld, Head: 299, Claimed: 300}), 30, room, 1, 299, 300, 0)
	add("WantEntries", wire.Encode(&wire.WantEntries{Room: w.lobby, After: 299, Upto: 300}), room, 299, 300)
	add("Give", wire.Encode(&wire.Give{Ref: 31, Room: w.lobby, First: 300, Entries: entries}), 31, room, 300, entryFields)
}
