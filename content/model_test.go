package content

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"huisclos/chat"
)

// aLog draws a log of a few accounts that edit, delete, answer and react at random, by IDs that are there, come later, or never.
// Only mallory takes IDs that others had before.
func aLog(t *rapid.T) []Entry {
	var log []Entry
	var used []chat.MessageID
	for seq := range chat.Seq(rapid.IntRange(1, 14).Draw(t, "entries")) {
		e := Entry{Seq: seq + 1, ID: id(byte(seq) + 1), Account: account(rapid.SampledFrom([]byte{alice, alice, bob, mallory, carol}).Draw(t, "who"))}
		if len(used) > 0 && e.Account == account(mallory) && rapid.Bool().Draw(t, "steals an ID") {
			e.ID = rapid.SampledFrom(used).Draw(t, "ID")
		}
		used = append(used, e.ID)
		about := id(byte(rapid.IntRange(1, 15).Draw(t, "about")))
		text := string(rune('a' + seq))
		e.Message = rapid.SampledFrom([]Message{
			Say(text), Say(text), Say(text).Expiring(At(noon)), Reply(about, text), Edit(about, text), Edit(about, text), Delete(about), Unreact(about),
			React(about, "👍"), React(about, "❤"), React(about, "❤️"), Report(Status{about, Read}), Report(Status{about, Delivered}, Status{id(1), Unread}),
			{}, {Kind: KindUnsupported, Replaces: about}, Control(nil),
		}).Draw(t, "message")
		if len(e.Message.Statuses) == 2 && about == id(1) {
			e.Message.Statuses = e.Message.Statuses[:1]
		}
		log = append(log, e)
	}
	return log
}

func fold(log []Entry) []Item {
	tl := NewTimeline(moderates)
	for _, e := range log {
		tl.Add(e)
	}
	return tl.Items(noon, nil)
}

// The same entries give the same items, in whatever order they come, and however often.
func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := aLog(t)
		want := fold(log)
		for range 3 {
			again := append(rapid.Permutation(log).Draw(t, "order"), rapid.Permutation(log).Draw(t, "again")...)
			if got := fold(again); !reflect.DeepEqual(got, want) {
				t.Fatalf("%+v\n%+v", got, want)
			}
		}
	})
}

// What others say changes nothing of what alice says; but a moderator may take it away.
func TestOnlyAuthorsChangeTheirWords(t *testing.T) {
	type words struct {
		ID       chat.MessageID
		Standing Standing
		Text     string
		Kind     Kind
		Edited   chat.Seq
	}
	of := func(list []Item) (out []words) {
		for _, it := range list {
			if it.Account == account(alice) {
				out = append(out, words{it.ID, it.Standing, it.Message.Text, it.Message.Kind, it.Edited})
			}
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		log := aLog(t)
		all := of(fold(log))
		alone := of(fold(slices.DeleteFunc(slices.Clone(log), func(e Entry) bool { return e.Account != account(alice) })))
		if len(all) != len(alone) {
			t.Fatalf("%+v\n%+v", all, alone)
		}
		for i := range all {
			if all[i] == alone[i] {
				continue
			}
			byModerator := slices.ContainsFunc(log, func(e Entry) bool {
				return moderates(e.Account, e.Seq) && e.Message.Kind == KindDelete && e.Message.Replaces == all[i].ID
			})
			if all[i].Standing != Removed || !byModerator {
				t.Fatalf("%+v\n%+v", all[i], alone[i])
			}
		}
	})
}

// A timeline shows what a plain reader of the log from its start arrives at.
func TestTimelineIsWhatReplayGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := aLog(t)
		got, want := fold(log), replay(log)
		if len(got) != len(want) {
			t.Fatalf("%+v\n%+v", got, want)
		}
		for i, w := range want {
			g := got[i]
			reactions := map[string]int{}
			for _, r := range g.Reactions {
				reactions[sameEmoji(r.Emoji)] = len(r.By)
			}
			receipts := map[chat.AccountID]State{}
			for _, r := range g.Receipts {
				receipts[r.Account] = r.State
			}
			if g.Standing != w.standing(noon) || g.Standing == Shown && (g.Message.Text != w.text || g.Edited != w.edited ||
				!reflect.DeepEqual(reactions, w.count()) || !reflect.DeepEqual(receipts, w.receipts)) {
				t.Fatalf("%+v\n%+v", g, *w)
			}
		}
	})
}

// played is a message as replay has it.
type played struct {
	entry     Entry
	repeated  bool
	removed   bool
	text      string
	edited    chat.Seq
	reactions []*played
	emoji     string
	receipts  map[chat.AccountID]State
}

func (p *played) standing(now time.Time) Standing {
	switch {
	case p.repeated:
		return Repeated
	case p.entry.Message.Expires.Passed(now, time.Time{}):
		return Gone
	case p.removed:
		return Removed
	}
	return Shown
}

func (p *played) count() map[string]int {
	who := map[string]map[chat.AccountID]bool{}
	for _, r := range p.reactions {
		if !r.removed {
			if who[r.emoji] == nil {
				who[r.emoji] = map[chat.AccountID]bool{}
			}
			who[r.emoji][r.entry.Account] = true
		}
	}
	n := map[string]int{}
	for emoji, accounts := range who {
		n[emoji] = len(accounts)
	}
	return n
}

// replay goes through a log from its start, once, and does what each entry says.
func replay(log []Entry) (shown []*played) {
	ids := map[chat.MessageID]*played{} // by every ID: of a message, also by those of its edits
	for _, e := range log {
		p := &played{entry: e, text: e.Message.Text, receipts: map[chat.AccountID]State{}}
		_, p.repeated = ids[e.ID]
		if e.Message.hasPlace() {
			shown = append(shown, p)
		}
		if p.repeated {
			continue
		}
		ids[e.ID] = p
		o := ids[e.Message.About()]
		mine := o != nil && o.entry.Account == e.Account
		named := o != nil && o.entry.ID == e.Message.About() && o != p // by its first ID
		switch {
		case e.Message.edits() && mine && named && o.entry.Message.hasPlace():
			o.text, o.edited = e.Message.Text, e.Seq
			ids[e.ID] = o
		case e.Message.Kind == KindDelete || e.Message.Kind == KindUnreact:
			if named && (mine || moderates(e.Account, e.Seq)) && (e.Message.Kind == KindDelete || o.emoji != "") {
				o.removed = true
			}
		case e.Message.Kind == KindReaction:
			p.emoji = sameEmoji(e.Message.Reaction)
			if o != nil && o.entry.Message.hasPlace() {
				o.reactions = append(o.reactions, p)
			}
		}
		for _, s := range e.Message.Statuses {
			if o := ids[s.ID]; o != nil && o.entry.Account != e.Account {
				if before, had := o.receipts[e.Account]; !had || follows(s.State, before) {
					o.receipts[e.Account] = s.State
				}
			}
		}
	}
	return shown
}
