package line

import (
	"context"
	"strings"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/line/edit"
)

// makeCode makes an invitation code to be said to somebody. What becomes of it is told later.
func (f *face) makeCode() error {
	room := f.room
	f.wait(func(ctx context.Context) (func(), error) {
		if _, private := f.members(ctx, room); !private || strings.HasPrefix(room, "@") {
			room = ""
		}
		code, err := f.API.OpenCode(ctx, room, f.Words.T("line.invite.lang"), 0)
		if err != nil {
			return nil, err
		}
		at := f.inviteAddress(ctx)
		return func() {
			f.view.answer(f.Words.T("line.invite.code", "code", code.Reveal(), "address", at, "until", f.clock(code.Expires)))
			if room != "" {
				f.view.answer(f.Words.T("line.invite.into", "room", room))
			}
		}, nil
	})
	return nil
}

// inviteAddress is where others reach the server: as the link to share says, else where it was reached from here.
func (f *face) inviteAddress(ctx context.Context) string {
	if f.Share != nil {
		if link, err := f.Share(ctx); err == nil {
			if _, rest, ok := strings.Cut(link, "://"); ok && !strings.Contains(rest, "?") {
				at, _, _ := strings.Cut(rest, "/")
				return at
			}
		}
	}
	return f.me.Address
}

// codeEvent tells what became of a code.
func (f *face) codeEvent(e client.Event) {
	w := f.Words
	switch e := e.(type) {
	case client.CodeUsed:
		f.view.notice(w.T("line.invite.used", "name", edit.SafeLine(e.Name)))
	case client.CodeFailed:
		if e.Err.Code == chat.CodeLinkRefused {
			f.view.notice(w.T("line.link.refused"))
			return
		}
		f.view.problem(e.Err)
		if e.Err.Code == chat.CodeCodeWrong || e.Err.Code == chat.CodeIdentity {
			f.view.notice(w.N("line.invite.left", e.Left))
		}
	}
}
