package client

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/content"
)

// What a message does. A message that does something to an earlier one is applied to that one's record as soon as both are here, by the rules
// of content.Timeline, and isn't in what API returns of the past.
type What uint8

const (
	// Said is a text of its own; Ref is what it answers, if anything.
	Said What = 0
	// Edited gives the message Ref another text.
	Edited What = 1
	// TookBack takes the message Ref back.
	TookBack What = 2
	// Reacted puts an emoji, in Text, at the message Ref.
	Reacted What = 3
	// Unreacted takes the reaction Ref back.
	Unreacted What = 4
)

// Draft is what a person wants to say.
type Draft struct {
	What     What
	Text     string // of Said and Edited; the emoji of Reacted
	Ref      chat.MessageID
	Markdown bool
	Expires  time.Duration // of Said: after how long it goes, MinExpiry to MaxExpiry; 0: when the room says
}

// Quote is a message that another one is about, as it stands here.
type Quote struct {
	ID     chat.MessageID
	Seq    chat.Seq // 0: it isn't here
	Sender string
	Mine   bool
	Text   string // empty when it isn't here, or can't be shown
	Form   Form
}

// ReactionView is one emoji at a message, and who put it there.
type ReactionView struct {
	Emoji string
	By    []string
	Mine  chat.MessageID // our own reaction, to take it back; zero for none
}

// message is the content of a draft. CodeFrame when it can't be one: a reaction that is no emoji.
func (d *Draft) message() content.Message {
	text := strings.ToValidUTF8(d.Text, "\uFFFD")
	var m content.Message
	switch d.What {
	case Said:
		m = content.Say(text)
		if !d.Ref.IsZero() {
			m = content.Reply(d.Ref, text)
		}
	case Edited:
		m = content.Edit(d.Ref, text)
	case TookBack:
		return content.Delete(d.Ref)
	case Reacted:
		return content.React(d.Ref, text)
	case Unreacted:
		return content.Unreact(d.Ref)
	}
	if d.Markdown {
		m = m.AsMarkdown()
	}
	return m
}

// takeContent reads what a verified message says into its record.
func (v *verdict) takeContent(raw []byte) {
	m, err := content.Parse(raw)
	if err != nil {
		v.rec.Form = Unsupported
		return
	}
	switch m.Kind {
	case content.KindText:
		v.rec.Text, v.rec.Ref, v.rec.Markdown = m.Text, m.InReplyTo, m.Markdown
		v.takeExtras(&m)
	case content.KindEdit:
		v.rec.What, v.rec.Text, v.rec.Ref, v.rec.Markdown = Edited, m.Text, m.Replaces, m.Markdown
		v.takeExtras(&m)
	case content.KindDelete:
		v.rec.What, v.rec.Ref = TookBack, m.Replaces
	case content.KindReaction:
		v.rec.What, v.rec.Text, v.rec.Ref = Reacted, m.Reaction, m.InReplyTo
	case content.KindUnreact:
		v.rec.What, v.rec.Ref = Unreacted, m.Replaces
	case content.KindReport, content.KindControl:
		v.rec.Form = Silent
	default:
		v.rec.Form = Unsupported
	}
}

// reactionRecord is a reaction at a message.
type reactionRecord struct {
	ID      chat.MessageID `cbor:"1,keyasint"`
	Account chat.AccountID `cbor:"2,keyasint"`
	Emoji   string         `cbor:"3,keyasint"`
}

// The bounds of what is kept at one message.
const (
	maxReactions = 256 // of all accounts
	maxLate      = 64  // messages about one that isn't here
)

func messageKey(r chat.RoomID, id chat.MessageID) []byte { return append(r[:len(r):len(r)], id[:]...) }

// placeOf finds where a message stands in a room's log; 0 when it isn't here. An ID belongs to the first entry that has it.
func (e *engine) placeOf(r *room, id chat.MessageID) (chat.Seq, error) {
	b, err := e.raw(TablePlaces, messageKey(r.id, id))
	if err != nil || len(b) != 8 {
		return 0, err
	}
	return chat.Seq(binary.BigEndian.Uint64(b)), nil
}

// relate enters a message that was read into the index, and applies it to what it is about, or what was waiting for it to it.
func (e *engine) relate(r *room, n chat.Seq, rec *entryRecord) error {
	if rec.Form != Text && rec.Form != Expired || rec.ID.IsZero() {
		return nil
	}
	at, err := e.placeOf(r, rec.ID)
	if err != nil || at != 0 && at < n {
		return err // repeated: it is about nothing, and nothing is about it
	}
	e.stage.set(TablePlaces, messageKey(r.id, rec.ID), binary.BigEndian.AppendUint64(nil, uint64(n)))
	if rec.What != Said && rec.Form == Text {
		if err := e.applyOrKeep(r, n, rec); err != nil {
			return err
		}
	}
	return e.applyLate(r, n, rec)
}

