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
	"huisclos/line"
)

// send sends one message, and ends with 0 only when it is durable.
func (a *app) send() *cobra.Command {
	c := &cobra.Command{Use: "send ROOM TEXT", Args: cli.Between(2, 2)}
	settings := config.BindClient(c.Flags())
	timeout := c.Flags().Duration("timeout", line.DefaultTimeout, "")
	server := c.Flags().String("server", "", "")
	expire := c.Flags().String("expire", "", "")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := settings.Load(c.Flags()); err != nil {
			return err
		}
		d := client.Draft{Text: args[1]}
		if *expire != "" {
			var err error
			if d.Expires, err = line.ParseSpan(*expire); err != nil {
				return err
			}
		}
		return a.sendDraft(settings, *server, args[0], d, *timeout)
	}
	return c
}

func (a *app) sendDraft(c *config.Client, server, room string, d client.Draft, timeout time.Duration) error {
	name, err := chat.RoomRef(room)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(a.ctx, timeout)
	defer cancel()
	s, err := a.reach(ctx, c, server)
	if err != nil {
		return err
	}
	defer s.close()
	if _, err = s.SendDraft(ctx, name, d); err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return chat.Errorf(chat.CodeNotAcked).Because(err)
	}
	return err
}

// reach opens a session for a command that asks nothing, and waits for the login.
func (a *app) reach(ctx context.Context, c *config.Client, server string) (*session, error) {
	g, err := a.find(c, server)
	if err != nil {
		return nil, err
	}
	s, err := a.open(c, g, false)
	if err != nil {
		return nil, err
	}
	if err := a.patientlyOnline(ctx, c, s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// patientlyOnline waits as long as the server only asks for patience: somebody at the same address is being slowed down, or
// there is no place for the moment.
func (a *app) patientlyOnline(ctx context.Context, c *config.Client, s *session) error {
	for {
		err := a.online(ctx, c, s)
		if !errors.Is(err, chat.CodeRate) && !errors.Is(err, chat.CodeFull) {
			return err
		}
		select {
		case <-time.After(300 * time.Millisecond): // the client tries again by itself
		case <-ctx.Done():
			return err
		}
	}
}
