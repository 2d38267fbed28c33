package client

import (
	"context"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/content"
)

// Reports: that a message has come, and that it was read, is told to its author, who alone keeps it (though the group could read it): in private rooms of few members, by those who have switched it
// on, to those who have. A report is a message for programs, of innerReport: nobody's unread counter counts it.

// ReportRead tells that a message of ours has come to a member, or was read there.
type ReportRead struct {
	Room string
	ID   chat.MessageID
	Seq  chat.Seq
	Name string // whose device says so
	Read bool   // else it has come
	Time time.Time
}

func (ReportRead) event() {}

// SeenView is what a member's devices say of a message of ours.
type SeenView struct {
	Name string
	Read bool // else it has come
	Time time.Time
}

// reportRecord is what an account says of a message of ours.
type reportRecord struct {
	_       struct{} `cbor:",toarray"`
	Account chat.AccountID
	State   content.State
	Time    int64 // the server's, ms since 1970
}

// The bounds of reports.
const (
	mostReporting = 20 // members of a room
	maxReported   = 32 // accounts that are kept at one message
)

// A device gathers what it reports for a while: what it says is about many messages, and doesn't tell when exactly each was read.
const (
	reportWait   = 2 * time.Second
	reportJitter = 2 * time.Second
)

// reporting tells whether reports are sent and taken in a room.
func (e *engine) reporting(r *room) bool {
	return e.self.Reports && r.priv != nil && r.priv.g != nil && len(r.priv.devices) <= mostReporting && !r.rec.Private.Unproven
}

// reportable tells whether an entry is reported on.
func (e *engine) reportable(rec *entryRecord) bool {
	return rec.Form == Text && rec.What == Said && rec.Account != e.id.account() && rec.SharedBy.IsZero()
}

// arrived notes that a message has come.
func (e *engine) arrived(r *room, rec *entryRecord) {
	if e.reporting(r) && e.reportable(rec) {
		e.report(r, rec.ID, content.Delivered)
	}
}

// report notes what is to be told of a message.
func (e *engine) report(r *room, id chat.MessageID, state content.State) {
	p := r.priv
	if len(p.reports) >= content.MaxStatuses && p.reports[id] == content.Unread {
		return // who comes back after long doesn't report on everything
	}
	p.reports[id] = max(p.reports[id], state)
	e.reportSoon(r)
}

// reportSoon has what was gathered told after a while.
func (e *engine) reportSoon(r *room) {
	p := r.priv
	if len(p.reports) == 0 || p.reporting {
		return
	}
	p.reporting = true
	e.afterwards(r, reportWait+randomBelow(reportJitter), func() {
		p.reporting = false
		e.sendReport(r)
	})
}

// sendReport puts one report into the outbox, unless one waits there still.
func (e *engine) sendReport(r *room) {
	p := r.priv
	if !e.reporting(r) || len(p.reports) == 0 {
		return
	}
	if slices.ContainsFunc(r.outbox, func(o *outgoing) bool { return o.rec.Kind == innerReport && !o.sealed() }) {
		e.reportSoon(r)
		return
	}
	all := make([]content.Status, 0, len(p.reports))
	for id, state := range p.reports {
		all = append(all, content.Status{ID: id, State: state})
	}
	clear(p.reports)
	slices.SortFunc(all, func(a, b content.Status) int { return slices.Compare(a.ID[:], b.ID[:]) })
	body, err := content.Report(all...).Marshal()
	if err != nil {
		e.cfg.Log.Warn("a report can't be made", "err", err)
		return
	}
	e.enqueueInner(r, innerReport, body)
	e.pump(r)
}

// takeReport takes what a member says of our messages: of those that came before it, and after him.
func (e *engine) takeReport(r *room, n chat.Seq, v *verdict, body []byte) {
	by := v.env.Account
	m, err := content.Parse(body)
	if err != nil || m.Kind != content.KindReport || by == e.id.account() || !e.reporting(r) {
		return
	}
	came, err := e.cameAt(r, by)
	for _, s := range m.Statuses {
		if err != nil {
			e.fail(err)
			return
		}
		if s.State == content.Delivered || s.State == content.Read {
			err = e.reported(r, n, came, s, reportRecord{Account: by, State: s.State, Time: v.rec.Time})
		}
	}
}

// reported keeps what a member says of one message.
func (e *engine) reported(r *room, n, came chat.Seq, s content.Status, report reportRecord) error {
	at, err := e.placeOf(r, s.ID)
	if err != nil || at == 0 || at >= n || at < came {
		return err
	}
	var rec entryRecord
	key := entryKey(r.id, at)
	if found, err := e.get(TableHistory, key, &rec); err != nil || !found {
		return err
	}
	if rec.Account != e.id.account() || rec.Form != Text || rec.What != Said {
		return nil
	}
	i := slices.IndexFunc(rec.Reports, func(x reportRecord) bool { return x.Account == report.Account })
	switch {
	case i < 0 && len(rec.Reports) < maxReported:
		rec.Reports = append(rec.Reports, report)
	case i < 0 || rec.Reports[i].State >= report.State: // another device of the account was quicker
		return nil
	default:
		rec.Reports[i] = report
	}
	e.put(TableHistory, key, &rec)
	e.emit(ReportRead{
		Room: r.rec.Name, ID: rec.ID, Seq: at, Name: e.people.name(report.Account), Read: report.State == content.Read, Time: time.UnixMilli(report.Time),
	})
	return nil
}

// cameAt is the entry that brought an account into a room; 0 when it was there before us, or made the room.
func (e *engine) cameAt(r *room, a chat.AccountID) (chat.Seq, error) {
	p := r.priv
	if n, ok := p.came[a]; ok {
		return n, nil
	}
	came := chat.Seq(0)
	err := e.eachEntry(r, 0, lastSeq, func(n chat.Seq, rec *entryRecord) bool {
		if rec.Form == Changed && slices.Contains(rec.Added, a) {
			came = n
		}
		return came == 0
	})
	p.came[a] = came
	return came, err
}

// MarkRead implements API.
func (c *Client) MarkRead(ctx context.Context, name string, seq chat.Seq) error {
	_, err := do(ctx, c, func(e *engine) (none, error) {
		r, err := e.joined(name)
		if err != nil {
			return none{}, err
		}
		return none{}, e.markRead(r, min(seq, r.rec.Seq))
	})
	return err
}

// markRead notes that the messages up to a place were shown.
func (e *engine) markRead(r *room, seq chat.Seq) error {
	if seq <= r.rec.Shown || !e.reporting(r) {
		return nil
	}
	left := content.MaxStatuses
	err := e.eachEntry(r, r.rec.Shown, seq, func(_ chat.Seq, rec *entryRecord) bool {
		if e.reportable(rec) {
			e.report(r, rec.ID, content.Read)
			left--
		}
		return left > 0
	})
	r.rec.Shown = seq
	e.touch(r)
	return err
}

// seen lists what was reported on a message.
func (b *book) seen(all []reportRecord) ([]SeenView, error) {
	var views []SeenView
	for _, x := range all {
		name, err := b.name(x.Account)
		if err != nil {
			return nil, err
		}
		views = append(views, SeenView{Name: name, Read: x.State == content.Read, Time: time.UnixMilli(x.Time)})
	}
	return views, nil
}
