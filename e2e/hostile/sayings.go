package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/content"
	"huisclos/seal"
	"huisclos/trust"
	"huisclos/wire"
)

// What a member says that isn't right in its content: reports, expiries, mentions; and signs of typing that aren't his.
//
//	report            a report that he has read every message of the room that he knows, and 200 that don't exist
//	expire N TEXT     a text that expires N seconds after 1970
//	mentions N        a text with so many mentions
//	typing NAME       a sign that another one is typing
//	again             the signs of others, once more, the newest first
func (m *member) sayings() map[string]command {
	return map[string]command{"report": m.report, "expire": m.expire, "mentions": m.mentions, "typing": m.typing, "again": m.again}
}

// speak sends a message of some kind with that content.
func (m *member) speak(ctx context.Context, kind uint8, body []byte) (string, error) {
	return m.talk(ctx, "", func(in *inner) { in.Kind, in.Content = kind, body }, nil)
}

// innerReport is the kind of reports.
const innerReport = 7

func (m *member) report(ctx context.Context, _ []string) (string, error) {
	all, err := m.api.Recent(ctx, m.named(ctx), 0, content.MaxStatuses-200)
	if err != nil {
		return "", err
	}
	var statuses []content.Status
	for _, x := range all {
		if !x.ID.IsZero() {
			statuses = append(statuses, content.Status{ID: x.ID, State: content.Read})
		}
	}
	for range 200 {
		statuses = append(statuses, content.Status{ID: newID(), State: content.Read})
	}
	body, err := content.Report(statuses...).Marshal()
	if err != nil {
		return "", err
	}
	return m.speak(ctx, innerReport, body)
}

func (m *member) expire(ctx context.Context, args []string) (string, error) {
	n, err := strconv.ParseUint(args[0], 10, 32)
	if err != nil {
		return "", err
	}
	body, err := content.Say(strings.Join(args[1:], " ")).Expiring(content.Expiry{Seconds: uint32(n)}).Marshal()
	if err != nil {
		return "", err
	}
	return m.speak(ctx, 0, body)
}

// mentions writes what package content refuses to write: the fields of a text (docs/protocol.md, section 8) with a list that is too long.
func (m *member) mentions(ctx context.Context, args []string) (string, error) {
	n, err := strconv.Atoi(strings.Join(args, ""))
	if err != nil {
		return "", err
	}
	status, err := m.api.Status(ctx)
	if err != nil {
		return "", err
	}
	list := make([]any, n)
	for i := range list {
		list[i] = []any{i, 1, status.Account[:]}
	}
	text := []byte(strings.Repeat("x", n))
	body := wire.Marshal([]any{
		make([]byte, 16), nil, []byte{}, nil, nil, map[string]any{"huisclos/mentions": list}, []any{1, "", 1, "text/plain;charset=utf-8", text},
	})
	return m.speak(ctx, 0, body)
}

var errNoSign = errors.New("no sign was heard")

// tell sends what isn't answered.
func (m *member) tellTyping(room chat.RoomID, body []byte) (string, error) {
	m.mu.Lock()
	link := m.link
	m.mu.Unlock()
	if link == nil {
		return "", errSilence
	}
	return "sent", link.Write(wire.Encode(&wire.Typing{Room: room, Body: body}))
}

// typing forges a sign: the group's key he has, the other's device he hasn't.
func (m *member) typing(ctx context.Context, args []string) (string, error) {
	f, room, err := m.forger(ctx)
	if err != nil {
		return "", err
	}
	at, err := m.place(ctx, f, strings.Join(args, " "))
	if err != nil {
		return "", err
	}
	victim, err := trust.ParseLeaf(f.Tree.Leaf(at).Credential.Identity)
	if err != nil {
		return "", err
	}
	records, err := m.records(room)
	if err != nil {
		return "", err
	}
	g, err := anyConfig().Load(records)
	if err != nil {
		return "", err
	}
	key, err := g.Export("huisclos/1 typing", room[:], seal.KeySize)
	if err != nil {
		return "", err
	}
	_, own, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	now := time.Now().UnixMilli()
	data := wire.Marshal([]any{"huisclos/1 typing", m.server[:], room[:], g.Epoch()})
	sig := trust.Sign(own, seal.LabelTyping, append(bytes.Clone(data), wire.Marshal([]any{victim.Device[:], now, true})...))
	cipher, err := seal.New(key)
	if err != nil {
		return "", err
	}
	iv := make([]byte, seal.NonceSize)
	return m.tellTyping(room, cipher.Seal(iv, iv, wire.Marshal([]any{victim.Device[:], now, true, sig[:]}), data))
}

// again repeats what was heard.
func (m *member) again(ctx context.Context, _ []string) (string, error) {
	m.mu.Lock()
	signs := m.signs
	m.mu.Unlock()
	if len(signs) == 0 {
		return "", errNoSign
	}
	for _, s := range slices.Backward(signs) { // the last one that counts is that somebody writes
		if said, err := m.tellTyping(s.Room, s.Body); err != nil {
			return said, err
		}
	}
	return "sent", nil
}
