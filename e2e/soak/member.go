package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/conn"
	"huisclos/keys"
	"huisclos/recovery"
	"huisclos/vault"
	"huisclos/wire"
)

// member is one person's client, in a process of its own that can be killed. It is told what to do on its input, a line each, "NUMBER WORD…", and
// answers "NUMBER ok" or "NUMBER CODE".
type member struct {
	api    *client.Client
	mu     sync.Mutex                // guards the output and numbers
	queued map[chat.MessageID]string // the numbers of what was said in this process
}

// order is what the coordinator starts a member with.
type order struct {
	Dir, Link, Name string
	Garbage         int      // of 100 commits, how many leave as garbage
	Words           []string // of the account, for a second device
}

func runMember(arg string) error {
	var o order
	if err := json.Unmarshal([]byte(arg), &o); err != nil {
		return err
	}
	link, err := keys.ParseLink(o.Link)
	if err != nil {
		return err
	}
	v, err := vault.Open(o.Dir, vault.Options{})
	if err != nil {
		return err
	}
	dial := func(ctx context.Context, address string, server chat.Fingerprint) (client.Link, error) {
		l, err := conn.Dial(ctx, address, server, conn.Config{})
		if err != nil || o.Garbage == 0 {
			return l, err
		}
		return &garbler{Link: l, of100: o.Garbage}, nil
	}
	if len(o.Words) > 0 {
		if err := recoverInto(v, o, link, dial); err != nil {
			return err
		}
	}
	m := &member{queued: make(map[chat.MessageID]string)}
	var log *slog.Logger
	if os.Getenv("HUISCLOS_DEBUG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})).With("who", filepath.Base(o.Dir))
	}
	m.api, err = client.Open(client.Config{
		Vault: v, Address: link.Address, Key: link.Key.Reveal(), Name: o.Name, Software: "soak", Packages: 20, Log: log,
		Backoff: 50 * time.Millisecond, MaxBackoff: time.Second,
		Dial: dial,
	})
	if err != nil {
		return err
	}
	ctx := context.Background()
	events, err := m.api.Events(ctx)
	if err != nil {
		return err
	}
	go m.tell(events)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		words := strings.Fields(in.Text())
		if len(words) < 2 {
			continue
		}
		if words[1] == "quit" {
			break
		}
		go m.do(ctx, words[0], words[1], words[2:])
	}
	return m.api.Close(ctx)
}

// recoverInto makes the account of the words one with a device here, unless it is one already.
func recoverInto(v client.Vault, o order, link keys.Link, dial client.Dialer) error {
	made := false
	err := v.View(func(r client.Reader) error {
		self, err := r.Get(client.TableSelf, []byte("self"))
		made = self != nil
		return err
	})
	if err != nil || made {
		return err
	}
	secret, err := recovery.Parse(strings.Join(o.Words, " "))
	if err != nil {
		return err
	}
	found, err := client.Recovery{Dial: dial, Address: link.Address, Server: link.Key.Server(), Software: "soak", Secret: secret}.Find(context.Background())
	if err != nil {
		return err
	}
	return found.Restore(v)
}

func (m *member) say(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fmt.Printf(format+"\n", args...)
}

// tell reports acknowledgements and what must not happen.
func (m *member) tell(events <-chan client.Event) {
	for e := range events {
		switch e := e.(type) {
		case client.Sent:
			m.mu.Lock()
			number, ok := m.queued[e.ID]
			m.mu.Unlock()
			if !ok { // of a process before
				number = "-"
			}
			m.say("sent %s %d %s", e.Room, e.Seq, number)
		case client.SendFailed:
			m.say("failed %s %q %v", e.Room, e.Text, e.Err)
		case client.Invited:
			m.say("invited %s", e.Room)
		case client.InvitationRefused:
			m.say("bad invitation refused: %v", e.Err)
		case client.RoomStopped:
			m.say("bad %s stopped: %v", e.Room, e.Err)
		case client.Returning:
			m.say("returning %s", e.Room)
		case client.PutOut:
			if e.By == "" {
				m.say("out %s", e.Room)
			}
		case client.Ended:
			if e.Err != nil {
				m.say("bad ended: %v", e.Err)
			}
		}
	}
}

