package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// keep takes a copy of the group's state, and doesn't let the client hear of what comes.
func (m *member) keep(ctx context.Context, _ []string) (string, error) {
	room, err := m.room(ctx)
	if err != nil {
		return "", err
	}
	records, err := m.records(room)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	m.kept, m.keptRoom = records, room
	m.mu.Unlock()
	return "kept", nil
}

// open subscribes again, and counts what of the entries since the state that was kept can be opened with it.
func (m *member) open(ctx context.Context, _ []string) (string, error) {
	m.mu.Lock()
	room, head := m.keptRoom, m.heads[m.keptRoom].Head
	m.mu.Unlock()
	said, err := m.request(ctx, func(ref uint64) []byte { return wire.Encode(&wire.Subscribe{Ref: ref, Room: room, After: head}) })
	if err != nil {
		return "", err
	}
	if n, err := strconv.ParseUint(said, 10, 64); err == nil {
		said = "read"
		if err := m.readTo(ctx, room, chat.Seq(n)); err != nil {
			return "", err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	g, err := anyConfig().Load(m.kept)
	if err != nil {
		return "", err
	}
	opened := 0
	for _, raw := range m.entries {
		message, err := mls.ParseMessage(raw)
		if err != nil {
			continue
		}
		v, err := g.Open(message)
		if _, ok := v.(*mls.ApplicationMessage); ok && err == nil {
			opened++
		}
	}
	return fmt.Sprintf("%s, opened %d messages of %d entries", said, opened, len(m.entries)), nil
}

// readTo waits until the log has come so far.
func (m *member) readTo(ctx context.Context, room chat.RoomID, n chat.Seq) error {
	for {
		m.mu.Lock()
		head := m.heads[room].Head
		m.mu.Unlock()
		if head >= n {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// comeBack enters by an external commit, with the member's own account and device.
func (m *member) comeBack(ctx context.Context, _ []string) (string, error) {
	room := m.keptRoom
	info, err := m.request(ctx, func(ref uint64) []byte { return wire.Encode(&wire.State{Ref: ref, Room: room}) })
	if err != nil {
		return "", err
	}
	message, err := mls.ParseMessage([]byte(info))
	if err != nil || message.GroupInfo() == nil {
		return info, nil // a code
	}
	g, err := anyConfig().Load(m.kept)
	if err != nil {
		return "", err
	}
	f, _, err := m.forger(ctx)
	if err != nil {
		return "", err
	}
	key, err := anyConfig().SignatureKey(suite, f.Signer.Private)
	if err != nil {
		return "", err
	}
	id := newID()
	_, commit, err := anyConfig().JoinExternal(message.GroupInfo(), key, g.Leaf(g.Own()).Credential, mls.ExternalOptions{Tree: m.tree, AuthenticatedData: id[:]},
		func([]byte, mls.Changes) error { return nil })
	if err != nil {
		return "", err
	}
	return m.commit(ctx, room, id, commit, nil)
}
