package main

import (
	"encoding/hex"
	"slices"

	"huisclos/chat"
	"huisclos/seal"
	"huisclos/trust"
	"huisclos/wire"
)

// RefusedFrame is a frame that must be refused.
type RefusedFrame struct {
	Why, Code string
	CBOR      Hex
}

// refusedFrames are spellings of [18, 4] (rooms), of [5, 7] (done) and of a bye that aren't the one that is right.
func refusedFrames() []RefusedFrame {
	var list []RefusedFrame
	for _, f := range []struct{ why, cbor string }{
		{"nothing", ""},
		{"no array", "a11204"},
		{"an unknown type", "82186304"},
		{"too few elements", "8112"},
		{"too many elements", "83120405"},
		{"a byte behind it", "82120400"},
		{"cut", "8212"},
		{"a number that isn't the shortest", "82121804"},
		{"a type that isn't the shortest", "82181204"},
		{"a length that isn't the shortest", "98021204"},
		{"an array without length", "9f1204ff"},
		{"a tag", "8212c104"},
		{"a floating-point number", "8212f94400"},
		{"a negative number", "821220"},
		{"text instead of a number", "82126134"},
		{"a reference of null", "8212f6"},
		{"bytes instead of text", "821405"},
		{"a byte string that is too short", "830e024f35e6f6fb70fe2d935fe8712598930e"},
		{"text that isn't UTF-8", "83140561ff"},
		{"a map out of order", "830861" + "78" + "a2" + "626262" + "6131" + "6161" + "6132"},
		{"a key twice", "830861" + "78" + "a2" + "6161" + "6131" + "6161" + "6132"},
	} {
		raw, err := hex.DecodeString(f.cbor)
		if err != nil {
			panic(err) // a constant
		}
		_, err = wire.Decode(raw)
		list = append(list, RefusedFrame{Why: f.why, Code: string(chat.CodeOf(err)), CBOR: raw})
	}
	return list
}

// RefusedEnvelope is an envelope that can't be opened with the room key of the message beside it.
type RefusedEnvelope struct {
	Why      string
	Envelope Hex
}

// refusedEnvelopes are m, spoilt.
func (w *world) refusedEnvelopes(m SealedMessage) []RefusedEnvelope {
	var list []RefusedEnvelope
	header, err := wire.ParseEnvelope(m.Envelope)
	w.note(err)
	add := func(why string, change func(*wire.Envelope)) {
		e := header
		e.Sealed = slices.Clone(e.Sealed)
		change(&e)
		list = append(list, RefusedEnvelope{why, wire.Marshal(&e)})
	}
	last := len(header.Sealed) - 1
	add("one bit of the tag", func(e *wire.Envelope) { e.Sealed[last] ^= 1 })
	add("one bit of the ciphertext", func(e *wire.Envelope) { e.Sealed[20] ^= 1 })
	add("one bit of the IV", func(e *wire.Envelope) { e.Sealed[0] ^= 1 })
	add("another counter", func(e *wire.Envelope) { e.Counter++ })
	add("another device", func(e *wire.Envelope) { e.Device[0] ^= 1 })
	add("cut", func(e *wire.Envelope) { e.Sealed = e.Sealed[:last] })
	add("nothing but an IV", func(e *wire.Envelope) { e.Sealed = e.Sealed[:16] })
	add("a version to come", func(e *wire.Envelope) { e.Version = 2 })

	// What follows is sealed rightly, and wrong inside.
	aead, err := seal.New(m.RoomKey)
	w.note(err)
	inside := func(why string, padded []byte) {
		add(why, func(e *wire.Envelope) { e.Sealed = aead.Seal(slices.Clone([]byte(m.IV)), m.IV, padded, m.Data) })
	}
	inside("padding that isn't zero", append(slices.Clone([]byte(m.Inner[:len(m.Inner)-1])), 1))
	inside("a bucket too many", append(slices.Clone([]byte(m.Padded)), make([]byte, 128)...))
	sign := func(key *trust.Device, label string) []byte {
		sig := trust.Sign(key.Key(), label, m.Signed)
		inner := wire.Marshal([]any{sig[:], []byte(m.Content)})
		return append(inner, make([]byte, seal.PaddedSize(len(inner))-len(inner))...)
	}
	stranger, err := trust.ParseDevice(seed("a stranger's device", 64))
	w.note(err)
	inside("signed by another device", sign(stranger, seal.LabelMessage))
	inside("signed under another label", sign(w.device, "client-auth"))
	return list
}

// WrongLog is a frame of entries that stops the room when it is read after the first entry of the log.
type WrongLog struct {
	Why   string
	Frame Hex
}

// wrongLogs are second entries that are sealed rightly and don't follow from the first.
func (w *world) wrongLogs(first SealedMessage) []WrongLog {
	var list []WrongLog
	start, zero := wire.ChainStart(w.server, w.lobby), [32]byte{}
	previous := [32]byte(first.Hash)
	h := wire.Chain(start, 1, previous)
	add := func(why string, n chat.Seq, before [32]byte, counter uint64, previous [32]byte, seen chat.Seq, hash [32]byte) {
		m := w.message(1, counter, "is anyone there?", previous, seen, hash)
		list = append(list, WrongLog{why, wire.Encode(&wire.Entries{
			Room: w.lobby, First: n, Before: before, Head: n, Entries: []wire.Entry{{Time: now + 2000, Kind: chat.Content, Envelope: m.Envelope}},
		})})
	}
	add("before is another H_1", 2, start, 2, previous, 1, h)
	add("an entry is left out", 3, h, 2, previous, 1, h)
	add("a counter is left out", 2, h, 3, previous, 1, h)
	add("a counter comes twice", 2, h, 1, zero, 1, h)
	add("another message is named as the previous one", 2, h, 2, zero, 1, h)
	add("the sender has seen another H_1", 2, h, 2, previous, 1, start)
	add("the sender has seen what comes later", 2, h, 2, previous, 2, h)
	add("seen 0 with a hash that isn't zero", 2, h, 2, previous, 0, start)
	return list
}
