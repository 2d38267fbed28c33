package admin

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"huisclos/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// doerFunc is a Desk that a test writes itself.
type doerFunc func(ctx context.Context, r Request) (Result, error)

func (f doerFunc) Do(ctx context.Context, r Request) (Result, error) { return f(ctx, r) }

// shortDir is a folder whose sockets have a path that every system takes.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// serve answers on a socket of its own until the test ends.
func serve(t *testing.T, desk Doer) *Socket {
	t.Helper()
	s, err := Listen(filepath.Join(shortDir(t), "run", "admin.sock"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(context.Background(), desk) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

func dial(t *testing.T, path string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestAnswersAndErrorsCrossTheSocketAsTypes(t *testing.T) {
	key := &Key{Generation: 2, ID: "0011", Key: NewSecret("hc1abc"), Link: NewSecret("huisclos://h:1/#hc1abc")}
	s := serve(t, doerFunc(func(_ context.Context, r Request) (Result, error) {
		switch r.Verb {
		case VerbKick:
			if r.Name != "bob" || r.Text != "go away" {
				return nil, chat.Errorf(chat.CodeNoSuchPerson, "name", r.Name, "suggestion", "bob")
			}
			return &Kicked{Name: "bob", Connections: 2}, nil
		case VerbKey:
			return key, nil
		}
		return nil, errors.New("a fault that isn't for the person who asks")
	}))
	c := dial(t, s.Path())

	got, err := Ask[*Kicked](t.Context(), c, Request{Verb: VerbKick, Name: "bob", Text: "go away"})
	if err != nil || got.Connections != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	_, err = c.Do(t.Context(), Request{Verb: VerbKick, Name: "bobb"})
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != chat.CodeNoSuchPerson || e.Params["suggestion"] != "bob" {
		t.Fatalf("got %v", err)
	}
	shown, err := Ask[*Key](t.Context(), c, Request{Verb: VerbKey})
	if err != nil || !shown.Key.Equal(key.Key) || !shown.Link.Equal(key.Link) || shown.Generation != 2 {
		t.Fatalf("the key doesn't cross the socket: %v", err)
	}
	if _, err = c.Do(t.Context(), Request{Verb: VerbStats}); !errors.Is(err, chat.CodeInternal) || strings.Contains(err.Error(), "fault") {
		t.Fatalf("got %v, want a bare %v", err, chat.CodeInternal)
	}
}

func TestOnlyTheUserCanOpenTheSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a socket has no mode there")
	}
	s := serve(t, doerFunc(nil))
	info, err := os.Stat(s.Path())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v; want 0600", info.Mode(), err)
	}
	folder, err := os.Stat(filepath.Dir(s.Path()))
	if err != nil || folder.Mode().Perm() != 0o700 {
		t.Fatalf("mode %v, %v; want 0700", folder.Mode(), err)
	}
	names, err := os.ReadDir(filepath.Dir(s.Path()))
	if err != nil || len(names) != 1 {
		t.Fatalf("making the socket left something behind: %v, %v", names, err)
	}
}

func TestALivingSocketIsKeptAndADeadOneReplaced(t *testing.T) {
	s := serve(t, doerFunc(func(context.Context, Request) (Result, error) { return &Said{Reached: 1}, nil }))
	if _, err := Listen(s.Path()); !errors.Is(err, chat.CodePortInUse) {
		t.Fatalf("a second server on the socket: %v, want %v", err, chat.CodePortInUse)
	}
	if _, err := dial(t, s.Path()).Do(t.Context(), Request{Verb: VerbSay, Text: "still here"}); err != nil {
		t.Fatal("the first server lost its socket:", err)
	}

	dead := filepath.Join(shortDir(t), "a.sock")
	l, err := net.Listen("unix", dead)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // as kill -9 leaves it
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), dead); !errors.Is(err, chat.CodeNoAdmin) {
		t.Fatalf("a dead socket: %v, want %v", err, chat.CodeNoAdmin)
	}
	again, err := Listen(dead)
	if err != nil {
		t.Fatal("a dead socket is not replaced:", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Fatal("Close leaves the socket behind")
	}
}

func TestNoServerThere(t *testing.T) {
	if _, err := Dial(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, chat.CodeNoAdmin) {
		t.Fatalf("got %v, want %v", err, chat.CodeNoAdmin)
	}
	if _, err := Listen(filepath.Join(shortDir(t), strings.Repeat("x", 200))); !errors.Is(err, chat.CodeNoAdmin) {
		t.Fatalf("a path too long for a socket: %v, want %v", err, chat.CodeNoAdmin)
	}
}

