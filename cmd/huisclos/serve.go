package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"huisclos/admin"
	"huisclos/admin/console"
	"huisclos/chat"
	"huisclos/internal/cli"
	"huisclos/internal/config"
	"huisclos/internal/daemon"
	"huisclos/internal/version"
	"huisclos/line"
	"huisclos/line/edit"
)

// serve runs a server with its console.
func (a *app) serve() *cobra.Command {
	c := &cobra.Command{Use: "serve", Args: cli.Between(0, 0)}
	s := config.BindServer(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := s.Load(c.Flags()); err != nil {
			return err
		}
		a.setLanguage(s.Lang)
		return a.runServer(s)
	}
	return c
}

// running is a server with the holder of its key.
type running struct {
	*daemon.Daemon
	keys *holder // nil when the key is made elsewhere
	link string  // HOST:PORT for links
}

// startServer starts a server whose key is held here.
func (a *app) startServer(s *config.Server, self func() chat.AccountID, log *slog.Logger) (*running, error) {
	r := &running{}
	o := daemon.Options{Config: s, Software: version.Program, Log: log, Self: self}
	o.Keys = func(server chat.Fingerprint) admin.KeyHolder {
		r.keys = &holder{server: server}
		return r.keys
	}
	var err error
	if r.Daemon, err = daemon.Start(a.ctx, o); err != nil {
		return nil, err
	}
	r.link = daemon.Hosts(s.Domain, r.Addr())[0]
	if r.keys != nil {
		r.keys.setAddress(r.link)
	}
	return r, nil
}

// runServer serves until /quit or a signal. What the end means is not an error.
func (a *app) runServer(s *config.Server) error {
	r, err := a.startServer(s, nil, a.log(slog.Level(s.LogLevel)))
	if err != nil {
		return err
	}
	if err := a.introduce(s, r, "serve.help"); err != nil {
		return errors.Join(err, r.Shutdown(a.ctx))
	}
	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	go reloadOnSignal(ctx, r.Daemon, a)
	if a.typed() {
		err = a.superviseScreen(ctx, r)
	} else {
		err = a.supervisePipe(ctx, r)
	}
	stop()
	return errors.Join(err, r.Shutdown(a.ctx))
}

