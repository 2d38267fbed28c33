//go:build unix

package edit

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// saved is the state of the terminal before Raw.
type saved struct{ in *term.State }

func makeRaw(in, _ *os.File) (*saved, error) {
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	return &saved{state}, nil
}

func (s *saved) restore(in, _ *os.File) error { return term.Restore(int(in.Fd()), s.in) }

// notifyResize calls f after each change of the terminal's size until stop is called.
func notifyResize(f func()) (stop func()) {
	signals := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(signals, syscall.SIGWINCH)
	go func() {
		for {
			select {
			case <-signals:
				f()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// suspend stops the whole job, as the terminal's own Ctrl-Z would, and waits to be continued.
func suspend() {
	// An orphaned job is never stopped; then nothing will continue it either.
	const orphan = 500 * time.Millisecond
	cont := make(chan os.Signal, 1)
	signal.Notify(cont, syscall.SIGCONT)
	defer signal.Stop(cont)
	if syscall.Kill(0, syscall.SIGTSTP) != nil {
		return
	}
	select {
	case <-cont:
	case <-time.After(orphan):
	}
}
