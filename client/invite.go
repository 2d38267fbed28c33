package client

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/trust"
	"huisclos/wire"
)

// Invitation codes, at the end of the member who makes them (PROTOCOL §7). A code lives in this process: it is burnt when somebody begins to use
// it, when it is withdrawn, and when its time is over, whatever the server says.

// CodeLife is how long a code can be used at most.
const CodeLife = 10 * time.Minute

// InviteCode is a code to be said to one person.
type InviteCode struct {
	Number  uint32
	Words   string // 7-guitare-ocean; whoever knows it can join. Reveal gives it
	Expires time.Time
	Server  chat.Fingerprint // of a link code
}

// Reveal is the code as people say it.
func (c InviteCode) Reveal() string { return c.Words }

// Format hides the words from every verb.
func (c InviteCode) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "code %d", c.Number) }

// MarshalText hides the words, from JSON too.
func (c InviteCode) MarshalText() ([]byte, error) { return []byte(fmt.Sprint(c)), nil }

// CodeUsed tells that somebody has joined by a code, and that we have verified each other.
type CodeUsed struct {
	Number  uint32
	Account chat.AccountID
	Name    string // as the newcomer wants to be called
}

// CodeFailed tells that a code is gone without having let anybody in: CodeCodeWrong after a failed guess, CodeIdentity when another server stood
// between, CodeCodeBroken, CodeCodeExpired.
type CodeFailed struct {
	Number uint32
	Err    *chat.Error
	Left   int // how many more may fail today before only links and QR codes are left
}

func (CodeUsed) event()   {}
func (CodeFailed) event() {}

// codesRecord is what is kept of codes.
type codesRecord struct {
	Failed  []int64                        `cbor:"1,keyasint,omitempty"` // when the last guesses failed, ms since 1970
	Pending map[chat.AccountID]int64       `cbor:"2,keyasint,omitempty"` // verified then, ms since 1970, and not met yet
	Rooms   map[chat.AccountID]chat.RoomID `cbor:"3,keyasint,omitempty"` // into which they are to be taken
}

// codesKey is its place in TableSelf.
var codesKey = []byte("codes")

const (
	// maxCodeFailures is how many guesses may fail in codeMemory: with two words of 7,776 a server that guesses wins once in 20 million times.
	maxCodeFailures = 3
	codeMemory      = 24 * time.Hour
	// maxUnmet bounds the newcomers whom we haven't met yet.
	maxUnmet = 100
)

// invite is a code that can be used.
type invite struct {
	room    chat.RoomID // into which the newcomer is taken; zero for none
	code    keys.Code
	until   time.Time
	server  [32]byte
	inviter *keys.Inviter // nil: nobody has begun
}

// codes reads the record. A failure of the vault ends the client.
func (e *engine) codes() codesRecord {
	var rec codesRecord
	if _, err := e.get(TableSelf, codesKey, &rec); err != nil {
		e.fail(err)
	}
	return rec
}

// codeTries is how many guesses may still fail.
func (e *engine) codeTries() int {
	rec, left := e.codes(), maxCodeFailures
	for _, at := range rec.Failed {
		if time.Since(time.UnixMilli(at)) < codeMemory {
			left--
		}
	}
	for _, i := range e.invites {
		if i.inviter != nil {
			left-- // it may fail
		}
	}
	for _, l := range e.links {
		if l.old != nil && l.machine == nil {
			left--
		}
	}
	return max(0, left)
}

// OpenCode implements API.
func (c *Client) OpenCode(ctx context.Context, room, lang string, life time.Duration) (InviteCode, error) {
	return await(ctx, c, func(e *engine, answer func(InviteCode, error)) {
		var into chat.RoomID
		if room != "" {
			r, err := e.privateRoom(room)
			if err == nil && r.priv.state.Direct {
				err = chat.Errorf(chat.CodeNotPrivate, "name", r.rec.Name)
			}
			if err != nil {
				answer(InviteCode{}, err)
				return
			}
			into = r.id
		}
		e.whenOnline(func(err error) {
			if err == nil {
				err = e.mayInvite()
			}
			if err != nil {
				answer(InviteCode{}, err)
				return
			}
			e.ask(func(ref uint64) []byte { return wire.Encode(&wire.OpenCode{Ref: ref}) }, func(f wire.Frame, err *chat.Error) {
				opened, ok := f.(*wire.CodeOpened)
				if !ok {
					answer(InviteCode{}, orNil(err))
					return
				}
				made := e.openCode(opened, lang, life)
				e.invites[opened.Number].room = into
				e.then(func() { answer(made, nil) })
			})
		})
	})
}

