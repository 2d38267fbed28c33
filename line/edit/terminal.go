package edit

import (
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"huisclos/chat"
)

// Terminal is the device that an Editor works on.
type Terminal interface {
	io.Reader
	io.Writer
	// Raw makes every key arrive at once and unechoed; Restore undoes it. Both may be called again.
	Raw() error
	Restore() error
	// Size in columns and rows; 80 by 24 when the terminal doesn't know.
	Size() (width, height int)
	// Resized gets a value after each change of the size.
	Resized() <-chan struct{}
	// Suspend stops the program, as Ctrl-Z does, and returns when it goes on. It does nothing
	// on systems without job control.
	Suspend()
	// Close lets go of what the terminal holds, after Restore. The files stay open.
	Close() error
}

// System is the terminal that a program was started in.
type System struct {
	in, out *os.File
	resized chan struct{}
	stop    func() // ends the notification of sizes

	mu    sync.Mutex
	saved *saved // what Restore goes back to; nil when not raw
}

var _ Terminal = (*System)(nil)

// IsTerminal reports whether both ends are a terminal that understands more than lines:
// neither a pipe, nor TERM=dumb (termName).
func IsTerminal(in, out *os.File, termName string) bool {
	return termName != "dumb" && term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd()))
}

// NewSystem takes the terminal behind in and out. It changes nothing before Raw.
func NewSystem(in, out *os.File) *System {
	s := &System{in: in, out: out, resized: make(chan struct{}, 1)}
	s.stop = sync.OnceFunc(notifyResize(func() {
		select {
		case s.resized <- struct{}{}:
		default: // one is waiting already
		}
	}))
	return s
}

func (s *System) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *System) Write(p []byte) (int, error) { return s.out.Write(p) }

// Raw implements Terminal. It also asks for bracketed paste.
func (s *System) Raw() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.saved != nil {
		return nil
	}
	state, err := makeRaw(s.in, s.out)
	if err != nil {
		return chat.Errorf(chat.CodeInternal).Because(err)
	}
	s.saved = state
	_, err = io.WriteString(s.out, pasteModeOn)
	return err
}

// Restore implements Terminal.
func (s *System) Restore() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.saved == nil {
		return nil
	}
	_, _ = io.WriteString(s.out, pasteModeNo)
	err := s.saved.restore(s.in, s.out)
	s.saved = nil
	return err
}

// Size implements Terminal.
func (s *System) Size() (width, height int) {
	w, h, err := term.GetSize(int(s.out.Fd()))
	if err != nil || w <= 0 || h <= 0 {
		return 80, 24
	}
	return w, h
}

// Resized implements Terminal.
func (s *System) Resized() <-chan struct{} { return s.resized }

// Suspend implements Terminal.
func (s *System) Suspend() { suspend() }

// Close implements Terminal.
func (s *System) Close() error {
	s.stop()
	return s.Restore()
}
