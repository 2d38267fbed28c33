package content

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"huisclos/chat"
)

const (
	alice = byte(iota + 1)
	bob
	mallory
	carol // a moderator, from the place 5 on
)

func moderates(a chat.AccountID, at chat.Seq) bool { return a == account(carol) && at >= 5 }

// said is an entry: who says what, under which ID, at which place.
func said(seq chat.Seq, who byte, n byte, m Message) Entry {
	return Entry{Seq: seq, ID: id(n), Account: account(who), Message: m}
}

var noon = time.Unix(1_800_000_000, 0)

// items makes a timeline of some entries, last first, and checks that their order doesn't matter.
func items(t *testing.T, entries ...Entry) []Item {
	t.Helper()
	forth, back := NewTimeline(moderates), NewTimeline(moderates)
	for i := range entries {
		forth.Add(entries[i])
		back.Add(entries[len(entries)-1-i])
	}
	list := forth.Items(noon, nil)
	if other := back.Items(noon, nil); !reflect.DeepEqual(list, other) {
		t.Errorf("forth %+v\nback %+v", list, other)
	}
	for _, it := range list {
		if it.Standing == Repeated {
			continue
		}
		if one, ok := forth.Item(it.ID, noon, nil); !ok || !reflect.DeepEqual(one, it) {
			t.Errorf("alone %+v, among others %+v", one, it)
		}
	}
	return list
}

// texts are what is shown, or how it stands otherwise.
func texts(list []Item) (out []string) {
	for _, it := range list {
		switch {
		case it.Standing != Shown:
			out = append(out, it.Standing.String())
		case it.Message.Kind == KindUnsupported:
			out = append(out, it.Message.Kind.String())
		default:
			out = append(out, it.Message.Text)
		}
	}
	return out
}

