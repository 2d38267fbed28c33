package trust_test

import (
	"bytes"
	"testing"

	"huisclos/chat"
	"huisclos/trust"
)

func TestLeaf(t *testing.T) {
	account, device := trust.NewAccount(), trust.NewDevice()
	server := chat.Fingerprint{1}
	key := bytes.Repeat([]byte{7}, 32)
	l := device.SignLeaf(server, account.ID(), 3, key)
	got, err := trust.ParseLeaf(l.Marshal())
	if err != nil || got.Account != account.ID() || got.Device != device.ID() || got.ListVersion != 3 {
		t.Fatal(got, err)
	}
	if err := got.Verify(server, key); err != nil {
		t.Fatal(err)
	}
	other := bytes.Repeat([]byte{8}, 32)
	for what, err := range map[string]error{
		"another server": got.Verify(chat.Fingerprint{2}, key), "another key": got.Verify(server, other), "no key": got.Verify(server, nil),
	} {
		if err == nil {
			t.Error(what, "is accepted")
		}
	}
	claimed := got
	claimed.Account = trust.NewAccount().ID()
	if claimed.Verify(server, key) == nil {
		t.Error("another account is accepted")
	}
	b := l.Marshal()
	for i := range b {
		spoilt := bytes.Clone(b)
		spoilt[i] ^= 1
		if l, err := trust.ParseLeaf(spoilt); err == nil && l.Verify(server, key) == nil {
			t.Errorf("byte %d can be changed", i)
		}
	}
	for _, b := range [][]byte{nil, b[:len(b)-1], append(bytes.Clone(b), 0)} {
		if _, err := trust.ParseLeaf(b); err == nil {
			t.Errorf("%d bytes are read", len(b))
		}
	}
}
