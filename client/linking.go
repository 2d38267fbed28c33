package client

import (
	"context"
	"crypto/rand"
	"time"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/trust"
	"huisclos/wire"
)

// Link codes, at the end of the old device (PROTOCOL §7). They are counted and burnt as invitation codes are; besides, whoever knows the words gets nothing before
// the person has said yes here.

// LinkPatience is how long a new device waits for that yes.
const LinkPatience = 2 * time.Minute

// LinkAsked tells that a new device has shown that it knows the words of a link code. AnswerLink says what becomes of it; without an answer before Until it is no.
type LinkAsked struct {
	Number   uint32
	Device   chat.DeviceID
	Name     string // as it calls itself; only its user knows whether it is so
	Software string
	Until    time.Time
	Devices  []DeviceView // those that the account has already
}

// LinkDone tells that a new device has got everything, and comes in by itself.
type LinkDone struct {
	Number uint32
	Device chat.DeviceID
	Name   string
}

func (LinkAsked) event() {}
func (LinkDone) event()  {}

// LinkAt is a link code as a link, for who reaches the server at that address: what a QR code shows.
func (c InviteCode) LinkAt(address string) string {
	code, err := keys.ParseCode(c.Words)
	if err != nil {
		return ""
	}
	return keys.DeviceLink{Address: address, Server: c.Server, Code: code}.Reveal()
}

// linkCode is a link code that can be used, or whose run isn't over.
type linkCode struct {
	code    keys.Code
	until   time.Time
	server  [32]byte
	old     *keys.OldDevice // nil: nobody has begun
	machine *keys.Machine   // it has shown that it knows the words
	given   bool            // and the person has said yes
}

// OpenLink implements API.
func (c *Client) OpenLink(ctx context.Context, lang string, life time.Duration) (InviteCode, error) {
	return await(ctx, c, func(e *engine, answer func(InviteCode, error)) {
		e.whenOnline(func(err error) {
			if err == nil && e.codeTries() == 0 {
				err = chat.Errorf(chat.CodeCodeTries)
			}
			if err != nil {
				answer(InviteCode{}, err)
				return
			}
			e.ask(func(ref uint64) []byte { return wire.Encode(&wire.OpenLink{Ref: ref}) }, func(f wire.Frame, err *chat.Error) {
				opened, ok := f.(*wire.CodeOpened)
				if !ok {
					answer(InviteCode{}, orNil(err))
					return
				}
				made := e.openLink(opened, lang, life)
				e.then(func() { answer(made, nil) })
			})
		})
	})
}

// openLink draws the words for a number.
func (e *engine) openLink(f *wire.CodeOpened, lang string, life time.Duration) InviteCode {
	if life <= 0 {
		life = CodeLife
	}
	life = min(life, CodeLife, time.Duration(f.Seconds)*time.Second)
	l := &linkCode{code: keys.NewCode(f.Number, lang), until: time.Now().Add(life), server: e.session.hello.Server}
	if e.links == nil {
		e.links = map[uint32]*linkCode{}
	}
	e.links[f.Number] = l
	e.linkAfter(life, f.Number, l, func() {
		if l.old == nil {
			e.burn(f.Number, chat.Errorf(chat.CodeCodeExpired), false)
		}
	})
	made := InviteCode{Number: f.Number, Words: l.code.Reveal(), Expires: l.until, Server: e.self.Server}
	return made
}

// linkAfter runs f after a time, if the code is still there.
func (e *engine) linkAfter(wait time.Duration, number uint32, l *linkCode, f func()) {
	c := e.c
	time.AfterFunc(wait, func() {
		c.later(func(e *engine) {
			if e.links[number] == l {
				f()
			}
		})
	})
}

// linkMessage takes a new device's message: its hello, its proof, its receipt.
func (e *engine) linkMessage(f *wire.CodeMessage, l *linkCode) {
	switch {
	case l.old == nil && !time.Now().Before(l.until):
		e.burn(f.Number, chat.Errorf(chat.CodeCodeExpired), false)
	case l.old == nil:
		e.linkHello(f, l)
	case l.machine == nil:
		e.linkProof(f, l)
	case l.given:
		e.linkReceived(f, l)
	default: // it is the person's turn
		e.burn(f.Number, chat.Errorf(chat.CodeCodeBroken), false)
	}
}

// linkHello begins the run. From here on the code is burnt.
func (e *engine) linkHello(f *wire.CodeMessage, l *linkCode) {
	proof, err := e.ownProof()
	var offer []byte
	l.old = keys.NewOldDevice(l.code, l.server, e.party(proof))
	if err == nil {
		offer, err = l.old.Offer(f.Message)
	}
	if err != nil {
		e.burn(f.Number, asError(err), false)
		return
	}
	e.stage.frames = append(e.stage.frames, wire.Encode(&wire.CodeMessage{Number: f.Number, Message: offer}))
}

