package main

import (
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/content"
)

func replaceOnce(s, old, with string) string { return strings.Replace(s, old, with, 1) }

// RoomContent is a room's log of content, and what it comes to at a time. The account 04…04 moderates from the place 5 on.
type RoomContent struct {
	Why   string
	Now   int64 // seconds; nobody has read anything
	Log   []RoomEntry
	Items []RoomItem
}

// RoomEntry is one place.
type RoomEntry struct {
	Seq         uint64
	ID, Account Hex
	CBOR        Hex
}

// RoomItem is one message.
type RoomItem struct {
	Seq         uint64
	ID, Account Hex
	Standing    string
	Kind        string         `json:",omitempty"`
	Text        string         `json:",omitempty"`
	Edited      uint64         `json:",omitempty"`
	RemovedBy   Hex            `json:",omitempty"`
	ReplyTo     Hex            `json:",omitempty"`
	Answered    string         `json:",omitempty"`
	Reactions   []RoomReaction `json:",omitempty"`
	Receipts    []RoomReceipt  `json:",omitempty"`
}

// RoomReaction is an emoji at a message, and whose it is.
type RoomReaction struct {
	Emoji string
	By    []Hex
}

// RoomReceipt is what an account last reported.
type RoomReceipt struct {
	Account Hex
	State   uint8
}

const roomTime = 1_800_000_000

// roomContents are logs that show the rules of a room's messages, one or two each. Alice is 01…01, Bob 02…02, Mallory 03…03, Carol 04…04.
func (w *world) roomContents() []RoomContent {
	id := func(n byte) chat.MessageID { return messageID(n) }
	say, edit := content.Say, content.Edit
	var list []RoomContent
	room := func(why string, log ...RoomEntry) {
		r := RoomContent{Why: why, Now: roomTime, Log: log}
		items, err := r.items()
		w.note(err)
		r.Items = items
		list = append(list, r)
	}
	at := func(seq uint64, who, n byte, m content.Message) RoomEntry {
		raw, err := m.Marshal()
		w.note(err)
		x := id(n)
		copy(raw[2:18], seed("salt in a room", 16)) // the same each time
		return RoomEntry{Seq: seq, ID: x[:], Account: account(who), CBOR: raw}
	}
	room("the last edit counts, at the message's place; others' edits don't, nor edits of edits",
		at(1, 1, 1, say("a")), at(2, 2, 2, say("b")), at(3, 1, 3, edit(id(1), "A")), at(4, 1, 4, edit(id(1), "AA")), at(5, 3, 5, edit(id(1), "c")), at(6, 1, 6, edit(id(3), "d")))
	room("a deletion is final; others can't, a moderator can, while he is one",
		at(1, 1, 1, say("a")), at(2, 1, 2, say("b")), at(3, 1, 3, say("c")), at(4, 4, 4, content.Delete(id(1))), at(5, 3, 5, content.Delete(id(1))),
		at(6, 4, 6, content.Delete(id(2))), at(7, 1, 7, content.Delete(id(3))), at(8, 1, 8, edit(id(3), "C")))
	room("an ID belongs to the first; what is about a message comes after it",
		at(1, 1, 1, edit(id(2), "A")), at(2, 1, 2, say("a")), at(3, 3, 2, say("b")), at(4, 1, 3, content.Reply(id(4), "c")), at(5, 2, 4, say("d")))
	room("answers, also to an edit, to what was deleted, to what isn't there",
		at(1, 1, 1, say("a")), at(2, 1, 2, edit(id(1), "A")), at(3, 2, 3, content.Reply(id(2), "b")), at(4, 2, 4, say("c")), at(5, 2, 5, content.Reply(id(4), "d")),
		at(6, 2, 6, content.Delete(id(4))), at(7, 2, 7, content.Reply(id(99), "e")))
	room("an emoji counts once for an account, VS16 or not; it is taken back by its author or a moderator",
		at(1, 1, 1, say("a")), at(2, 2, 2, content.React(id(1), "❤️")), at(3, 4, 3, content.React(id(1), "❤")), at(4, 2, 4, content.React(id(1), "❤")),
		at(5, 2, 5, content.React(id(1), "👎")), at(6, 3, 6, content.Unreact(id(2))), at(7, 2, 7, content.Unreact(id(5))), at(8, 3, 8, content.React(id(1), "💩")), at(9, 4, 9, content.Delete(id(8))))
	room("expiry is the original's",
		at(1, 1, 1, say("a").Expiring(content.At(time.Unix(roomTime, 0)))), at(2, 1, 2, edit(id(1), "A")), at(3, 1, 3, say("b").Expiring(content.At(time.Unix(roomTime+1, 0)))),
		at(4, 1, 4, say("c").Expiring(content.After(time.Second))), at(5, 1, 5, say("d")), at(6, 1, 6, edit(id(5), "D").Expiring(content.At(time.Unix(roomTime, 0)))))
	room("delivered after read says nothing; one doesn't report on oneself",
		at(1, 1, 1, say("a")), at(2, 2, 2, content.Report(content.Status{ID: id(1), State: content.Read})), at(3, 2, 3, content.Report(content.Status{ID: id(1), State: content.Delivered})),
		at(4, 3, 4, content.Report(content.Status{ID: id(1), State: content.Failed})), at(5, 3, 5, content.Report(content.Status{ID: id(1), State: content.Delivered})),
		at(6, 1, 6, content.Report(content.Status{ID: id(1), State: content.Read})))
	return list
}

// items is what the program makes of the log.
func (r *RoomContent) items() ([]RoomItem, error) {
	moderator := chat.AccountID(account(4))
	t := content.NewTimeline(func(a chat.AccountID, at chat.Seq) bool { return a == moderator && at >= 5 })
	for _, e := range r.Log {
		m, err := content.Parse(e.CBOR)
		if err != nil {
			return nil, err
		}
		t.Add(content.Entry{Seq: chat.Seq(e.Seq), ID: chat.MessageID(e.ID), Account: chat.AccountID(e.Account), Message: m})
	}
	var list []RoomItem
	for _, it := range t.Items(time.Unix(r.Now, 0), nil) {
		out := RoomItem{Seq: uint64(it.Seq), ID: it.ID[:], Account: it.Account[:], Standing: it.Standing.String(), Text: it.Message.Text, Edited: uint64(it.Edited)}
		if it.Standing == content.Shown {
			out.Kind = it.Message.Kind.String()
		}
		if !it.RemovedBy.IsZero() {
			out.RemovedBy = it.RemovedBy[:]
		}
		if !it.ReplyTo.IsZero() {
			out.ReplyTo, out.Answered = it.ReplyTo[:], it.Answered.String()
		}
		for _, reaction := range it.Reactions {
			x := RoomReaction{Emoji: reaction.Emoji}
			for _, by := range reaction.By {
				x.By = append(x.By, by.Account[:])
			}
			out.Reactions = append(out.Reactions, x)
		}
		for _, receipt := range it.Receipts {
			out.Receipts = append(out.Receipts, RoomReceipt{receipt.Account[:], uint8(receipt.State)})
		}
		list = append(list, out)
	}
	return list, nil
}
