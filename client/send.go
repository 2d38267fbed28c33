package client

import (
	"errors"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// outgoing is a message in the outbox of a room. It leaves the outbox when it is read in the log, or
// when it has failed.
type outgoing struct {
	order   uint64
	rec     outboxRecord
	env     *wire.Envelope // of rec.Envelope
	session *session       // in which it was sent; nil: not in this process
	told    bool           // Sent was told
	answer  func(Receipt, error)
}

// sealed tells that it has left, or may have.
func (o *outgoing) sealed() bool { return len(o.rec.Envelope) > 0 }

// flush waits until everything that was queued before it is through.
type flush struct {
	failure *chat.Error
	answer  func(error)
}

// enqueue puts a message at the end of a room's outbox.
func (e *engine) enqueue(r *room, text string, once bool, answer func(Receipt, error)) *outgoing {
	r.order++
	o := &outgoing{order: r.order, answer: answer, rec: outboxRecord{ID: chat.NewMessageID(time.Now()), Text: text, Once: once}}
	e.adorn(r, &o.rec)
	r.outbox = append(r.outbox, o)
	e.put(TableOutbox, outboxKey(r.id, o.order), &o.rec)
	e.touch(r)
	e.expireSoon(o.rec.Due)
	return o
}

// pump seals and sends what may be on its way. A message is sealed only now, so that it says truly what we
// have seen; and what it uses up is on disk, durably, before it leaves.
func (e *engine) pump(r *room) {
	if r.phase != live || e.session == nil || e.ended || e.heldBack(r) {
		return
	}
	if wait := time.Until(e.sendHold); wait > 0 {
		e.retry.Reset(wait)
		return
	}
	e.passHeld(r)
	under := 0
	next := 0 // what is sealed comes before what isn't
	for ; next < len(r.outbox) && r.outbox[next].sealed(); next++ {
		if r.outbox[next].rec.Acked == 0 {
			under++
		}
	}
	if under > e.cfg.Window/2 {
		return // several at once: one wait for the disk serves them all
	}
	for _, o := range r.outbox[next:] {
		if under >= e.cfg.Window || !e.sealAndSend(r, o) {
			return
		}
		under++
	}
}

// sealAndSend stages one message. False when nothing can be sent now.
func (e *engine) sealAndSend(r *room, o *outgoing) bool {
	if r.priv != nil {
		return e.protect(r, o)
	}
	g := e.self.Newest
	if !e.keys.has(g) {
		e.keyMissing(g)
		e.checkFlush()
		return false
	}
	env := &wire.Envelope{
		Version: 1, Room: r.id, Generation: g, Account: e.id.account(), Device: e.id.device(), ID: o.rec.ID,
		Counter: r.rec.OwnCounter + 1, Previous: r.rec.OwnHash, SeenSeq: r.rec.Seq, SeenHash: r.rec.Hash,
	}
	if env.SeenSeq == 0 {
		env.SeenHash = [32]byte{}
	}
	body, err := o.body()
	if err != nil {
		e.failed(r, o, asError(err))
		return true
	}
	raw, err := e.keys.seal(env, e.id, body)
	if err != nil {
		e.failed(r, o, asError(err))
		return true
	}
	r.rec.OwnCounter, r.rec.OwnHash = env.Counter, wire.HashEnvelope(raw)
	o.env, o.rec.Envelope, o.session = env, raw, e.session
	e.put(TableOutbox, outboxKey(r.id, o.order), &o.rec)
	e.touch(r)
	e.stage.durable = true
	e.stage.frames = append(e.stage.frames,
		wire.Encode(&wire.Send{Room: r.id, ID: o.rec.ID, Kind: chat.Content, Envelope: raw}))
	return true
}

// parse reads the header of what was sealed in an earlier process.
func (o *outgoing) parse() error {
	if !o.sealed() {
		return nil
	}
	o.env = new(wire.Envelope)
	if len(o.rec.Inner) == 0 {
		return wire.Unmarshal(o.rec.Envelope, o.env)
	}
	outer, err := wire.ParsePrivateEnvelope(o.rec.Envelope)
	if err != nil {
		return err
	}
	var in inner
	if err := wire.Unmarshal(o.rec.Inner, &in); err != nil {
		return err
	}
	o.env = in.envelope(outer.Room, &outer)
	return nil
}

// find looks for a message of ours.
func (r *room) find(id chat.MessageID) *outgoing {
	i := slices.IndexFunc(r.outbox, func(o *outgoing) bool { return o.rec.ID == id })
	if i < 0 {
		return nil
	}
	return r.outbox[i]
}

// acknowledged takes the server's word that a message is durable, and holds it to it.
func (e *engine) acknowledged(f *wire.Ack) {
	r := e.rooms[f.Room]
	if r == nil {
		return
	}
	if r.priv != nil && !r.active() {
		return
	}
	if f.Seq > r.rec.Acked {
		r.rec.Acked, r.rec.AckedHash = f.Seq, f.Hash
		e.touch(r)
	}
	if f.Seq > r.rec.Seq {
		r.claimed[f.Seq] = f.Hash
	} else if hash, known, err := e.knownHash(r, f.Seq); err == nil && known && hash != f.Hash {
		e.stopForked(r, f.Seq, errChain)
	}
	o := r.find(f.ID)
	if o == nil || !o.sealed() {
		return // read in the log before
	}
	if o.env.Counter > r.rec.AckedCounter {
		r.rec.AckedCounter, r.rec.AckedEnvelope = o.env.Counter, wire.HashEnvelope(o.rec.Envelope)
	}
	o.rec.Acked, o.rec.AckedAt = f.Seq, f.Time
	e.put(TableOutbox, outboxKey(r.id, o.order), &o.rec)
	e.texted(r, o)
	e.tellSent(r, o, f.Seq, time.UnixMilli(f.Time))
	e.pump(r)
	e.checkFlush()
}

func (e *engine) tellSent(r *room, o *outgoing, n chat.Seq, at time.Time) {
	if o.told {
		return
	}
	o.told = true
	receipt := Receipt{Room: r.rec.Name, ID: o.rec.ID, Seq: n, Time: at}
	e.emit(Sent(receipt))
	if o.answer != nil {
		e.then(func() { o.answer(receipt, nil) })
	}
}

// ownEntry handles an entry of our own account: it is out of the outbox now. One of this device that
// we don't know of was made by a later state of this vault.
func (e *engine) ownEntry(r *room, n chat.Seq, v *verdict) {
	if v.env == nil || v.env.Account != e.id.account() {
		return
	}
	if v.good && v.env.Device == e.id.device() && v.env.Counter > r.rec.AckedCounter {
		r.rec.AckedCounter, r.rec.AckedEnvelope = v.env.Counter, v.rec.Envelope
	}
	o := r.find(v.env.ID)
	if o != nil && (v.good || wire.HashEnvelope(o.rec.Envelope) == v.rec.Envelope) {
		e.tellSent(r, o, n, time.UnixMilli(v.rec.Time))
		e.forget(r, o)
		e.pump(r)
		e.checkFlush()
		return
	}
	if v.good && v.env.Device == e.id.device() && v.env.Counter > r.rec.OwnCounter {
		e.vaultRolledBack()
	}
}

// forget takes a message out of the outbox.
func (e *engine) forget(r *room, o *outgoing) {
	if len(r.outbox) > 0 && r.outbox[0] == o { // the usual case, whatever the length
		r.outbox = r.outbox[1:]
	} else {
		r.outbox = slices.DeleteFunc(slices.Clone(r.outbox), func(x *outgoing) bool { return x == o })
	}
	e.remove(TableOutbox, outboxKey(r.id, o.order))
}

// drop gives up a message, without an event.
func (e *engine) drop(r *room, o *outgoing, err *chat.Error) {
	e.forget(r, o)
	if o.answer != nil && !o.told {
		e.then(func() { o.answer(Receipt{}, err) })
	}
}

// failed gives up a message for good, and says so.
func (e *engine) failed(r *room, o *outgoing, err *chat.Error) {
	e.drop(r, o, err)
	if o.rec.Once || o.rec.Kind != innerMessage {
		return // its caller is told; or nobody wrote it
	}
	e.emit(SendFailed{Room: r.rec.Name, ID: o.rec.ID, Text: o.rec.Text, Err: err})
	for _, f := range e.flushing {
		if f.failure == nil {
			f.failure = err
		}
	}
	e.checkFlush()
}

// storageHold is how long nothing is sent to a server that couldn't store.
const storageHold = 5 * time.Second

// notStored handles the refusal of a message.
func (e *engine) notStored(f *wire.Failure) {
	if e.commitRefused(f) {
		return
	}
	for _, r := range e.rooms {
		o := r.find(f.ID)
		if o == nil || !o.sealed() || o.rec.Acked != 0 {
			continue
		}
		err := f.Err()
		switch err.Code {
		case chat.CodeBanned, chat.CodeRevoked, chat.CodeSuperseded, chat.CodeKicked:
			return // the session is over; its last frame says so
		case chat.CodeDiskFull, chat.CodeStorage, chat.CodeInternal, chat.CodeRate:
			e.sendHold = time.Now().Add(storageHold)
			if o.rec.Once {
				e.drop(r, o, err)
			}
		case chat.CodeMuted, chat.CodeSlowMode:
			e.ruledOut(r, o, err)
		case chat.CodeRefilling:
			r.refill.phase = wire.RefillHeld // until the server says that it is over
		default:
			e.failed(r, o, err)
		}
		e.unwind(r, o, err)
		return
	}
}

// unwind makes the counters right after a message that wasn't stored. If others were sealed after it,
// only a new session can tell for certain what became of them.
func (e *engine) unwind(r *room, o *outgoing, err *chat.Error) {
	if r.rec.OwnHash != wire.HashEnvelope(o.rec.Envelope) {
		e.disconnected(err)
		return
	}
	r.rec.OwnCounter, r.rec.OwnHash = o.env.Counter-1, o.env.Previous
	o.env, o.rec.Envelope, o.rec.Inner, o.session = nil, nil, nil, nil
	e.touch(r)
	if r.find(o.rec.ID) != nil {
		e.put(TableOutbox, outboxKey(r.id, o.order), &o.rec)
	}
	e.pump(r)
}

var errAckBroken = errors.New("client: the server acknowledged a message that isn't in the log")

// settleOutbox decides, once the log is read up to the head, what became of the messages of earlier sessions. Login
// ended those sessions in the server's store, so what isn't in the log now will never be, and is sealed again
// under the same ID.
func (e *engine) settleOutbox(r *room) {
	for _, o := range slices.Clone(r.outbox) {
		if !o.sealed() || o.session == e.session {
			continue
		}
		switch {
		case o.rec.Acked > 0 && o.rec.Acked <= r.rec.Gap:
			e.forget(r, o) // removed by retention before we read it
		case o.rec.Acked > 0:
			e.stop(r, o.rec.Acked, chat.Errorf(chat.CodeRolledBack, "room", r.rec.Name).Because(errAckBroken))
			return
		case o.rec.Once && o.answer == nil:
			e.forget(r, o) // Send has given up, or its process is gone
		default:
			o.env, o.rec.Envelope, o.rec.Inner, o.session = nil, nil, nil, nil
			e.put(TableOutbox, outboxKey(r.id, o.order), &o.rec)
		}
	}
	if err := e.rebase(r); err != nil {
		e.fail(err)
	}
}

// rebase sets the counters after our newest message that the server has stored.
func (e *engine) rebase(r *room) error {
	for _, o := range r.outbox {
		if o.sealed() {
			return nil // of this session: the counters are right
		}
	}
	s, err := e.sender(r, e.id.device())
	if err != nil {
		return err
	}
	counter, hash := s.Counter, s.Hash
	if r.rec.AckedCounter > counter { // removed by retention before we read it
		counter, hash = r.rec.AckedCounter, r.rec.AckedEnvelope
	}
	if r.rec.OwnCounter != counter || r.rec.OwnHash != hash {
		r.rec.OwnCounter, r.rec.OwnHash = counter, hash
		e.touch(r)
	}
	return nil
}

// checkFlush answers whoever waits for the outbox, when it is empty or can't get empty.
func (e *engine) checkFlush() {
	if len(e.flushing) == 0 {
		return
	}
	var stuck *chat.Error
	for _, r := range e.rooms {
		if !r.waiting() {
			continue
		}
		if stuck = e.cannotSend(r); stuck == nil {
			return
		}
	}
	flushing := e.flushing
	e.flushing = nil
	for _, f := range flushing {
		if f.failure == nil {
			f.failure = stuck
		}
		e.then(func() { f.answer(orNil(f.failure)) })
	}
}

// waiting tells whether anything of ours isn't acknowledged.
func (r *room) waiting() bool {
	return slices.ContainsFunc(r.outbox, func(o *outgoing) bool { return o.rec.Acked == 0 && !o.told })
}

// cannotSend says what keeps a room's outbox from moving until a person does something.
func (e *engine) cannotSend(r *room) *chat.Error {
	switch {
	case r.rec.StopCode != "":
		return r.stopped()
	case r.priv != nil && (!r.active() || r.priv.out):
		return chat.Errorf(chat.CodeNotMember, "room", r.rec.Name)
	case r.priv != nil && !e.wantKey:
	case e.wantKey, e.session != nil && e.lacking[e.self.Newest] && !e.keys.has(e.self.Newest):
		return chat.Errorf(chat.CodeKeyNeeded)
	}
	return nil
}
