package client

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// The checks of PROTOCOL §5, in the order in which they are made on each entry:
//
//	chain     H follows from the entry before            → the room stops
//	envelope  it is one, of this room and version        → refused
//	sender    a device that its account has certified,
//	          under the name first seen                  → refused, or the room stops (identity_change)
//	key       we hold the generation's key               → unreadable until it comes
//	seal      HMAC, padding, the device's signature      → refused
//	counter   one more than the sender's last, whose
//	          hash it carries                            → the room stops
//	seen      what the sender saw is what we saw         → the room stops
//	content   a kind that we know                        → unsupported
//
// Counter and seen are compared only in a message whose seal is good: before, they are nobody's word. An entry
// that fails stays in the chain, so a server can't use one to hide another.

var (
	errChain   = errors.New("client: the log's hash chain is broken")
	errCounter = errors.New("client: a message of this sender is missing or repeated")
	errSeen    = errors.New("client: the sender has seen another log")
	errGhost   = errors.New("client: no account vouches for the sender's device")
)

// readEntries verifies a frame's entries after those that we have.
func (e *engine) readEntries(r *room, f *wire.Entries) {
	hash := f.Before
	n := f.First - 1
	if old, known, err := e.knownHash(r, n); err != nil {
		e.fail(err)
		return
	} else if known && old != hash {
		e.stopForked(r, n, errChain)
		return
	}
	for i := range f.Entries {
		entry := &f.Entries[i]
		n++
		envelope := envelopeHash(entry)
		hash = wire.Chain(hash, n, envelope)
		if n <= r.rec.Seq { // told again: it must be the same
			if old, known, err := e.knownHash(r, n); err != nil || known && old != hash {
				e.stopForked(r, n, errChain)
				return
			}
			continue
		}
		e.readEntry(r, n, entry, envelope, hash)
		if r.rec.StopCode != "" || e.ended || r.phase == idle {
			return
		}
	}
}

// knownHash is hashAt where we have it.
func (e *engine) knownHash(r *room, n chat.Seq) (hash [32]byte, known bool, err error) {
	if n < r.rec.Base || n > r.rec.Seq {
		return hash, false, nil
	}
	hash, err = e.hashAt(r, n)
	return hash, err == nil, err
}

// stopForked stops the room because its log isn't the one that we or others have seen.
func (e *engine) stopForked(r *room, n chat.Seq, cause error) {
	code := chat.CodeForked
	if r.oldHash && errors.Is(cause, errChain) {
		code = chat.CodeRolledBack // it was right in the last session
	}
	e.stop(r, n, chat.Errorf(code, "room", r.rec.Name, "seq", fmt.Sprint(n)).Because(cause))
}

// envelopeHash is what the chain holds of an entry.
func envelopeHash(entry *wire.Entry) [32]byte {
	if entry.Pruned && len(entry.Envelope) == sha256.Size {
		return [32]byte(entry.Envelope)
	}
	return wire.HashEnvelope(entry.Envelope)
}

// readEntry verifies the entry after the last one, keeps it and tells of it.
func (e *engine) readEntry(r *room, n chat.Seq, entry *wire.Entry, envelope, hash [32]byte) {
	if claimed, ok := r.claimed[n]; ok {
		delete(r.claimed, n)
		if claimed != hash {
			e.stopForked(r, n, errChain)
			return
		}
	}
	leaving := r.priv != nil && r.rec.Private.Leaving
	v := e.check(r, n, entry, envelope, e.forward(r))
	if e.ended {
		return
	}
	if v.stop != nil {
		e.stop(r, n, v.stop)
		return
	}
	if leaving && v.rec.Device != e.id.device() { // not for us any more
		v.rec.Form, v.rec.Text = Silent, ""
	}
	r.oldHash = false
	r.rec.Seq, r.rec.Hash = n, hash
	r.recent.add(n, hash)
	e.touch(r)
	v.rec.Hash = hash
	e.keep(r, n, &v.rec)
	e.keepRaw(r, n, entry)
	e.ownEntry(r, n, &v)
	e.arrived(r, &v.rec)
	if v.rec.Form == Silent || v.rec.Form == Expired {
		return
	}
	m := e.message(r, n, &v.rec)
	m.Old = n <= r.target && !r.fresh
	e.emit(m)
}

