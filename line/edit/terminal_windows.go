package edit

import (
	"os"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/term"
)

// saved is the state of the console before Raw.
type saved struct {
	in  *term.State
	out uint32
}

// makeRaw also turns on the sequences of ECMA-48 in both directions (Windows 10 and later).
func makeRaw(in, out *os.File) (*saved, error) {
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	s := &saved{in: state}
	var mode uint32
	if windows.GetConsoleMode(windows.Handle(in.Fd()), &mode) == nil {
		_ = windows.SetConsoleMode(windows.Handle(in.Fd()), mode|windows.ENABLE_VIRTUAL_TERMINAL_INPUT)
	}
	if err := windows.GetConsoleMode(windows.Handle(out.Fd()), &s.out); err != nil {
		return nil, err
	}
	mode = s.out | windows.ENABLE_PROCESSED_OUTPUT | windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
	return s, windows.SetConsoleMode(windows.Handle(out.Fd()), mode)
}

func (s *saved) restore(in, out *os.File) error {
	_ = windows.SetConsoleMode(windows.Handle(out.Fd()), s.out)
	return term.Restore(int(in.Fd()), s.in)
}

// notifyResize looks at the size now and then: the console has no signal for it. Each drawing
// looks too, so this only matters while nothing else happens.
func notifyResize(f func()) (stop func()) {
	ticker, done := time.NewTicker(time.Second), make(chan struct{})
	go func() {
		for {
			select {
			case <-ticker.C:
				f()
			case <-done:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(done)
	}
}

func suspend() {}
