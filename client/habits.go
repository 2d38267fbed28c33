package client

import (
	"context"

	"huisclos/chat"
)

// What a person has chosen for this profile: when a room makes itself heard, and what others are told of one's reading and writing.

// Notify says which messages of a room are told loudly: by a bell, say. It is kept here for faces, which decide what loud is.
type Notify uint8

const (
	// NotifyUsual is all of a direct conversation, and mentions elsewhere. RoomView has what that comes to.
	NotifyUsual Notify = 0
	// NotifyAll: every message of others.
	NotifyAll Notify = 1
	// NotifyMentions: those that mention us.
	NotifyMentions Notify = 2
	// NotifyOff: none.
	NotifyOff Notify = 3
)

// notify is what a room's choice comes to.
func (r *room) notify() Notify {
	switch {
	case r.rec.Notify != NotifyUsual:
		return r.rec.Notify
	case r.priv != nil && r.priv.state.Direct:
		return NotifyAll
	}
	return NotifyMentions
}

// Loud tells whether a message is told loudly in a room with that choice.
func (n Notify) Loud(m *Message) bool {
	if m.Mine || m.Old || m.Form != Text || m.What != Said || m.SharedBy != "" {
		return false
	}
	return n == NotifyAll || n == NotifyMentions && m.MentionsMe
}

// SetNotify implements API.
func (c *Client) SetNotify(ctx context.Context, name string, n Notify) error {
	_, err := do(ctx, c, func(e *engine) (none, error) {
		r, err := e.joined(name)
		if err == nil && n > NotifyOff {
			err = chat.Errorf(chat.CodeFrame)
		}
		if err != nil {
			return none{}, err
		}
		r.rec.Notify = n
		e.touch(r)
		return none{}, nil
	})
	return err
}

// SetReports implements API. What was read before isn't told.
func (c *Client) SetReports(ctx context.Context, on bool) error {
	_, err := do(ctx, c, func(e *engine) (none, error) {
		if on && !e.self.Reports {
			for _, r := range e.rooms {
				r.rec.Shown = r.rec.Seq
				e.touch(r)
			}
		}
		for _, r := range e.rooms {
			if r.priv != nil && !on {
				clear(r.priv.reports)
			}
		}
		e.self.Reports, e.selfDirty = on, true
		return none{}, nil
	})
	return err
}

// SetTyping implements API.
func (c *Client) SetTyping(ctx context.Context, on bool) error {
	_, err := do(ctx, c, func(e *engine) (none, error) {
		e.self.Typing, e.selfDirty = on, true
		return none{}, nil
	})
	return err
}
