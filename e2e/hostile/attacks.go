package main

import (
	"context"
	"maps"
	"strconv"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/content"
	"huisclos/mls"
	"huisclos/mls/mlstest"
	"huisclos/trust"
	"huisclos/wire"
)

// attacks are the commands of a hostile member. Each says what the server made of it: stored, or a code.
//
//	say TEXT          a right message
//	garbage           a commit that is noise
//	big BYTES         the same, as long as that
//	tag               a commit with a wrong confirmation tag
//	leaf              a commit whose leaf another device hasn't signed
//	put-out NAME      a commit that removes somebody
//	ahead             a message in the epoch that the last commit would have begun
//	state             a commit to a state of the room that nobody was told
//	roster            a commit of noise that takes everybody else off the roster
//	path NAME         a commit whose path secret is wrong for one member alone
//	info              noise as the room's newest state
//	as NAME           an envelope in another's name
//	inside NAME       a message whose sender data name another
//	moved             a message in the envelope of another
//	proposals N       N proposals that break the rules
//	leaves N          N proposals to remove himself
//	long BYTES        a message as long as that
//	counter           a message with a counter that leaves some out, and one that comes again
//	seen              a message that says that another log was seen
//	keep              keep the group's state, and don't hear of what comes
//	open              try to read what came since with it
//	return            come back from outside, with the newest state of the room
func (m *member) attacks() map[string]command {
	all := map[string]command{
		"say": m.say, "garbage": m.garbage, "big": m.big, "tag": m.tag, "leaf": m.leaf, "put-out": m.putOut, "state": m.state, "ahead": m.ahead, "roster": m.roster,
		"path": m.path, "info": m.info, "as": m.as, "inside": m.inside, "moved": m.moved, "proposals": m.proposals, "leaves": m.leaves, "long": m.long,
		"counter": m.wrongCounter, "seen": m.wrongSeen, "keep": m.keep, "open": m.open, "return": m.comeBack,
	}
	maps.Copy(all, m.rules())
	maps.Copy(all, m.sayings())
	return all
}

// inner is what clients put inside the encryption (docs/protocol.md).
type inner struct {
	_        struct{} `cbor:",toarray"`
	Version  uint
	Counter  uint64
	Previous [32]byte
	SeenSeq  chat.Seq
	SeenHash [32]byte
	Kind     uint8
	Content  []byte
}

func newID() chat.MessageID { return chat.NewMessageID(time.Now()) }

// envelope wraps an MLSMessage; change may break it.
func (m *member) envelope(ctx context.Context, room chat.RoomID, id chat.MessageID, message []byte, change func(*wire.PrivateEnvelope)) ([]byte, error) {
	status, err := m.api.Status(ctx)
	if err != nil {
		return nil, err
	}
	e := &wire.PrivateEnvelope{Version: 2, Room: room, Account: status.Account, Device: status.Device, ID: id, Message: message}
	if change != nil {
		change(e)
	}
	return wire.Marshal(e), nil
}

// commit sends a commit's envelope; change may add to the frame.
func (m *member) commit(ctx context.Context, room chat.RoomID, id chat.MessageID, message []byte, change func(*wire.Commit)) (string, error) {
	envelope, err := m.envelope(ctx, room, id, message, nil)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	f := &wire.Commit{Room: room, ID: id, Base: m.commits[room], Envelope: envelope}
	m.mu.Unlock()
	if change != nil {
		change(f)
	}
	return m.ask(ctx, id, wire.Encode(f))
}

// send sends content.
func (m *member) send(ctx context.Context, room chat.RoomID, id chat.MessageID, message []byte, change func(*wire.PrivateEnvelope)) (string, error) {
	envelope, err := m.envelope(ctx, room, id, message, change)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	m.previous = wire.HashEnvelope(envelope)
	m.mu.Unlock()
	return m.ask(ctx, id, wire.Encode(&wire.Send{Room: room, ID: id, Kind: chat.Content, Envelope: envelope}))
}

// wrap is how the next message of an epoch is sent. Its ratchet is beyond what the client itself uses.
func (m *member) wrap(id chat.MessageID) mlstest.Wrap {
	m.generation++
	return mlstest.Wrap{Generation: m.generation, Content: func(c *mlstest.Content) { c.AuthenticatedData = id[:] }}
}

// plain is a right message's inside; change may break it.
func (m *member) plain(room chat.RoomID, text string, change func(*inner)) (string, error) {
	body, err := content.FromText(text)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counter++
	in := &inner{Version: 1, Counter: m.counter, Previous: m.previous, SeenSeq: m.heads[room].Head, SeenHash: m.heads[room].HeadHash, Content: body}
	if change != nil {
		change(in)
	}
	return string(wire.Marshal(in)), nil
}

// lost sends a message that counts for nobody: the next one has its counter.
func (m *member) lost(ctx context.Context, text string, wrap func(*mlstest.Wrap)) (string, error) {
	counter, previous := m.counter, m.previous
	said, err := m.talk(ctx, text, nil, wrap)
	m.counter, m.previous = counter, previous
	return said, err
}

