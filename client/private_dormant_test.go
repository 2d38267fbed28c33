package client_test

import (
	"sync/atomic"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/wire"
)

// clock is somebody's own, which a test puts forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) forward(days int) { c.ahead.Add(int64(days) * int64(24*time.Hour)) }

// comesAgain ends the connection, and waits until the room is read to its head again: then its program looks at who is silent.
func (p *person) comesAgain() {
	p.w.t.Helper()
	before := p.status().Session
	p.cut()
	await(p, func(o client.Online) bool { return o.Session > before })
	if _, err := p.Recent(p.w.ctx, "team", 0, 1); err != nil {
		p.w.t.Fatal(err)
	}
	if _, err := p.Join(p.w.ctx, "team"); err != nil {
		p.w.t.Fatal(err)
	}
}

// nobodyGoes waits for longer than anybody hesitates before he takes out who is silent.
func (p *person) nobodyGoes(room string) {
	p.w.t.Helper()
	for end := time.After(time.Second); ; {
		select {
		case e := <-p.events:
			if m, ok := e.(client.Message); ok && m.Form == client.Changed && len(m.Silent)+len(m.Removed) > 0 {
				p.w.t.Fatalf("somebody goes: %+v", m)
			}
		case <-end:
			return
		}
	}
}

func (p *person) count(room string) int {
	p.w.t.Helper()
	all, err := p.Members(p.w.ctx, room)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return len(all)
}

// Who is silent for 60 days is taken out by whoever may, if that one has followed the room himself; not by one who was away himself, and nobody who speaks.
func TestSilentDevicesGo(t *testing.T) {
	w := newWorld(t)
	c := new(clock)
	alice := w.personAt("alice", nil, c.now)
	bob, carol := w.person("bob", nil), w.person("carol", nil)
	alice.found("team")
	for _, p := range []*person{bob, carol} {
		if err := alice.Invite(w.ctx, "team", p.status().Name); err != nil {
			t.Fatal(err)
		}
		await[client.Invited](p, nil)
	}
	alice.comesAgain()
	c.forward(200) // alice was away: nobody goes at once
	alice.comesAgain()
	alice.comesAgain()
	alice.say("team", "I am back")
	bob.nobodyGoes("team")
	for range 4 { // she has to follow for two weeks
		c.forward(3)
		alice.comesAgain()
	}
	bob.say("team", "good that you are") // who isn't silent
	await(alice, text("good that you are"))
	bob.nobodyGoes("team")
	c.forward(3)
	alice.comesAgain()
	m := await(bob, func(m client.Message) bool { return m.Form == client.Changed && len(m.Silent) > 0 })
	if m.Silent[0] != "carol" || len(m.Removed) != 0 || m.Sender != "alice" {
		t.Errorf("bob is told %+v", m)
	}
	if e := await[client.PutOut](carol, nil); !e.Silent || e.By != "alice" {
		t.Errorf("carol is told %+v", e)
	}
	bob.say("team", "the two of us")
	await(alice, text("the two of us"))
	if n := alice.count("team"); n != 2 {
		t.Errorf("%d members", n)
	}
	alice.invite("team", "carol")
	await[client.Invited](carol, nil)
}

// A plain member may put nobody out, whoever is silent.
func TestAPlainMemberPutsNobodyOut(t *testing.T) {
	w := newWorld(t)
	c := new(clock)
	alice, bob := w.person("alice", nil), w.personAt("bob", nil, c.now)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.comesAgain()
	for range 30 {
		c.forward(3)
		bob.comesAgain()
	}
	bob.say("team", "nobody here?")
	await(alice, text("nobody here?"))
	alice.nobodyGoes("team")
	if n := bob.count("team"); n != 2 {
		t.Errorf("%d members", n)
	}
}

