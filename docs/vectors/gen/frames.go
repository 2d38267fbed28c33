package main

import (
	"huisclos/chat"
	"huisclos/wire"
)

// Frames is frames.json: one frame of each type, with the fields in their order.
type Frames struct {
	Frames  []Frame
	Refused []RefusedFrame
}

// Frame is one of them.
type Frame struct {
	Name   string
	Type   uint8
	Fields any // without the type; byte strings are h'…'
	CBOR   Hex
}

func (w *world) frames() Frames {
	var f Frames
	l, a, d, id := w.login(), w.account.ID(), w.device.ID(), messageID(1)
	room, account, device, message := Bytes(w.lobby[:]), Bytes(a[:]), Bytes(d[:]), Bytes(id[:])
	h := [32]byte(seed("a hash", 32))
	hash, envelope := Bytes(h[:]), []byte("an envelope")
	info := w.roomInfo()
	start := Bytes(info.HeadHash[:])
	infoFields := []any{room, "lobby", 1, 0, start, 0, start, 1}
	entries := []wire.Entry{{Time: now, Kind: chat.Content, Envelope: envelope}, {Time: now + 1, Kind: chat.Content, Pruned: true, Envelope: h[:]}}
	entryFields := []any{[]any{now, 1, false, Bytes(envelope)}, []any{now + 1, 1, true, hash}}
	sig := [64]byte(l.SigD)
	add := func(name string, raw []byte, fields ...any) {
		_, err := wire.Decode(raw)
		w.note(err)
		f.Frames = append(f.Frames, Frame{Name: name, Type: typeOf(raw), Fields: fields, CBOR: raw})
	}
	add("HelloC", l.HelloC, []any{1}, []any{}, Bytes(seed("nonce of the client", 32)), "example 1.0")
	add("Challenge", l.Challenge, Bytes(l.HelloS), Bytes(l.SigS))
	add("Auth", l.Auth, Bytes(l.Body), Bytes(l.SigA), Bytes(l.SigD))
	add("Welcome", l.Welcome, 1, Bytes(seed("incarnation", 16)), now, []any{infoFields})
	add("Done", wire.Encode(&wire.Done{Ref: 7}), 7)
	add("Failure", wire.Encode(&wire.Failure{ID: id, Code: chat.CodeTooLarge, Params: map[string]string{"limit": "65536"}}), 0, message, "too_large", map[string]string{"limit": "65536"})
	add("Notice", wire.Encode(&wire.Notice{Text: "back in a minute", Time: now}), "back in a minute", now)
	add("Bye", wire.Encode(&wire.Bye{Code: chat.CodeKicked, Params: map[string]string{"reason": "spam"}}), "kicked", map[string]string{"reason": "spam"})
	add("Send", wire.Encode(&wire.Send{Room: w.lobby, ID: id, Kind: chat.Content, Envelope: envelope}), room, message, 1, 0, Bytes(envelope))
	add("Ack", wire.Encode(&wire.Ack{Room: w.lobby, ID: id, Seq: 300, Time: now, Hash: h}), room, message, 300, now, hash)
	add("Entries", wire.Encode(&wire.Entries{Room: w.lobby, First: 300, Before: h, Head: 301, Entries: entries}), room, 300, hash, 301, entryFields)
	add("Subscribe", wire.Encode(&wire.Subscribe{Ref: 1, Room: w.lobby, After: 200, Tail: 100}), 1, room, 200, 100)
	add("Unsubscribe", wire.Encode(&wire.Unsubscribe{Ref: 2, Room: w.lobby}), 2, room)
	add("Room", wire.Encode(&wire.Room{Ref: 1, Info: info}), 1, infoFields)
	add("Read", wire.Encode(&wire.Read{Ref: 3, Room: w.lobby, After: 200, Limit: 100}), 3, room, 200, 100)
	add("Page", wire.Encode(&wire.Page{Ref: 3, Room: w.lobby, First: 300, Before: h, Head: 301, Entries: entries}), 3, room, 300, hash, 301, entryFields)
	add("Rooms", wire.Encode(&wire.Rooms{Ref: 4}), 4)
	add("RoomList", wire.Encode(&wire.RoomList{Ref: 4, Rooms: []wire.RoomInfo{info}}), 4, []any{infoFields})
	add("Create", wire.Encode(&wire.Create{Ref: 5, Name: "music"}), 5, "music")
	add("Who", wire.Encode(&wire.Who{Ref: 6, Accounts: []chat.AccountID{a}, Devices: []chat.DeviceID{d}, Names: []string{"alice"}}), 6, []any{account}, []any{device}, []any{"alice"})
	add("People", wire.Encode(&wire.People{Ref: 6, People: []wire.Person{{Account: a, Name: "alice", NameSig: sig, Certificates: [][]byte{[]byte("a certificate")}, List: []byte("a list")}}}),
		6, []any{[]any{account, "alice", Bytes(l.SigD), []any{Bytes("a certificate")}, Bytes("a list")}})
	add("List", wire.Encode(&wire.List{Ref: 8}), 8, Bytes(make([]byte, 16)))
	add("Listing", wire.Encode(&wire.Listing{Ref: 8, Present: []wire.Present{{Account: a, Device: d, Name: "alice", Since: now, Client: "example 1.0"}}}),
		8, []any{[]any{account, device, "alice", now, "example 1.0"}})
	add("Presence", wire.Encode(&wire.Presence{Room: w.lobby, Online: 2, Changes: []wire.Arrival{{Account: a, Name: "alice", Here: true}}}), room, 2, []any{[]any{account, "alice", true}})
	add("KeyState", wire.Encode(&wire.KeyState{Ref: 9}), 9)
	add("Generations", wire.Encode(&wire.Generations{Ref: 9, Generations: []wire.GenerationInfo{{Generation: 2, Access: h, Link: []byte("a link"), Grant: []byte{}}}}),
		9, []any{[]any{2, hash, Bytes("a link"), Bytes{}}})
	add("PutLink", wire.Encode(&wire.PutLink{Ref: 10, Generation: 2, Link: []byte("a link")}), 10, 2, Bytes("a link"))
	add("Rotated", wire.Encode(&wire.Rotated{Generation: 2, Access: h}), 2, hash)
	w.privateFrames(add, h)
	w.recoveryFrames(add, []any{account, "alice", Bytes(l.SigD), []any{Bytes("a certificate")}, Bytes("a list")}, sig)
	w.refillFrames(add, h, entries, entryFields)
	f.Refused = refusedFrames()
	return f
}