// keep stages an entry.
func (e *engine) keep(r *room, n chat.Seq, rec *entryRecord) {
	key := entryKey(r.id, n)
	e.arm(r, n, rec)
	e.put(TableHistory, key, rec)
	if err := e.relate(r, n, rec); err != nil {
		e.fail(err)
		return
	}
	if rec.Form == Unreadable && rec.Code == chat.CodeUnreadable {
		e.stage.set(TableUnread, key, generationKey(rec.Generation))
	}
}

// verdict is what the checks say of an entry.
type verdict struct {
	rec     entryRecord
	env     *wire.Envelope // nil when it isn't one
	seq     chat.Seq
	good    bool        // the seal is good: the sender wrote it
	service bool        // of a private room: its envelope says that it isn't a new text
	stop    *chat.Error // the room must stop
}

func (v *verdict) refuse(code chat.Code, cause error, pairs ...string) {
	if code == chat.CodeAuth { // which is about logins, to people
		code = chat.CodeUnproven
	}
	v.rec.Form, v.rec.Code, v.rec.Params, v.rec.Text = Refused, code, chat.Errorf(code, pairs...).Params, ""
	v.rec.Mentions = nil
	_ = cause // for the log of the caller
}

// view says how an entry's counter and seen are compared: reading on, or further back.
type view interface {
	// follows compares a sender's message with the sender's one before it in the log.
	follows(env *wire.Envelope) (bool, error)
	// saw compares what a sender has seen with the log.
	saw(n chat.Seq, env *wire.Envelope) (bool, error)
	// note takes a message as the sender's newest.
	note(n chat.Seq, env *wire.Envelope, envelope [32]byte) error
}

// check makes the checks from the envelope on.
func (e *engine) check(r *room, n chat.Seq, entry *wire.Entry, envelope [32]byte, log view) (v verdict) {
	v.rec = entryRecord{Time: entry.Time, Form: Text, Envelope: envelope}
	v.seq = n
	if r.priv != nil {
		e.checkPrivate(r, n, entry, &v)
		return v
	}
	if entry.Pruned {
		v.rec.Form = Removed
		if len(entry.Envelope) != sha256.Size {
			v.refuse(chat.CodeEnvelope, nil)
		}
		r.rec.Gap = max(r.rec.Gap, n)
		return v
	}
	parsed, err := wire.ParseEnvelope(entry.Envelope)
	if err != nil || parsed.Room != r.id || entry.Kind != chat.Content {
		v.refuse(chat.CodeEnvelope, err)
		return v
	}
	env := &parsed
	v.env = env
	v.rec.Account, v.rec.Device, v.rec.ID, v.rec.Generation = env.Account, env.Device, env.ID, env.Generation
	if refused, stop := e.people.vouch(env.Account, env.Device); stop != nil {
		v.stop = stop
		return v
	} else if refused != nil {
		v.refuse(refused.Code, refused, pairs(refused.Params)...)
		return v
	}
	if e.people.revokedBefore(env.Account, env.Device, entry.Time) {
		v.refuse(chat.CodeRevoked, errRevoked)
		return v
	}
	e.checkSeal(r, entry, &v)
	if v.rec.Form == Refused {
		return v
	}
	e.checkPlace(n, &v, log)
	return v
}

