package main

import (
	"bufio"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/internal/cli"
	"huisclos/internal/config"
	"huisclos/line"
)

// readOptions are the flags of read and watch.
type readOptions struct {
	server string
	since  uint64
	follow bool
	json   bool
}

// read prints the history of a room.
func (a *app) read() *cobra.Command {
	c := &cobra.Command{Use: "read ROOM", Args: cli.Between(1, 1)}
	settings := config.BindClient(c.Flags())
	var o readOptions
	c.Flags().Uint64Var(&o.since, "since", 0, "")
	c.Flags().BoolVar(&o.follow, "follow", false, "")
	c.Flags().BoolVar(&o.json, "json", false, "")
	c.Flags().StringVar(&o.server, "server", "", "")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := settings.Load(c.Flags()); err != nil {
			return err
		}
		return a.readRooms(settings, args, o)
	}
	return c
}

// watch follows rooms from now on.
func (a *app) watch() *cobra.Command {
	c := &cobra.Command{Use: "watch [ROOM…]", Args: cli.Between(0, -1)}
	settings := config.BindClient(c.Flags())
	o := readOptions{follow: true}
	c.Flags().BoolVar(&o.json, "json", false, "")
	c.Flags().StringVar(&o.server, "server", "", "")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := settings.Load(c.Flags()); err != nil {
			return err
		}
		if len(args) == 0 {
			args = []string{chat.Lobby}
		}
		return a.watchRooms(settings, args, o)
	}
	return c
}

// loginPatience bounds the login of commands that aren't told a time.
const loginPatience = 20 * time.Second

func (a *app) readRooms(c *config.Client, rooms []string, o readOptions) error {
	name, err := chat.RoomRef(rooms[0])
	if err != nil {
		return err
	}
	s, err := a.reachSoon(c, o.server)
	if err != nil {
		return err
	}
	defer s.close()
	out := &output{w: bufio.NewWriter(a.out), words: a.words, json: o.json, flush: o.follow}
	return errors.Join(a.pour(a.ctx, s, name, chat.Seq(o.since), o.follow, out), out.w.Flush())
}

func (a *app) reachSoon(c *config.Client, server string) (*session, error) {
	ctx, cancel := context.WithTimeout(a.ctx, loginPatience)
	defer cancel()
	return a.reach(ctx, c, server)
}

// watchRooms follows each room from its head.
func (a *app) watchRooms(c *config.Client, rooms []string, o readOptions) error {
	for i, room := range rooms {
		name, err := chat.RoomRef(room)
		if err != nil {
			return err
		}
		rooms[i] = name
	}
	s, err := a.reachSoon(c, o.server)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	if o.json {
		return a.watchEvents(ctx, s, rooms)
	}
	out := &output{w: bufio.NewWriter(a.out), words: a.words, flush: true}
	failures := make(chan error, len(rooms))
	for _, room := range rooms {
		view, err := s.Join(ctx, room)
		if err != nil {
			return err
		}
		go func() { failures <- a.pour(ctx, s, room, view.Head, true, out) }()
	}
	return <-failures
}

// watchEvents writes all that happens from now on, one object a line; the rooms are joined.
func (a *app) watchEvents(ctx context.Context, s *session, rooms []string) error {
	events, err := s.Events(ctx)
	if err != nil {
		return err
	}
	for _, room := range rooms {
		if _, err := s.Join(ctx, room); err != nil {
			return err
		}
	}
	for e := range events {
		if m, ok := e.(client.Message); ok && m.Old {
			continue
		}
		if _, err := a.out.Write(line.EventJSON(a.words, e)); err != nil {
			return err
		}
		if ended, ok := e.(client.Ended); ok && ended.Err != nil {
			return ended.Err
		}
	}
	return nil // Ctrl-C ends it
}

// pour writes a room's messages until the head, or for ever.
func (a *app) pour(ctx context.Context, s *session, room string, since chat.Seq, follow bool, out *output) error {
	for m, err := range s.Read(ctx, room, since, follow) {
		if err != nil {
			if follow && ctx.Err() != nil {
				return nil // Ctrl-C ends it
			}
			return err
		}
		if err := out.write(m); err != nil {
			return err
		}
	}
	return nil
}

// output writes messages, from several rooms perhaps.
type output struct {
	mu    sync.Mutex // guards w
	w     *bufio.Writer
	words line.Words
	json  bool
	flush bool // after each message
}

func (o *output) write(m client.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var err error
	if o.json {
		_, err = o.w.Write(line.MessageJSON(o.words, m))
	} else if m.Form == client.Text {
		_, err = o.w.WriteString(line.PlainText(m))
	}
	if err == nil && o.flush {
		err = o.w.Flush()
	}
	return err
}
