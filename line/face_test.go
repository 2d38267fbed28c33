package line

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/line/edit"
	"huisclos/line/vttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is a person in a conversation on a terminal.
type desk struct {
	*vttest.Terminal
	*fake
	t      *testing.T
	editor *edit.Editor
	result error
	ended  chan struct{}
}

// converse runs a conversation in a bubble: f acts, then the person leaves.
func converse(t *testing.T, width, height int, prepare func(*fake, *Options), act func(*desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{Terminal: vttest.NewTerminal(width, height), fake: newFake(), t: t, ended: make(chan struct{})}
		o := Options{API: d.fake, Words: words(t, "en")}
		if prepare != nil {
			prepare(d.fake, &o)
		}
		d.editor = edit.New(d.Terminal)
		go func() {
			defer close(d.ended)
			d.result = Converse(t.Context(), d.editor, NoColor, o)
		}()
		synctest.Wait()
		act(d)
		_ = d.editor.Close()
		d.HangUp()
		close(d.events)
		<-d.ended
	})
}

func (d *desk) press(keys ...string) {
	for _, k := range keys {
		d.Type(k)
		synctest.Wait()
	}
}

// tail compares the last lines on the screen.
func (d *desk) tail(want ...string) {
	d.t.Helper()
	synctest.Wait()
	rows := d.Rows()
	rows = rows[max(len(rows)-len(want), 0):]
	if diff := cmp.Diff(want, rows); diff != "" {
		d.t.Errorf("at the bottom of the screen (- want, + got):\n%s", diff)
	}
}

// sees fails when no line holds text.
func (d *desk) sees(text string) {
	d.t.Helper()
	synctest.Wait()
	if all := strings.Join(d.Lines(), "\n"); !strings.Contains(all, text) {
		d.t.Errorf("%q is not on the screen:\n%s", text, all)
	}
}

func (d *desk) seesNot(text string) {
	d.t.Helper()
	synctest.Wait()
	if all := strings.Join(d.Lines(), "\n"); strings.Contains(all, text) {
		d.t.Errorf("%q is on the screen:\n%s", text, all)
	}
}

func TestFirstScreen(t *testing.T) {
	time.Local = time.UTC
	converse(t, 80, 24, func(f *fake, _ *Options) {
		f.said(chat.Lobby, "bob", "hello")
		f.people[chat.Lobby] = []client.PersonView{{Name: "alice", Me: true}, {Name: "bob"}}
	}, func(d *desk) {
		d.tail(
			"── #lobby · key room "+strings.Repeat("─", 51),
			"    · Readable by whoever made or holds the key, perhaps the operator of the",
			"      server.",
			"    · No forward secrecy: whoever gets the key later can read what was said",
			"      before.",
			"    · bob is here.",
			"── Tuesday 14 October 2025 "+strings.Repeat("─", 45),
			"18:04 [#lobby] bob: hello",
			"[#lobby]",
		)
	})
}

func TestTypingWhileMessagesArrive(t *testing.T) {
	converse(t, 60, 20, nil, func(d *desk) {
		d.press("hel")
		d.arrive(chat.Lobby, "bob", "one")
		d.press("lo")
		d.arrive(chat.Lobby, "bob", "two")
		d.tail("18:04 [#lobby] bob: one", "18:04 [#lobby] bob: two", "[#lobby] hello")
		d.press("\r")
		d.tail("18:04 [#lobby] bob: one", "18:04 [#lobby] bob: two", "18:04 [#lobby] alice: hello", "[#lobby]")
	})
}

func TestOwnMessagesWaitAboveTheLine(t *testing.T) {
	converse(t, 60, 20, func(f *fake, _ *Options) { f.hold = true }, func(d *desk) {
		d.press("first\r", "second\r", "third")
		d.tail("  …   [#lobby] alice: first", "  …   [#lobby] alice: second", "[#lobby] third")
		d.arrive(chat.Lobby, "bob", "meanwhile")
		d.tail("18:04 [#lobby] bob: meanwhile", "  …   [#lobby] alice: first", "  …   [#lobby] alice: second", "[#lobby] third")
		d.release()
		d.tail("18:04 [#lobby] bob: meanwhile", "18:04 [#lobby] alice: first", "18:04 [#lobby] alice: second", "[#lobby] third")
	})
}