// checkSeal opens the envelope, if its key is there.
func (e *engine) checkSeal(r *room, entry *wire.Entry, v *verdict) {
	env := v.env
	body, err := e.keys.open(env)
	switch {
	case errors.Is(err, errNoKey):
		v.rec.Form, v.rec.Code, v.rec.Raw = Unreadable, chat.CodeUnreadable, entry.Envelope
		v.rec.Params = map[string]string{"generation": fmt.Sprint(env.Generation)}
		e.keyMissing(env.Generation)
	case err != nil:
		e.cfg.Log.Warn("an entry fails its check", "room", r.rec.Name, "device", env.Device, "err", err)
		v.refuse(chat.CodeAuth, err)
	default:
		v.good = true
		v.takeContent(body)
	}
}

// checkPlace compares counter and seen. In a message that we can't read yet they are only what the server
// says: then a mismatch refuses it and stops nothing.
func (e *engine) checkPlace(n chat.Seq, v *verdict, log view) {
	right, err := log.follows(v.env)
	cause := errCounter
	if err == nil && right {
		right, err = log.saw(n, v.env)
		cause = errSeen
	}
	if err == nil && right {
		err = log.note(n, v.env, v.rec.Envelope)
	}
	switch {
	case err != nil:
		e.fail(err)
	case right:
	case !v.good:
		v.refuse(chat.CodeAuth, cause)
	default:
		v.stop = chat.Errorf(chat.CodeForked, "seq", fmt.Sprint(n), "name", e.people.name(v.env.Account)).Because(cause)
	}
}

func pairs(params map[string]string) []string {
	var all []string
	for k, v := range params {
		all = append(all, k, v)
	}
	return all
}

// onward is the view of a log that is read on from its verified end.
type onward struct {
	e *engine
	r *room
}

func (e *engine) forward(r *room) view { return onward{e, r} }

func (o onward) follows(env *wire.Envelope) (bool, error) {
	s, err := o.e.sender(o.r, env.Device)
	if err != nil {
		return false, err
	}
	if s.Counter > 0 {
		return continues(s.Counter, s.Hash, env, o.r.rec.Gap > s.Seq), nil
	}
	if o.r.rec.Base == 0 && o.r.rec.Gap == 0 { // we have read from the start: it is the sender's first
		return env.Counter == 1 && env.Previous == [32]byte{}, nil
	}
	return env.Counter > 0, nil
}

func (o onward) note(n chat.Seq, env *wire.Envelope, envelope [32]byte) error {
	s, err := o.e.sender(o.r, env.Device)
	if err != nil {
		return err
	}
	if s.Counter == 0 {
		s.FirstCounter, s.FirstPrevious, s.FirstSeq = env.Counter, env.Previous, n
	}
	s.Counter, s.Hash, s.Seq = env.Counter, envelope, n
	o.e.put(TableSenders, senderKey(o.r.id, env.Device), s)
	return nil
}

// continues compares a message with its sender's one before it. Where entries between them were removed, some of
// the sender's may be among those.
func continues(counter uint64, hash [32]byte, env *wire.Envelope, removed bool) bool {
	if env.Counter == counter+1 {
		return env.Previous == hash
	}
	return removed && env.Counter > counter
}

func (o onward) saw(n chat.Seq, env *wire.Envelope) (bool, error) {
	switch {
	case env.SeenSeq >= n:
		return false, nil
	case env.SeenSeq == 0:
		return env.SeenHash == [32]byte{}, nil
	case env.SeenSeq < o.r.rec.Base:
		return o.r.claim(env.SeenSeq, env.SeenHash), nil
	}
	hash, err := o.e.hashAt(o.r, env.SeenSeq)
	return hash == env.SeenHash, err
}

// maxClaims is how many places before the stretch that we have read are remembered to be compared later.
const maxClaims = 48

// claim remembers what a member has seen before the verified stretch. Two members who differ have been shown two logs.
func (r *room) claim(n chat.Seq, hash [32]byte) bool {
	if old, ok := r.rec.Claims[n]; ok {
		return old == hash
	}
	if r.rec.Claims == nil {
		r.rec.Claims = make(map[chat.Seq][32]byte)
	}
	if len(r.rec.Claims) < maxClaims {
		r.rec.Claims[n] = hash
	}
	return true
}

