package line

import (
	"context"
	"strconv"
	"strings"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/line/edit"
)

// link makes a link code for another device of the same person, or answers one that has used it.
func (f *face) link(words []string, _ string) error {
	w := f.Words
	if len(words) > 0 {
		yes := isYes(w, words[0])
		if !yes && !isNo(w, words[0]) {
			return chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax("link"))
		}
		f.wait(func(ctx context.Context) (func(), error) {
			return func() {}, f.API.AnswerLink(ctx, 0, yes)
		})
		return nil
	}
	f.wait(func(ctx context.Context) (func(), error) {
		code, err := f.API.OpenLink(ctx, w.T("line.invite.lang"), 0)
		if err != nil {
			return nil, err
		}
		at := f.inviteAddress(ctx)
		return func() {
			f.view.link(code.LinkAt(at), w.T("line.link.code", "code", code.Reveal(), "address", at, "until", f.clock(code.Expires)))
		}, nil
	})
	return nil
}

// linkEvent tells what becomes of a link code, and of the history that goes along.
func (f *face) linkEvent(e client.Event) {
	w := f.Words
	switch e := e.(type) {
	case client.LinkAsked:
		f.view.notice(LinkQuestion(w, e) + "\n" + w.T("line.link.answer", "until", f.clock(e.Until)))
	case client.LinkDone:
		f.view.notice(w.T("line.link.done", "name", DeviceName(w, e.Name, e.Device)))
	case client.HistoryMoved:
		if text := f.progress.Text(w, e); text != "" {
			f.view.notice(text)
		}
	}
}

// DeviceName is what people are shown of a device: its name, if they know one, and the beginning of its ID.
func DeviceName(w Words, name string, d chat.DeviceID) string {
	if name == "" {
		return shortDevice(d)
	}
	return w.T("line.device.name", "name", edit.SafeLine(name), "device", shortDevice(d))
}

// LinkQuestion says which device asks to be linked, and which are there.
func LinkQuestion(w Words, e client.LinkAsked) string {
	rows := []string{w.T("line.link.asked", "name", DeviceName(w, e.Name, e.Device), "software", edit.SafeLine(e.Software)), w.T("line.link.there")}
	for _, v := range e.Devices {
		if !v.Revoked.IsZero() {
			continue
		}
		id := "line.devices.one"
		if v.This {
			id = "line.devices.this"
		}
		rows = append(rows, "  "+w.T(id, "device", DeviceName(w, v.Name, v.Device), "day", day(w, v.Issued.Local())))
	}
	return strings.Join(rows, "\n")
}

// Progress tells of histories on their way: at the beginning, at each tenth, and at the end.
type Progress struct{ told map[chat.DeviceID]int }

// Text is what is to be told of a step; empty for nothing.
func (p *Progress) Text(w Words, e client.HistoryMoved) string {
	name := DeviceName(w, e.Name, e.Device)
	switch {
	case e.Done:
		delete(p.told, e.Device)
		id := "line.history.come"
		if e.Gives {
			id = "line.history.gone"
		}
		return w.N(id, int(e.Moved), "name", name) //nolint:gosec // a count
	case e.Away:
		return w.T("line.history.away", "name", name)
	case e.Total == 0:
		return ""
	}
	tenth := int(10 * e.Moved / e.Total) //nolint:gosec // at most ten
	if last, ok := p.told[e.Device]; ok && tenth <= last {
		return ""
	}
	if p.told == nil {
		p.told = map[chat.DeviceID]int{}
	}
	p.told[e.Device] = tenth
	return w.T("line.history.moved", "moved", grouped(w, e.Moved), "total", grouped(w, e.Total), "name", name)
}

// grouped writes a number in groups of three digits.
func grouped(w Words, n uint64) string {
	s := strconv.FormatUint(n, 10)
	if len(s) <= 3 {
		return s
	}
	return w.T("line.thousands", "a", grouped(w, n/1000), "b", s[len(s)-3:])
}
