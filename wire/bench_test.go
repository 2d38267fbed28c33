package wire

import (
	"testing"

	"huisclos/chat"
)

// batch is what the hub fans out at once: 100 envelopes of 200 bytes of text.
func batch() *Entries {
	f := &Entries{Type: TypeEntries, Room: chat.RoomID{1}, First: 1000, Head: 1099}
	for range 100 {
		f.Entries = append(f.Entries, Entry{Time: 1_790_000_000_000, Kind: chat.Content, Envelope: make([]byte, 620)})
	}
	return f
}

func BenchmarkEntries(b *testing.B) {
	f := batch()
	raw := Encode(f)
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			Encode(f)
		}
	})
	b.Run("write general", func(b *testing.B) {
		for b.Loop() {
			marshal(f)
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := Decode(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read general", func(b *testing.B) {
		for b.Loop() {
			if !generalStrict(raw, &Entries{}) {
				b.Fatal("refused")
			}
		}
	})
}

func BenchmarkSend(b *testing.B) {
	e := anEnvelope()
	e.Sealed = make([]byte, 400)
	raw := Encode(&Send{Room: e.Room, ID: e.ID, Kind: chat.Content, Envelope: Marshal(&e)})
	b.Run("read", func(b *testing.B) { // what the hub does for each message
		for b.Loop() {
			f, err := Decode(raw)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := ParseEnvelope(f.(*Send).Envelope); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read general", func(b *testing.B) {
		for b.Loop() {
			var f Send
			if !generalStrict(raw, &f) || !generalStrict(f.Envelope, &Envelope{}) {
				b.Fatal("refused")
			}
		}
	})
}
