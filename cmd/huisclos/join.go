package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/internal/cli"
	"huisclos/internal/config"
	"huisclos/keys"
	"huisclos/line"
)

// joinOptions are the flags of join alone.
type joinOptions struct {
	plain   bool
	room    string
	timeout time.Duration
}

// join enters a chat.
func (a *app) join() *cobra.Command {
	c := &cobra.Command{Use: "join [LINK|KEY|HOST[:PORT]|-] [CODE]", Args: cli.Between(0, 6)}
	settings := config.BindClient(c.Flags())
	var o joinOptions
	c.Flags().BoolVar(&o.plain, "plain", false, "")
	c.Flags().StringVar(&o.room, "room", "", "")
	c.Flags().DurationVar(&o.timeout, "timeout", line.DefaultTimeout, "")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := settings.Load(c.Flags()); err != nil {
			return err
		}
		arg, code, err := splitCode(args)
		if err != nil {
			return err
		}
		return a.joinChat(settings, arg, code, o)
	}
	return c
}

// joinChat converses until the person or the pipe is done. Where another server answers at the address of one's own, a person is
// asked for its key: a server in memory is another one, with another key, at each start.
func (a *app) joinChat(c *config.Client, arg string, code keys.Code, o joinOptions) error {
	g, err := a.find(c, arg)
	if err != nil {
		return err
	}
	if g.key.IsZero() {
		g.code = code
	}
	given := !g.key.IsZero() || !g.code.IsZero()
	err = a.visit(c, g, o)
	for a.anotherName(g, err) {
		err = a.visit(c, g, o)
	}
	if given || !a.typed() || !errors.Is(err, chat.CodeIdentity) {
		return err
	}
	a.problem(err)
	g = &goal{address: g.address, name: g.name}
	if err := a.askKey(g); err != nil {
		return err
	}
	return a.visit(c, g, o)
}

// visit opens the session of a goal and converses. When it was that of another process and that ends, this one opens it itself and goes on.
func (a *app) visit(c *config.Client, g *goal, o joinOptions) error {
	g.stays = true
	for {
		s, err := a.open(c, g, true)
		if err != nil {
			return err
		}
		if err = a.arrive(c, s, o); err == nil {
			err = a.converse(a.ctx, o, line.Options{API: s, Words: a.words, Room: o.room, Share: s.share()})
		}
		s.close()
		if !errors.Is(err, client.ErrOwnerGone) || !a.inTerminal() {
			return err
		}
		a.note(a.words.T("cmd.join.owner"))
	}
}

// arrivalPatience is how long the first login may take.
const arrivalPatience = 30 * time.Second

// arrive waits for the first login. A person who was here before may read and write without it: what is written is sent later.
func (a *app) arrive(c *config.Client, s *session, o joinOptions) error {
	ctx, cancel := context.WithTimeout(a.ctx, arrivalPatience)
	defer cancel()
	err := a.patientlyOnline(ctx, c, s)
	if err == nil || chat.CodeOf(err).Class() != chat.Unreachable || o.plain || !a.typed() {
		return err
	}
	if status, e := s.Status(a.ctx); e != nil || !status.Enrolled || status.Ended != nil {
		return err
	}
	a.problem(err)
	return nil
}

// converse holds the conversation on the screen, or plainly.
func (a *app) converse(ctx context.Context, o joinOptions, options line.Options) error {
	if !o.plain && a.typed() {
		return line.Converse(ctx, a.terminal(), a.color(), options)
	}
	p := line.Plain{In: a.reader(), Out: a.out, Err: a.err, Typed: a.inTerminal(), Timeout: o.timeout}
	return line.ConversePlainly(ctx, p, options)
}

// share gives the link to hand on. Another process that has the profile open knows it; this one then knows what it was told.
func (s *session) share() func(context.Context) (string, error) {
	switch {
	case s.own != nil:
		return func(ctx context.Context) (string, error) {
			link, err := s.own.Link(ctx)
			if err != nil {
				return "", err
			}
			return link.Reveal(), nil
		}
	case !s.key.IsZero():
		return func(context.Context) (string, error) {
			return keys.Link{Address: s.address, Key: s.key}.Reveal(), nil
		}
	}
	return nil
}
