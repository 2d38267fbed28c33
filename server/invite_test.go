package server_test

import (
	"errors"
	"testing"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
	"huisclos/server"
	"huisclos/wire"
)

// stranger connects and hears the challenge.
func (w *world) stranger(t *testing.T) *conn.Link {
	t.Helper()
	link := w.dial(t)
	if err := link.Write(access.NewStranger("x").Hello()); err != nil {
		t.Fatal(err)
	}
	if _, err := link.Read(); err != nil {
		t.Fatal(err)
	}
	return link
}

// hears reads the next message of a code.
func hears(t *testing.T, link *conn.Link, want string) {
	t.Helper()
	raw, err := link.Read()
	if err != nil {
		t.Fatal(err)
	}
	f, err := wire.Decode(raw)
	if m, ok := f.(*wire.CodeMessage); err != nil || !ok || string(m.Message) != want {
		t.Fatalf("%+v, %v; want %q", f, err, want)
	}
}

func say(number uint32, text string) []byte {
	return wire.Encode(&wire.CodeMessage{Number: number, Message: []byte(text)})
}

// Two messages go each way, and then it is over: what a newcomer with a code does beside that ends his connection.
func TestCodeBeforeTheLogin(t *testing.T) {
	for name, c := range map[string]struct {
		second []byte
		more   bool      // the second message is passed on
		code   chat.Code // why it ends; empty when all was handed over
	}{
		"the two messages":       {second: say(8, "proof"), more: true},
		"of another code":        {second: say(9, "proof"), code: chat.CodeFrame},
		"a second code":          {second: wire.Encode(&wire.UseCode{Number: 8, Message: []byte{1}}), code: chat.CodeFrame},
		"a login after the code": {second: wire.Encode(&wire.Auth{}), code: chat.CodeFrame},
		"a message to a room":    {second: wire.Encode(&wire.Send{Envelope: []byte{1}}), code: chat.CodeFrame},
		"too large":              {second: make([]byte, 1<<20), code: chat.CodeTooLarge},
		"garbage":                {second: []byte{0xff}, code: chat.CodeFrame},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			link := w.stranger(t)
			if err := link.Write(wire.Encode(&wire.UseCode{Number: 8, Message: []byte("hello")})); err != nil {
				t.Fatal(err)
			}
			hears(t, link, "hello")
			_ = link.Write(c.second) // the server may end it before all is written
			if c.more {
				hears(t, link, "proof")
			}
			e, err := reason(link)
			if c.more {
				if !errors.Is(err, chat.CodeUnreachable) {
					t.Fatalf("%v, %v; the end", e, err)
				}
			} else if err != nil || e.Code != c.code {
				t.Fatalf("%v, %v; want %s", e, err, c.code)
			}
			if came, _ := w.hub.count(); came != 0 {
				t.Fatal("the newcomer came in")
			}
		})
	}
}

// A member who doesn't answer, and a newcomer who says nothing more, cost a few seconds. Others log in meanwhile.
func TestSilenceAfterTheCode(t *testing.T) {
	w := newWorld(t, func(c *server.Config) { c.CodePatience(200 * time.Millisecond) })
	waits := w.stranger(t)
	if err := waits.Write(wire.Encode(&wire.UseCode{Number: 7, Message: []byte("hello")})); err != nil {
		t.Fatal(err)
	}
	silent := w.stranger(t)
	if err := silent.Write(wire.Encode(&wire.UseCode{Number: 8, Message: []byte("hello")})); err != nil {
		t.Fatal(err)
	}
	hears(t, silent, "hello")
	w.mustLogin(newPerson("alice"), w.key)
	if e, err := reason(waits); err != nil || e.Code != chat.CodeCodeBroken {
		t.Errorf("%v, %v", e, err)
	}
	if e, err := reason(silent); err != nil || e.Code != chat.CodeSlow {
		t.Errorf("%v, %v", e, err)
	}
}

// Whoever tries one number after the other has to wait soon; the login isn't slowed down by it.
func TestCodesAreTriedSlowly(t *testing.T) {
	w := newWorld(t, nil)
	tries := 0
	for code := chat.CodeCodeUnknown; code == chat.CodeCodeUnknown; tries++ {
		link := w.stranger(t)
		if err := link.Write(wire.Encode(&wire.UseCode{Number: 99, Message: []byte{1}})); err != nil {
			t.Fatal(err)
		}
		e, err := reason(link)
		if err != nil || e.Code != chat.CodeCodeUnknown && e.Code != chat.CodeRate {
			t.Fatalf("try %d: %v, %v", tries, e, err)
		}
		code = e.Code
	}
	if tries < 6 || tries > 50 { // half a try a second comes back meanwhile
		t.Errorf("it has to wait after %d tries", tries-1)
	}
	w.mustLogin(newPerson("alice"), w.key)
}