// applyOrKeep applies a message to what it is about; when that isn't here, because history wasn't read so far, it waits.
func (e *engine) applyOrKeep(r *room, n chat.Seq, rec *entryRecord) error {
	at, err := e.placeOf(r, rec.Ref)
	if err != nil || at != 0 {
		return firstOf(err, func() error { return e.apply(r, at, n, rec) })
	}
	var late []lateRecord
	key := messageKey(r.id, rec.Ref)
	if _, err := e.get(TableLate, key, &late); err != nil {
		return err
	}
	if len(late) < maxLate {
		e.put(TableLate, key, append(late, lateRecord{Seq: n, Entry: *rec}))
	}
	return nil
}

func firstOf(err error, f func() error) error {
	if err != nil {
		return err
	}
	return f()
}

// lateRecord is a message about one that isn't here yet.
type lateRecord struct {
	Seq   chat.Seq    `cbor:"1,keyasint"`
	Entry entryRecord `cbor:"2,keyasint"`
}

// applyLate applies what waited for a message, in the order of the log.
func (e *engine) applyLate(r *room, n chat.Seq, rec *entryRecord) error {
	var late []lateRecord
	key := messageKey(r.id, rec.ID)
	if found, err := e.get(TableLate, key, &late); err != nil || !found {
		return err
	}
	e.remove(TableLate, key)
	slices.SortFunc(late, func(a, b lateRecord) int { return int(a.Seq) - int(b.Seq) }) //nolint:gosec // places in a log
	for i := range late {
		if err := e.apply(r, n, late[i].Seq, &late[i].Entry); err != nil {
			return err
		}
	}
	return nil
}

// apply changes the record at a place by what a later entry says of it.
func (e *engine) apply(r *room, at, n chat.Seq, by *entryRecord) error {
	if at >= n {
		return nil // a message is about earlier ones
	}
	if by.What == Edited { // its text is the original's from now on, or nobody's
		if err := e.blank(r, n); err != nil {
			return err
		}
	}
	var rec entryRecord
	key := entryKey(r.id, at)
	found, err := e.get(TableHistory, key, &rec)
	if err == nil && rec.Form == Expired { // nothing is said of it any more
		return e.blank(r, n)
	}
	if err != nil || !found || rec.Form != Text {
		return err
	}
	if rec.What == Reacted && (by.What == Unreacted || by.What == TookBack) {
		if rec.Account != by.Account {
			return nil
		}
		return e.unreact(r, &rec)
	}
	if rec.What == Edited { // who names an edit means the message
		original, err := e.placeOf(r, rec.Ref)
		if err != nil || original == 0 || original >= at || by.What != Reacted { // edits that name each other lead nowhere
			return err
		}
		return e.apply(r, original, n, by)
	}
	if rec.What != Said || by.Account != rec.Account && r.priv != nil && at <= r.rec.Private.Before || !by.changes(&rec, n) {
		return nil
	}
	e.put(TableHistory, key, &rec)
	m := e.message(r, at, &rec)
	e.emit(Updated{Message: m})
	return nil
}

// changes applies a message to the record of an earlier one; false when it may not.
func (by *entryRecord) changes(rec *entryRecord, n chat.Seq) bool {
	own := rec.Account == by.Account
	switch by.What {
	case Edited:
		if !own || rec.Edited > n {
			return false
		}
		rec.Text, rec.Markdown, rec.Mentions, rec.Edited = by.Text, by.Markdown, by.Mentions, n
	case TookBack:
		if !own && !by.Moderates {
			return false
		}
		rec.Form, rec.Text, rec.Mentions, rec.Reactions, rec.Reports, rec.Edited, rec.TakenBy = Taken, "", nil, nil, nil, n, by.Account
	case Reacted:
		count := 0
		for _, x := range rec.Reactions {
			if x.Account == by.Account {
				count++
				if x.Emoji == by.Text {
					return false
				}
			}
		}
		if count >= content.MaxReactions || len(rec.Reactions) >= maxReactions {
			return false
		}
		rec.Reactions = append(rec.Reactions, reactionRecord{ID: by.ID, Account: by.Account, Emoji: by.Text})
	case Said, Unreacted:
		return false
	}
	return true
}

