package edit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"huisclos/line/vttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is a person at a terminal, and the lines that they entered.
type desk struct {
	*vttest.Terminal
	editor *Editor
	lines  []string
	last   error
	ended  chan struct{}
}

// sit runs ReadLine again and again in a bubble until it fails.
func sit(t *testing.T, width, height int, p Prompt, f func(*desk)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { f(newDesk(width, height, p)) })
}

func newDesk(width, height int, p Prompt) *desk {
	d := &desk{Terminal: vttest.NewTerminal(width, height), ended: make(chan struct{})}
	d.editor = New(d.Terminal)
	go func() {
		defer close(d.ended)
		for {
			line, err := d.editor.ReadLine(context.Background(), p)
			if errors.Is(err, ErrInterrupted) {
				d.editor.Print("(interrupted)")
				continue
			}
			if err != nil {
				d.last = err
				return
			}
			d.lines = append(d.lines, line.Text)
		}
	}()
	synctest.Wait()
	return d
}

// leave ends everything, so that the bubble can end.
func (d *desk) leave() {
	_ = d.editor.Close()
	d.HangUp()
	<-d.ended
}

// press types and waits until everything is drawn.
func (d *desk) press(keys ...string) {
	for _, k := range keys {
		d.Type(k)
		synctest.Wait()
	}
}

// wantRows compares what is on the screen.
func (d *desk) wantRows(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, d.Rows()); diff != "" {
		t.Errorf("on the screen (- want, + got):\n%s", diff)
	}
}

func (d *desk) wantCursor(t *testing.T, row, col int) {
	t.Helper()
	d.Screen(func(s *vttest.Screen) {
		if r, c := s.Cursor(); r != row || c != col {
			t.Errorf("the cursor is at %d,%d, want %d,%d", r, c, row, col)
		}
		if s.Unknown != nil {
			t.Errorf("the terminal didn't understand %q", s.Unknown)
		}
	})
}

var lobby = Prompt{Text: "[#lobby] "}

func TestMessagesArriveWhileTyping(t *testing.T) {
	sit(t, 40, 10, lobby, func(d *desk) {
		d.press("hel")
		d.editor.Print("[#lobby] bob: one", "[#lobby] bob: two")
		d.press("lo")
		d.wantRows(t, "[#lobby] bob: one", "[#lobby] bob: two", "[#lobby] hello")
		d.wantCursor(t, 2, 14)
		d.press("\x1b[D\x1b[D")
		d.editor.Print("three")
		d.wantRows(t, "[#lobby] bob: one", "[#lobby] bob: two", "three", "[#lobby] hello")
		d.wantCursor(t, 3, 12)
		d.press("\r")
		d.wantRows(t, "[#lobby] bob: one", "[#lobby] bob: two", "three", "[#lobby]")
		if !cmp.Equal(d.lines, []string{"hello"}) {
			t.Errorf("read %q", d.lines)
		}
		d.leave()
	})
}

func TestLongLineOfWideCharacters(t *testing.T) {
	sit(t, 12, 8, Prompt{Text: "> "}, func(d *desk) {
		d.press("日本語日本語👨‍👩‍👧")
		d.wantRows(t, "> 日本語日", "  本語👨‍👩‍👧")
		d.wantCursor(t, 1, 8)
		d.editor.Print("above")
		d.wantRows(t, "above", "> 日本語日", "  本語👨‍👩‍👧")
		d.press("\x7f", "\x7f", "\x7f", "\x7f")
		d.wantRows(t, "above", "> 日本語")
		d.wantCursor(t, 1, 8)
		d.leave()
	})
}

func TestScrolling(t *testing.T) {
	sit(t, 30, 4, lobby, func(d *desk) {
		d.press("typing")
		want := []string{}
		for i := range 50 {
			line := fmt.Sprintf("message %d", i)
			d.editor.Print(line)
			want = append(want, line)
		}
		d.wantRows(t, "message 47", "message 48", "message 49", "[#lobby] typing")
		if diff := cmp.Diff(append(want, "[#lobby] typing"), d.Lines()); diff != "" {
			t.Errorf("scrolled: %s", diff)
		}
		d.leave()
	})
}