// talk sends a message that is right but for what change breaks.
func (m *member) talk(ctx context.Context, text string, change func(*inner), wrap func(*mlstest.Wrap)) (string, error) {
	f, room, err := m.forger(ctx)
	if err != nil {
		return "", err
	}
	plain, err := m.plain(room, text, change)
	if err != nil {
		return "", err
	}
	id := newID()
	w := m.wrap(id)
	if wrap != nil {
		wrap(&w)
	}
	return m.send(ctx, room, id, f.Application(plain, w), nil)
}

func (m *member) say(ctx context.Context, args []string) (string, error) {
	counter, previous := m.counter, m.previous
	said, err := m.talk(ctx, strings.Join(args, " "), nil, nil)
	if said != "stored" {
		m.counter, m.previous = counter, previous
	}
	return said, err
}

func (m *member) garbage(ctx context.Context, _ []string) (string, error) {
	return m.noise(ctx, 500, nil)
}

func (m *member) big(ctx context.Context, args []string) (string, error) {
	n, err := strconv.Atoi(strings.Join(args, ""))
	if err != nil {
		return "", err
	}
	return m.noise(ctx, n, nil)
}

// noise sends a commit that is nothing.
func (m *member) noise(ctx context.Context, n int, change func(*wire.Commit)) (string, error) {
	room, err := m.room(ctx)
	if err != nil {
		return "", err
	}
	return again(func() (string, error) { return m.commit(ctx, room, newID(), noise(n), change) })
}

// again tries once more when another's commit came first, once that is read.
func again(try func() (string, error)) (said string, err error) {
	for range 10 {
		if said, err = try(); err != nil || said != string(chat.CodeConflict) {
			break
		}
		<-time.After(200 * time.Millisecond)
	}
	return said, err
}

// forge sends a commit that is right but for what the plan breaks.
func (m *member) forge(ctx context.Context, plan func(*mlstest.Forger, *mlstest.Plan)) (string, error) {
	return again(func() (string, error) { return m.forgeOnce(ctx, plan) })
}

func (m *member) forgeOnce(ctx context.Context, plan func(*mlstest.Forger, *mlstest.Plan)) (string, error) {
	f, room, err := m.forger(ctx)
	if err != nil {
		return "", err
	}
	id := newID()
	p := mlstest.Plan{Wrap: m.wrap(id)}
	plan(f, &p)
	made := f.Commit(p)
	m.next = made.Next
	return m.commit(ctx, room, id, made.Message, func(c *wire.Commit) {
		c.Info, c.Tree = made.Next.GroupInfo(nil), made.Next.Tree.Encode()
	})
}

func (m *member) tag(ctx context.Context, _ []string) (string, error) {
	return m.forge(ctx, func(_ *mlstest.Forger, p *mlstest.Plan) {
		p.Tagged = func(a *mlstest.Authenticated) { a.ConfirmationTag[0] ^= 1 }
	})
}

func (m *member) leaf(ctx context.Context, _ []string) (string, error) {
	return m.forge(ctx, func(f *mlstest.Forger, p *mlstest.Plan) {
		p.Leaf = func(l *mlstest.LeafNode) {
			if other, err := trust.ParseLeaf(l.Credential.Identity); err == nil {
				other.Device[0] ^= 1
				l.Credential = mls.BasicCredential(other.Marshal())
			}
		}
	})
}

// place finds a member's leaf.
func (m *member) place(ctx context.Context, f *mlstest.Forger, name string) (uint32, error) {
	all, err := m.api.Members(ctx, m.named(ctx))
	if err != nil {
		return 0, err
	}
	for _, v := range all {
		if v.Name != name {
			continue
		}
		for i := range uint32(len(f.Tree.Nodes)/2 + 1) { //nolint:gosec // small
			l := f.Tree.Leaf(i)
			if l == nil {
				continue
			}
			if who, err := trust.ParseLeaf(l.Credential.Identity); err == nil && who.Account == v.Account {
				return i, nil
			}
		}
	}
	return 0, errNobody
}

// named is the name of the member's private room.
func (m *member) named(ctx context.Context) string {
	status, err := m.api.Status(ctx)
	if err != nil {
		return ""
	}
	for _, r := range status.Rooms {
		if r.Kind == chat.PrivateRoom {
			return r.Name
		}
	}
	return ""
}

// with forges a commit against somebody.
func (m *member) with(ctx context.Context, args []string, plan func(*mlstest.Forger, *mlstest.Plan, uint32)) (string, error) {
	f, _, err := m.forger(ctx)
	if err != nil {
		return "", err
	}
	i, err := m.place(ctx, f, strings.Join(args, " "))
	if err != nil {
		return "", err
	}
	return m.forge(ctx, func(f *mlstest.Forger, p *mlstest.Plan) { plan(f, p, i) })
}

func (m *member) putOut(ctx context.Context, args []string) (string, error) {
	return m.with(ctx, args, func(_ *mlstest.Forger, p *mlstest.Plan, i uint32) {
		p.Proposals = mlstest.Values(&mlstest.Proposal{Type: mls.ProposalRemove, Remove: i})
	})
}

