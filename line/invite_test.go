package line

import (
	"testing"

	"huisclos/chat"
	"huisclos/client"
)

// /invite shows a code, and what becomes of it.
func TestInvite(t *testing.T) {
	converse(t, 100, 40, nil, func(d *desk) {
		d.press("/invite\r")
		d.sees("        7-en-ocean")
		d.sees("They type: huisclos join 192.168.1.20:7540 7-en-ocean")
		d.events <- client.CodeUsed{Number: 7, Name: "bob\x1b[2J"}
		d.sees("has come by your code. You have verified each other.")
		d.events <- client.CodeFailed{Number: 8, Err: chat.Errorf(chat.CodeCodeWrong), Left: 1}
		d.sees("    ! error code_wrong.")
		d.sees("1 more code may fail today, then only the link and the QR code are left.")
		d.events <- client.CodeFailed{Number: 9, Err: chat.Errorf(chat.CodeCodeExpired), Left: 1}
		d.sees("    ! error code_expired.")
	})
}