func TestLinkWiderThanTheTerminal(t *testing.T) {
	sit(t, 20, 8, lobby, func(d *desk) {
		link := "https://example.org/" + strings.Repeat("x", 30)
		d.press("a")
		d.editor.Print(link)
		d.press("b")
		if diff := cmp.Diff([]string{link, "[#lobby] ab"}, d.Lines()); diff != "" {
			t.Error(diff)
		}
		d.leave()
	})
}

func TestPasteIsText(t *testing.T) {
	sit(t, 30, 10, lobby, func(d *desk) {
		d.Paste("/quit\r\n/kick bob\x03\x1b[A")
		d.wantRows(t, "[#lobby] /quit", "         /kick bob[A")
		if d.lines != nil {
			t.Fatalf("a paste entered %q", d.lines)
		}
		d.press("\r")
		d.Paste("one line\n")
		d.press("!", "\r")
		if diff := cmp.Diff([]string{"/quit\n/kick bob[A", "one line!"}, d.lines); diff != "" {
			t.Error(diff)
		}
		d.leave()
	})
}

func TestHugePasteStaysOnTheScreen(t *testing.T) {
	sit(t, 30, 9, lobby, func(d *desk) {
		d.Paste(strings.Repeat("line\n", 200) + "last")
		d.wantRows(t, "         line", "         line", "         line", "         line", "         last")
		d.editor.Print("above")
		d.wantRows(t, "above", "         line", "         line", "         line", "         line", "         last")
		d.press("\r")
		if len(d.lines) != 1 || strings.Count(d.lines[0], "\n") != 200 {
			t.Errorf("%d lines entered", len(d.lines))
		}
		d.leave()
	})
}

func TestInterruptAndEnd(t *testing.T) {
	sit(t, 30, 10, lobby, func(d *desk) {
		d.press("some text", "\x03")
		d.wantRows(t, "[#lobby]")
		d.press("\x03")
		d.wantRows(t, "(interrupted)", "[#lobby]")
		d.press("x", "\x01", "\x04") // Ctrl-D on text deletes
		d.wantRows(t, "(interrupted)", "[#lobby]")
		d.press("\x04")
		<-d.ended
		if !errors.Is(d.last, io.EOF) {
			t.Errorf("Ctrl-D: %v", d.last)
		}
		if !d.IsRaw() {
			t.Error("the terminal must stay as it is until Close")
		}
		_ = d.editor.Close()
		if d.IsRaw() || !d.Closed() {
			t.Error("Close didn't put the terminal back")
		}
		d.wantRows(t, "(interrupted)")
		d.HangUp()
	})
}

func TestCloseWhileReading(t *testing.T) {
	sit(t, 30, 10, lobby, func(d *desk) {
		d.press("abc")
		d.leave()
		if !errors.Is(d.last, ErrClosed) || d.IsRaw() {
			t.Errorf("%v, raw: %v", d.last, d.IsRaw())
		}
		d.editor.Print("goodbye")
		d.wantRows(t, "goodbye")
		if err := d.editor.Close(); err != nil {
			t.Error(err)
		}
		if _, err := d.editor.ReadLine(t.Context(), lobby); !errors.Is(err, ErrClosed) {
			t.Errorf("ReadLine after Close: %v", err)
		}
	})
}

func TestHangUp(t *testing.T) {
	sit(t, 30, 10, lobby, func(d *desk) {
		d.HangUp()
		<-d.ended
		if !errors.Is(d.last, io.EOF) {
			t.Errorf("%v", d.last)
		}
		_ = d.editor.Close()
	})
}

func TestHistoryKeys(t *testing.T) {
	p := lobby
	p.History = &History{}
	sit(t, 30, 10, p, func(d *desk) {
		d.press("/join dev\r", "hello\r", "draft")
		d.press("\x1b[A")
		d.wantRows(t, "[#lobby] hello")
		d.press("\x1b[A", "\x1b[B", "\x1b[B")
		d.wantRows(t, "[#lobby] draft")
		d.press("\x15/j", "\x12") // Ctrl-U, then Ctrl-R: back to what begins alike
		d.wantRows(t, "[#lobby] /join dev")
		d.wantCursor(t, 0, 11)
		d.leave()
	})
}