func TestWhatIsShown(t *testing.T) {
	image := Message{Kind: KindUnsupported}
	for name, c := range map[string]struct {
		log  []Entry
		want []string
	}{
		"texts in order":                      {[]Entry{said(1, alice, 1, Say("a")), said(2, bob, 2, Say("b"))}, []string{"a", "b"}},
		"what is unsupported":                 {[]Entry{said(1, alice, 1, image)}, []string{"unsupported"}},
		"control and reports have no place":   {[]Entry{said(1, alice, 1, Control(nil)), said(2, bob, 2, Report(Status{id(1), Read}))}, nil},
		"an edit keeps the place":             {[]Entry{said(1, alice, 1, Say("a")), said(2, bob, 2, Say("b")), said(3, alice, 3, Edit(id(1), "A"))}, []string{"A", "b"}},
		"the last edit":                       {[]Entry{said(1, alice, 1, Say("a")), said(2, alice, 2, Edit(id(1), "b")), said(3, alice, 3, Edit(id(1), "c"))}, []string{"c"}},
		"an edit of an edit is none":          {[]Entry{said(1, alice, 1, Say("a")), said(2, alice, 2, Edit(id(1), "b")), said(3, alice, 3, Edit(id(2), "c"))}, []string{"b"}},
		"an edit before its message":          {[]Entry{said(1, alice, 2, Edit(id(1), "A")), said(2, alice, 1, Say("a"))}, []string{"a"}},
		"an edit of what isn't there":         {[]Entry{said(9, alice, 2, Edit(id(1), "A"))}, nil},
		"somebody else's edit":                {[]Entry{said(1, alice, 1, Say("a")), said(2, mallory, 2, Edit(id(1), "I owe you"))}, []string{"a"}},
		"a moderator's edit":                  {[]Entry{said(1, alice, 1, Say("a")), said(6, carol, 2, Edit(id(1), "I owe you"))}, []string{"a"}},
		"an edit to what is unsupported":      {[]Entry{said(1, alice, 1, Say("a")), said(2, alice, 2, Message{Kind: KindUnsupported, Replaces: id(1)})}, []string{"unsupported"}},
		"an edit of what is unsupported":      {[]Entry{said(1, alice, 1, image), said(2, alice, 2, Edit(id(1), "a"))}, []string{"a"}},
		"a deletion":                          {[]Entry{said(1, alice, 1, Say("a")), said(2, alice, 2, Delete(id(1)))}, []string{"removed"}},
		"a deletion is final":                 {[]Entry{said(1, alice, 1, Say("a")), said(2, alice, 2, Delete(id(1))), said(3, alice, 3, Edit(id(1), "A"))}, []string{"removed"}},
		"a deletion before its message":       {[]Entry{said(1, alice, 2, Delete(id(1))), said(2, alice, 1, Say("a"))}, []string{"a"}},
		"somebody else's deletion":            {[]Entry{said(1, alice, 1, Say("a")), said(2, mallory, 2, Delete(id(1)))}, []string{"a"}},
		"a moderator's deletion":              {[]Entry{said(1, alice, 1, Say("a")), said(6, carol, 2, Delete(id(1)))}, []string{"removed"}},
		"a deletion before one moderates":     {[]Entry{said(1, alice, 1, Say("a")), said(4, carol, 2, Delete(id(1)))}, []string{"a"}},
		"a deletion of an edit":               {[]Entry{said(1, alice, 1, Say("a")), said(2, alice, 2, Edit(id(1), "b")), said(3, alice, 3, Delete(id(2)))}, []string{"b"}},
		"the taking back of a text":           {[]Entry{said(1, alice, 1, Say("a")), said(2, alice, 2, Unreact(id(1)))}, []string{"a"}},
		"another's ID":                        {[]Entry{said(1, alice, 1, Say("a")), said(2, mallory, 1, Say("b"))}, []string{"a", "repeated"}},
		"one's own ID again":                  {[]Entry{said(1, alice, 1, Say("a")), said(2, alice, 1, Say("b"))}, []string{"a", "repeated"}},
		"an edit under another's ID":          {[]Entry{said(1, alice, 1, Say("a")), said(2, bob, 2, Say("b")), said(3, alice, 2, Edit(id(1), "A"))}, []string{"a", "b"}},
		"what expires":                        {[]Entry{said(1, alice, 1, Say("a").Expiring(At(noon)))}, []string{"gone"}},
		"what will expire":                    {[]Entry{said(1, alice, 1, Say("a").Expiring(At(noon.Add(time.Second))))}, []string{"a"}},
		"what nobody has read":                {[]Entry{said(1, alice, 1, Say("a").Expiring(After(time.Second)))}, []string{"a"}},
		"an edit doesn't put off expiry":      {[]Entry{said(1, alice, 1, Say("a").Expiring(At(noon))), said(2, alice, 2, Edit(id(1), "A"))}, []string{"gone"}},
		"nor does it begin one":               {[]Entry{said(1, alice, 1, Say("a")), said(2, alice, 2, Edit(id(1), "A").Expiring(At(noon)))}, []string{"A"}},
		"what has expired and was deleted":    {[]Entry{said(1, alice, 1, Say("a").Expiring(At(noon))), said(2, alice, 2, Delete(id(1)))}, []string{"gone"}},
		"a reaction has no place, nor a copy": {[]Entry{said(1, alice, 1, Say("a")), said(2, bob, 2, React(id(1), "👍")), said(3, bob, 2, React(id(1), "👍"))}, []string{"a"}},
	} {
		if got := texts(items(t, c.log...)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestAnEditSaysSo(t *testing.T) {
	first := Reply(id(9), "a @x").Mentioning(Mention{2, 4, account(bob)}).Expiring(After(time.Hour))
	it := items(t, said(1, alice, 1, first), said(4, alice, 2, Edit(id(1), "*b*").AsMarkdown()))[0]
	want := Message{Kind: KindText, InReplyTo: id(9), Expires: After(time.Hour), Text: "*b*", Markdown: true}
	if it.Edited != 4 || it.ID != id(1) || it.Seq != 1 || !it.Message.equal(&want) {
		t.Errorf("%+v", it)
	}
}

func TestAnItemThatIsGoneSaysNothing(t *testing.T) {
	list := items(t,
		said(1, alice, 1, Reply(id(9), "secret")), said(2, bob, 2, React(id(1), "👍")), said(3, bob, 3, Report(Status{id(1), Read})),
		said(4, alice, 4, Edit(id(1), "secret")), said(6, carol, 5, Delete(id(1))))
	want := Item{Seq: 1, ID: id(1), Account: account(alice), Standing: Removed, RemovedBy: account(carol)}
	if !reflect.DeepEqual(list, []Item{want}) {
		t.Errorf("%+v", list)
	}
}

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		log  []Entry
		to   chat.MessageID
		want Standing
	}{
		"what is there":     {[]Entry{said(1, alice, 1, Say("a")), said(9, bob, 9, Reply(id(1), "b"))}, id(1), Shown},
		"an edit of it":     {[]Entry{said(1, alice, 1, Say("a")), said(2, alice, 2, Edit(id(1), "A")), said(9, bob, 9, Reply(id(2), "b"))}, id(1), Shown},
		"a later edit":      {[]Entry{said(1, alice, 1, Say("a")), said(8, bob, 9, Reply(id(2), "b")), said(9, alice, 2, Edit(id(1), "A"))}, id(2), Missing},
		"a false edit":      {[]Entry{said(1, alice, 1, Say("a")), said(2, mallory, 2, Edit(id(1), "A")), said(9, bob, 9, Reply(id(2), "b"))}, id(2), Missing},
		"what was deleted":  {[]Entry{said(1, alice, 1, Say("a")), said(2, alice, 2, Delete(id(1))), said(9, bob, 9, Reply(id(1), "b"))}, id(1), Removed},
		"what is gone":      {[]Entry{said(1, alice, 1, Say("a").Expiring(At(noon))), said(9, bob, 9, Reply(id(1), "b"))}, id(1), Gone},
		"what isn't there":  {[]Entry{said(9, bob, 9, Reply(id(1), "b"))}, id(1), Missing},
		"what comes later":  {[]Entry{said(8, bob, 9, Reply(id(1), "b")), said(9, alice, 1, Say("a"))}, id(1), Missing},
		"itself":            {[]Entry{said(9, bob, 9, Reply(id(9), "b"))}, id(9), Missing},
		"edit of reaction":  {[]Entry{said(1, alice, 1, Say("a")), said(2, alice, 2, React(id(1), "👍")), said(3, alice, 3, Edit(id(2), "A")), said(9, bob, 9, Reply(id(3), "b"))}, id(3), Missing},
		"a reaction":        {[]Entry{said(1, alice, 1, Say("a")), said(2, alice, 2, React(id(1), "👍")), said(9, bob, 9, Reply(id(2), "b"))}, id(2), Missing},
		"nothing whatever":  {[]Entry{said(9, bob, 9, Say("b"))}, chat.MessageID{}, Missing},
		"what is of others": {[]Entry{said(1, alice, 1, Message{}), said(9, bob, 9, Reply(id(1), "b"))}, id(1), Shown},
	} {
		for _, it := range items(t, c.log...) {
			if it.ID == id(9) && (it.ReplyTo != c.to || it.Answered != c.want) {
				t.Errorf("%s: %+v", name, it)
			}
		}
	}
}

func TestReactions(t *testing.T) {
	list := items(t,
		said(1, alice, 1, Say("a")),
		said(2, bob, 2, React(id(1), "❤️")),
		said(3, carol, 3, React(id(1), "❤")),
		said(4, bob, 4, React(id(1), "❤")), // again
		said(5, bob, 5, React(id(1), "🎸")),
		said(6, bob, 6, React(id(1), "👎")),
		said(7, bob, 7, Unreact(id(6))),
		said(8, mallory, 8, Unreact(id(2))), // not his
		said(9, bob, 9, React(id(3), "👍")),  // at a reaction
		said(10, alice, 10, Edit(id(1), "A")),
		said(11, alice, 11, React(id(10), "🎸")), // at the edit
		said(12, mallory, 12, React(id(1), "💩")),
		said(13, carol, 13, Delete(id(12))), // as a moderator
	)
	want := []Reaction{
		{"❤️", []Reactor{{account(bob), 2, []chat.MessageID{id(2), id(4)}}, {account(carol), 3, []chat.MessageID{id(3)}}}},
		{"🎸", []Reactor{{account(bob), 5, []chat.MessageID{id(5)}}, {account(alice), 11, []chat.MessageID{id(11)}}}},
	}
	if !reflect.DeepEqual(list[0].Reactions, want) {
		t.Errorf("%+v", list[0].Reactions)
	}
}

// Who reacts to an edit has seen it.
func TestAReactionToALaterEditIsNone(t *testing.T) {
	list := items(t, said(1, alice, 1, Say("a")), said(2, mallory, 2, React(id(3), "👍")), said(3, alice, 3, Edit(id(1), "A")))
	if len(list[0].Reactions) != 0 {
		t.Errorf("%+v", list[0].Reactions)
	}
}

// One account can't fill a screen with its reactions.
func TestReactionsAreBounded(t *testing.T) {
	log := []Entry{said(1, alice, 1, Say("a"))}
	for i := range byte(100) {
		log = append(log, said(chat.Seq(i)+2, mallory, i+2, React(id(1), string(rune(0x1f600+int(i)%60)))))
	}
	log = append(log, said(500, bob, 200, React(id(1), "👍")))
	list := items(t, log...)[0].Reactions
	if len(list) != MaxReactions+1 || list[MaxReactions].Emoji != "👍" {
		t.Errorf("%d emoji", len(list))
	}
}

func TestReceipts(t *testing.T) {
	about := func(s State) Message { return Report(Status{id(1), s}, Status{id(77), Read}) }
	for name, c := range map[string]struct {
		reports []State
		want    State
	}{
		"read":               {[]State{Delivered, Read}, Read},
		"a slower device":    {[]State{Read, Delivered}, Read},
		"unread again":       {[]State{Read, Unread}, Unread},
		"at last":            {[]State{Failed, Delivered}, Delivered},
		"not on the other":   {[]State{Delivered, Failed}, Delivered},
		"gone":               {[]State{Delivered, Read, Expired}, Expired},
		"of a later version": {[]State{Read, 9}, Read},
		"failed":             {[]State{Failed, Failed}, Failed},
	} {
		log := []Entry{said(1, alice, 1, Say("a")), said(2, alice, 2, about(Read))}
		for i, s := range c.reports {
			log = append(log, said(chat.Seq(i)+3, bob, byte(i)+3, about(s)))
		}
		list := items(t, log...)[0].Receipts
		if len(list) != 1 || list[0].Account != account(bob) || list[0].State != c.want {
			t.Errorf("%s: %+v", name, list)
		}
	}
	list := items(t, said(1, bob, 9, about(Read)), said(2, alice, 1, Say("a")), said(3, alice, 2, Edit(id(1), "A")), said(4, bob, 3, Report(Status{id(2), Read})))
	if r := list[0].Receipts; len(r) != 1 || r[0].Seq != 4 {
		t.Errorf("early, and on an edit: %+v", r)
	}
}

func TestRelativeExpiryBeginsAtReading(t *testing.T) {
	tl := NewTimeline(nil)
	tl.Add(said(1, alice, 1, Say("a").Expiring(After(time.Minute))))
	read := func(chat.MessageID) time.Time { return noon }
	for after, want := range map[time.Duration]Standing{0: Shown, time.Minute - 1: Shown, time.Minute: Gone} {
		if it, ok := tl.Item(id(1), noon.Add(after), read); !ok || it.Standing != want {
			t.Errorf("after %s: %+v", after, it)
		}
	}
}

func TestItem(t *testing.T) {
	tl := NewTimeline(nil)
	for _, e := range []Entry{said(1, alice, 1, Say("a")), said(2, alice, 2, Edit(id(1), "A")), said(3, bob, 3, React(id(1), "👍")), said(3, bob, 4, Say("the place is taken"))} {
		tl.Add(e)
	}
	if it, ok := tl.Item(id(2), noon, nil); !ok || it.ID != id(1) || it.Message.Text != "A" {
		t.Errorf("by its edit: %+v", it)
	}
	for _, n := range []byte{3, 4, 5} {
		if it, ok := tl.Item(id(n), noon, nil); ok {
			t.Errorf("%d: %+v", n, it)
		}
	}
}