// Whoever is invited on a last resort is marked until he has renewed his keys.
func TestInvitedOnALastResort(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
	bob.put(t)
	for range 4 { // all four one-time ones are gone
		if _, err := w.store.TakePackages(w.ctx, chat.DeviceID{1}, []chat.AccountID{account(bob)}, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	weak := func(p *person, name string) bool {
		t.Helper()
		all, err := p.Members(w.ctx, "team")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if m.Name == name {
				return m.Weak
			}
		}
		t.Fatalf("%s isn't there", name)
		return false
	}
	alice.found("team")
	alice.invite("team", "carol")
	if e := await[client.Invited](carol, nil); e.Weak {
		t.Error("carol came by a one-time key package")
	}
	alice.invite("team", "bob")
	if e := await[client.Invited](bob, nil); !e.Weak {
		t.Error("bob isn't told")
	}
	m := await(carol, func(m client.Message) bool { return len(m.Added) > 0 })
	if len(m.Weak) != 1 || m.Weak[0] != "bob" {
		t.Errorf("carol is told %+v", m)
	}
	if !weak(alice, "bob") || !weak(carol, "bob") || !weak(bob, "bob") || weak(alice, "carol") {
		t.Error("who is marked")
	}
	bob.say("team", "hello") // with new keys first
	await(alice, text("hello"))
	await(carol, text("hello"))
	if weak(alice, "bob") || weak(carol, "bob") || weak(bob, "bob") {
		t.Error("who is still marked")
	}
}

// The last resort is made anew each week.
func TestTheLastResortIsRenewed(t *testing.T) {
	w := newWorld(t)
	c := new(clock)
	bob := w.personAt("bob", nil, c.now)
	last := func() string {
		t.Helper()
		for {
			got, err := w.store.TakePackages(w.ctx, chat.DeviceID{1}, []chat.AccountID{account(bob)}, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == 1 && got[0].Last {
				return string(got[0].Data)
			}
			if w.ctx.Err() != nil {
				t.Fatal("no last resort")
			}
		}
	}
	first := last()
	again := func(days int) string {
		c.forward(days)
		before := bob.status().Session
		bob.cut()
		await(bob, func(o client.Online) bool { return o.Session > before })
		bob.put(t)
		return last()
	}
	if again(6) != first {
		t.Error("after six days it is another one")
	}
	if again(2) == first {
		t.Error("after eight days it is the same")
	}
}

// put waits until the key packages of this session are with the server.
func (p *person) put(t *testing.T) {
	t.Helper()
	for p.w.ctx.Err() == nil {
		n, err := p.w.store.PackageState(p.w.ctx, p.status().Device)
		if err != nil {
			t.Fatal(err)
		}
		if n.OneTime == 4 {
			return
		}
	}
	t.Fatal("no key packages")
}

// A silent device whose account has another one there is taken out by that, and comes back by itself when it wakes.
func TestASilentDeviceComesBack(t *testing.T) {
	w := newWorld(t)
	c := new(clock)
	vault := client.NewMemory()
	alice, bob := w.person("alice", vault), w.personAt("bob", nil, c.now)
	bob.found("team")
	bob.invite("team", "alice")
	await[client.Invited](alice, nil)
	laptop := alice.second()
	await[client.Invited](laptop, nil)
	laptop.say("team", "from the laptop")
	await(bob, text("from the laptop"))
	alice.say("team", "from the old one")
	await(bob, text("from the old one"))
	await(laptop, text("from the old one"))
	alice.between(func(wire.Frame) []wire.Frame { return nil }) // asleep
	bob.comesAgain()
	for range 25 {
		c.forward(3)
		if c.ahead.Load() < int64(60*24*time.Hour) {
			laptop.say("team", "the laptop is awake")
			await(bob, text("the laptop is awake"))
		}
		bob.comesAgain()
	}
	m := await(laptop, func(m client.Message) bool { return len(m.Sleeping) > 0 })
	if m.Sleeping[0] != "alice" || len(m.Removed)+len(m.Silent) > 0 {
		t.Errorf("the laptop is told %+v", m)
	}
	laptop.say("team", "and the old one?")
	await(bob, text("and the old one?"))
	alice.between(nil)
	alice.cut()
	await[client.Returned](alice, nil)
	alice.say("team", "awake")
	for _, p := range []*person{bob, laptop} {
		if m := await(p, text("awake")); m.Err != nil { // it counts from 1 again, and all know that
			t.Errorf("%s: %v", p.name(), m.Err)
		}
	}
	laptop.say("team", "welcome back")
	await(alice, text("welcome back"))
}
