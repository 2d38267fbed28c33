package line

import (
	"strings"
	"testing"

	"huisclos/chat"
	"huisclos/client"
)

func TestDevices(t *testing.T) {
	converse(t, 100, 40, nil, func(d *desk) {
		d.press("/devices\r")
		d.sees("aa000000, made on Tuesday 14 October 2025, revoked on Wednesday 15 October 2025")
		d.sees("bb000000, made on Tuesday 14 October 2025: this one")
		d.sees("holds your account's key")
		d.sees("let in by cc000000")
		d.sees("was let in and has never come")
		d.sees("cc000000, made on Tuesday 14 October 2025")
		d.press("/devices revoke\r", "/devices remove cc\r")
		d.sees("! error usage.")
		d.press("/devices revoke dd\r")
		d.sees("! error no_device.")
		d.press("/devices revoke cc\r")
		d.sees("cc000000 is revoked")
		d.sees("It had let in ee000000, which isn't revoked")
		for _, text := range d.Lines() {
			if strings.Contains(text, "let in ef000000") {
				t.Error("one that is revoked is to be revoked")
			}
		}
		d.mu.Lock()
		d.keyless = true
		d.mu.Unlock()
		d.press("/devices\r")
		d.sees("goes on without your account's key")
		for _, e := range []client.Event{
			client.DeviceRevoked{Name: "alice", Device: chat.DeviceID{0xaa}, Mine: true}, client.DeviceRevoked{Name: "bob", Device: chat.DeviceID{0xdd}},
			client.DevicesWithheld{Name: "bob", Have: 3, Got: 2}, client.DevicesWithheld{Name: "bob", Forked: true},
		} {
			d.events <- e
		}
		d.sees("Your device aa000000 is revoked.")
		d.sees("bob has revoked a device (dd000000).")
		d.sees("an older list of bob's devices (version 2) than before (version 3)")
		d.sees("different lists of bob's devices")
	})
}
