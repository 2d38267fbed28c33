package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/trust"
	"huisclos/wire"
)

// codes tries invitation codes one after the other, from number 1 on, with words of its own, without a login; it counts the answers.
func codes(ctx context.Context, link keys.Link, args []string) error {
	return tryAll(ctx, link, args, func(g *guest, words keys.Code) ([]byte, prover) {
		self := keys.Party{
			Account: g.account.ID(), Certificate: trust.Certify(g.account, g.device, 1, 1).Marshal(),
			Name: g.name, NameSig: g.account.SignName(link.Key.Server(), g.name),
		}
		n := keys.NewNewcomer(words, g.hello.Server, self)
		return wire.Encode(&wire.UseCode{Number: words.Number(), Message: n.Hello()}), n
	})
}

// links does the same with link codes, as a new device would.
func links(ctx context.Context, link keys.Link, args []string) error {
	return tryAll(ctx, link, args, func(g *guest, words keys.Code) ([]byte, prover) {
		n := keys.NewNewDevice(words, g.hello.Server, keys.Machine{Device: g.device.ID(), HPKE: g.device.Applicant().HPKE, Name: "your laptop", Software: "huisclos"})
		return wire.Encode(&wire.UseLink{Number: words.Number(), Message: n.Hello()}), n
	})
}

// prover goes on with an exchange that was begun by a frame.
type prover interface {
	Proof(offer []byte) ([]byte, error)
}

// tryAll makes a guess at each number.
func tryAll(ctx context.Context, link keys.Link, args []string, begin func(*guest, keys.Code) ([]byte, prover)) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	answers := map[string]int{}
	for i := range n {
		answers[code(try(ctx, link, uint32(i+1), begin))]++ //nolint:gosec // small
	}
	for _, c := range slices.Sorted(mapKeys(answers)) {
		fmt.Println(c, answers[c])
	}
	return nil
}

// try makes one guess.
func try(ctx context.Context, link keys.Link, number uint32, begin func(*guest, keys.Code) ([]byte, prover)) error {
	g := newGuest(link, "mallory")
	if err := g.dial(ctx); err != nil {
		return err
	}
	defer g.close()
	if _, err := g.challenge(); err != nil {
		return err
	}
	words, err := keys.ParseCode(fmt.Sprintf("%d-guitare-ocean", number))
	if err != nil {
		return err
	}
	first, p := begin(g, words)
	offer, err := g.hear(first)
	if err != nil {
		return err
	}
	proof, err := p.Proof(offer)
	if err != nil {
		return err
	}
	_, err = g.hear(wire.Encode(&wire.CodeMessage{Number: number, Message: proof}))
	return err
}

// hear writes a frame and reads the inviter's message.
func (g *guest) hear(frame []byte) ([]byte, error) {
	raw, err := g.ask(frame)
	if err != nil {
		return nil, err
	}
	f, err := wire.Decode(raw)
	if err != nil {
		return nil, err
	}
	switch f := f.(type) {
	case *wire.CodeMessage:
		return f.Message, nil
	case *wire.Bye:
		return nil, f.Err()
	}
	return nil, chat.Errorf(chat.CodeFrame)
}