// linkProof checks whether the new device knows the words, and asks the person.
func (e *engine) linkProof(f *wire.CodeMessage, l *linkCode) {
	machine, err := l.old.Proof(f.Message)
	if err != nil {
		e.burn(f.Number, asError(err), true)
		return
	}
	if e.people.devices[machine.Device] != nil || machine.Device == e.id.device() { // no new device has the keys of another
		e.burn(f.Number, chat.Errorf(chat.CodeCodeBroken), false)
		return
	}
	l.machine = &machine
	until := time.Now().Add(LinkPatience)
	e.linkAfter(LinkPatience, f.Number, l, func() {
		if !l.given {
			e.burn(f.Number, chat.Errorf(chat.CodeLinkRefused), false)
		}
	})
	e.emit(LinkAsked{
		Number: f.Number, Device: machine.Device, Name: machine.Name, Software: machine.Software, Until: until, Devices: e.devices(),
	})
}

// AnswerLink implements API.
func (c *Client) AnswerLink(ctx context.Context, number uint32, yes bool) error {
	_, err := await(ctx, c, func(e *engine, answer func(struct{}, error)) {
		n, l := e.linkWaiting(number)
		if l == nil {
			answer(struct{}{}, chat.Errorf(chat.CodeNoLink))
			return
		}
		if e.session == nil { // it can still be said when there is a connection
			answer(struct{}{}, e.offlineError())
			return
		}
		e.answerLink(n, l, yes, func(err error) { e.then(func() { answer(struct{}{}, err) }) })
	})
	return err
}

// linkWaiting finds the code whose new device waits for an answer; 0 is the only one.
func (e *engine) linkWaiting(number uint32) (uint32, *linkCode) {
	var found *linkCode
	at := uint32(0)
	for n, l := range e.links {
		if l.machine == nil || l.given || number != 0 && n != number {
			continue
		}
		if found != nil {
			return 0, nil
		}
		at, found = n, l
	}
	return at, found
}

// linkReceipt is how long the new device has to say that it has everything.
const linkReceipt = 30 * time.Second

// answerLink hands everything over, or nothing. Where the account's key isn't here this device vouches for the new one first.
func (e *engine) answerLink(number uint32, l *linkCode, yes bool, answer func(error)) {
	if !yes {
		e.burn(number, chat.Errorf(chat.CodeLinkRefused), false)
		answer(nil)
		return
	}
	l.given = true
	if e.id.acct != nil {
		answer(e.handLink(number, l, nil))
		return
	}
	e.vouch(trust.Applicant{Device: l.machine.Device, HPKE: l.machine.HPKE}, func(c trust.Certificate, _ *trust.DeviceList, err *chat.Error) {
		switch {
		case e.links[number] != l: // over meanwhile
			answer(chat.Errorf(chat.CodeNoLink))
		case err != nil:
			e.burn(number, err, false)
			answer(err)
		default:
			answer(e.handLink(number, l, &c))
		}
	})
}

// handLink sends what the new device gets. c is its certificate, nil where it gets the account's key.
func (e *engine) handLink(number uint32, l *linkCode, c *trust.Certificate) error {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	gift, err := e.linkGift(key, c)
	var pieces [][]byte
	if err == nil {
		pieces, err = l.old.Gift(gift)
	}
	if err != nil {
		e.burn(number, asError(err), false)
		return err
	}
	e.give(l.machine.Device, key)
	e.nameDevice(l.machine.Device, l.machine.Name)
	e.stage.durable = true
	for _, p := range pieces {
		e.stage.frames = append(e.stage.frames, wire.Encode(&wire.CodeMessage{Number: number, Message: p}))
	}
	e.linkAfter(linkReceipt, number, l, func() { e.burn(number, chat.Errorf(chat.CodeCodeBroken), false) })
	return nil
}

// linkReceived ends the run.
func (e *engine) linkReceived(f *wire.CodeMessage, l *linkCode) {
	if err := l.old.Received(f.Message); err != nil {
		e.burn(f.Number, asError(err), false)
		return
	}
	delete(e.links, f.Number)
	if t := e.moving[l.machine.Device]; t != nil {
		t.told = true
	}
	e.emit(LinkDone{Number: f.Number, Device: l.machine.Device, Name: l.machine.Name})
}

// linkLeft is the end of a run whose new device has gone.
func (e *engine) linkLeft(number uint32, l *linkCode) {
	if l.old != nil {
		e.burn(number, chat.Errorf(chat.CodeCodeBroken), false)
	}
}

// linkArgs are the arguments of the calls about links.
type linkArgs struct {
	Lang   string
	Life   time.Duration
	Number uint32
	Yes    bool
}

// OpenLink implements API. The code lives in the process of the owner.
func (r *Remote) OpenLink(ctx context.Context, lang string, life time.Duration) (InviteCode, error) {
	return call[InviteCode](ctx, r, "link", linkArgs{Lang: lang, Life: life})
}

// AnswerLink implements API.
func (r *Remote) AnswerLink(ctx context.Context, number uint32, yes bool) error {
	return r.run(ctx, "linked", linkArgs{Number: number, Yes: yes})
}

// linkMethods are the calls about links, for the owner.
func linkMethods(all map[string]remoteMethod) map[string]remoteMethod {
	all["link"] = method(func(ctx context.Context, api API, a linkArgs) (InviteCode, error) {
		return api.OpenLink(ctx, a.Lang, a.Life)
	})
	all["linked"] = method(func(ctx context.Context, api API, a linkArgs) (none, error) {
		return none{}, api.AnswerLink(ctx, a.Number, a.Yes)
	})
	return all
}
