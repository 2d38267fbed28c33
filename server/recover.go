package server

import (
	"context"
	"errors"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
	"huisclos/hub"
	"huisclos/wire"
)

// errServed ends a visit that was for something else than a login, and has got it.
var errServed = errors.New("server: the visitor has got what it came for")

// carrying is how long a backup may take on its way; the account has proven to ask for it.
const carrying = 30 * time.Second

// recover answers an account that has lost its devices: who it is here, and its backup. There is no session. It always returns an error. CodeAuth, CodeNoAccount,
// CodeBanned (reason).
func (s *Server) recover(stream *conn.Stream, v *visitor, login *access.Server, raw []byte) error {
	account, err := login.Recover(raw)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p, err := s.known(ctx, account)
	if err != nil {
		return err
	}
	b, err := s.config.Store.Backup(ctx, account)
	if err != nil {
		return err
	}
	answer := &wire.Recovered{
		Person: wire.Person{Account: p.Account, Name: p.Name, NameSig: p.NameSig, Certificates: make([][]byte, len(p.Devices)), List: p.List},
		Serial: b.Serial, Sealed: b.Sealed,
	}
	if b.Serial > 0 {
		answer.Time = b.At.UnixMilli()
	}
	for i := range p.Devices {
		answer.Person.Certificates[i] = p.Devices[i].Certificate
	}
	_ = v.SetDeadline(time.Now().Add(carrying))
	if err := stream.Send(wire.Encode(answer)); err != nil {
		return err
	}
	return errServed
}

// known finds an account that may come in.
func (s *Server) known(ctx context.Context, account chat.AccountID) (hub.Person, error) {
	people, err := s.config.Store.People(ctx, []chat.AccountID{account}, nil, nil)
	switch {
	case err != nil:
		return hub.Person{}, err
	case len(people) == 0:
		return hub.Person{}, chat.Errorf(chat.CodeNoAccount)
	case !people[0].Banned:
		return people[0], nil
	}
	bans, err := s.config.Store.Bans(ctx)
	if err != nil {
		return hub.Person{}, err
	}
	for _, b := range bans {
		if b.Account == account {
			return hub.Person{}, chat.Errorf(chat.CodeBanned, "reason", b.Reason)
		}
	}
	return people[0], nil // the ban was lifted meanwhile
}

// vouched lets a device enrol without the access key's signature if its account is known: the account has certified it. Strangers are
// refused here, before anything is written.
func (s *Server) vouched(ctx context.Context, b *wire.Body) error {
	_, err := s.known(ctx, b.Account)
	if errors.Is(err, chat.CodeNoAccount) {
		return chat.Errorf(chat.CodeKeyNeeded)
	}
	return err
}
