package line

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"huisclos/chat"
	"huisclos/client"
)

// telling is a fake that notes what it is to tell others.
type telling struct {
	*fake
	mu   sync.Mutex // guards told
	told []string
}

func (f *telling) note(s string) error { // it never fails
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, s)
	return nil
}

func (f *telling) take() []string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	told := f.told
	f.told = nil
	return told
}

func (f *telling) Typing(_ context.Context, room string, on bool) error {
	return f.note(fmt.Sprint("typing ", room, " ", on))
}

func (f *telling) MarkRead(_ context.Context, room string, n chat.Seq) error {
	return f.note(fmt.Sprint("read ", room, " ", n))
}

// Keys are told as writing, not one by one, and commands not at all; what is shown is told as read.
func TestWhatOthersAreTold(t *testing.T) {
	var tell *telling
	converse(t, 80, 24, func(f *fake, o *Options) {
		f.status.Typing, f.status.Reports = true, true
		tell = &telling{fake: f}
		o.API = tell
	}, func(d *desk) {
		want := func(what string, want ...string) {
			t.Helper()
			if got := tell.take(); !slices.Equal(got, want) {
				t.Errorf("%s: others are told %q, not %q", what, got, want)
			}
		}
		d.press("h", "e", "l")
		want("some keys", "typing lobby true")
		<-time.After(typingAgain)
		d.press("l", "o")
		want("more, later", "typing lobby true")
		d.press("\r")
		want("said", "typing lobby false")
		d.press("/", "h", "e", "\x15")
		want("a command")
		d.press("/", "/", "x")
		want("a slash", "typing lobby true")
		d.press("\x15")
		want("taken back", "typing lobby false")
		d.arrive(chat.Lobby, "bob", "one")
		want("a message", "read lobby 2")
		d.arrive("dev", "bob", "two")
		want("a message of another room")
	})
}

// Who writes shows above the line, until it is over, the message is there, or nothing comes any more.
func TestWhoIsWriting(t *testing.T) {
	converse(t, 80, 24, func(f *fake, _ *Options) { f.status.Typing = true }, func(d *desk) {
		writes := func(room, name string, on bool) { d.events <- client.Typing{Room: room, Name: name, On: on} }
		writes(chat.Lobby, "bob", true)
		writes("dev", "dave", true)
		d.sees("bob is writing…")
		d.seesNot("dave")
		writes(chat.Lobby, "carol", true)
		d.sees("bob, carol are writing…")
		writes(chat.Lobby, "carol", false)
		d.sees("bob is writing…")
		d.arrive(chat.Lobby, "bob", "said")
		d.seesNot("writing")
		writes(chat.Lobby, "bob", true)
		d.sees("bob is writing…")
		<-time.After(client.TypingLife + 2*time.Second)
		d.seesNot("writing")
	})
}