// reloadOnSignal does /reload on SIGHUP.
func reloadOnSignal(ctx context.Context, d *daemon.Daemon, a *app) {
	hups := make(chan os.Signal, 1)
	signal.Notify(hups, hangup()...)
	defer signal.Stop(hups)
	for {
		select {
		case <-hups:
			if err := d.Reload(ctx); err != nil {
				a.problem(err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// introduce says where the server is and how to come in; help names the text on the commands that there are.
func (a *app) introduce(s *config.Server, r *running, help string) error {
	if a.outTerminal() {
		return a.introduceToPeople(s, r, help)
	}
	lines := []string{"listening " + r.Addr().String()}
	if r.Proxy() != nil {
		a.note(a.words.T("serve.proxy", "address", r.Proxy().String()))
	}
	switch k, err := a.shownKey(r); {
	case err != nil && s.PrintKey && r.keys != nil:
		a.note(a.words.T("serve.key.unknown"))
	case err == nil && s.PrintKey:
		lines = append(lines, "key "+k.Key.Reveal(), "link "+k.Link.Reveal())
	}
	return a.print(strings.Join(lines, "\n"))
}

func (a *app) introduceToPeople(s *config.Server, r *running, help string) error {
	hosts := daemon.Hosts(s.Domain, r.Addr())
	lines := []string{a.words.T("serve.listening", "addresses", strings.Join(hosts, ", "))}
	if r.Proxy() != nil {
		lines = append(lines, a.words.T("serve.proxy", "address", r.Proxy().String()))
	}
	switch k, err := a.shownKey(r); {
	case err == nil:
		lines = append(lines, "")
		lines = append(lines, console.Key(a.words, a.look(), k)...)
	case s.AccessPublic != "":
		lines = append(lines, a.words.T("serve.key.foreign"))
	default:
		lines = append(lines, a.words.T("serve.key.unknown"))
	}
	if s.Data == "" {
		lines = append(lines, "", a.words.T("serve.memory"))
	}
	lines = append(lines, "", a.words.T(help))
	return a.print(strings.Join(fit(a.out, lines...), "\n"))
}

func (a *app) shownKey(r *running) (admin.Key, error) {
	if r.keys == nil {
		return admin.Key{}, chat.Errorf(chat.CodeKeyUnknown)
	}
	return r.keys.Show()
}

// look is how results are shown here.
func (a *app) look() console.Look { return console.Look{Now: time.Now(), QR: a.qr()} }

// qr draws codes where they can be seen.
func (a *app) qr() func(string) []string {
	if !a.outTerminal() {
		return nil
	}
	return func(text string) []string {
		rows, err := line.QR(text, a.color())
		if err != nil {
			return nil
		}
		return rows
	}
}

// superviseScreen runs the console on the terminal until the end.
func (a *app) superviseScreen(ctx context.Context, r *running) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-r.Ended():
			stop()
		case <-ctx.Done():
		}
	}()
	screen := &screen{editor: a.terminal(), history: &edit.History{}}
	c := &console.Console{Desk: r.Desk("console"), Words: a.words, Terminal: screen, Asks: true, QR: a.qr()}
	screen.complete = func(before string) []string { return c.Complete(ctx, before) }
	err := c.Run(ctx)
	switch {
	case ctx.Err() != nil, errors.Is(err, edit.ErrInterrupted):
		return nil
	case err != nil:
		return err
	}
	return nil // Ctrl-D: the same as /quit
}

// supervisePipe runs commands that are piped in, and goes on when they end.
func (a *app) supervisePipe(ctx context.Context, r *running) error {
	pipe := &pipe{in: a.reader(), out: a.out}
	c := &console.Console{Desk: r.Desk("console"), Words: a.words, Terminal: pipe}
	failed := make(chan error, 1)
	go func() { // a read of a pipe can't be taken back: it ends with the process
		if err := c.Run(ctx); err != nil && ctx.Err() == nil {
			failed <- err
		}
	}()
	select {
	case <-r.Ended():
	case <-ctx.Done():
	case err := <-failed:
		a.problem(err)
		select {
		case <-r.Ended():
		case <-ctx.Done():
		}
	}
	return nil
}

// screen is a terminal for the console.
type screen struct {
	editor   *edit.Editor
	history  *edit.History
	complete func(before string) []string
}

// ReadLine implements console.Terminal.
func (s *screen) ReadLine(ctx context.Context, prompt string) (string, error) {
	l, err := s.editor.ReadLine(ctx, edit.Prompt{Text: prompt, Keep: true, Max: 8192, History: s.history, Complete: s.candidates})
	return l.Text, err
}

// candidates completes the last word.
func (s *screen) candidates(before string) (int, []edit.Candidate) {
	start := strings.LastIndexByte(before, ' ') + 1
	var list []edit.Candidate
	for _, word := range s.complete(before) {
		list = append(list, edit.Candidate{Text: word})
	}
	return start, list
}

// Print implements console.Terminal.
func (s *screen) Print(lines ...string) {
	width, _ := s.editor.Size()
	var rows []string
	for _, l := range lines {
		rows = append(rows, edit.WrapTable(l, max(20, width-1))...)
	}
	s.editor.Print(rows...)
}

// pipe is a terminal for commands that are piped in.
type pipe struct {
	in  *bufio.Reader
	mu  sync.Mutex // guards out
	out io.Writer
}

// ReadLine implements console.Terminal.
func (p *pipe) ReadLine(_ context.Context, _ string) (string, error) {
	text, err := p.in.ReadString('\n')
	if text != "" {
		err = nil
	}
	return strings.TrimRight(text, "\r\n"), err
}

// Print implements console.Terminal.
func (p *pipe) Print(lines ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.out, strings.Join(lines, "\n")+"\n")
}
