package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"huisclos/chat"
)

func anEnvelope() Envelope {
	return Envelope{
		Version: 1, Room: chat.RoomID{1}, Generation: 1, Account: chat.AccountID{2}, Device: chat.DeviceID{3}, ID: chat.MessageID{4},
		Counter: 1, SeenSeq: 300, SeenHash: [32]byte{5}, Sealed: []byte("sealed"),
	}
}

func TestEnvelopeComesBack(t *testing.T) {
	want := anEnvelope()
	raw := Marshal(&want)
	got, err := ParseEnvelope(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := equal(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestBadEnvelopes(t *testing.T) {
	for name, change := range map[string]func(*Envelope){
		"version 0":     func(e *Envelope) { e.Version = 0 },
		"version 2":     func(e *Envelope) { e.Version = 2 },
		"no account":    func(e *Envelope) { e.Account = chat.AccountID{} },
		"no device":     func(e *Envelope) { e.Device = chat.DeviceID{} },
		"no ID":         func(e *Envelope) { e.ID = chat.MessageID{} },
		"no counter":    func(e *Envelope) { e.Counter = 0 },
		"no generation": func(e *Envelope) { e.Generation = 0 },
		"nothing in it": func(e *Envelope) { e.Sealed = nil },
	} {
		e := anEnvelope()
		change(&e)
		if _, err := ParseEnvelope(Marshal(&e)); !errors.Is(err, chat.CodeEnvelope) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := anEnvelope()
	raw := Marshal(&e)
	for n := range raw {
		if _, err := ParseEnvelope(raw[:n]); !errors.Is(err, chat.CodeEnvelope) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := ParseEnvelope(append(raw, 0)); !errors.Is(err, chat.CodeEnvelope) {
		t.Error("a byte too many")
	}
	huge := append(raw[:len(raw)-7:len(raw)-7], 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	if _, err := ParseEnvelope(huge); !errors.Is(err, chat.CodeEnvelope) {
		t.Error("a length beyond memory")
	}
}

// Both decoders agree about every change of an envelope.
func TestEnvelopeByHandRefusesTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 4_000 {
		e := anEnvelope()
		raw := mutate(r, Marshal(&e))
		var want Envelope
		generic := generalStrict(raw, &want)
		s := scanner{rest: raw}
		var got Envelope
		if got.scan(&s); s.ok() != generic {
			t.Fatalf("%x: by hand %v, the general decoder %v", raw, s.ok(), generic)
		}
		if generic && equal(want, got) != "" {
			t.Fatal(equal(want, got))
		}
	}
}

// generalStrict is UnmarshalStrict with nothing of the code by hand.
func generalStrict(raw []byte, v any) bool {
	return Unmarshal(raw, v) == nil && bytes.Equal(marshal(v), raw)
}

// The chain is the one of docs/protocol.md, computed here from its words.
func TestChain(t *testing.T) {
	server, room := chat.Fingerprint{1}, chat.RoomID{2}
	start := sha256.Sum256(append(append([]byte("huisclos/1 log"), server[:]...), room[:]...))
	if ChainStart(server, room) != start {
		t.Error("H_0")
	}
	envelope := HashEnvelope([]byte("x"))
	if hex.EncodeToString(envelope[:4]) != "2d711642" { // SHA-256 of "x"
		t.Errorf("%x", envelope)
	}
	n := append(append(bytes.Clone(start[:]), 0, 0, 0, 0, 0, 0, 1, 2), envelope[:]...)
	if Chain(start, 0x102, envelope) != sha256.Sum256(n) {
		t.Error("H_n")
	}
}

// No change of a log leaves its end as it was.
func TestChainHoldsTheLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 8), 2, 6).Draw(t, "log")
		end := func(log [][]byte) [32]byte {
			h := ChainStart(chat.Fingerprint{1}, chat.RoomID{1})
			for i, raw := range log {
				h = Chain(h, chat.Seq(i+1), HashEnvelope(raw))
			}
			return h
		}
		i := rapid.IntRange(0, len(log)-2).Draw(t, "place")
		other := append([][]byte(nil), log...)
		other[i], other[i+1] = log[i+1], log[i]
		if !bytes.Equal(log[i], log[i+1]) && end(other) == end(log) {
			t.Fatal("two entries changed places")
		}
		if end(append(append([][]byte(nil), log[:i]...), log[i+1:]...)) == end(log) {
			t.Fatal("an entry went missing")
		}
	})
}