func (m *member) do(ctx context.Context, number, what string, args []string) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	var err error
	switch what {
	case "found":
		_, err = m.api.CreatePrivate(ctx, args[0])
	case "invite":
		err = m.api.Invite(ctx, args[0], args[1])
	case "remove":
		err = m.api.Remove(ctx, args[0], args[1])
	case "leave":
		err = m.api.Leave(ctx, args[0])
	case "topic":
		err = m.api.SetTopic(ctx, args[0], args[1])
	case "say":
		err = m.queue(ctx, args[0], args[1])
	case "online":
		err = m.api.Online(ctx)
	case "phrase":
		err = m.phrase(ctx, args[0])
	case "revoke":
		err = m.revoke(ctx)
	case "flush":
		err = m.api.Flush(ctx)
	case "dump":
		err = m.dump(ctx, args[0])
	default:
		err = errors.New("what?")
	}
	var own *chat.Error
	switch {
	case err == nil:
		m.say("%s ok", number)
	case errors.As(err, &own):
		m.say("%s %s %v", number, own.Code, own)
	default:
		m.say("%s error %v", number, err)
	}
}

// queue says something that tells how far its sender had read.
func (m *member) queue(ctx context.Context, room, text string) error {
	s, err := m.api.Status(ctx)
	if err != nil {
		return err
	}
	for _, r := range s.Rooms {
		if r.Name == room {
			m.mu.Lock()
			defer m.mu.Unlock()
			id, err := m.api.Queue(ctx, room, fmt.Sprintf("%s %d", text, r.Read))
			m.queued[id] = text
			return err
		}
	}
	return chat.Errorf(chat.CodeNotJoined, "name", room)
}

// phrase writes the account's words into a file.
func (m *member) phrase(ctx context.Context, file string) error {
	p, err := m.api.Recovery(ctx, "en")
	if err != nil {
		return err
	}
	b, err := json.Marshal(p.Words)
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o600)
}

// revoke puts our other device out.
func (m *member) revoke(ctx context.Context) error {
	all, err := m.api.Devices(ctx)
	if err != nil {
		return err
	}
	for _, d := range all {
		if !d.This && d.Revoked.IsZero() {
			if _, err := m.api.RevokeDevice(ctx, d.Device.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

// seen is what a member read in a room.
type seen struct {
	Room    string
	Active  bool
	Members []string
	Topic   string
	Entries []entry
}

type entry struct {
	Seq     chat.Seq
	Form    client.Form
	Code    chat.Code
	Sender  string
	Text    string
	Added   []string
	Removed []string
	More    []string // members with one more device
}

func (m *member) dump(ctx context.Context, file string) error {
	rooms, err := m.api.Rooms(ctx)
	if err != nil {
		return err
	}
	status, err := m.api.Status(ctx)
	if err != nil {
		return err
	}
	names := make(map[string]client.RoomView)
	for _, r := range append(rooms, status.Rooms...) {
		if r.Kind == chat.PrivateRoom {
			names[r.Name] = r
		}
	}
	var all []seen
	for name, view := range names {
		s := seen{Room: name, Topic: view.Topic}
		members, err := m.api.Members(ctx, name)
		s.Active = err == nil && !view.Out
		for _, p := range members {
			s.Members = append(s.Members, p.Name)
		}
		for e, err := range m.api.Read(ctx, name, 0, false) {
			if err != nil {
				return err
			}
			one := entry{Seq: e.Seq, Form: e.Form, Sender: e.Sender, Text: e.Text, Added: e.Added, Removed: append(e.Removed, e.Left...), More: e.NewDevices}
			if e.Err != nil {
				one.Code = e.Err.Code
			}
			s.Entries = append(s.Entries, one)
		}
		all = append(all, s)
	}
	b, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o600)
}

// garbler is the link of a member whose commits are now and then garbage: the room must go on as if there had been none.
type garbler struct {
	client.Link
	of100 int
}

func (g *garbler) Write(frames ...[]byte) error {
	for i, raw := range frames {
		f, err := wire.Decode(raw)
		if err != nil {
			continue
		}
		c, ok := f.(*wire.Commit)
		if !ok || len(c.Welcomes) > 0 || mathrand.IntN(100) >= g.of100 { //nolint:gosec // no secret
			continue
		}
		env, err := wire.ParsePrivateEnvelope(c.Envelope)
		if err != nil {
			continue
		}
		_, _ = rand.Read(env.Message[len(env.Message)/2:])
		c.Envelope, c.Info, c.Tree = wire.Marshal(&env), nil, nil
		frames[i] = wire.Encode(c)
	}
	return g.Link.Write(frames...)
}
