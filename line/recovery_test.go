package line

import (
	"strings"
	"testing"

	"huisclos/chat"
	"huisclos/client"
)

func TestRecovery(t *testing.T) {
	converse(t, 100, 40, nil, func(d *desk) {
		d.press("/recovery\r")
		d.sees("type /recovery yes")
		d.press("/recovery maybe\r")
		d.sees("! error usage.")
		for _, text := range d.Lines() {
			if strings.Contains(text, "word1") {
				t.Error("shown without having been asked")
			}
		}
		d.press("/recovery yes\r")
		d.sees("   1 word1    2 word2    3 word3    4 word4")
		d.sees("  21 word21  22 word22  23 word23  24 word24")
		d.sees("The server has the sealed backup")
		d.mu.Lock()
		d.unstored = true
		d.mu.Unlock()
		d.press("/recovery yes\r")
		d.sees("hasn't stored the backup")
		d.mu.Lock()
		d.unstored, d.keyless = false, true
		d.mu.Unlock()
		d.press("\x0c", "/recovery yes\r") // on a clean screen
		d.sees("doesn't hold your account's key any more")
		d.sees("The server has the sealed backup")
		d.events <- client.Offline{Err: chat.Errorf(chat.CodePhraseNeeded, "reason", client.ReasonRenew)}
		d.sees("! error phrase_needed.")
		d.events <- client.DeviceAdded{Name: "alice", Device: chat.DeviceID{0xab, 0xcd}, Issued: start(), Mine: true}
		d.sees("A new device of yours has joined (abcd0000, made on Tuesday 14 October 2025).")
		d.events <- client.DeviceAdded{Name: "bob\x1b", Device: chat.DeviceID{0xab, 0xcd}, Issued: start()}
		d.sees("bob␛ has a new device (abcd0000)")
	})
}
