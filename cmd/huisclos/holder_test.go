package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/hub"
	"huisclos/keys"
	"huisclos/trust"
)

// A holder that has drawn the first key and taken it.
func testHolder(t *testing.T) *holder {
	t.Helper()
	h := &holder{server: access.NewIdentity().Fingerprint(), address: "chat.example:7540"}
	if _, err := h.Draw(1, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := h.Take(1); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHolderKnowsNothingAtFirst(t *testing.T) {
	h := &holder{server: access.NewIdentity().Fingerprint()}
	if _, err := h.Show(); !errors.Is(err, chat.CodeKeyUnknown) {
		t.Errorf("Show: %v", err)
	}
	if err := h.Take(1); !errors.Is(err, chat.CodeKeyUnknown) {
		t.Errorf("Take of what was never drawn: %v", err)
	}
	if _, err := h.Seal(1, chat.AccountID{}, chat.DeviceID{}, nil); !errors.Is(err, chat.CodeKeyUnknown) {
		t.Errorf("Seal: %v", err)
	}
}

// A key that was drawn is not in force until the store has it: a failure in between changes nothing.
func TestHolderKeepsTheKeyUntilTheNextIsTaken(t *testing.T) {
	h := testHolder(t)
	before := h.key
	made, err := h.Draw(2, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if !h.key.Equal(before) || h.generation != 1 {
		t.Error("drawing changed the key in force")
	}
	if before.Fits(2, made.Access) {
		t.Error("the next generation is the same key")
	}
	if err := h.Take(2); err != nil {
		t.Fatal(err)
	}
	if !h.key.Fits(2, made.Access) {
		t.Error("what was taken isn't what was drawn")
	}
	// Who holds the new key reaches the old one, and nobody else does.
	old, err := keys.OpenLink(h.key, 2, made.Link)
	if err != nil || !old.Equal(before) {
		t.Errorf("the old key can't be reached from the new one: %v", err)
	}
	if _, err := keys.OpenLink(keys.New(h.server), 2, made.Link); err == nil {
		t.Error("another key opens the link to the old one")
	}
}

// What is shown to people says what they need; printed by accident it says nothing.
func TestHolderShowsTheLink(t *testing.T) {
	h := testHolder(t)
	k, err := h.Show()
	if err != nil {
		t.Fatal(err)
	}
	l, err := keys.ParseLink(k.Link.Reveal())
	if err != nil || l.Address != "chat.example:7540" || !l.Key.Equal(h.key) {
		t.Errorf("the link leads to %q: %v", l.Address, err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", k, k, k, k.Key); strings.Contains(text, h.key.Reveal()) || strings.Contains(text, "hc1") {
		t.Errorf("printing shows the key: %s", text)
	}
}

// The key is sealed for a device that the account itself certified, and for no other.
func TestHolderSealsForCertifiedDevicesOnly(t *testing.T) {
	h := testHolder(t)
	account, device := trust.NewAccount(), trust.NewDevice()
	certificate := trust.Certify(account, device, 1, time.Now().UnixMilli())
	grant, err := h.Seal(1, account.ID(), device.ID(), certificate.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	got, err := keys.OpenGrant(h.server, 1, account.ID(), device.ID(), device.HPKE(), grant)
	if err != nil || !got.Equal(h.key) {
		t.Errorf("the device can't open its grant: %v", err)
	}
	mallory := trust.NewDevice()
	if _, err := keys.OpenGrant(h.server, 1, account.ID(), device.ID(), mallory.HPKE(), grant); err == nil {
		t.Error("another device opens the grant")
	}
	if _, err := h.Seal(1, account.ID(), mallory.ID(), certificate.Marshal()); !errors.Is(err, chat.CodeAuth) {
		t.Errorf("sealed for another device: %v", err)
	}
	if _, err := h.Seal(1, trust.NewAccount().ID(), device.ID(), certificate.Marshal()); !errors.Is(err, chat.CodeAuth) {
		t.Errorf("sealed for another account: %v", err)
	}
	forged := certificate.Marshal()
	forged[len(forged)/2] ^= 1
	if _, err := h.Seal(1, account.ID(), device.ID(), forged); err == nil {
		t.Error("sealed for a changed certificate")
	}
	if _, err := h.Seal(2, account.ID(), device.ID(), certificate.Marshal()); !errors.Is(err, chat.CodeKeyUnknown) {
		t.Errorf("sealed for a generation that isn't in force: %v", err)
	}
}

// One that another device has let in gets the key too, by the account's list; and not without it.
func TestHolderSealsForDevicesOfTheList(t *testing.T) {
	h := testHolder(t)
	account, first, second := trust.NewAccount(), trust.NewDevice(), trust.NewDevice()
	l, err := trust.NewDeviceList(h.server, account.ID()).Change(account, trust.ListAdd, first.ID(), 1)
	if err == nil {
		l, err = l.ChangeBy(first, trust.ListAdd, second.ID(), 2)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := second.Countersign(first.Vouch(account.ID(), second.Applicant(), 2, 2))
	if err != nil {
		t.Fatal(err)
	}
	p := hub.Person{Account: account.ID(), List: l.Marshal()}
	grant, err := h.Seal(1, account.ID(), second.ID(), p.Proof(hub.Device{Certificate: c.Marshal()}))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := keys.OpenGrant(h.server, 1, account.ID(), second.ID(), second.HPKE(), grant); err != nil || !got.Equal(h.key) {
		t.Errorf("the device can't open its grant: %v", err)
	}
	p.List = l.Upto(1).Marshal()
	for what, proof := range map[string][]byte{"without a list": c.Marshal(), "with a list without it": p.Proof(hub.Device{Certificate: c.Marshal()})} {
		if _, err := h.Seal(1, account.ID(), second.ID(), proof); !errors.Is(err, chat.CodeAuth) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestLoopback(t *testing.T) {
	for listen, want := range map[string]string{
		":7540": "127.0.0.1:7540", "0.0.0.0:1": "127.0.0.1:1", "[::]:2": "127.0.0.1:2", "192.0.2.7:3": "192.0.2.7:3", "[2001:db8::1]:4": "[2001:db8::1]:4",
	} {
		if got := loopback(listen); got != want {
			t.Errorf("%s is reached at %s, not %s", listen, got, want)
		}
		if _, _, err := net.SplitHostPort(loopback(listen)); err != nil {
			t.Error(err)
		}
	}
}