func TestCompletion(t *testing.T) {
	p := lobby
	p.Complete = func(before string) (int, []Candidate) {
		start := strings.LastIndexByte(before, ' ') + 1
		var found []Candidate
		for _, c := range []Candidate{{"/join ", "enter a room"}, {"/list ", "who is there"}, {"/leave ", "leave a room"}} {
			if strings.HasPrefix(c.Text, before[start:]) {
				found = append(found, c)
			}
		}
		return start, found
	}
	sit(t, 40, 10, p, func(d *desk) {
		d.press("/j\t")
		d.wantRows(t, "[#lobby] /join")
		d.wantCursor(t, 0, 15)
		d.press("\x15/\t")
		d.wantRows(t, "[#lobby] /", "  /join   enter a room", "  /list   who is there", "  /leave  leave a room")
		d.wantCursor(t, 0, 10)
		d.editor.Print("a message")
		d.wantRows(t, "a message", "[#lobby] /", "  /join   enter a room", "  /list   who is there", "  /leave  leave a room")
		d.press("\t", "\t")
		d.wantRows(t, "a message", "[#lobby] /list", "  /join   enter a room", "  /list   who is there", "  /leave  leave a room")
		d.press("\x1b[Z")
		d.wantRows(t, "a message", "[#lobby] /join", "  /join   enter a room", "  /list   who is there", "  /leave  leave a room")
		d.press("x")
		d.wantRows(t, "a message", "[#lobby] /join x")
		d.press("\x15zz\t")
		d.wantRows(t, "a message", "[#lobby] zz")
		d.leave()
	})
}

func TestManyCandidatesStandInColumns(t *testing.T) {
	p := Prompt{Text: "> ", Complete: func(string) (int, []Candidate) {
		var all []Candidate
		for i := range 30 {
			all = append(all, Candidate{Text: fmt.Sprintf("name%02d", i)})
		}
		return 0, all
	}}
	sit(t, 40, 6, p, func(d *desk) {
		d.press("\t")
		d.wantRows(t, "> name",
			"  name00  name01  name02  name03", "  name04  name05  name06  name07", "  name08  name09  name10  name11", "  …")
		d.leave()
	})
}

func TestAboveAndPrompt(t *testing.T) {
	sit(t, 20, 6, lobby, func(d *desk) {
		d.press("x")
		d.editor.Update(nil, []string{"\x1b[2mwaiting: a very long message\x1b[0m"})
		d.wantRows(t, "waiting: a very lo…", "[#lobby] x")
		d.editor.Update([]string{"a very long message"}, nil)
		d.wantRows(t, "a very long message", "[#lobby] x")
		d.editor.SetPrompt("[#dev] ")
		d.wantRows(t, "a very long message", "[#dev] x")
		d.leave()
	})
}

func TestResize(t *testing.T) {
	for _, reflow := range []bool{true, false} {
		sit(t, 40, 10, Prompt{Text: "> "}, func(d *desk) {
			d.Screen(func(s *vttest.Screen) { s.Reflow = reflow })
			d.editor.Print("first", "second")
			d.press("0123456789012345678901234567")
			d.Resize(60, 10)
			d.wantRows(t, "first", "second", "> 0123456789012345678901234567")
			if reflow { // one that cuts rows can't be told from one that breaks them
				d.Resize(20, 10)
				d.wantRows(t, "first", "second", "> 01234567890123456", "  78901234567")
				d.wantCursor(t, 3, 13)
				d.Resize(31, 10)
				d.wantRows(t, "first", "second", "> 0123456789012345678901234567")
			}
			d.leave()
		})
	}
}

func TestKeptPrompts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{Terminal: vttest.NewTerminal(40, 10), ended: make(chan struct{})}
		d.editor = New(d.Terminal)
		go func() {
			defer close(d.ended)
			for _, p := range []Prompt{{Text: "Key: ", Secret: true, Keep: true}, {Text: "Username: ", Keep: true}} {
				line, err := d.editor.ReadLine(t.Context(), p)
				if err != nil {
					t.Error(err)
				}
				d.lines = append(d.lines, line.Text)
			}
		}()
		d.press("hc1secret\ralice") // the name is typed ahead
		d.wantRows(t, "Key: •••••••••", "Username: alice")
		d.press("\r")
		d.wantRows(t, "Key: •••••••••", "Username: alice")
		if d.IsRaw() || !cmp.Equal(d.lines, []string{"hc1secret", "alice"}) {
			t.Errorf("raw %v, read %q", d.IsRaw(), d.lines)
		}
		d.leave()
	})
}