func TestManyWaitingMessagesAreCounted(t *testing.T) {
	converse(t, 60, 20, func(f *fake, _ *Options) { f.hold = true }, func(d *desk) {
		for i := range 9 {
			d.press(fmt.Sprintf("%d\r", i))
		}
		d.tail("  …   [#lobby] alice: 4", "      and 4 more", "[#lobby]")
	})
}

func TestLongMessagesHangUnderTheText(t *testing.T) {
	converse(t, 40, 20, nil, func(d *desk) {
		d.arrive(chat.Lobby, "bob", "one two three four five six seven eight\nand a second line")
		d.tail(
			"18:04 [#lobby] bob: one two three four",
			"    five six seven eight",
			"    and a second line", "[#lobby]")
	})
	converse(t, 60, 20, nil, func(d *desk) {
		d.arrive(chat.Lobby, "bob", "one two three four five six seven eight nine")
		d.tail(
			"18:04 [#lobby] bob: one two three four five six seven eight",
			"                    nine", "[#lobby]")
	})
}

func TestForeignTextIsHarmless(t *testing.T) {
	converse(t, 70, 20, nil, func(d *desk) {
		d.arrive(chat.Lobby, "bob", "\x1b[2J\x1b[31mred\rroot\u202eabc")
		d.tail("18:04 [#lobby] bob: ␛[2J␛[31mred␍root‹202E›abc", "[#lobby]")
		d.Screen(func(s *vttest.Screen) {
			if s.Unknown != nil {
				t.Errorf("the terminal got %q", s.Unknown)
			}
		})
	})
}

func TestPastedCommandsAreAMessage(t *testing.T) {
	converse(t, 60, 20, nil, func(d *desk) {
		d.Paste("/quit\n/leave")
		d.press("\r")
		d.tail("18:04 [#lobby] alice: /quit", "                      /leave", "[#lobby]")
	})
}

func TestSlashes(t *testing.T) {
	converse(t, 70, 40, nil, func(d *desk) {
		d.press("//not a command\r")
		d.tail("18:04 [#lobby] alice: /not a command", "[#lobby]")
		d.press("/jion dev\r")
		d.sees("    ! error unknown_command.")
		d.press("/search\r")
		d.sees("    ! error later.")
		d.press("/join\r")
		d.sees("    ! error usage.")
		d.press("/msg bob hi\r")
		d.sees("    ! error no_such_person.")
		d.press("/new secret\r")
		d.sees("    ! error room_limit.")
		d.press("/kick bob\r")
		d.sees("    ! error not_private.")
	})
}

func TestSuggestions(t *testing.T) {
	for typed, want := range map[string]string{"jion": "/join", "lst": "/list", "hist": "/history", "q": "", "xyzzy": "", "QUIT": "", "exit": "/quit"} {
		_, err := lookup(Commands(), typed)
		var e *chat.Error
		got := ""
		if errors.As(err, &e) {
			got = e.Params["suggestion"]
		}
		if got != want {
			t.Errorf("/%s: suggestion %q, want %q", typed, got, want)
		}
	}
	if c, err := lookup(Commands(), "QUIT"); err != nil || c.Name != "quit" {
		t.Errorf("capitals: %v", err)
	}
}

func TestEveryCommandHasItsWords(t *testing.T) {
	for _, lang := range []string{"en", "fr"} {
		w := words(t, lang)
		for _, c := range append(Commands(), serverCommand()) {
			for _, text := range []string{w.T("line.help." + c.Name), c.Syntax(w)} {
				if text == "" || strings.Contains(text, "MISSING") {
					t.Errorf("%s: /%s: %q", lang, c.Name, text)
				}
			}
		}
	}
}

