package main

import (
	"context"
	"errors"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
	"huisclos/keys"
	"huisclos/trust"
	"huisclos/wire"
)

// guest is one device, with everything of the login in its hands.
type guest struct {
	goal    keys.Link
	link    *conn.Link
	account *trust.Account
	device  *trust.Device
	name    string
	lobby   wire.RoomInfo
	hello   wire.HelloS

	first, second []byte // the frames that it sent in its last login
}

func newGuest(goal keys.Link, name string) *guest {
	return &guest{goal: goal, account: trust.NewAccount(), device: trust.NewDevice(), name: name}
}

func (g *guest) close() {
	if g.link != nil {
		_ = g.link.Close()
	}
}

// dial connects, without a word.
func (g *guest) dial(ctx context.Context) (err error) {
	g.link, err = conn.Dial(ctx, g.goal.Address, g.goal.Key.Server(), conn.Config{})
	return err
}

// login enrols.
func (g *guest) login(ctx context.Context) error {
	if err := g.dial(ctx); err != nil {
		return err
	}
	c, err := g.challenge()
	if err != nil {
		return err
	}
	g.second = c.Auth(g.body(), g.goal.Key.Access(g.hello.Generation), g.device.Key())
	raw, err := g.ask(g.second)
	if err != nil {
		return err
	}
	welcome, err := c.Welcome(raw)
	if err != nil {
		return err
	}
	for _, r := range welcome.Rooms {
		if r.Name == chat.Lobby {
			g.lobby = r
		}
	}
	return nil
}

// challenge makes the first half of a login.
func (g *guest) challenge() (*access.Client, error) {
	exporter, err := g.link.Exporter()
	if err != nil {
		return nil, err
	}
	c := access.NewClient(g.goal.Key.Server(), "mallory")
	g.first = c.Hello()
	raw, err := g.ask(g.first)
	if err != nil {
		return nil, err
	}
	g.hello, err = c.Challenge(raw, exporter)
	return c, err
}

func (g *guest) body() wire.Body {
	server := g.goal.Key.Server()
	return wire.Body{
		Role: access.RoleMember, Account: g.account.ID(), Device: g.device.ID(), ListVersion: 1,
		Certificate: trust.Certify(g.account, g.device, 1, time.Now().UnixMilli()).Marshal(),
		Name:        g.name, NameSig: g.account.SignName(server, g.name), Intent: wire.IntentEnrol, Generation: g.hello.Generation,
	}
}

// ask writes a frame and reads the next one; a refusal of the server is an error.
func (g *guest) ask(frame []byte) ([]byte, error) {
	if err := g.link.Write(frame); err != nil {
		return nil, err
	}
	return g.link.Read()
}

// verdict writes a frame and says what the server makes of it: the code of the first Failure or Bye, or the end of the
// connection.
func (g *guest) verdict(frame []byte) error {
	if err := g.link.Write(frame); err != nil {
		return err
	}
	return g.answer()
}

func (g *guest) answer() error {
	for {
		raw, err := g.link.Read()
		if err != nil {
			return err
		}
		f, err := wire.Decode(raw)
		if err != nil {
			return err
		}
		switch f := f.(type) {
		case *wire.Failure:
			return f.Err()
		case *wire.Bye:
			return f.Err()
		case *wire.Ack:
			return nil
		case *wire.Welcome:
			return errors.New("let in")
		}
	}
}
