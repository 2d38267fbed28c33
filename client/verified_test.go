package client_test

import (
	"errors"
	"strings"
	"testing"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/trust"
	"huisclos/wire"
)

func (p *person) safety(name string) client.SafetyView {
	p.w.t.Helper()
	v, err := p.Safety(p.w.ctx, name)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return v
}

func TestVerify(t *testing.T) {
	w := newWorld(t)
	vault := client.NewMemory()
	alice, bob := w.person("alice", vault), w.person("bob", nil)
	a, b := alice.safety("bob"), bob.safety("Alice")
	if a.Number != b.Number || a.Code != b.Code || a.Trust != client.TrustSeen || b.Name != "alice" || !a.At.IsZero() {
		t.Errorf("%+v, %+v", a, b)
	}
	if _, err := alice.Safety(w.ctx, "alice"); !errors.Is(err, chat.CodeSelf) {
		t.Errorf("oneself: %v", err)
	}
	if _, err := alice.Safety(w.ctx, "nobody"); !errors.Is(err, chat.CodeNoSuchPerson) {
		t.Errorf("nobody: %v", err)
	}
	wrong := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '8' {
			return r + 1
		}
		return r
	}, a.Number)
	if _, err := alice.Verify(w.ctx, "bob", wrong); !errors.Is(err, chat.CodeSafetyOther) {
		t.Errorf("another number: %v", err)
	}
	if _, err := alice.Verify(w.ctx, "bob", trust.SafetyCode(chat.Fingerprint{1}, a.Number)); !errors.Is(err, chat.CodeSafetyOther) {
		t.Errorf("another server's: %v", err)
	}
	if _, err := alice.Verify(w.ctx, "bob", "sure"); !errors.Is(err, chat.CodeSafetyForm) {
		t.Errorf("no number: %v", err)
	}
	if alice.safety("bob").Trust != client.TrustSeen {
		t.Error("verified by what failed")
	}
	if v, err := alice.Verify(w.ctx, "bob", b.Code); err != nil || v.Trust != client.TrustVerified || v.By != client.ByNumber || v.At.IsZero() {
		t.Errorf("%+v, %v", v, err)
	}
	alice.join()
	bob.join()
	bob.send("hello")
	if m := await(alice, text("hello")); m.Trust != client.TrustVerified {
		t.Errorf("%+v", m)
	}
	people, err := alice.People(w.ctx, chat.Lobby)
	if err != nil || len(people) != 2 || people[1].Trust != client.TrustVerified {
		t.Errorf("%+v, %v", people, err)
	}
	if err := alice.Close(w.ctx); err != nil {
		t.Fatal(err)
	}
	vault.Reopen()
	again := w.person("", vault)
	if v := again.safety("bob"); v.Trust != client.TrustVerified || v.By != client.ByNumber {
		t.Errorf("after a restart: %+v", v)
	}
	if recent, err := again.Recent(w.ctx, chat.Lobby, 0, 1); err != nil || len(recent) != 1 || recent[0].Trust != client.TrustVerified {
		t.Errorf("%+v, %v", recent, err)
	}
	if v, err := again.Unverify(w.ctx, "bob"); err != nil || v.Trust != client.TrustSeen || v.By != "" {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err := again.Verify(w.ctx, "bob", ""); err != nil || v.By != client.ByPerson {
		t.Errorf("%+v, %v", v, err)
	}
}

// A server shows another account under a name that was verified: nobody compares numbers with it unawares, and when the person takes it all the
// same, it isn't verified and says so.
func TestVerifiedNameChanges(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	bob.send("one")
	await(alice, text("one"))
	if _, err := alice.Verify(w.ctx, "bob", ""); err != nil {
		t.Fatal(err)
	}
	mallory := trust.NewAccount()
	alice.between(func(f wire.Frame) []wire.Frame {
		if p, ok := f.(*wire.People); ok {
			p.People = []wire.Person{{Account: mallory.ID(), Name: "bob", NameSig: mallory.SignName(w.identity.Fingerprint(), "bob"), Certificates: [][]byte{}}}
		}
		return []wire.Frame{f}
	})
	if _, err := alice.Safety(w.ctx, "bob"); !errors.Is(err, chat.CodeIdentityChange) {
		t.Errorf("%v", err)
	}
	if e := await[client.IdentityChanged](alice, nil); !e.Verified || e.Account != mallory.ID() {
		t.Errorf("%+v", e)
	}
	alice.between(nil)
	if v := alice.safety("bob"); v.Trust != client.TrustVerified { // his own keys are what they were
		t.Errorf("%+v", v)
	}
}

// Once the person has accepted another account under the name, nothing of the old trust is left.
func TestAcceptedChangeIsNotVerified(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	bob.send("one")
	await(alice, text("one"))
	if _, err := alice.Verify(w.ctx, "bob", ""); err != nil {
		t.Fatal(err)
	}
	// The server loses everything; somebody else is faster to take the name.
	_ = bob.Close(w.ctx)
	w.anew()
	other := w.person("bob", nil)
	other.join()
	other.send("two")
	for range 2 { // once for the lost log, once for the name
		await[client.RoomStopped](alice, nil)
		if err := alice.Resume(w.ctx, chat.Lobby); err != nil {
			t.Fatal(err)
		}
	}
	other.send("three")
	m := await(alice, text("three"))
	if m.Trust != client.TrustChanged || m.Sender != "bob" {
		t.Errorf("%+v", m)
	}
	if v := alice.safety("bob"); v.Trust != client.TrustChanged || v.By != "" {
		t.Errorf("%+v", v)
	}
	if v, err := alice.Verify(w.ctx, "bob", ""); err != nil || v.Trust != client.TrustVerified {
		t.Errorf("%+v, %v", v, err)
	}
}