// mayInvite checks that there is a key to hand over, and that not too many guesses have failed.
func (e *engine) mayInvite() error {
	if !e.keys.has(e.self.Newest) {
		return chat.Errorf(chat.CodeKeyNeeded)
	}
	if e.codeTries() == 0 {
		return chat.Errorf(chat.CodeCodeTries)
	}
	_, err := e.ownProof()
	return err
}

// maxProof is how much of the inviter's certificate with its list fits into a message of the exchange, in bytes: some fifteen statements.
const maxProof = 5 << 10

// ownProof is this device's certificate as somebody can check it who knows nothing of the account. CodeTooLarge (limit) when the list before it is too long.
func (e *engine) ownProof() ([]byte, error) {
	proof, err := trust.Prove(e.id.cert, e.people.list(e.id.account()))
	if err != nil {
		return nil, chat.Errorf(chat.CodeUnlisted).Because(err)
	}
	if len(proof) > maxProof {
		return nil, chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(maxProof))
	}
	return proof, nil
}

// openCode draws the words for a number.
func (e *engine) openCode(f *wire.CodeOpened, lang string, life time.Duration) InviteCode {
	if life <= 0 {
		life = CodeLife
	}
	life = min(life, CodeLife, time.Duration(f.Seconds)*time.Second)
	i := &invite{code: keys.NewCode(f.Number, lang), until: time.Now().Add(life), server: e.session.hello.Server}
	if e.invites == nil {
		e.invites = map[uint32]*invite{}
	}
	e.invites[f.Number] = i
	time.AfterFunc(life, func() { e.c.later(func(e *engine) { e.codeExpired(f.Number, i) }) })
	return InviteCode{Number: f.Number, Words: i.code.Reveal(), Expires: i.until}
}

// codeExpired burns a code whose time is over.
func (e *engine) codeExpired(number uint32, i *invite) {
	if e.invites[number] == i {
		e.burn(number, chat.Errorf(chat.CodeCodeExpired), false)
	}
}

// CloseCode implements API.
func (c *Client) CloseCode(ctx context.Context, number uint32) error {
	_, err := await(ctx, c, func(e *engine, answer func(struct{}, error)) {
		if e.invites[number] == nil && e.links[number] == nil {
			answer(struct{}{}, nil)
			return
		}
		delete(e.invites, number)
		delete(e.links, number)
		e.endCode(number, "", func() { answer(struct{}{}, nil) })
	})
	return err
}

// endCode tells the server that a code is gone, if it can: whatever the server knows, it is. then is called in either case.
func (e *engine) endCode(number uint32, why chat.Code, then func()) {
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.CloseCode{Ref: ref, Number: number, Code: why}) }, func(wire.Frame, *chat.Error) { then() })
}

// burn takes a code away, tells the newcomer why by the server, and tells of it. guessed says that somebody tried words.
func (e *engine) burn(number uint32, err *chat.Error, guessed bool) {
	delete(e.invites, number)
	delete(e.links, number)
	e.endCode(number, err.Code, func() {})
	if guessed {
		rec := e.codes()
		kept := rec.Failed[:0]
		for _, at := range rec.Failed {
			if time.Since(time.UnixMilli(at)) < codeMemory {
				kept = append(kept, at)
			}
		}
		rec.Failed = append(kept, time.Now().UnixMilli())
		e.put(TableSelf, codesKey, &rec)
		e.stage.durable = true
	}
	e.cfg.Log.Info("a code is gone", "number", number, "err", err)
	e.emit(CodeFailed{Number: number, Err: err, Left: e.codeTries()})
}

