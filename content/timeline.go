package content

import (
	"cmp"
	"slices"
	"time"

	"huisclos/chat"
)

// Entry is a message at its place in the room's log: who wrote it is what the envelope's verification found, never what the
// message says. Only what was accepted as a message belongs here. Content that Parse refuses, in an envelope that was accepted, is the
// zero Message: it has a place and takes its ID like others.
type Entry struct {
	Seq     chat.Seq
	ID      chat.MessageID
	Account chat.AccountID
	Message Message
}

// Timeline puts the messages of one room together. Entries may be added in any order, such as the newest first; what is about a
// message that hasn't come yet is held until it does. It isn't for several goroutines.
//
// The rules, which depend on nothing but the entries, their places, and the caller's answers:
//
//  1. An ID belongs to the first entry in the log that has it. A later one is Repeated: nobody can take another's place by its ID.
//  2. What is about a message counts only when it comes after it in the log.
//  3. A message is edited by its author's account alone, and the last edit in the log is shown, at the message's own place. It changes the text,
//     not what the message answers or when it expires. An edit names the original.
//  4. A message, or a reaction, is deleted by its author's account, or by whom mayDelete allows. That is final.
//  5. A reaction counts once for each account and emoji, and MaxReactions emoji of an account at a message.
//  6. Of an account's reports on a message the last counts. But Failed is only a first word, and Delivered at most follows Failed:
//     another device of the account may be slower. Authors don't report on their own messages.
//  7. An answer, a reaction or a report may name an edit that came before it; it is about the original then.
type Timeline struct {
	mayDelete func(moderator chat.AccountID, at chat.Seq) bool
	order     []*Entry                    // by place
	byID      map[chat.MessageID][]*Entry // by place: the first has the ID
	about     map[chat.MessageID][]*Entry // by place: what edits, deletes, is a reaction at or reports on the ID
}

// MaxReactions bounds the emoji of one account at one message.
const MaxReactions = 16

// NewTimeline makes an empty one. mayDelete tells whether an account could delete other people's messages at that place in the log, by
// the roles that it had there; nil when nobody can. It must always give the same answer.
func NewTimeline(mayDelete func(moderator chat.AccountID, at chat.Seq) bool) *Timeline {
	if mayDelete == nil {
		mayDelete = func(chat.AccountID, chat.Seq) bool { return false }
	}
	return &Timeline{mayDelete: mayDelete, byID: map[chat.MessageID][]*Entry{}, about: map[chat.MessageID][]*Entry{}}
}

// Add puts an entry in its place. A place that is taken stays as it is.
func (t *Timeline) Add(entry Entry) {
	e := &entry
	var added bool
	if t.order, added = insert(t.order, e); !added {
		return
	}
	t.byID[e.ID], _ = insert(t.byID[e.ID], e)
	if id := e.Message.About(); !id.IsZero() {
		t.about[id], _ = insert(t.about[id], e)
	}
	for _, s := range e.Message.Statuses {
		t.about[s.ID], _ = insert(t.about[s.ID], e)
	}
}

// insert puts e into a list by place, unless its place is taken.
func insert(list []*Entry, e *Entry) ([]*Entry, bool) {
	if n := len(list); n == 0 || list[n-1].Seq < e.Seq {
		return append(list, e), true
	}
	at, taken := slices.BinarySearchFunc(list, e.Seq, func(x *Entry, seq chat.Seq) int { return cmp.Compare(x.Seq, seq) })
	if taken {
		return list, false
	}
	return slices.Insert(list, at, e), true
}

// Items are the messages that have a place of their own, in the order of the log: texts, and what is unsupported and
// edits nothing. now is the reader's clock, and read when they read a message, zero when they haven't: one's own when it was sent. It may be
// nil.
func (t *Timeline) Items(now time.Time, read func(chat.MessageID) time.Time) []Item {
	v := view{t, now, read}
	var items []Item
	for _, e := range t.order {
		if e.Message.hasPlace() {
			items = append(items, v.item(e))
		}
	}
	return items
}

// Item is the message with that ID, or of which that is an edit; false when there is none.
func (t *Timeline) Item(id chat.MessageID, now time.Time, read func(chat.MessageID) time.Time) (Item, bool) {
	e := t.original(id)
	if e == nil {
		return Item{}, false
	}
	v := view{t, now, read}
	return v.item(e), true
}

// hasPlace reports whether a message is shown at a place of its own.
func (m *Message) hasPlace() bool {
	return m.Kind == KindText || m.Kind == KindUnsupported && m.Replaces.IsZero()
}

// edits reports whether a message gives another one a new content.
func (m *Message) edits() bool {
	return m.Kind == KindEdit || m.Kind == KindUnsupported && !m.Replaces.IsZero()
}

// owner is the entry that has an ID; nil for none.
func (t *Timeline) owner(id chat.MessageID) *Entry {
	if list := t.byID[id]; len(list) > 0 {
		return list[0]
	}
	return nil
}

// original is the entry with a place that an ID means, by itself or as an edit of it.
func (t *Timeline) original(id chat.MessageID) *Entry {
	e := t.owner(id)
	if e == nil || e.Message.hasPlace() {
		return e
	}
	if o := t.owner(e.Message.Replaces); o != nil && o.Message.hasPlace() && t.isEdit(e, o) {
		return o
	}
	return nil
}

// counts reports whether e can say anything about o (rules 1 and 2).
func (t *Timeline) counts(e, o *Entry) bool { return e.Seq > o.Seq && t.owner(e.ID) == e }

// isEdit reports whether e, which names o, edits it (rule 3).
func (t *Timeline) isEdit(e, o *Entry) bool {
	return e.Message.edits() && e.Account == o.Account && t.counts(e, o)
}

// removal is the entry that deleted o (rule 4); nil for none.
func (t *Timeline) removal(o *Entry) *Entry {
	for _, e := range t.about[o.ID] {
		k := e.Message.Kind
		deletes := k == KindDelete || k == KindUnreact && o.Message.Kind == KindReaction
		if deletes && t.counts(e, o) && (e.Account == o.Account || t.mayDelete(e.Account, e.Seq)) {
			return e
		}
	}
	return nil
}

// edits are the entries that edit o, by place.
func (t *Timeline) edits(o *Entry) []*Entry {
	var list []*Entry
	for _, e := range t.about[o.ID] {
		if t.isEdit(e, o) {
			list = append(list, e)
		}
	}
	return list
}
