package line

import (
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
)

// /link shows a code, what asks, and what becomes of it; the history is told of at each tenth.
func TestLink(t *testing.T) {
	converse(t, 110, 80, nil, func(d *desk) {
		d.press("/link\r")
		d.sees("huisclos link 8-en-ocean 192.168.1.20:7540")
		d.events <- client.LinkAsked{
			Number: 8, Device: chat.DeviceID{0xdd}, Name: "lap\x1b[2Jtop", Software: "huisclos 1", Until: time.Now().Add(time.Minute),
			Devices: []client.DeviceView{{Device: chat.DeviceID{0xaa}, Name: "desk", Issued: start(), This: true}, {Device: chat.DeviceID{0xbb}, Revoked: start()}},
		}
		d.sees("A device asks to be one of yours: lap")
		d.sees("top (dd000000), huisclos 1")
		d.sees("desk (aa000000), made on")
		d.press("/link maybe\r")
		d.sees("    ! error usage.")
		d.press("/link yes\r")
		d.press("/link no\r")
		d.sees("    ! error no_link.")
		d.events <- client.LinkDone{Number: 8, Device: chat.DeviceID{0xdd}, Name: "laptop"}
		d.sees("laptop (dd000000) is one of your devices now")
		v := client.TransferView{Device: chat.DeviceID{0xdd}, Name: "laptop", Gives: true, Total: 48_000}
		for _, n := range []uint64{0, 12_340, 12_341, 48_000} {
			v.Moved = n
			d.events <- client.HistoryMoved{TransferView: v}
		}
		d.events <- client.HistoryMoved{TransferView: v, Done: true}
		d.sees("history: 0 of 48,000 messages (laptop (dd000000))")
		d.sees("history: 12,340 of 48,000 messages")
		d.sees("laptop (dd000000) has the history: 48000 messages.")
		d.events <- client.HistoryMoved{TransferView: client.TransferView{Device: chat.DeviceID{0xaa}}, Away: true}
		d.sees("The history comes from aa000000, which isn't connected.")
		d.events <- client.CodeFailed{Number: 9, Err: chat.Errorf(chat.CodeLinkRefused), Left: 3}
		d.sees("Nothing was handed over to the device that asked.")
	})
}

func TestProgress(t *testing.T) {
	var p Progress
	told := 0
	for n := range uint64(1001) {
		if p.Text(words(t, "en"), client.HistoryMoved{TransferView: client.TransferView{Total: 1000, Moved: n}}) != "" {
			told++
		}
	}
	if told != 11 {
		t.Errorf("1,000 steps are told %d times", told)
	}
	if p.Text(words(t, "en"), client.HistoryMoved{}) != "" {
		t.Error("nothing is told of nothing")
	}
}
