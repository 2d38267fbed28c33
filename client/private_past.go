package client

import (
	"context"
	"slices"
	"strconv"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// What was written before a device could read it: a newcomer is given what the room's policy says, a device that came back what it has missed, a new device of a
// member's account what that account could read. Forward secrecy keeps it from opening the log's entries, so a member who has read them tells
// them again, encrypted to the group. It is that member's word, and shown as such.

// wantPast asks for messages.
type wantPast struct {
	_     struct{} `cbor:",toarray"`
	After chat.Seq // the entries after this one
	Upto  chat.Seq // up to this one
}

// past tells messages, the newest of what was asked for first.
type past struct {
	_        struct{}       `cbor:",toarray"`
	Answers  chat.MessageID // the request; zero: what an inviter gives by himself
	First    chat.Seq       // nothing between this one and the end of what was asked for is left out; 0: nor before
	Messages []pastMessage
}

// pastMessage is a message as it stands at who tells it.
type pastMessage struct {
	_         struct{} `cbor:",toarray"`
	Seq       chat.Seq
	Time      int64 // the server's, ms since 1970
	Account   chat.AccountID
	Device    chat.DeviceID
	ID        chat.MessageID
	Taken     bool // it was taken back
	Edited    bool
	Markdown  bool
	Ref       chat.MessageID // what it answers; zero for nothing
	Text      string
	Reactions []pastReaction
	Left      uint32 // seconds until it expires; 0: never
	Mentions  []mentionRecord
}

type pastReaction struct {
	_       struct{} `cbor:",toarray"`
	ID      chat.MessageID
	Account chat.AccountID
	Emoji   string
}

// The bounds of what is told at once.
const (
	maxPast      = 300      // messages
	maxPastBytes = 32 << 10 // of their texts, in one message of the room
	maxPastTold  = 50       // answers to one device of somebody else, in one run of the program
	maxPastTries = 100      // questions about one range: each may bring a part, or nobody is there who has it
	maxPastScan  = 20_000   // entries looked through for an answer
)

// pastAll is the policy of giving newcomers everything.
const pastAll = -1

// miss notes that this device lacks entries, and has them asked for as soon as it can.
func (e *engine) miss(r *room, after, upto chat.Seq) {
	rec := r.rec.Private
	if upto <= after {
		return
	}
	if rec.Wanted == nil {
		rec.Wanted = &wantedRecord{After: after, Upto: upto}
	} else {
		rec.Wanted.After, rec.Wanted.Upto = min(rec.Wanted.After, after), max(rec.Wanted.Upto, upto)
	}
	e.touch(r)
}

// tellPast answers a request, unless another member is quicker. Own devices come first.
func (e *engine) tellPast(r *room, request chat.MessageID, a chat.AccountID, d chat.DeviceID, body []byte) {
	p := r.priv
	var want wantPast
	if !e.tells(r) {
		return
	}
	if wire.UnmarshalStrict(body, &want) != nil || want.Upto <= want.After || a != e.id.account() && p.pastTold[d] >= maxPastTold {
		return
	}
	wait := jitter(p.g.Size()) + 300*time.Millisecond
	if a == e.id.account() {
		wait = time.Millisecond
	}
	e.tellAfter(r, wait, request, a, d, want)
}

// tells tells whether this device tells others anything of the past: it must be sure that the group is the room's, since it vouches for it by that, too.
func (e *engine) tells(r *room) bool {
	rec := r.rec.Private
	return !rec.Unproven && !rec.Nameless && !e.unsure(r)
}

// tellAfter tells, after a time, what an account may be told, unless it was answered by then.
func (e *engine) tellAfter(r *room, wait time.Duration, request chat.MessageID, a chat.AccountID, d chat.DeviceID, want wantPast) {
	p := r.priv
	e.afterwards(r, wait, func() {
		if p.g == nil || p.pastAnswered[request] || p.devices[a] == 0 || !e.tells(r) {
			return
		}
		p.pastTold[d]++
		if a != e.id.account() {
			from, err := e.allowed(r, a)
			if err != nil {
				e.fail(err)
				return
			}
			want.After = max(want.After, from)
		}
		e.givePast(r, request, want, time.Time{})
	})
}

// pastSince is from when on newcomers are given what was written; zero: from the start.
func (s *roomState) pastSince(now time.Time) time.Time {
	if s.History <= 0 {
		return time.Time{}
	}
	return now.AddDate(0, 0, -int(s.History))
}

// allowed is the entry after which a member's account may be told what was written: the commit that brought it, unless newcomers are given everything.
func (e *engine) allowed(r *room, a chat.AccountID) (chat.Seq, error) {
	if r.priv.state.History == pastAll {
		return 0, nil
	}
	came := chat.Seq(0)
	err := e.eachEntry(r, 0, lastSeq, func(n chat.Seq, rec *entryRecord) bool {
		if rec.Form == Changed && slices.Contains(rec.Added, a) {
			came = n
		}
		return came == 0
	})
	return came, err
}

// eachEntry goes back through a room's entries.
func (e *engine) eachEntry(r *room, after, upto chat.Seq, f func(chat.Seq, *entryRecord) bool) error {
	seen := 0
	return e.vault.View(func(v Reader) error {
		_, to := roomRange(r.id)
		if upto < lastSeq {
			to = entryKey(r.id, upto+1)
		}
		return v.Scan(TableHistory, entryKey(r.id, after+1), to, true, func(key, value []byte) (bool, error) {
			var rec entryRecord
			if err := parseRecord(value, &rec); err != nil {
				return false, err
			}
			_, n := splitKey(key)
			seen++
			return f(chat.Seq(n), &rec) && seen < maxPastScan, nil
		})
	})
}

// givePast tells the newest messages of a range.
func (e *engine) givePast(r *room, request chat.MessageID, want wantPast, since time.Time) {
	answer := past{Answers: request}
	want.After = max(want.After, r.rec.Private.Before)
	size, rest := 0, false
	err := e.eachEntry(r, want.After, want.Upto, func(n chat.Seq, rec *entryRecord) bool {
		if rec.Form != Text && rec.Form != Taken || rec.What != Said || !rec.SharedBy.IsZero() {
			return true
		}
		if rec.Time < since.UnixMilli() && !since.IsZero() {
			return false
		}
		if len(answer.Messages) == maxPast || size > maxPastBytes {
			rest = true
			return false
		}
		m := pastMessage{
			Seq: n, Time: rec.Time, Account: rec.Account, Device: rec.Device, ID: rec.ID, Taken: rec.Form == Taken,
			Edited: rec.Edited > 0, Markdown: rec.Markdown, Ref: rec.Ref, Text: rec.Text,
		}
		if m.Left = rec.left(time.Now()); rec.Due > 0 && m.Left == 0 {
			return true // its time is over
		}
		m.Mentions = rec.Mentions
		for _, x := range rec.Reactions {
			m.Reactions = append(m.Reactions, pastReaction{ID: x.ID, Account: x.Account, Emoji: x.Emoji})
		}
		size += len(m.Text) + 120 + 80*len(m.Reactions) + 40*len(m.Mentions)
		answer.Messages = append(answer.Messages, m)
		answer.First = n
		return true
	})
	if err != nil {
		e.fail(err)
		return
	}
	if !rest {
		answer.First = 0
	}
	if _, named := r.priv.pastFor[request]; len(answer.Messages) == 0 && !named {
		return // somebody else may have something
	}
	e.enqueueInner(r, innerPast, wire.Marshal(&answer))
	e.pump(r)
}

// givePastTo tells those whom our commit has brought what the room's policy gives newcomers.
func (e *engine) givePastTo(r *room, n chat.Seq) {
	s := &r.priv.state
	if s.History == 0 {
		return
	}
	e.soon(func() { e.givePast(r, chat.MessageID{}, wantPast{Upto: n}, s.pastSince(time.Now())) })
}

// takePast takes what a member tells of the past, where this device has nothing of its own: of what it has asked for, or what its inviter gives.
func (e *engine) takePast(r *room, v *verdict, body []byte) {
	p, rec := r.priv, r.rec.Private
	var got past
	if wire.UnmarshalStrict(body, &got) != nil || len(got.Messages) > maxPast {
		return
	}
	if p.quiets(got.Answers, v.env.Account) {
		p.pastAnswered[got.Answers] = true
	}
	mine := !got.Answers.IsZero() && rec.Asked == got.Answers && p.quiets(got.Answers, v.env.Account)
	gift := got.Answers.IsZero() && v.env.Account == rec.Inviter && rec.Epoch > 0
	if !mine && !gift {
		return
	}
	by := v.env.Account
	accounts := make([]chat.AccountID, 0, len(got.Messages))
	for i := range got.Messages {
		accounts = append(accounts, got.Messages[i].Account)
	}
	e.withAccounts(accounts, func(*chat.Error) {
		if e.rooms[r.id] != r || !r.active() {
			return
		}
		kept := 0
		for i := range got.Messages {
			m := &got.Messages[i]
			fits := gift && m.Seq <= rec.Came || mine && rec.Wanted != nil && m.Seq > rec.Wanted.After && m.Seq <= rec.Wanted.Upto
			if !fits {
				continue
			}
			if ok, err := e.keepPast(r, by, m); err != nil {
				e.fail(err)
				return
			} else if ok {
				kept++
			}
		}
		if mine && rec.Wanted != nil {
			e.answered(r, by, got.First, kept)
		}
		if gift && got.First > 1 && p.state.History == pastAll && rec.Wanted == nil { // there is more
			e.miss(r, 0, got.First-1)
			e.askPast(r)
		}
		if kept > 0 {
			e.emit(PastShared{Room: r.rec.Name, By: e.people.name(by), Messages: kept, More: rec.Wanted != nil})
		}
	})
}

// keepPast keeps one message that was told, unless there is something better in its place.
func (e *engine) keepPast(r *room, by chat.AccountID, m *pastMessage) (bool, error) {
	if m.Seq == 0 || m.Account.IsZero() || m.ID.IsZero() {
		return false, nil
	}
	var rec entryRecord
	found, err := e.get(TableHistory, entryKey(r.id, m.Seq), &rec)
	if err != nil {
		return false, err
	}
	known := found && !rec.Account.IsZero() && !rec.ID.IsZero()                           // by the log
	missed := rec.Form == Unreadable || rec.Form == Silent && rec.Code == chat.CodeMissed // not what was read, and isn't shown
	if found && !missed || known && (rec.Account != m.Account || rec.ID != m.ID) {
		return false, nil
	}
	if !found {
		rec.Time = m.Time
	}
	rec.Form, rec.Code, rec.Params, rec.SharedBy = Text, "", nil, by
	rec.Account, rec.Device, rec.ID = m.Account, m.Device, m.ID
	rec.Text, rec.Ref, rec.Markdown = m.Text, m.Ref, m.Markdown
	if validMentions(m.Text, m.Mentions) {
		rec.Mentions = m.Mentions
	}
	rec.limits = limits{left: m.Left}
	if m.Edited {
		rec.Edited = m.Seq
	}
	if m.Taken {
		rec.Form, rec.Text, rec.Mentions, rec.TakenBy = Taken, "", nil, m.Account
	}
	for _, x := range m.Reactions {
		if len(rec.Reactions) < maxReactions {
			rec.Reactions = append(rec.Reactions, reactionRecord{ID: x.ID, Account: x.Account, Emoji: x.Emoji})
		}
	}
	e.keep(r, m.Seq, &rec)
	return true, nil
}

// SetPast implements API.
func (c *Client) SetPast(ctx context.Context, in string, days int) error {
	return c.change(ctx, in, "", func(e *engine, r *room, _ chat.AccountID, answer func(error)) {
		e.wantState(r, answer, func(s roomState) (roomState, error) {
			if s.role(e.id.account()) != RoleOwner {
				return s, chat.Errorf(chat.CodeRole, "name", r.rec.Name)
			}
			if days < pastAll || days > MaxPastDays {
				return s, chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(MaxPastDays))
			}
			s.History = int32(days) //nolint:gosec // bounded
			return s, nil
		})
	})
}

// MaxPastDays bounds what newcomers are given by days: ten years.
const MaxPastDays = 3650
