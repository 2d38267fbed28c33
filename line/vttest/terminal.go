package vttest

import (
	"io"
	"sync"
)

// Terminal is a Screen with a keyboard: it implements edit.Terminal.
type Terminal struct {
	keys    chan []byte
	resized chan struct{}
	hungUp  chan struct{}

	mu        sync.Mutex // guards what follows
	screen    *Screen
	rest      []byte
	raw       bool
	suspended int
	closed    bool
}

// NewTerminal makes one of that size.
func NewTerminal(width, height int) *Terminal {
	return &Terminal{
		screen: NewScreen(width, height), keys: make(chan []byte, 64),
		resized: make(chan struct{}, 1), hungUp: make(chan struct{}),
	}
}

// Type presses keys: s is what a terminal sends for them, in one piece.
func (t *Terminal) Type(s string) { t.keys <- []byte(s) }

// Paste pastes s, in brackets.
func (t *Terminal) Paste(s string) { t.Type("\x1b[200~" + s + "\x1b[201~") }

// HangUp ends the input.
func (t *Terminal) HangUp() { close(t.hungUp) }

// Resize changes the size and tells so.
func (t *Terminal) Resize(width, height int) {
	t.Screen(func(s *Screen) { s.Resize(width, height) })
	select {
	case t.resized <- struct{}{}:
	default:
	}
}

// Screen lets f look at the screen while nobody writes.
func (t *Terminal) Screen(f func(*Screen)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(t.screen)
}

// Rows is Screen.Rows.
func (t *Terminal) Rows() (rows []string) {
	t.Screen(func(s *Screen) { rows = s.Rows() })
	return rows
}

// Lines is Screen.Lines.
func (t *Terminal) Lines() (lines []string) {
	t.Screen(func(s *Screen) { lines = s.Lines() })
	return lines
}

// IsRaw reports whether Raw was called last, and not Restore.
func (t *Terminal) IsRaw() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.raw
}

// Suspended counts the calls of Suspend.
func (t *Terminal) Suspended() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.suspended
}

// Closed reports whether Close was called.
func (t *Terminal) Closed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

func (t *Terminal) Read(p []byte) (int, error) {
	if len(t.rest) == 0 {
		select {
		case t.rest = <-t.keys:
		case <-t.hungUp:
			return 0, io.EOF
		}
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

func (t *Terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.screen.Write(p)
}

// Raw implements edit.Terminal.
func (t *Terminal) Raw() error { return t.setRaw(true) }

// Restore implements edit.Terminal.
func (t *Terminal) Restore() error { return t.setRaw(false) }

func (t *Terminal) setRaw(on bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.raw = on
	return nil
}

// Size implements edit.Terminal.
func (t *Terminal) Size() (width, height int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.screen.width, t.screen.height
}

// Resized implements edit.Terminal.
func (t *Terminal) Resized() <-chan struct{} { return t.resized }

// Suspend implements edit.Terminal.
func (t *Terminal) Suspend() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.suspended++
}

// Close implements edit.Terminal.
func (t *Terminal) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.raw, t.closed = false, true
	return nil
}