// ahead goes on as if the last commit had counted.
func (m *member) ahead(ctx context.Context, _ []string) (string, error) {
	room, err := m.room(ctx)
	if err != nil || m.next == nil {
		return "", errUsage
	}
	id, counter, previous := newID(), m.counter, m.previous
	plain, err := m.plain(room, "from ahead", nil)
	if err != nil {
		return "", err
	}
	said, err := m.send(ctx, room, id, m.next.Application(plain, m.wrap(id)), nil)
	m.counter, m.previous = counter, previous
	return said, err
}

// path spoils what is encrypted to one member.
func (m *member) path(ctx context.Context, args []string) (string, error) {
	return m.with(ctx, args, func(f *mlstest.Forger, p *mlstest.Plan, i uint32) {
		steps := f.Tree.Path(f.Own)
		p.Path = func(path *mlstest.UpdatePath) {
			for k, step := range steps {
				for j, x := range f.Tree.Resolution(step.Copath) {
					if x == 2*i {
						path.Nodes[k].Secrets[j].Text[0] ^= 1
					}
				}
			}
		}
	})
}

func (m *member) state(ctx context.Context, _ []string) (string, error) {
	return m.forge(ctx, func(_ *mlstest.Forger, p *mlstest.Plan) {
		p.Proposals = mlstest.Values(&mlstest.Proposal{
			Type: mls.ProposalGroupContextExtensions, Extensions: mls.Extensions{}.With(extensionState, noise(32)),
		})
	})
}

func (m *member) roster(ctx context.Context, _ []string) (string, error) {
	status, err := m.api.Status(ctx)
	if err != nil {
		return "", err
	}
	all, err := m.api.Members(ctx, m.named(ctx))
	if err != nil {
		return "", err
	}
	return m.noise(ctx, 500, func(c *wire.Commit) {
		for _, v := range all {
			if v.Account != status.Account {
				c.Remove = append(c.Remove, v.Account)
			}
		}
	})
}

func (m *member) info(ctx context.Context, _ []string) (string, error) {
	return m.noise(ctx, 500, func(c *wire.Commit) { c.Info, c.Tree = noise(500), noise(500) })
}

func (m *member) as(ctx context.Context, args []string) (string, error) {
	f, room, err := m.forger(ctx)
	if err != nil {
		return "", err
	}
	all, err := m.api.Members(ctx, m.named(ctx))
	if err != nil {
		return "", err
	}
	id := newID()
	return m.send(ctx, room, id, f.Application("x", m.wrap(id)), func(e *wire.PrivateEnvelope) {
		for _, v := range all {
			if v.Name == strings.Join(args, " ") {
				e.Account = v.Account
			}
		}
	})
}

func (m *member) inside(ctx context.Context, args []string) (string, error) {
	f, _, err := m.forger(ctx)
	if err != nil {
		return "", err
	}
	i, err := m.place(ctx, f, strings.Join(args, " "))
	if err != nil {
		return "", err
	}
	return m.lost(ctx, "as another", func(w *mlstest.Wrap) { w.Leaf = &i })
}

func (m *member) moved(ctx context.Context, _ []string) (string, error) {
	return m.lost(ctx, "from elsewhere", func(w *mlstest.Wrap) {
		w.Content = func(c *mlstest.Content) { id := newID(); c.AuthenticatedData = id[:] }
	})
}

// many sends n proposals.
func (m *member) many(ctx context.Context, args []string, proposal func(*mlstest.Forger) *mlstest.Proposal) (string, error) {
	n, err := strconv.Atoi(strings.Join(args, ""))
	if err != nil {
		return "", err
	}
	f, room, err := m.forger(ctx)
	if err != nil {
		return "", err
	}
	p := proposal(f)
	for range n {
		id := newID()
		message, _ := f.Propose(p, m.wrap(id))
		if said, err := m.send(ctx, room, id, message, nil); err != nil || said != "stored" {
			return said, err
		}
	}
	return "stored", nil
}

func (m *member) proposals(ctx context.Context, args []string) (string, error) {
	return m.many(ctx, args, func(f *mlstest.Forger) *mlstest.Proposal { return f.UpdateProposal(nil) })
}

func (m *member) leaves(ctx context.Context, args []string) (string, error) {
	return m.many(ctx, args, func(f *mlstest.Forger) *mlstest.Proposal {
		return &mlstest.Proposal{Type: mls.ProposalRemove, Remove: f.Own}
	})
}

func (m *member) long(ctx context.Context, args []string) (string, error) {
	n, err := strconv.Atoi(strings.Join(args, ""))
	if err != nil {
		return "", err
	}
	return m.lost(ctx, strings.Repeat("x", n), nil)
}

func (m *member) wrongCounter(ctx context.Context, _ []string) (string, error) {
	said, err := m.talk(ctx, "out of order", func(in *inner) { in.Counter += 5 }, nil)
	if err != nil || said != "stored" {
		return said, err
	}
	said, err = m.lost(ctx, "once more", nil)
	m.counter += 5
	return said, err
}

func (m *member) wrongSeen(ctx context.Context, _ []string) (string, error) {
	return m.talk(ctx, "what I saw", func(in *inner) { in.SeenHash[0] ^= 1 }, nil)
}