// What isn't a request gets an error, and the connection goes on.
func TestRubbishOnTheSocket(t *testing.T) {
	asked := 0
	s := serve(t, doerFunc(func(context.Context, Request) (Result, error) { asked++; return &Stopping{}, nil }))
	conn, err := net.Dial("unix", s.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	lines := bufio.NewReader(conn)
	for _, tc := range []struct{ line, says string }{
		{``, "frame"},
		{`{`, "frame"},
		{`[]`, "frame"},
		{`{"v":1,"verb":"quit","more":1}`, "frame"},
		{`{"v":1,"verb":"quit"} {}`, "frame"},
		{`{"v":2,"verb":"quit"}`, "version"},
		{`{"verb":"quit"}`, "version"},
		{`{"v":1,"verb":"help"}`, "unknown_command"},
		{`{"v":1,"verb":"Quit"}`, "unknown_command"},
		{`{"v":1,"verb":"kick"}`, "usage"},
		{`{"v":1,"verb":"quit","name":"bob"}`, "usage"},
		{`{"v":1,"verb":"say","text":"` + strings.Repeat("x", MaxText+1) + `"}`, "too_large"},
		{`{"v":1,"verb":"say","text":"a\u001b[2Jb"}`, "usage"},
		{`{"v":1,"verb":"quit"}`, `"result":{}`},
	} {
		if _, err := conn.Write([]byte(tc.line + "\n")); err != nil {
			t.Fatal(err)
		}
		got, err := lines.ReadString('\n')
		if err != nil || !strings.Contains(got, tc.says) {
			t.Fatalf("%s: %q, %v; want %q in it", tc.line, got, err, tc.says)
		}
	}
	if asked != 1 {
		t.Fatalf("the desk was asked %d times, want once", asked)
	}
}

func TestALineWithoutEndIsCutOff(t *testing.T) {
	s := serve(t, doerFunc(nil))
	conn, err := net.Dial("unix", s.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	go func() { _, _ = conn.Write([]byte(strings.Repeat("x", maxRequest+4096))) }()
	got, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(got, string(chat.CodeTooLarge)) {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestNoMoreThanSoManyAtOnce(t *testing.T) {
	s := serve(t, doerFunc(func(context.Context, Request) (Result, error) { return &Stopping{}, nil }))
	for range maxClients {
		if _, err := dial(t, s.Path()).Do(t.Context(), Request{Verb: VerbQuit}); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := net.Dial("unix", s.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if got, _ := bufio.NewReader(conn).ReadString('\n'); !strings.Contains(got, string(chat.CodeFull)) {
		t.Fatalf("the one too many got %q", got)
	}
}

// /quit over the socket: the answer still arrives, though the desk ends the server.
func TestAnAnswerIsFinishedWhenTheSocketCloses(t *testing.T) {
	s, err := Listen(filepath.Join(shortDir(t), "a.sock"))
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	started := make(chan bool)
	go func() {
		_ = s.Serve(context.Background(), doerFunc(func(context.Context, Request) (Result, error) {
			go func() { close(started); closed <- s.Close() }()
			<-started
			return &Stopping{}, nil
		}))
	}()
	c := dial(t, s.Path())
	if _, err := Ask[*Stopping](t.Context(), c, Request{Verb: VerbQuit}); err != nil {
		t.Fatal(err)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(t.Context(), Request{Verb: VerbQuit}); !errors.Is(err, chat.CodeNoAdmin) {
		t.Fatalf("after the end: %v, want %v", err, chat.CodeNoAdmin)
	}
}

func TestAPersonWhoStopsWaitingIsFree(t *testing.T) {
	waiting := make(chan bool)
	release := make(chan bool)
	s := serve(t, doerFunc(func(context.Context, Request) (Result, error) {
		close(waiting)
		<-release
		return &Stopping{}, nil
	}))
	defer close(release)
	c := dial(t, s.Path())
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-waiting; cancel() }()
	if _, err := c.Do(ctx, Request{Verb: VerbQuit}); !errors.Is(err, chat.CodeTimeout) || !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

// Every result of the table crosses the socket unchanged, full and empty, and no list is null in JSON.
func TestEveryResultOfTheTableCrosses(t *testing.T) {
	for _, c := range Commands() {
		if c.Local {
			continue
		}
		r := c.result()
		b := encodeResponse(r, nil)
		if strings.Contains(string(b), "null") {
			t.Errorf("%s: %s has a null", c.Verb, b)
		}
		back, err := decodeResponse(c, b)
		if err != nil {
			t.Fatalf("%s: %v", c.Verb, err)
		}
		if diff := cmp.Diff(encodeResponse(r, nil), encodeResponse(back, nil)); diff != "" {
			t.Errorf("%s: %s", c.Verb, diff)
		}
	}
}
