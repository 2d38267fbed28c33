package hub_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// code makes one, and says its number.
func (p *person) code() uint32 {
	p.w.t.Helper()
	p.must(wire.Encode(&wire.OpenCode{Ref: 5}))
	opened := take[*wire.CodeOpened](p)
	if len(opened) != 1 || opened[0].Ref != 5 || opened[0].Seconds != 600 {
		p.w.t.Fatalf("%+v", opened)
	}
	return opened[0].Number
}

func (p *person) say(number uint32, text string) {
	p.w.t.Helper()
	p.must(wire.Encode(&wire.CodeMessage{Number: number, Message: []byte(text)}))
}

func (p *person) hears(text string) {
	p.w.t.Helper()
	if got := take[*wire.CodeMessage](p); len(got) != 1 || string(got[0].Message) != text {
		p.w.t.Errorf("not %q: %+v", text, got)
	}
}

// use is a newcomer with a number; the guest leaves at the end of the test.
func (w *world) use(number uint32) (*hub.Guest, chat.Code) {
	w.t.Helper()
	g, err := w.hub.UseCode(number, []byte("hello"))
	return g, chat.CodeOf(err)
}

func hears(t *testing.T, g *hub.Guest, text string) {
	t.Helper()
	if m, err := g.Answer(context.Background()); err != nil || string(m) != text {
		t.Errorf("%q, %v", m, err)
	}
}

// Two messages go each way, and the code is used up.
func TestCodeIsRelayed(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob := w.join("alice"), w.join("bob")
		n := alice.code()
		if n != 1 || bob.code() != 2 {
			t.Error("the numbers aren't the smallest")
		}
		g, _ := w.use(n)
		alice.hears("hello")
		if _, code := w.use(n); code != chat.CodeCodeUsed {
			t.Error("a second newcomer:", code)
		}
		bob.say(n, "from somebody else")
		alice.say(n, "offer")
		hears(t, g, "offer")
		if err := g.Say([]byte("proof")); err != nil {
			t.Fatal(err)
		}
		alice.hears("proof")
		if err := g.Say([]byte("more")); !codeIs(err, chat.CodeFrame) {
			t.Error(err)
		}
		alice.say(n, "gift")
		alice.say(n, "more than the protocol has")
		hears(t, g, "gift")
		g.Leave()
		g.Leave()
		if len(take[*wire.CodeLeft](alice)) != 0 {
			t.Error("the end was a surprise")
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if m, err := g.Answer(ctx); !codeIs(err, chat.CodeCodeBroken) {
			t.Errorf("%q, %v", m, err)
		}
	})
}

// The maker ends a run by saying why; only what can be said of a code is passed on. A newcomer who goes is told of.
func TestCodeIsEnded(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob := w.join("alice"), w.join("bob")
		for why, heard := range map[chat.Code]chat.Code{
			chat.CodeCodeWrong: chat.CodeCodeWrong, chat.CodeIdentity: chat.CodeIdentity, "": chat.CodeCodeUsed, chat.CodeBanned: chat.CodeCodeBroken,
			"<script>": chat.CodeCodeBroken,
		} {
			n := alice.code()
			g, _ := w.use(n)
			bob.must(wire.Encode(&wire.CloseCode{Ref: 6, Number: n, Code: chat.CodeCodeUsed})) // isn't his
			alice.must(wire.Encode(&wire.CloseCode{Ref: 6, Number: n, Code: why}))
			if _, err := g.Answer(context.Background()); !codeIs(err, heard) {
				t.Errorf("%q is heard as %v", why, err)
			}
			g.Leave()
			if done, left := take[*wire.Done](alice), take[*wire.CodeLeft](alice); len(done) != 1 || len(left) != 0 {
				t.Errorf("%v %v", done, left)
			}
		}
		n := alice.code()
		g, _ := w.use(n)
		g.Leave()
		if left := take[*wire.CodeLeft](alice); len(left) != 1 || left[0].Number != n {
			t.Errorf("%+v", left)
		}
		alice.must(wire.Encode(&wire.CloseCode{Ref: 7, Number: 999}))
		if len(take[*wire.Done](alice)) != 1 {
			t.Error("a code that isn't there can't be closed")
		}
	})
}

// Ten minutes, and an hour until the number comes again.
func TestCodeExpires(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		n := alice.code()
		time.Sleep(10*time.Minute - time.Second)
		g, code := w.use(n)
		if code != "" {
			t.Fatal(code)
		}
		g.Leave()
		n = alice.code()
		time.Sleep(10*time.Minute + time.Second)
		if _, code := w.use(n); code != chat.CodeCodeExpired {
			t.Error(code)
		}
		if alice.code() <= n {
			t.Error("the number comes too soon")
		}
		time.Sleep(time.Hour)
		if _, code := w.use(n); code != chat.CodeCodeUnknown {
			t.Error(code)
		}
		if alice.code() != 1 {
			t.Error("the numbers don't come again")
		}
		// Its maker says how long.
		n = alice.code()
		alice.must(wire.Encode(&wire.CloseCode{Ref: 8, Number: n, Code: chat.CodeCodeExpired}))
		synctest.Wait()
		if _, code := w.use(n); code != chat.CodeCodeExpired {
			t.Error(code)
		}
	})
}

// Nobody can use a code while its maker is away; on another connection of the same device it works, and isn't used up.
func TestCodeOfSomebodyAway(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		n := alice.code()
		alice.session.Detach()
		if _, code := w.use(n); code != chat.CodeCodeAbsent {
			t.Error(code)
		}
		alice = alice.again()
		g, code := w.use(n)
		if code != "" {
			t.Fatal(code)
		}
		alice.hears("hello")
		alice.session.Detach()
		if err := g.Say([]byte("proof")); !codeIs(err, chat.CodeCodeBroken) {
			t.Error(err)
		}
		g.Leave()
	})
}

// One account makes twenty codes in an hour, and so many newcomers are served at the same time.
func TestCodeLimits(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		for range 20 {
			alice.code()
		}
		alice.must(wire.Encode(&wire.OpenCode{Ref: 9}))
		if f := take[*wire.Failure](alice); len(f) != 1 || f[0].Code != chat.CodeRate {
			t.Errorf("%+v", f)
		}
		var guests []*hub.Guest
		for i := range 6 {
			p := w.join("p" + string(rune('a'+i)))
			for range 20 {
				g, code := w.use(p.code())
				if code == chat.CodeFull {
					continue
				}
				guests = append(guests, g)
			}
		}
		if len(guests) != 100 {
			t.Errorf("%d guests", len(guests))
		}
		for _, g := range guests {
			g.Leave()
		}
	})
}