// sender finds how far a sender's counter is.
func (e *engine) sender(r *room, d chat.DeviceID) (*senderRecord, error) {
	s := r.senders[d]
	if s == nil {
		s = new(senderRecord)
		if _, err := e.get(TableSenders, senderKey(r.id, d), s); err != nil {
			return nil, err
		}
		r.senders[d] = s
	}
	return s, nil
}

// message makes what a face sees of a record.
func (e *engine) message(r *room, n chat.Seq, rec *entryRecord) Message {
	b := e.book()
	m, err := b.message(r.id, r.rec.Name, n, rec)
	if err != nil {
		e.fail(err)
	}
	m.Trust = e.people.trust(rec.Account)
	return m
}

// message makes what a face sees of a record.
func (b *book) message(id chat.RoomID, room string, n chat.Seq, rec *entryRecord) (Message, error) {
	name := b.name
	m := Message{
		Room: room, Seq: n, ID: rec.ID, Account: rec.Account, Device: rec.Device, Mine: rec.Account == b.me,
		Time: time.UnixMilli(rec.Time), Form: rec.Form, Generation: rec.Generation, Returned: rec.Back,
		What: rec.What, Markdown: rec.Markdown, Edited: rec.Edited > 0 && rec.Form == Text,
	}
	if rec.Due > 0 && rec.Form == Text {
		m.Expires = time.UnixMilli(rec.Due)
	}
	var err error
	if m.Text, m.Mentions, err = b.rendered(rec); err != nil {
		return m, err
	}
	if m.Seen, err = b.seen(rec.Reports); err != nil {
		return m, err
	}
	m.MentionsMe = !m.Mine && mentioned(rec.Mentions, b.me)
	if !rec.Ref.IsZero() {
		if m.Ref, err = b.quote(id, rec.Ref); err != nil {
			return m, err
		}
	}
	if m.Reactions, err = b.reactions(rec.Reactions); err != nil {
		return m, err
	}
	if !rec.TakenBy.IsZero() {
		if m.TakenBy, err = name(rec.TakenBy); err != nil {
			return m, err
		}
	}
	if m.Sender, err = name(rec.Account); err != nil {
		return m, err
	}
	if m.Added, err = namesOf(rec.Added, name); err != nil {
		return m, err
	}
	if m.Removed, err = namesOf(rec.Removed, name); err != nil {
		return m, err
	}
	if m.Left, err = namesOf(rec.Left, name); err != nil {
		return m, err
	}
	if !rec.SharedBy.IsZero() {
		if m.SharedBy, err = name(rec.SharedBy); err != nil {
			return m, err
		}
	}
	if m.NewDevices, err = namesOf(rec.Devices, name); err != nil {
		return m, err
	}
	if err := errors.Join(
		into(&m.Weak, rec.Weak, name), into(&m.Silent, rec.Silent, name), into(&m.Sleeping, rec.Sleeping, name),
	); err != nil {
		return m, err
	}
	for _, a := range rec.About {
		c := Change{About: a.What, Value: a.Value}
		if c.Name, err = name(a.Account); err != nil {
			return m, err
		}
		if a.What == AboutRole && len(a.Value) == 1 {
			c.Role, c.Value = Role(a.Value[0]), ""
		}
		m.Changes = append(m.Changes, c)
	}
	if !rec.ID.IsZero() {
		m.Written = rec.ID.Time()
	}
	if rec.Code != "" {
		m.Err = &chat.Error{Code: rec.Code, Params: rec.Params}
	}
	return m, nil
}

// into is namesOf into a field.
func into(to *[]string, accounts []chat.AccountID, name func(chat.AccountID) (string, error)) (err error) {
	*to, err = namesOf(accounts, name)
	return err
}

func namesOf(accounts []chat.AccountID, name func(chat.AccountID) (string, error)) ([]string, error) {
	var names []string
	for _, a := range accounts {
		n, err := name(a)
		if err != nil {
			return nil, err
		}
		names = append(names, n)
	}
	return names, nil
}