// privateFrames are those of the delivery service of private rooms.
func (w *world) privateFrames(add func(name string, raw []byte, fields ...any), h [32]byte) {
	a, d, id := w.account.ID(), w.device.ID(), messageID(1)
	den := chat.RoomID(seed("a private room", 16))
	room, account, device, message, hash := Bytes(den[:]), Bytes(a[:]), Bytes(d[:]), Bytes(id[:]), Bytes(h[:])
	welcome, info, tree := []byte("a welcome"), []byte("a GroupInfo"), []byte("a tree")
	envelope := wire.Marshal(&wire.PrivateEnvelope{Version: 2, Room: den, Account: a, Device: d, ID: id, Message: []byte("an MLSMessage")})
	add("PutPackages", wire.Encode(&wire.PutPackages{Ref: 11, Packages: []wire.KeyPackage{{Ref: h[:], Data: []byte("a key package")}, {Ref: []byte("last"), Last: true, Data: []byte("the last resort")}}}),
		11, []any{[]any{hash, false, Bytes("a key package")}, []any{Bytes("last"), true, Bytes("the last resort")}})
	add("PackageState", wire.Encode(&wire.PackageState{Ref: 11, OneTime: 100, Last: true}), 11, 100, true)
	add("TakePackages", wire.Encode(&wire.TakePackages{Ref: 12, Accounts: []chat.AccountID{a}}), 12, []any{account})
	add("Packages", wire.Encode(&wire.Packages{Ref: 12, Packages: []wire.TakenPackage{{Account: a, Device: d, Data: []byte("a key package")}}}),
		12, []any{[]any{account, device, false, Bytes("a key package")}})
	add("CreatePrivate", wire.Encode(&wire.CreatePrivate{Ref: 13, Room: den}), 13, room)
	rules := wire.RoomRules{Slow: 30, Free: []chat.AccountID{a}, Muted: []chat.AccountID{{1}}}
	add("Commit", wire.Encode(&wire.Commit{
		Room: den, ID: id, Base: 300, Envelope: envelope, Add: []chat.AccountID{a}, Remove: []chat.AccountID{{1}},
		Welcomes: []wire.DeviceWelcome{{Device: d, Welcome: welcome}}, Info: info, Tree: tree,
		Rules: []wire.RoomRules{rules},
	}), room, message, 300, Bytes(envelope), []any{account}, []any{Bytes(append([]byte{1}, make([]byte, 31)...))}, []any{[]any{device, Bytes(welcome)}}, Bytes(info), Bytes(tree),
		[]any{[]any{30, []any{account}, []any{Bytes(append([]byte{1}, make([]byte, 31)...))}, []any{}}})
	add("Invited", wire.Encode(&wire.Invited{Room: den}), room)
	add("Invitations", wire.Encode(&wire.Invitations{Ref: 14}), 14)
	add("InvitationList", wire.Encode(&wire.InvitationList{Ref: 14, Invitations: []wire.Invitation{{Room: den, Seq: 301, Hash: h, Account: a, Device: d, Time: now, Welcome: welcome}}}),
		14, []any{[]any{room, 301, hash, account, device, now, Bytes(welcome)}})
	add("Welcomed", wire.Encode(&wire.Welcomed{Ref: 15, Room: den, Seq: 301}), 15, room, 301)
	add("State", wire.Encode(&wire.State{Ref: 16, Room: den}), 16, room)
	add("RoomState", wire.Encode(&wire.RoomState{Ref: 16, Room: den, Seq: 301, Info: info, Tree: tree}), 16, room, 301, Bytes(info), Bytes(tree))
	add("WantState", wire.Encode(&wire.WantState{Room: den}), room)
	add("PutState", wire.Encode(&wire.PutState{Ref: 17, Room: den, Seq: 301, Info: info, Tree: tree}), 17, room, 301, Bytes(info), Bytes(tree))
	add("PrivateRooms", wire.Encode(&wire.PrivateRooms{Ref: 18}), 18)
	add("Roster", wire.Encode(&wire.Roster{Ref: 19, Room: den}), 19, room)
	add("RosterList", wire.Encode(&wire.RosterList{Ref: 19, Room: den, Members: []wire.RosterMember{{Account: a}, {Account: chat.AccountID{1}, Removed: 301, Added: 20}}, Noted: rules}),
		19, room, []any{[]any{account, 0, 0}, []any{Bytes(append([]byte{1}, make([]byte, 31)...)), 301, 20}}, []any{0, []any{}, []any{}, []any{}},
		[]any{30, []any{account}, []any{Bytes(append([]byte{1}, make([]byte, 31)...))}, []any{}})
	add("Expelled", wire.Encode(&wire.Expelled{Room: den}), room)
	codeFrames(add)
	sign := seed("a sign of typing", wire.TypingSize)
	add("Typing", wire.Encode(&wire.Typing{Room: den, Body: sign}), room, Bytes(sign))
	add("Typed", wire.Encode(&wire.Typed{Room: den, Body: sign}), room, Bytes(sign))
}