func TestRooms(t *testing.T) {
	converse(t, 70, 40, func(f *fake, _ *Options) {
		for i := range 30 {
			f.said("dev", "carol", fmt.Sprintf("old %d", i))
		}
	}, func(d *desk) {
		d.press("/join #Dev\r")
		d.sees("── #dev · key room")
		d.tail("18:04 [#dev] carol: old 29", "[#dev]")
		d.seesNot("old 9")
		d.arrive(chat.Lobby, "bob", "one")
		d.arrive(chat.Lobby, "bob", "hey Alice!")
		d.tail("18:04 [#dev] carol: old 29", "    · #lobby 2, you were named", "[#dev]")
		d.press("/rooms\r")
		d.sees("  #dev    0 people · you are here")
		d.sees("  #lobby  0 people · joined · 2 unread")
		d.press("/join lobby\r")
		d.tail("18:04 [#lobby] bob: one", "18:04»[#lobby] bob: hey Alice!", "[#lobby]")
		d.press("/leave dev\r", "/leave\r")
		d.sees("You left #dev.")
		d.tail("    · You left #lobby.", "[…]")
		d.press("anybody?\r")
		d.tail("    ! error not_joined.", "      a hint.", "[…] anybody?")
		d.press("\x15/new plans --open\r")
		d.tail("    · Nobody else is here yet. /key shows what to pass on so that",
			"      others can join; /help shows the commands.", "[#plans]")
	})
}

func TestHistory(t *testing.T) {
	converse(t, 70, 60, func(f *fake, _ *Options) {
		for i := range 30 {
			f.said(chat.Lobby, "bob", fmt.Sprintf("old %d.", i))
		}
	}, func(d *desk) {
		d.seesNot("old 9.")
		d.press("/history 2\r")
		d.tail("    · 2 older messages of #lobby:", "18:04 [#lobby] bob: old 8.", "18:04 [#lobby] bob: old 9.",
			"    · End of the older messages.", "[#lobby]")
		d.press("/history\r")
		d.sees("old 0.")
		d.press("/history\r")
		d.sees("Nothing older in #lobby.")
		d.press("/history x\r")
		d.sees("error usage.")
	})
}

func TestPeople(t *testing.T) {
	converse(t, 70, 40, func(f *fake, _ *Options) {
		f.people[chat.Lobby] = []client.PersonView{
			{Name: "alice", Me: true, Since: start()}, {Name: "bob", Since: start()}, {Name: "carol", Since: start(), Trust: client.TrustVerified},
			{Name: "b0b", Since: start(), Refused: chat.Errorf(chat.CodeNameLookalike)},
		}
	}, func(d *desk) {
		d.press("/list\r")
		d.tail("      In #lobby: 4 people",
			"        alice (you), since Tuesday 14 October 2025, 18:04",
			"        bob, since Tuesday 14 October 2025, 18:04",
			"        ✓ carol, since Tuesday 14 October 2025, 18:04 · verified",
			"        b0b: not shown. error name_lookalike.", "[#lobby]")
		d.events <- client.Arrivals{Room: chat.Lobby, Came: []string{"alice", "dave", "erin"}, Online: 5}
		d.events <- client.Arrivals{Room: chat.Lobby, Went: []string{"dave"}, Online: 4}
		d.events <- client.Arrivals{Room: "dev", Came: []string{"zoe"}, Online: 1}
		d.tail("    · dave, erin joined #lobby (5 people)", "    · dave left #lobby (4 people)", "[#lobby]")
		d.press("hi b\t")
		d.tail("[#lobby] hi bob")
	})
}

