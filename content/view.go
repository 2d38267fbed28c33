package content

import (
	"strconv"
	"time"

	"huisclos/chat"
)

// Standing is how a message stands now.
type Standing uint8

// The standings.
const (
	Missing  Standing = iota // it isn't there, such as history that wasn't read yet
	Shown                    // it is there
	Removed                  // it was deleted
	Gone                     // it has expired
	Repeated                 // its ID is that of an earlier entry: it is nobody's message, and a face says so
)

var standingNames = [...]string{Missing: "missing", Shown: "shown", Removed: "removed", Gone: "gone", Repeated: "repeated"}

// String is the name of the protocol's rules.
func (s Standing) String() string {
	if int(s) < len(standingNames) {
		return standingNames[s]
	}
	return "standing " + strconv.Itoa(int(s))
}

// Item is one message as it stands. What it said is there only when it is Shown.
type Item struct {
	Seq       chat.Seq // its place
	ID        chat.MessageID
	Account   chat.AccountID // its author
	Standing  Standing
	Message   Message        // as last edited: KindText or KindUnsupported
	Edited    chat.Seq       // the place of the edit that is shown, zero for none: reactions and answers before it were to other words
	RemovedBy chat.AccountID // who deleted it
	ReplyTo   chat.MessageID // the original of what it answers, or what it says it answers when that is Missing
	Answered  Standing       // how that one stands; a message can't answer a later one
	Reactions []Reaction     // by the place of the first
	Receipts  []Receipt      // by the place of an account's first
}

// Reaction is one emoji at a message.
type Reaction struct {
	Emoji string // as the first one wrote it
	By    []Reactor
}

// Reactor is an account that reacted so.
type Reactor struct {
	Account chat.AccountID
	Seq     chat.Seq         // its first place
	IDs     []chat.MessageID // its reactions of this emoji: to take it back is to take back each
}

// Receipt is what an account last reported.
type Receipt struct {
	Account chat.AccountID
	State   State
	Seq     chat.Seq // the report's place
}

// view is a Timeline at a time.
type view struct {
	*Timeline
	now  time.Time
	read func(chat.MessageID) time.Time
}

// standing says how an entry with a place stands.
func (v *view) standing(o *Entry) Standing {
	if o == nil {
		return Missing
	}
	if v.owner(o.ID) != o {
		return Repeated
	}
	var read time.Time
	if o.Message.Expires.Relative && v.read != nil {
		read = v.read(o.ID)
	}
	switch {
	case o.Message.Expires.Passed(v.now, read):
		return Gone
	case v.removal(o) != nil:
		return Removed
	}
	return Shown
}

// item makes the item of an entry with a place.
func (v *view) item(o *Entry) Item {
	it := Item{Seq: o.Seq, ID: o.ID, Account: o.Account, Standing: v.standing(o)}
	if it.Standing == Removed {
		it.RemovedBy = v.removal(o).Account
	}
	if it.Standing != Shown {
		return it
	}
	it.Message = o.Message
	edits := v.edits(o)
	if n := len(edits); n > 0 {
		last := edits[n-1]
		it.Edited, it.Message = last.Seq, last.Message
		it.Message.InReplyTo, it.Message.Expires, it.Message.Replaces = o.Message.InReplyTo, o.Message.Expires, chat.MessageID{}
		if it.Message.Kind == KindEdit {
			it.Message.Kind = KindText
		}
	}
	if it.ReplyTo = o.Message.InReplyTo; !it.ReplyTo.IsZero() {
		if to := v.original(it.ReplyTo); to != nil && v.owner(it.ReplyTo).Seq < o.Seq {
			it.ReplyTo, it.Answered = to.ID, v.standing(to)
		}
	}
	about := v.concerning(o, edits)
	it.Reactions, it.Receipts = v.reactions(about), receipts(about, o, edits)
	return it
}

// concerning are the entries about a message or one of its edits, by place (rules 2 and 7).
func (v *view) concerning(o *Entry, edits []*Entry) []*Entry {
	var list []*Entry
	for _, e := range v.about[o.ID] {
		if v.counts(e, o) {
			list = append(list, e)
		}
	}
	for _, edit := range edits {
		for _, e := range v.about[edit.ID] {
			if v.counts(e, edit) {
				list, _ = insert(list, e)
			}
		}
	}
	return list
}

// reactions are those that stand (rules 4 and 5).
func (v *view) reactions(about []*Entry) []Reaction {
	var list []Reaction
	type key struct {
		account chat.AccountID
		emoji   string
	}
	at := map[string]int{}           // emoji → its index in list
	reactor := map[key]int{}         // its index in By
	used := map[chat.AccountID]int{} // how many emoji
	for _, e := range about {
		if e.Message.Kind != KindReaction || v.removal(e) != nil {
			continue
		}
		emoji := sameEmoji(e.Message.Reaction)
		k := key{e.Account, emoji}
		if j, again := reactor[k]; again {
			r := &list[at[emoji]].By[j]
			r.IDs = append(r.IDs, e.ID)
			continue
		}
		if used[e.Account] == MaxReactions {
			continue
		}
		used[e.Account]++
		i, known := at[emoji]
		if !known {
			i = len(list)
			at[emoji] = i
			list = append(list, Reaction{Emoji: e.Message.Reaction})
		}
		reactor[k] = len(list[i].By)
		list[i].By = append(list[i].By, Reactor{Account: e.Account, Seq: e.Seq, IDs: []chat.MessageID{e.ID}})
	}
	return list
}

// receipts are what accounts last reported on a message (rule 6).
func receipts(about []*Entry, o *Entry, edits []*Entry) []Receipt {
	named := map[chat.MessageID]bool{o.ID: true}
	for _, e := range edits {
		named[e.ID] = true
	}
	var list []Receipt
	at := map[chat.AccountID]int{}
	for _, e := range about {
		if e.Account == o.Account {
			continue
		}
		for _, s := range e.Message.Statuses {
			if !named[s.ID] || s.State > Failed {
				continue
			}
			i, known := at[e.Account]
			if !known {
				at[e.Account] = len(list)
				list = append(list, Receipt{e.Account, s.State, e.Seq})
			} else if follows(s.State, list[i].State) {
				list[i].State, list[i].Seq = s.State, e.Seq
			}
		}
	}
	return list
}

// follows reports whether a state may follow another.
func follows(next, before State) bool {
	switch next {
	case Failed:
		return false
	case Delivered:
		return before == Failed
	}
	return true
}
