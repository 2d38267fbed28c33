package client

import (
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// Asking for the past: first everybody, since whoever has it answers. Where the answer is empty, or none comes, or it leaves out what the log shows to be missing, some are asked by name:
// another device of one's own, then owners and moderators, then the others. So no member can keep the others from answering by being quicker.

// wantPastOf asks one account for messages.
type wantPastOf struct {
	_     struct{} `cbor:",toarray"`
	After chat.Seq
	Upto  chat.Seq
	Of    chat.AccountID
}

// asking is what is asked for in this session.
type asking struct {
	id      chat.MessageID // our newest request
	of      chat.AccountID // who is asked; zero: everybody
	tried   map[chat.AccountID]bool
	named   int  // how many were asked by name
	whole   bool // somebody has told all that he has
	missing int  // messages, when it began
}

const (
	maxPastNamed = 5               // asked by name in one session
	pastPatience = 5 * time.Second // for an answer
	maxPastFor   = 1000            // requests to somebody by name that are remembered
)

// askPast asks the others for what this device lacks; once in a session, and again as long as something comes.
func (e *engine) askPast(r *room) {
	p, w := r.priv, r.rec.Private.Wanted
	if p.g == nil || w == nil || p.pastAsked || len(p.devices) == 1 && len(e.ownLeaves(p)) == 0 {
		return
	}
	p.pastAsked = true
	if w.Tries++; w.Tries > maxPastTries { // nobody has it
		r.rec.Private.Wanted = nil
		e.touch(r)
		return
	}
	e.touch(r)
	if p.ask.tried == nil {
		p.ask.tried, p.ask.missing = make(map[chat.AccountID]bool), e.missing(r)
	}
	e.request(r, p.ask.of)
}

// request sends a request, to one account or to everybody, and goes on to the next when nothing comes of it.
func (e *engine) request(r *room, of chat.AccountID) {
	p, w := r.priv, r.rec.Private.Wanted
	var o *outgoing
	if of.IsZero() {
		o = e.enqueueInner(r, innerWantPast, wire.Marshal(&wantPast{After: w.After, Upto: w.Upto}))
	} else {
		o = e.enqueueInner(r, innerWantPastOf, wire.Marshal(&wantPastOf{After: w.After, Upto: w.Upto, Of: of}))
	}
	if p.ask.id.IsZero() || p.ask.of != of {
		e.emit(PastAsked{Room: r.rec.Name, Of: e.people.name(of), Messages: p.ask.missing})
	}
	p.ask.id, p.ask.of = o.rec.ID, of
	e.soon(func() { e.pump(r) })
	id := o.rec.ID
	e.afterwards(r, pastPatience, func() {
		if p.ask.id == id {
			e.askNext(r)
		}
	})
}

// askNext asks the next one by name, if there is one.
func (e *engine) askNext(r *room) {
	p := r.priv
	if p.g == nil || r.rec.Private.Wanted == nil {
		return
	}
	var next chat.AccountID
	best := -1
	for a := range p.devices {
		rank := int(p.state.role(a))
		if a == e.id.account() {
			rank = 10
			if len(e.ownLeaves(p)) == 0 {
				continue
			}
		}
		if !p.ask.tried[a] && (rank > best || rank == best && slices.Compare(a[:], next[:]) < 0) {
			next, best = a, rank
		}
	}
	if best < 0 || p.ask.named >= maxPastNamed {
		e.endAsking(r)
		return
	}
	p.ask.named++
	p.ask.tried[next] = true
	e.request(r, next)
}

// endAsking ends what is asked for in this session. What nobody has told is asked for in the next one, unless somebody has told all that he has.
func (e *engine) endAsking(r *room) {
	p, rec := r.priv, r.rec.Private
	missing := 0
	if rec.Wanted != nil {
		missing = e.missing(r)
	}
	if p.ask.whole {
		rec.Wanted = nil
		e.touch(r)
	}
	p.ask = asking{tried: p.ask.tried, named: p.ask.named}
	e.emit(PastEnded{Room: r.rec.Name, Missing: missing})
	if rec.Late != nil {
		e.soon(func() { e.askLate(r) })
	}
}

// lateFor is how long further entries are waited for, before the others are asked for one that was written before we came.
const lateFor = time.Second

// lateEpochs is how many epochs late a message counts (docs/protocol.md, section 18).
const lateEpochs = 5

// missLate notes an entry that was written before we came and is stored after that.
func (e *engine) missLate(r *room, n chat.Seq) {
	rec := r.rec.Private
	if rec.Late == nil {
		rec.Late = &wantedRecord{After: n - 1}
		e.afterwards(r, lateFor, func() { e.askLate(r) })
	}
	rec.Late.Upto = n
	e.touch(r)
}

// askLate has such entries asked for, as soon as nothing else is.
func (e *engine) askLate(r *room) {
	p, rec := r.priv, r.rec.Private
	if rec.Late == nil || p.g == nil || !p.ask.id.IsZero() {
		return
	}
	late := rec.Late
	rec.Late = nil
	e.miss(r, late.After, late.Upto)
	p.pastAsked, p.ask.missing = false, e.missing(r)
	e.askPast(r)
}

// missing counts the messages that are asked for, as far as the log shows them; where it isn't here, its entries.
func (e *engine) missing(r *room) (n int) {
	w := r.rec.Private.Wanted
	seen := chat.Seq(0)
	err := e.eachEntry(r, w.After, w.Upto, func(_ chat.Seq, rec *entryRecord) bool {
		seen++
		if rec.Form == Unreadable && (rec.Code == chat.CodeMissed || rec.Code == chat.CodeReturning) {
			n++
		}
		return true
	})
	if err != nil {
		e.fail(err)
	}
	if seen == 0 {
		return int(w.Upto - w.After) //nolint:gosec // a count
	}
	return n
}

// answered takes what an answer to our request has brought, kept messages of it, and asks on.
func (e *engine) answered(r *room, by chat.AccountID, first chat.Seq, kept int) {
	p, rec := r.priv, r.rec.Private
	if p.ask.tried == nil { // of an earlier session
		p.ask.tried, p.ask.missing = make(map[chat.AccountID]bool), e.missing(r)
	}
	switch {
	case kept == 0:
		p.ask.tried[by] = true
		e.askNext(r)
	case first > 0:
		rec.Wanted.Upto = first - 1
		p.pastAsked = false
		e.askPast(r)
	default:
		second := !p.ask.whole && p.ask.named < maxPastNamed
		p.ask.whole, p.ask.tried[by] = true, true
		if second && by != e.id.account() && e.missing(r) > 0 && p.ask.missing > 0 && len(p.devices) > len(p.ask.tried)+1 {
			e.askNext(r)
			p.ask.named = maxPastNamed // one more, whatever comes of it
		} else {
			e.endAsking(r)
		}
	}
	e.touch(r)
}

// tellPastOf answers a request to our account by name. An answer with nothing lets the one who asks go on.
func (e *engine) tellPastOf(r *room, request chat.MessageID, a chat.AccountID, d chat.DeviceID, body []byte) {
	p := r.priv
	var want wantPastOf
	if wire.UnmarshalStrict(body, &want) != nil || want.Upto <= want.After {
		return
	}
	if len(p.pastFor) >= maxPastFor {
		clear(p.pastFor)
	}
	p.pastFor[request] = want.Of
	if want.Of != e.id.account() || !e.tells(r) || a != e.id.account() && p.pastTold[d] >= maxPastTold {
		return
	}
	wait := time.Millisecond
	if len(e.ownLeaves(p)) > 0 {
		wait = jitter(p.g.Size())
	}
	e.tellAfter(r, wait, request, a, d, wantPast{After: want.After, Upto: want.Upto})
}

// quiets tells whether an answer keeps us from giving one: not when somebody else was asked by name.
func (p *private) quiets(request chat.MessageID, by chat.AccountID) bool {
	of, named := p.pastFor[request]
	return !named || of == by
}