// codeMessage takes a newcomer's message: his hello, then his proof. One for a code that isn't there is nobody's.
func (e *engine) codeMessage(f *wire.CodeMessage) {
	i, l := e.invites[f.Number], e.links[f.Number]
	switch {
	case l != nil:
		e.linkMessage(f, l)
	case i == nil:
		e.endCode(f.Number, chat.CodeCodeUsed, func() {})
	case !time.Now().Before(i.until):
		e.codeExpired(f.Number, i)
	case i.inviter == nil:
		e.codeHello(f, i)
	default:
		e.codeProof(f, i)
	}
}

// codeHello begins the run. From here on the code is burnt: a second newcomer can't begin another.
func (e *engine) codeHello(f *wire.CodeMessage, i *invite) {
	if err := e.mayInvite(); err != nil {
		e.burn(f.Number, asError(err), false)
		return
	}
	proof, err := e.ownProof()
	if err != nil {
		e.burn(f.Number, asError(err), false)
		return
	}
	inviter, err := keys.NewInviter(i.code, i.server, e.party(proof), keys.Gift{Key: e.keys.held[e.self.Newest]})
	var offer []byte
	if err == nil {
		i.inviter = inviter
		offer, err = inviter.Offer(f.Message)
	}
	if err != nil {
		e.burn(f.Number, asError(err), false)
		return
	}
	e.stage.frames = append(e.stage.frames, wire.Encode(&wire.CodeMessage{Number: f.Number, Message: offer}))
}

// party is what we show of ourselves in an exchange.
func (e *engine) party(proof []byte) keys.Party {
	return keys.Party{Account: e.id.account(), Certificate: proof, Name: e.self.Name, NameSig: [64]byte(e.self.NameSig)}
}

// codeProof ends the run: by the gift, or by a failed guess.
func (e *engine) codeProof(f *wire.CodeMessage, i *invite) {
	party, gift, err := i.inviter.Gift(f.Message)
	if err != nil {
		e.burn(f.Number, asError(err), true)
		return
	}
	delete(e.invites, f.Number)
	e.verified(party.Account)
	if !i.room.IsZero() {
		e.toBring(party.Account, i.room)
	}
	e.stage.durable = true
	e.stage.frames = append(e.stage.frames, wire.Encode(&wire.CodeMessage{Number: f.Number, Message: gift}))
	e.emit(CodeUsed{Number: f.Number, Account: party.Account, Name: party.Name})
}

// codeLeft is the end of a run whose newcomer has gone.
func (e *engine) codeLeft(f *wire.CodeLeft) {
	if l := e.links[f.Number]; l != nil {
		e.linkLeft(f.Number, l)
		return
	}
	if i := e.invites[f.Number]; i != nil && i.inviter != nil {
		e.burn(f.Number, chat.Errorf(chat.CodeCodeBroken), false)
	}
}

// verified keeps that an account was verified by a code, until we meet it if that is still to come.
func (e *engine) verified(a chat.AccountID) {
	now := time.Now()
	if rec := e.people.accounts[a]; rec != nil {
		rec.verify(ByCode, now)
		e.put(TablePeople, a[:], rec)
		return
	}
	rec := e.codes()
	if rec.Pending == nil {
		rec.Pending = map[chat.AccountID]int64{}
	}
	if len(rec.Pending) < maxUnmet {
		rec.Pending[a] = now.UnixMilli()
	}
	e.put(TableSelf, codesKey, &rec)
}

// recall gives a person whom we meet for the first time what we know from a code.
func (e *engine) recall(a chat.AccountID, person *personRecord) {
	rec := e.codes()
	at, ok := rec.Pending[a]
	if !ok {
		return
	}
	person.verify(ByCode, time.UnixMilli(at))
	delete(rec.Pending, a)
	e.put(TableSelf, codesKey, &rec)
}

// codeArgs are the arguments of the calls about codes.
type codeArgs struct {
	Room   string
	Lang   string
	Life   time.Duration
	Number uint32
}

// OpenCode implements API. The code lives in the process of the owner.
func (r *Remote) OpenCode(ctx context.Context, room, lang string, life time.Duration) (InviteCode, error) {
	return call[InviteCode](ctx, r, "code", codeArgs{Room: room, Lang: lang, Life: life})
}

// CloseCode implements API.
func (r *Remote) CloseCode(ctx context.Context, number uint32) error {
	return r.run(ctx, "uncode", codeArgs{Number: number})
}