// unreact takes a reaction off the message that it is at.
func (e *engine) unreact(r *room, reaction *entryRecord) error {
	at, err := e.placeOf(r, reaction.Ref)
	if err != nil || at == 0 {
		return firstOf(err, func() error { return e.unreactLate(r, reaction) })
	}
	var rec entryRecord
	key := entryKey(r.id, at)
	if found, err := e.get(TableHistory, key, &rec); err != nil || !found {
		return err
	}
	rec.Reactions = slices.DeleteFunc(rec.Reactions, func(x reactionRecord) bool { return x.ID == reaction.ID })
	e.put(TableHistory, key, &rec)
	m := e.message(r, at, &rec)
	e.emit(Updated{Message: m})
	return nil
}

// unreactLate takes a reaction off those that wait for a message.
func (e *engine) unreactLate(r *room, reaction *entryRecord) error {
	var late []lateRecord
	key := messageKey(r.id, reaction.Ref)
	if found, err := e.get(TableLate, key, &late); err != nil || !found {
		return err
	}
	e.put(TableLate, key, slices.DeleteFunc(late, func(l lateRecord) bool { return l.Entry.ID == reaction.ID }))
	return nil
}

// moderates tells whether an account may take back what another wrote, by the roles that there are now: only in private rooms, whose members
// agree on them.
func (e *engine) moderates(r *room, by chat.AccountID) bool {
	return r.priv != nil && r.priv.state.role(by) != Plain
}

// book looks up what a message refers to: in a turn of the engine, or in a transaction of the vault.
type book struct {
	get  func(Table, []byte) ([]byte, error)
	name func(chat.AccountID) (string, error)
	me   chat.AccountID
}

func (e *engine) book() book {
	return book{get: e.raw, name: func(a chat.AccountID) (string, error) { return e.people.name(a), nil }, me: e.id.account()}
}

// quote finds the message of an ID.
func (b *book) quote(r chat.RoomID, id chat.MessageID) (*Quote, error) {
	return b.quoteBefore(r, id, lastSeq)
}

// quoteBefore finds it before a place: edits that name each other lead nowhere.
func (b *book) quoteBefore(r chat.RoomID, id chat.MessageID, before chat.Seq) (*Quote, error) {
	q := &Quote{ID: id}
	place, err := b.get(TablePlaces, messageKey(r, id))
	if err != nil || len(place) != 8 {
		return q, err
	}
	n := chat.Seq(binary.BigEndian.Uint64(place))
	if n >= before {
		return q, nil
	}
	raw, err := b.get(TableHistory, entryKey(r, n))
	if err != nil || raw == nil {
		return q, err
	}
	var rec entryRecord
	if err := parseRecord(raw, &rec); err != nil {
		return q, err
	}
	if rec.What == Edited { // who names an edit means the message
		return b.quoteBefore(r, rec.Ref, n)
	}
	q.Seq, q.Form, q.Mine = n, rec.Form, rec.Account == b.me
	if q.Text, _, err = b.rendered(&rec); err != nil {
		return q, err
	}
	q.Sender, err = b.name(rec.Account)
	return q, err
}

// reactions gathers them by emoji.
func (b *book) reactions(all []reactionRecord) ([]ReactionView, error) {
	var views []ReactionView
	for _, x := range all {
		i := slices.IndexFunc(views, func(v ReactionView) bool { return v.Emoji == x.Emoji })
		if i < 0 {
			i = len(views)
			views = append(views, ReactionView{Emoji: x.Emoji})
		}
		name, err := b.name(x.Account)
		if err != nil {
			return nil, err
		}
		views[i].By = append(views[i].By, name)
		if x.Account == b.me {
			views[i].Mine = x.ID
		}
	}
	return views, nil
}

// post puts a draft at the end of a room's outbox.
func (e *engine) post(r *room, d *Draft, once bool, answer func(Receipt, error)) (*outgoing, error) {
	rec := outboxRecord{ID: chat.NewMessageID(time.Now()), Text: d.Text, What: d.What, Once: once}
	if err := e.compose(r, d, &rec); err != nil {
		return nil, err
	}
	r.order++
	o := &outgoing{order: r.order, rec: rec, answer: answer}
	r.outbox = append(r.outbox, o)
	e.put(TableOutbox, outboxKey(r.id, o.order), &o.rec)
	e.touch(r)
	e.expireSoon(o.rec.Due)
	return o, nil
}

// body is the content of what waits in an outbox.
func (o *outgoing) body() ([]byte, error) {
	if len(o.rec.Content) > 0 {
		return o.rec.Content, nil
	}
	return content.FromText(o.rec.Text)
}
