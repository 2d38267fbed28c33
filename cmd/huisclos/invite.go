package main

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/discover"
	"huisclos/internal/cli"
	"huisclos/internal/config"
	"huisclos/internal/version"
	"huisclos/keys"
	"huisclos/line/edit"
	"huisclos/trust"
	"huisclos/vault"
)

// invite makes an invitation code, and waits until it has been used.
func (a *app) invite() *cobra.Command {
	c := &cobra.Command{Use: "invite", Args: cli.Between(0, 0)}
	settings := config.BindClient(c.Flags())
	server := c.Flags().String("server", "", "")
	life := c.Flags().Duration("for", 0, "")
	room := c.Flags().String("room", "", "")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := settings.Load(c.Flags()); err != nil {
			return err
		}
		if *life < 0 || *life > client.CodeLife {
			return chat.Errorf(chat.CodeSettingValue, "name", "--for", "value", life.String())
		}
		return a.inviteSomebody(settings, *server, *room, *life)
	}
	return c
}

func (a *app) inviteSomebody(c *config.Client, server, room string, life time.Duration) error {
	s, err := a.reachSoon(c, server)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	events, err := s.Events(ctx)
	if err != nil {
		return err
	}
	code, err := s.OpenCode(ctx, room, a.words.T("line.invite.lang"), life)
	if err != nil {
		return err
	}
	if err := a.print(code.Reveal()); err != nil {
		return err
	}
	a.note(a.words.T("cmd.invite.say", "address", a.inviteAddress(ctx, s), "code", code.Reveal(), "until", code.Expires.Local().Format("15:04")))
	err = a.awaitGuest(events, code.Number)
	if err == nil && a.ctx.Err() != nil { // Ctrl-C takes the code back
		later, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), 5*time.Second)
		defer cancel()
		return s.CloseCode(later, code.Number)
	}
	return err
}

// inviteAddress is where others reach the server: as the link says, where this session knows it.
func (a *app) inviteAddress(ctx context.Context, s *session) string {
	if share := s.share(); share != nil {
		if link, err := share(ctx); err == nil {
			if l, err := keys.ParseLink(link); err == nil {
				return l.Address
			}
		}
	}
	return s.address
}

// awaitGuest waits for what becomes of a code; nil when somebody has used it, or when the events end.
func (a *app) awaitGuest(events <-chan client.Event, number uint32) error {
	for e := range events {
		switch e := e.(type) {
		case client.CodeUsed:
			if e.Number == number {
				return a.print(a.words.T("cmd.invite.used", "name", edit.SafeLine(e.Name)))
			}
		case client.CodeFailed:
			if e.Number == number {
				return e.Err
			}
		case client.Ended:
			if e.Err != nil {
				return e.Err
			}
		}
	}
	return nil
}

// splitCode takes an invitation code from the arguments of join: one alone, or one behind an address, in one word or in several.
func splitCode(args []string) (arg string, code keys.Code, err error) {
	switch whole := strings.Join(args, " "); {
	case len(args) == 0:
		return "", code, nil
	case keys.IsCode(whole):
		code, err = keys.ParseCode(whole)
		return "", code, err
	case len(args) == 1:
		return args[0], code, nil
	}
	code, err = keys.ParseCode(strings.Join(args[1:], " "))
	return args[0], code, err
}

// redeemPatience bounds the exchange of a code: connecting, and the member's answers.
const redeemPatience = 30 * time.Second

// redeem gives the code of a goal for the key, by the member who has made it.
func (a *app) redeem(g *goal, c *config.Client) error {
	if g.address == "" {
		address, err := a.onlyServer(c.LAN)
		if err != nil {
			return err
		}
		g.address = address
	}
	if g.name == "" {
		if err := a.askName(g); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(a.ctx, redeemPatience)
	defer cancel()
	admission, err := client.Redeem(ctx, client.Redemption{
		Dial: dialAnyone, Address: g.address, Code: g.code, Name: g.name, Software: version.Program,
		Burn: func() error { return vault.Burn(c.Home, g.code.Reveal()) },
		Known: func(server chat.Fingerprint) bool {
			g.server = server
			all, err := vault.Profiles(c.Home)
			return err == nil && slices.ContainsFunc(vault.Of(all, server), func(p vault.Profile) bool {
				return trust.FoldName(p.Name) == trust.FoldName(g.name)
			})
		},
	})
	code := g.code
	g.code = keys.Code{} // it is over, whatever came of it
	switch {
	case errors.Is(err, client.ErrKnown):
		a.note(a.words.T("cmd.join.known", "name", edit.SafeLine(g.name), "code", code.Reveal()))
		return nil
	case err != nil:
		g.server = chat.Fingerprint{}
		return err
	}
	g.admission, g.server, g.key = admission, admission.Server, admission.Key
	a.note(a.words.T("cmd.join.verified", "name", edit.SafeLine(admission.Inviter.Name)))
	return nil
}

// onlyServer is where to knock with a code when no address was given: the server that answers on the local network, else this machine. Where several
// answer it is CodeNoServer (reason): a code tried at a wrong one would use up somebody else's.
func (a *app) onlyServer(lan bool) (string, error) {
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(chat.DefaultPort))
	if !lan {
		return at, nil
	}
	ctx, cancel := context.WithTimeout(a.ctx, searchTime)
	defer cancel()
	found := map[chat.Fingerprint]bool{}
	discover.Find(ctx, discover.Options{}, func(c discover.Candidate) bool {
		found[c.Server] = true
		at = c.Addrs[0].String()
		return len(found) < 2
	})
	if len(found) > 1 {
		return "", chat.Errorf(chat.CodeNoServer, "reason", "several")
	}
	return at, nil
}

// anotherName asks a newcomer who has come by a code for a name that is free: the code is used up, and what it has given isn't.
func (a *app) anotherName(g *goal, err error) bool {
	if g.admission == nil || !a.inTerminal() || chat.CodeOf(err).Class() != chat.Naming {
		return false
	}
	a.problem(err)
	g.name = ""
	return a.askName(g) == nil
}
