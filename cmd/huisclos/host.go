package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"huisclos/admin"
	"huisclos/admin/console"
	"huisclos/chat"
	"huisclos/internal/cli"
	"huisclos/internal/config"
	"huisclos/keys"
	"huisclos/line"
	"huisclos/trust"
	"huisclos/vault"
)

// host serves, and enters the chat in the same process.
func (a *app) host() *cobra.Command {
	c := &cobra.Command{Use: "host", Args: cli.Between(0, 0)}
	s := config.BindServer(c.Flags())
	name := c.Flags().String("name", "", "")
	plain := c.Flags().Bool("plain", false, "")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := s.Load(c.Flags()); err != nil {
			return err
		}
		a.setLanguage(s.Lang)
		home, err := config.Home()
		if err != nil {
			return err
		}
		if *name == "" {
			*name = os.Getenv("HUISCLOS_NAME")
		}
		return a.hostWith(s, &config.Client{Home: home, Name: *name}, joinOptions{plain: *plain})
	}
	return c
}

// hostChat is host without flags.
func (a *app) hostChat(s *config.Server, c *config.Client) error {
	return a.hostWith(s, c, joinOptions{})
}

func (a *app) hostWith(s *config.Server, c *config.Client, o joinOptions) error {
	g := &goal{name: trust.NormalizeName(c.Name), stays: true}
	if err := a.hostName(g, s, c); err != nil {
		return err
	}
	var self atomic.Pointer[chat.AccountID]
	r, err := a.startServer(s, func() chat.AccountID {
		if id := self.Load(); id != nil {
			return *id
		}
		return chat.AccountID{}
	}, a.log(slog.LevelWarn))
	if err != nil {
		return err
	}
	if err := a.introduce(s, r, "cmd.host.help"); err != nil {
		return errors.Join(err, r.Shutdown(a.ctx))
	}
	stay, err := a.hostSession(s, r, g, c, o, &self)
	if stay {
		err = errors.Join(err, a.superviseScreen(a.ctx, r))
	}
	err = errors.Join(err, r.Shutdown(a.ctx))
	if s.Data == "" {
		_ = vault.Remove(vault.Dir(c.Home, r.Fingerprint(), g.name), keyring()) // the server is gone, and its chat with it
	}
	return err
}

// hostName asks for the name before anything starts: a mistake costs nothing.
func (a *app) hostName(g *goal, s *config.Server, c *config.Client) error {
	if g.name != "" {
		return trust.CheckName(g.name)
	}
	if s.Data != "" { // the one of last time
		if profiles, err := vault.Profiles(c.Home); err == nil {
			for _, p := range vault.At(profiles, loopback(s.Listen)) {
				g.name = p.Name
				return nil
			}
		}
	}
	return a.askName(g)
}

// loopback is where this machine reaches a server that listens on addr.
func loopback(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// hostSession is the host's own conversation. stay tells that the server goes on without it.
func (a *app) hostSession(s *config.Server, r *running, g *goal, c *config.Client, o joinOptions, self *atomic.Pointer[chat.AccountID]) (stay bool, err error) {
	g.server = r.Fingerprint()
	g.address = loopback(net.JoinHostPort(hostOf(s.Listen), strconv.Itoa(r.Port())))
	if r.keys != nil {
		r.keys.mu.Lock()
		g.key = r.keys.key
		r.keys.mu.Unlock()
	}
	session, err := a.open(c, g, true)
	if err != nil {
		return false, err
	}
	defer session.close()
	if err := a.arrive(c, session, joinOptions{plain: true}); err != nil {
		return false, err
	}
	if status, err := session.Status(a.ctx); err == nil {
		self.Store(&status.Account)
	}
	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	go func() { // /server quit ends the conversation too
		select {
		case <-r.Ended():
			stop()
		case <-ctx.Done():
		}
	}()
	err = a.converseAsHost(ctx, r, session, o)
	switch {
	case ended(r):
		return false, nil
	case err != nil || a.ctx.Err() != nil || o.plain || !a.typed():
		return false, err
	}
	answer, err := a.ask(a.words.T("cmd.host.stop")+" ", false)
	if err != nil || a.ctx.Err() != nil {
		return false, nil //nolint:nilerr // whoever leaves the question stops the server
	}
	return console.Yes(a.words, answer), nil
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return host
}

func ended(r *running) bool {
	select {
	case <-r.Ended():
		return true
	default:
		return false
	}
}

func (a *app) converseAsHost(ctx context.Context, r *running, s *session, o joinOptions) error {
	desk := r.Desk("console")
	c := &console.Console{Desk: desk, Words: a.words}
	options := line.Options{
		API: s, Words: a.words, Share: func(ctx context.Context) (string, error) {
			if k, err := a.shownKey(r); err == nil {
				return k.Link.Reveal(), nil
			}
			link, err := s.ownLink(ctx) // after a restart the server has no key; the host, as a member, has
			if err != nil {
				return "", err
			}
			link.Address = r.link
			return link.Reveal(), nil
		},
		Server:      func(ctx context.Context, command string) (string, error) { return a.serverCommand(ctx, desk, command) },
		ServerWords: func(before string) []string { return c.Complete(ctx, before) },
	}
	return a.converse(ctx, o, options)
}

// ownLink is the link of this process's own session.
func (s *session) ownLink(ctx context.Context) (keys.Link, error) {
	if s.own == nil {
		return keys.Link{}, chat.Errorf(chat.CodeKeyUnknown)
	}
	return s.own.Link(ctx)
}

// serverCommand does a command of the console.
func (a *app) serverCommand(ctx context.Context, desk admin.Doer, command string) (string, error) {
	req, err := admin.Parse(command)
	if err != nil {
		return strings.Join(console.Error(a.words, console.InChat, err), "\n"), nil
	}
	if req.Verb == admin.VerbHelp {
		return strings.Join(console.Help(a.words, console.InChat, req.Text), "\n"), nil
	}
	result, err := desk.Do(ctx, req)
	if err != nil {
		return strings.Join(console.Error(a.words, console.InChat, err), "\n"), nil
	}
	return strings.Join(console.Render(a.words, a.look(), result), "\n"), nil
}
