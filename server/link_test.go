package server_test

import (
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/server"
	"huisclos/wire"
)

// A new device says three messages, and hears as many as the old one has for it; what else it does ends its connection. Without the old device's answer it is over
// after a while.
func TestLinkBeforeTheLogin(t *testing.T) {
	for name, c := range map[string]struct {
		second, third []byte
		code          chat.Code // why it ends
	}{
		"of another code":        {second: say(9, "proof"), code: chat.CodeFrame},
		"a login after the code": {second: wire.Encode(&wire.Auth{}), code: chat.CodeFrame},
		"a second code":          {second: wire.Encode(&wire.UseLink{Number: 8, Message: []byte{1}}), code: chat.CodeFrame},
		"garbage":                {second: []byte{0xff}, code: chat.CodeFrame},
		"garbage for a receipt":  {second: say(8, "proof"), third: []byte{0xff}, code: chat.CodeFrame},
		"another's receipt":      {second: say(8, "proof"), third: say(9, "receipt"), code: chat.CodeFrame},
		"no receipt":             {second: say(8, "proof"), code: chat.CodeCodeBroken},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *server.Config) { c.LinkPatience(500 * time.Millisecond) })
			link := w.stranger(t)
			if err := link.Write(wire.Encode(&wire.UseLink{Number: 8, Message: []byte("hello")})); err != nil {
				t.Fatal(err)
			}
			hears(t, link, "hello")
			_ = link.Write(c.second)
			if c.third != nil || c.code == chat.CodeCodeBroken {
				hears(t, link, "proof")
			}
			if c.third != nil {
				_ = link.Write(c.third)
			}
			if e, err := reason(link); err != nil || e.Code != c.code {
				t.Fatalf("%v, %v; want %s", e, err, c.code)
			}
			if came, _ := w.hub.count(); came != 0 {
				t.Fatal("the new device came in")
			}
		})
	}
	w := newWorld(t, nil)
	link := w.stranger(t)
	if err := link.Write(wire.Encode(&wire.UseLink{Number: 8, Message: []byte("hello")})); err != nil {
		t.Fatal(err)
	}
	hears(t, link, "hello")
	_ = link.Write(say(8, "proof"))
	hears(t, link, "proof")
	_ = link.Write(say(8, "receipt"))
	for { // the echo of the receipt may come or not: all was handed over
		raw, err := link.Read()
		if err != nil {
			break
		}
		if f, err := wire.Decode(raw); err != nil {
			t.Fatal(err)
		} else if b, ok := f.(*wire.Bye); ok {
			t.Fatalf("%+v", b)
		}
	}
}