func TestOffline(t *testing.T) {
	converse(t, 70, 40, nil, func(d *desk) {
		d.press("dra")
		d.events <- client.Offline{Err: chat.Errorf(chat.CodeRefused), RetryIn: 7 * time.Second}
		d.tail("    · ○ offline, trying again in 7 seconds", "[#lobby] dra")
		time.Sleep(2 * time.Second) // of the bubble: it takes no time
		d.tail("    · ○ offline, trying again in 5 seconds", "[#lobby] dra")
		d.events <- client.Offline{Err: chat.Errorf(chat.CodeRefused), RetryIn: 14 * time.Second}
		d.tail("    · ○ offline, trying again in 14 seconds", "[#lobby] dra")
		d.events <- client.Online{Address: "192.168.1.20:7540"}
		d.tail("    · Connected again to 192.168.1.20:7540.", "[#lobby] dra")
		if n := strings.Count(strings.Join(d.Lines(), "\n"), "Connection lost"); n != 1 {
			t.Errorf("told %d times of one loss", n)
		}
	})
}

func TestWhatIsToldOfKeysAndRooms(t *testing.T) {
	converse(t, 100, 40, nil, func(d *desk) {
		locked := d.said(chat.Lobby, "bob", "later readable")
		opened := locked
		locked.Form, locked.Text, locked.Generation, locked.Err = client.Unreadable, "", 2, chat.Errorf(chat.CodeUnreadable)
		for _, e := range []client.Event{
			client.Rotated{Generation: 2}, client.KeyMissing{Generation: 2, Err: chat.Errorf(chat.CodeKeyNeeded)},
			locked, client.KeyGained{Generation: 2, Opened: 1}, opened, opened,
			client.Rotated{Generation: 3, Have: true},
			client.Gap{Room: chat.Lobby, From: 3, To: 7},
			client.IdentityChanged{Name: "bob", Err: chat.Errorf(chat.CodeIdentityChange)},
			client.RoomStopped{Room: chat.Lobby, Err: chat.Errorf(chat.CodeForked)},
			client.NewDevice{Reason: client.ReasonVaultRolledBack},
			client.Notice{Text: "tea\x1b[31m at five"},
		} {
			d.events <- e
		}
		for _, text := range []string{
			"generation 2 begins, and you don't have it yet", "! error key_needed.",
			"bob: [a message under key generation 2,", "The key of generation 2 came; 1 message can be read now.",
			"bob: later readable", "generation 3 begins, and you have it", "5 messages of #lobby are gone",
			"! error identity_change.", "#lobby is stopped", "! error forked.", "Your profile was an older copy of itself.",
			"The server says to everyone: tea␛[31m at five",
		} {
			d.sees(text)
		}
		if n := strings.Count(strings.Join(d.Lines(), "\n"), "later readable"); n != 1 {
			t.Errorf("shown %d times", n)
		}
		d.press("/retry\r", "/key hc1newkey\r")
		d.sees("#lobby goes on with what the server holds now")
		if !cmp.Equal(d.resumed, []string{chat.Lobby}) || d.key != "hc1newkey" {
			t.Errorf("resumed %v, key %q", d.resumed, d.key)
		}
	})
}

func TestKeyIsShown(t *testing.T) {
	const link = "huisclos://192.168.1.20:7540/#hc1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
	converse(t, 130, 60, func(_ *fake, o *Options) {
		o.Share = func(context.Context) (string, error) { return link, nil }
	}, func(d *desk) {
		d.press("/key\r")
		d.sees("  " + link)
		d.sees("█▀")
	})
	converse(t, 60, 60, nil, func(d *desk) {
		d.press("/key\r")
		d.sees("error key_unknown.")
	})
}

func TestKicked(t *testing.T) {
	converse(t, 60, 20, nil, func(d *desk) {
		d.events <- client.Ended{Err: chat.Errorf(chat.CodeKicked, "reason", "noise")}
		<-d.ended
		if !errors.Is(d.result, chat.CodeKicked) {
			t.Errorf("ended with %v", d.result)
		}
	})
}