// codeFrames are those of invitation codes.
func codeFrames(add func(name string, raw []byte, fields ...any)) {
	add("OpenCode", wire.Encode(&wire.OpenCode{Ref: 20}), 20)
	add("CodeOpened", wire.Encode(&wire.CodeOpened{Ref: 20, Number: 7, Seconds: 600}), 20, 7, 600)
	add("CloseCode", wire.Encode(&wire.CloseCode{Ref: 21, Number: 7, Code: chat.CodeCodeWrong}), 21, 7, "code_wrong")
	add("UseCode", wire.Encode(&wire.UseCode{Number: 7, Message: []byte("message 1")}), 7, Bytes("message 1"))
	add("CodeMessage", wire.Encode(&wire.CodeMessage{Number: 7, Message: []byte("message 2")}), 7, Bytes("message 2"))
	add("CodeLeft", wire.Encode(&wire.CodeLeft{Number: 7}), 7)
	d, device := chat.DeviceID{7}, Bytes(append([]byte{7}, make([]byte, 31)...))
	add("OpenLink", wire.Encode(&wire.OpenLink{Ref: 22}), 22)
	add("UseLink", wire.Encode(&wire.UseLink{Number: 7, Message: []byte("message 1")}), 7, Bytes("message 1"))
	add("ToDevice", wire.Encode(&wire.ToDevice{Ref: 23, Device: d, Data: []byte("sealed")}), 23, device, Bytes("sealed"))
	add("FromDevice", wire.Encode(&wire.FromDevice{Device: d, Data: []byte("sealed")}), device, Bytes("sealed"))
}

// typeOf is the second element of a frame, or the third when the head of a number stands between.
func typeOf(raw []byte) uint8 {
	if raw[1] == 24 {
		return raw[2]
	}
	return raw[1]
}