func TestSuspendAndRedraw(t *testing.T) {
	sit(t, 30, 6, lobby, func(d *desk) {
		d.editor.Print("before")
		d.press("abc", "\x1a")
		if d.Suspended() != 1 || !d.IsRaw() {
			t.Errorf("suspended %d times, raw %v", d.Suspended(), d.IsRaw())
		}
		d.wantRows(t, "before", "[#lobby] abc")
		d.press("\x0c")
		d.wantRows(t, "[#lobby] abc")
		d.leave()
	})
}

func TestTooLongIsRefusedWithABell(t *testing.T) {
	p := lobby
	p.Max = 5
	sit(t, 30, 6, p, func(d *desk) {
		d.press("abc", "def")
		d.wantRows(t, "[#lobby] abc")
		d.Screen(func(s *vttest.Screen) {
			if s.Bells != 1 {
				t.Errorf("%d bells", s.Bells)
			}
		})
		d.leave()
	})
}

// step is one thing that happens at a desk.
type step struct {
	keys, line    string
	width, height int
}

func anyStep() *rapid.Generator[step] {
	keys := []string{"\x1b[D", "\x1b[C", "\x7f", "\x01", "\x05", "\x15", "\x17", "\x19", "\r", "\x1b\r", "\x1b[A"}
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) step { return step{keys: anyText().Draw(t, "typed")} }),
		rapid.Custom(func(t *rapid.T) step { return step{keys: rapid.SampledFrom(keys).Draw(t, "key")} }),
		rapid.Custom(func(t *rapid.T) step { return step{line: strings.TrimSpace(anyText().Draw(t, "line")) + "."} }),
		rapid.Custom(func(t *rapid.T) step { return step{width: rapid.IntRange(12, 60).Draw(t, "width"), height: 24} }),
	)
}

// TestNothingIsEverTorn types, prints, resizes at random; after each step the screen
// is exactly what was printed, in order, and below it the line as it is.
func TestNothingIsEverTorn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(anyStep(), 1, 40).Draw(rt, "steps")
		torn := ""
		synctest.Test(t, func(*testing.T) {
			d := newDesk(40, 24, Prompt{Text: "> ", Max: 200, History: &History{}})
			defer d.leave()
			var printed []string
			for i, s := range steps {
				switch {
				case s.keys != "":
					d.press(s.keys)
				case s.line != "":
					line := fmt.Sprintf("%d %s", i, s.line)
					printed = append(printed, line)
					d.editor.Print(line)
				case s.width > 0:
					d.Resize(s.width, s.height)
				}
				synctest.Wait()
				if torn = inspect(d, printed); torn != "" {
					return
				}
			}
		})
		if torn != "" {
			rt.Fatal(torn)
		}
	})
}

// inspect says what is wrong on the screen.
func inspect(d *desk, printed []string) string {
	d.editor.mu.Lock()
	r := d.editor.region(d.Size())
	d.editor.mu.Unlock()
	var want []string
	for _, row := range append(append([]string(nil), printed...), r.input.rows...) {
		want = append(want, strings.TrimRight(row, " "))
	}
	for len(want) > 0 && want[len(want)-1] == "" {
		want = want[:len(want)-1]
	}
	if diff := cmp.Diff(want, d.Lines()); diff != "" {
		return "the screen is torn (- want, + got):\n" + diff
	}
	problem := ""
	d.Screen(func(s *vttest.Screen) {
		if _, col := s.Cursor(); col != r.input.col {
			problem = fmt.Sprintf("the cursor is in column %d, want %d", col, r.input.col)
		}
		if s.Unknown != nil {
			problem = fmt.Sprintf("not understood: %q", s.Unknown)
		}
	})
	return problem
}