func TestLeaving(t *testing.T) {
	for _, keys := range []string{"/quit\r", "\x04"} {
		converse(t, 60, 20, nil, func(d *desk) {
			d.press(keys)
			<-d.ended
			if d.result != nil {
				t.Errorf("%q ended with %v", keys, d.result)
			}
		})
	}
	converse(t, 60, 20, nil, func(d *desk) {
		d.press("\x03")
		d.sees("To leave, type /quit or press Ctrl-D.")
	})
}

func TestLeavingWaitsForTheLastMessage(t *testing.T) {
	converse(t, 60, 20, func(f *fake, _ *Options) { f.hold = true }, func(d *desk) {
		d.press("bye\r", "/quit\r")
		select {
		case <-d.ended:
			t.Error("left before the message was durable")
		default:
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		<-d.ended
		if d.result != nil {
			t.Errorf("%v", d.result)
		}
	})
}

func TestWhatCannotBeQueuedComesBack(t *testing.T) {
	converse(t, 60, 20, func(f *fake, _ *Options) { f.queueErr = chat.Errorf(chat.CodeTooLarge) }, func(d *desk) {
		d.press("a long text\r")
		d.tail("    ! error too_large.", "      a hint.", "[#lobby] a long text")
	})
}

func TestServerCommands(t *testing.T) {
	converse(t, 60, 30, func(_ *fake, o *Options) {
		o.Server = func(_ context.Context, command string) (string, error) {
			if command == "list" {
				return "alice  127.0.0.1\nbob    127.0.0.2", nil
			}
			return "", chat.Errorf(chat.CodeNoSuchPerson)
		}
		o.ServerWords = func(string) []string { return []string{"list", "kick"} }
	}, func(d *desk) {
		d.press("/server list\r")
		d.tail("      alice  127.0.0.1", "      bob    127.0.0.2", "[#lobby]")
		d.press("/server kick nobody\r")
		d.sees("error no_such_person.")
		d.press("/server k\t")
		d.tail("[#lobby] /server kick")
		d.press("\x15/help\r")
		d.sees("/server COMMAND")
	})
	converse(t, 60, 30, nil, func(d *desk) {
		d.press("/server list\r")
		d.sees("error unknown_command.")
	})
}

func TestLinesTypedDuringACommandWait(t *testing.T) {
	gate := make(chan struct{})
	converse(t, 60, 30, func(_ *fake, o *Options) {
		gate = make(chan struct{})
		o.Server = func(context.Context, string) (string, error) {
			<-gate
			return "slow answer", nil
		}
	}, func(d *desk) {
		d.press("/server slow\r", "after\r")
		d.arrive(chat.Lobby, "bob", "not held up")
		d.tail("18:04 [#lobby] bob: not held up", "[#lobby]")
		close(gate)
		d.tail("      slow answer", "18:04 [#lobby] alice: after", "[#lobby]")
	})
}

func TestCompletionOfCommandsAndRooms(t *testing.T) {
	converse(t, 70, 30, nil, func(d *desk) {
		d.press("/hi\t")
		d.tail("[#lobby] /history")
		d.press("\x15/join d\t")
		d.tail("[#lobby] /join #dev")
		d.press("\x15/new x -\t")
		d.tail("[#lobby] /new x --open")
		d.press("\x15/le\t")
		d.tail("[#lobby] /leave")
		d.press("\x15/l\t")
		d.tail("[#lobby] /l", "  /list   who is in the room", "  /leave  leave this room, or another", "  /link   take another device of yours along: make a code for it; ye…", "  /lost   list the messages that only this device has")
	})
}

func TestMissedEventsAreFetched(t *testing.T) {
	converse(t, 60, 20, nil, func(d *desk) {
		d.arrive(chat.Lobby, "bob", "one")
		d.said(chat.Lobby, "bob", "two")
		d.said(chat.Lobby, "bob", "three")
		d.events <- client.Missed{Events: 2}
		d.tail("18:04 [#lobby] bob: one", "18:04 [#lobby] bob: two", "18:04 [#lobby] bob: three", "[#lobby]")
	})
}
