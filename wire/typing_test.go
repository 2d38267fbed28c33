package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"huisclos/chat"
)

// The frames of typing, byte by byte, and their one size.
func TestTypingFrames(t *testing.T) {
	body := bytes.Repeat([]byte{7}, TypingSize)
	room := chat.RoomID{1, 2}
	rest := "50" + hex.EncodeToString(room[:]) + "58a0" + hex.EncodeToString(body)
	for _, c := range []struct {
		frame writable
		want  string
	}{
		{&Typing{Room: room, Body: body}, "831857" + rest},
		{&Typed{Room: room, Body: body}, "831858" + rest},
	} {
		raw := Encode(c.frame)
		if got := hex.EncodeToString(raw); got != c.want {
			t.Errorf("%T is %s, not %s", c.frame, got, c.want)
		}
		if _, err := Decode(raw); err != nil {
			t.Errorf("%T: %v", c.frame, err)
		}
	}
	for _, n := range []int{0, TypingSize - 1, TypingSize + 1} {
		for _, f := range []writable{&Typing{Body: make([]byte, n)}, &Typed{Body: make([]byte, n)}} {
			if _, err := Decode(Encode(f)); !errors.Is(err, chat.CodeFrame) {
				t.Errorf("%T of %d bytes: %v", f, n, err)
			}
		}
	}
}
