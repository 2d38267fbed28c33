package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/keys"
	"huisclos/trust"
	"huisclos/wire"
)

// Redemption is what a newcomer has: an address and a code.
type Redemption struct {
	// Dial reaches a server that isn't known yet: it is called with the zero fingerprint, and checks no certificate. What the
	// server proves afterwards and the code take its place.
	Dial     Dialer
	Address  string // HOST:PORT
	Code     keys.Code
	Name     string // as the newcomer wants to be called; it can be changed later, when somebody has it
	Software string
	// Known tells whether the person has a profile at a server: then the code isn't used, and Redeem returns ErrKnown. nil: no.
	Known func(server chat.Fingerprint) bool
	// Burn is called before anything leaves that depends on the words. An error of it ends the run: CodeCodeUsed
	// when this code has been tried before.
	Burn func() error
}

// Admission is what a newcomer got for a code. Open takes it as Config.Admission. It holds secrets.
type Admission struct {
	Server     chat.Fingerprint
	Key        keys.Key
	Inviter    keys.Party // who has made the code: verified
	Invitation []byte     // what came with the key
	id         *identity  // which the inviter has verified
	at         time.Time
}

// Format hides the secrets.
func (a *Admission) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[secret]") }

// ErrKnown says that the person has a profile at that server: he joins as he is.
var ErrKnown = errors.New("client: the server is known already")

// Redeem runs the exchange of a code with the member who has made it (PROTOCOL §7), through the server at Address, and gives up with ctx. Errors: those
// of Dial; CodeCodeUnknown, CodeCodeUsed, CodeCodeExpired, CodeCodeAbsent, CodeCodeWrong, CodeCodeBroken; CodeIdentity when the inviter sees another
// server than this one; CodeAuth when somebody doesn't prove who he is; CodeNameForm; ErrKnown.
func Redeem(ctx context.Context, r Redemption) (*Admission, error) {
	if err := trust.CheckName(trust.NormalizeName(r.Name)); err != nil {
		return nil, err
	}
	link, err := r.Dial(ctx, r.Address, chat.Fingerprint{})
	if err != nil {
		return nil, linkError(err)
	}
	defer func() { _ = link.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = link.Close() })
	defer stop()
	a, err := r.run(link)
	switch {
	case err == nil, errors.Is(err, ErrKnown):
		return a, err
	case ctx.Err() != nil:
		return nil, chat.Errorf(chat.CodeTimeout, "address", r.Address).Because(err)
	}
	return nil, linkError(err)
}

// run makes the exchange on a link.
func (r *Redemption) run(link Link) (*Admission, error) {
	s, err := r.challenge(link)
	if err != nil {
		return nil, err
	}
	server := chat.FingerprintOf(s[:])
	if r.Known != nil && r.Known(server) {
		return nil, ErrKnown
	}
	id, err := newIdentity(server, r.Name)
	if err != nil {
		return nil, err
	}
	n := keys.NewNewcomer(r.Code, s, id.party())
	offer, err := r.say(link, wire.Encode(&wire.UseCode{Number: r.Code.Number(), Message: n.Hello()}))
	if err != nil {
		return nil, err
	}
	if r.Burn != nil { // the proof is one guess for whoever stands in between
		if err := r.Burn(); err != nil {
			return nil, err
		}
	}
	proof, err := n.Proof(offer)
	if err != nil {
		return nil, err
	}
	m, err := r.say(link, wire.Encode(&wire.CodeMessage{Number: r.Code.Number(), Message: proof}))
	if err != nil {
		if e := linkError(err); e.Code == chat.CodeUnreachable {
			return nil, chat.Errorf(chat.CodeCodeBroken).Because(err)
		}
		return nil, err
	}
	inviter, gift, err := n.Gift(m)
	if err != nil {
		return nil, err
	}
	return &Admission{Server: server, Key: gift.Key, Inviter: inviter, Invitation: gift.Invitation, id: id, at: time.Now()}, nil
}

// challenge makes the server prove its identity on this connection, whatever it is.
func (r *Redemption) challenge(link Link) (server [32]byte, err error) {
	exporter, err := link.Exporter()
	if err != nil {
		return server, err
	}
	c := access.NewStranger(r.Software)
	raw, err := exchange(link, c.Hello())
	if err != nil {
		return server, err
	}
	hello, err := c.Challenge(raw, exporter)
	return hello.Server, err
}

// say sends a frame and reads the inviter's message.
func (r *Redemption) say(link Link, frame []byte) ([]byte, error) {
	if err := link.Write(frame); err != nil {
		return nil, err
	}
	return r.read(link)
}

// read reads the other end's message.
func (r *Redemption) read(link Link) ([]byte, error) {
	raw, err := link.Read()
	if err != nil {
		return nil, err
	}
	f, err := wire.Decode(raw)
	if err != nil {
		return nil, err
	}
	switch f := f.(type) {
	case *wire.CodeMessage:
		if f.Number == r.Code.Number() {
			return f.Message, nil
		}
	case *wire.Bye:
		return nil, byeOfCode(f)
	}
	return nil, chat.Errorf(chat.CodeFrame).Because(errProtocol)
}

// byeOfCode is why the server ends it. One that doesn't know codes takes the frame for a damaged login.
func byeOfCode(f *wire.Bye) error {
	switch f.Code {
	case chat.CodeFrameType:
		return chat.Errorf(chat.CodeVersion).Because(f.Err())
	case chat.CodeGoodbye:
		return chat.Errorf(chat.CodeCodeBroken).Because(f.Err())
	}
	return f.Err()
}

// party is what an identity shows of itself in an exchange.
func (id *identity) party() keys.Party {
	return keys.Party{Account: id.account(), Certificate: id.cert.Marshal(), Name: id.name, NameSig: id.acct.SignName(id.server, id.name)} // a new account's: its key is here
}

// admit takes an Admission into the configuration.
func (c Config) admit() Config {
	if c.Admission != nil {
		c.Server, c.Key = c.Admission.Server, c.Admission.Key.Reveal()
	}
	return c
}

// newcomer is who we are on a server that is new to us: the identity that the inviter has verified, or a new one.
func (c Config) newcomer() (*identity, error) {
	if c.Admission == nil {
		return newIdentity(c.Server, c.Name)
	}
	id := *c.Admission.id
	id.name = trust.NormalizeName(c.Name)
	return &id, trust.CheckName(id.name)
}

// pinInviter makes the one who has invited us the first person whom we know, as verified by the code.
func (e *engine) pinInviter() {
	a := e.cfg.Admission
	if a == nil || e.people.accounts[a.Inviter.Account] != nil {
		return
	}
	rec := &personRecord{Name: a.Inviter.Name, NameSig: a.Inviter.NameSig[:]}
	rec.verify(ByCode, a.at)
	e.people.add(a.Inviter.Account, rec)
	e.put(TablePeople, a.Inviter.Account[:], rec)
	cert, list, err := trust.ParseProof(e.self.Server, a.Inviter.Certificate) // once more: the exchange has done it
	if err == nil && list != nil {
		e.pinList(a.Inviter.Account, rec, list)
	}
	e.meetDevice(a.Inviter.Account, rec, cert.Marshal(), &vettedCert{cert: cert, err: err}, false)
}
