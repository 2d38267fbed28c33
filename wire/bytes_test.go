package wire

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"huisclos/chat"
)

// seq is n bytes that count up from first: easy to find in a dump.
func seq(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

// The bytes of every frame, written down by hand after docs/protocol.md. Who changes one of these has changed the protocol:
// other clients, and older ones of ours, won't understand it any more.
func TestExactBytes(t *testing.T) {
	const (
		id16  = "50" + "101112131415161718191a1b1c1d1e1f"
		msg16 = "50" + "303132333435363738393a3b3c3d3e3f"
		key32 = "5820" + "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
		dev32 = "5820" + "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
		sig64 = "5840" + "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
		time6 = "1b" + "000001a0c4506c00"
		alice = "65" + "616c696365"
		info  = "88" + id16 + "65" + "6c6f626279" + "01" + "00" + key32 + "1901f4" + key32 + "02" // lobby, head 500
		rows  = "82" + "84" + time6 + "01" + "f4" + "43" + "010203" + "84" + "20" + "02" + "f5" + key32
	)
	room, msg := chat.RoomID(seq(0x10, 16)), chat.MessageID(seq(0x30, 16))
	key, dev := [32]byte(seq(0x40, 32)), chat.DeviceID(seq(0x60, 32))
	sig := [64]byte(seq(0x80, 64))
	const at = 0x1a0c4506c00
	lobby := RoomInfo{Room: room, Name: "lobby", Kind: chat.KeyRoom, FloorHash: key, Head: 500, HeadHash: key, Online: 2}
	entries := []Entry{{Time: at, Kind: 1, Envelope: []byte{1, 2, 3}}, {Time: -1, Kind: 2, Pruned: true, Envelope: key[:]}}
	reason := map[string]string{"reason": "x"}
	for _, c := range []struct {
		frame writable
		want  string
	}{
		{&HelloC{Versions: []uint{2, 1}, Features: []string{"a"}, Nonce: key, Client: "x 1"}, "85 01 82 02 01 81 61 61 " + key32 + " 63 782031"},
		{&Challenge{Hello: []byte{1, 2, 3}, Sig: sig}, "83 02 43 010203 " + sig64},
		{&Auth{Body: []byte{1}, SigAccess: []byte{}, SigDevice: sig}, "84 03 41 01 40 " + sig64},
		{&Welcome{Session: 24, Incarnation: [16]byte(room), Time: at, Rooms: []RoomInfo{lobby}}, "85 04 1818 " + id16 + time6 + "81" + info},
		{&Done{Ref: 255}, "82 05 18ff"},
		{&Failure{Ref: 256, ID: msg, Code: "same"}, "85 06 190100 " + msg16 + " 64 73616d65 a0"},
		{&Notice{Text: "é", Time: at}, "83 07 62 c3a9 " + time6},
		{&Bye{Code: chat.CodeKicked, Params: reason}, "83 08 66 6b69636b6564 a1 66 726561736f6e 61 78"},
		{&Send{Room: room, ID: msg, Kind: 1, Base: 65536, Envelope: []byte{9}}, "86 0a " + id16 + msg16 + " 01 1a00010000 41 09"},
		{&Ack{Room: room, ID: msg, Seq: 1 << 32, Time: at, Hash: key}, "86 0b " + id16 + msg16 + " 1b0000000100000000 " + time6 + key32},
		{&Entries{Room: room, First: 499, Before: key, Head: 500, Entries: entries}, "86 0c " + id16 + "1901f3" + key32 + "1901f4" + rows},
		{&Subscribe{Ref: 1, Room: room, After: 23, Tail: 100}, "85 0d 01 " + id16 + " 17 1864"},
		{&Unsubscribe{Ref: 1, Room: room}, "83 0e 01 " + id16},
		{&Room{Ref: 1, Info: lobby}, "83 0f 01 " + info},
		{&Read{Ref: 1, Room: room, After: 0, Limit: 1<<32 - 1}, "85 10 01 " + id16 + " 00 1affffffff"},
		{&Page{Ref: 1, Room: room, First: 499, Before: key, Head: 500, Entries: entries}, "87 11 01 " + id16 + "1901f3" + key32 + "1901f4" + rows},
		{&Rooms{Ref: 1}, "82 12 01"},
		{&RoomList{Ref: 1, Rooms: []RoomInfo{lobby}}, "83 13 01 81" + info},
		{&Create{Ref: 1, Name: "lobby"}, "83 14 01 65 6c6f626279"},
		{&Who{Ref: 1, Accounts: []chat.AccountID{key}, Devices: []chat.DeviceID{dev}}, "85 1818 01 81" + key32 + "81" + dev32 + "80"},
		{
			&People{Ref: 1, People: []Person{{Account: key, Name: "alice", NameSig: sig, Certificates: [][]byte{{1}}}}},
			"83 1819 01 81 85" + key32 + alice + sig64 + "81 41 01" + "40",
		},
		{&List{Ref: 1}, "83 181a 01 50 00000000000000000000000000000000"},
		{&Listing{Ref: 1, Present: []Present{{Account: key, Device: dev, Name: "alice", Since: at}}}, "83 181b 01 81 85" + key32 + dev32 + alice + time6 + "60"},
		{&Presence{Room: room, Online: 1, Changes: []Arrival{{Account: key, Name: "alice", Here: true}}}, "84 181c " + id16 + "01 81 83" + key32 + alice + "f5"},
		{&KeyState{Ref: 1}, "82 1820 01"},
		{&Generations{Ref: 1, Generations: []GenerationInfo{{Generation: 1, Access: key}}}, "83 1821 01 81 84 01" + key32 + "40 40"},
		{&PutLink{Ref: 1, Generation: 2, Link: []byte{7}}, "84 1822 01 02 41 07"},
		{&Rotated{Generation: 2, Access: key}, "83 1823 02" + key32},
	} {
		want, err := hex.DecodeString(strings.ReplaceAll(c.want, " ", ""))
		if err != nil {
			t.Fatalf("%T: %v", c.frame, err)
		}
		if got := Encode(c.frame); !bytes.Equal(got, want) {
			t.Errorf("%T:\n got %x\nwant %x", c.frame, got, want)
		}
	}
	e := Envelope{Version: 1, Room: room, Generation: 3, Account: key, Device: dev, ID: msg, Counter: 1, Previous: key, SeenSeq: 0, SeenHash: key, Sealed: []byte{5}}
	want, _ := hex.DecodeString("8b01" + id16 + "03" + key32 + dev32 + msg16 + "01" + key32 + "00" + key32 + "4105")
	if got := Marshal(&e); !bytes.Equal(got, want) {
		t.Errorf("envelope:\n got %x\nwant %x", got, want)
	}
}

// The keys of the limits are sorted as RFC 8949 §4.2.1 says, and there are these only.
func TestLimits(t *testing.T) {
	raw := Marshal(&Limits{Frame: 1, Message: 2, Rate: 3, Burst: 4, Rooms: 5, Page: 6, Idle: 7, Commit: 8})
	const want = "\xa8\x64idle\x07\x64page\x06\x64rate\x03\x65burst\x04\x65frame\x01\x65rooms\x05\x66commit\x08\x67message\x02"
	if string(raw) != want {
		t.Fatalf("%q", raw)
	}
	replace := func(old, by string) []byte { return []byte(strings.Replace(want, old, by, 1)) }
	for name, raw := range map[string][]byte{
		"out of order":      replace("\x64idle\x07\x64page\x06", "\x64page\x06\x64idle\x07"),
		"one missing":       []byte("\xa7" + want[1+6:]),
		"another one":       []byte("\xa9" + want[1:] + "\x67unknown\x01"),
		"one twice":         []byte("\xa9" + want[1:7] + want[1:]),
		"negative":          replace("\x07", "\x20"),
		"beyond 32 bits":    replace("\x07", "\x1b\x00\x00\x00\x01\x00\x00\x00\x00"),
		"a key of bytes":    replace("\x64idle", "\x44idle"),
		"a value of text":   replace("\x07", "\x617"),
		"a capital":         replace("idle", "Idle"),
		"of unknown length": []byte("\xbf" + want[1:] + "\xff"),
	} {
		if err := UnmarshalStrict(raw, new(Limits)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := UnmarshalStrict([]byte(want), new(Limits)); err != nil {
		t.Error(err)
	}
}
