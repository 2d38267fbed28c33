package client

import (
	"strconv"

	"huisclos/chat"
	"huisclos/wire"
)

// resumeAfter goes on with a room whose server was rolled back, from the last entry that it has as we had it; without ok that isn't known, or there is none.
func (e *engine) resumeAfter(r *room, common chat.Seq, ok bool) error {
	if r.rec.StopCode == "" {
		return nil // somebody was quicker
	}
	if !ok {
		return e.resume(r, nil)
	}
	none := common == nothing
	if none {
		common = r.rec.Base
		if r.priv != nil && common > 0 {
			common-- // the commit that brought us
		}
	}
	tail := e.setAside(r, common)
	if r.priv != nil {
		e.branched(r, common, tail)
		if none && r.priv.g != nil { // not even the commit that brought us is in the log
			if err := e.lost(r); err != nil {
				return err
			}
			r.rec.Private.Branch, r.rec.Private.Outside, r.rec.Private.Rewound = false, true, true
		}
	}
	if err := e.resume(r, &common); err != nil {
		return err
	}
	if r.priv != nil {
		e.askInvitations() // one of another log may wait
	}
	return nil
}

// resumePrivate goes on in a private room after it had stopped: the group is what it is, the log what the server has. What was read before can't be
// opened again, so nothing of it is read anew.
func (e *engine) resumePrivate(r *room, old *roomRecord, common *chat.Seq) {
	r.rec.Private, r.rec.Barrier = old.Private, old.Barrier
	if old.StopCode == chat.CodeRolledBack { // commits that it lost show by the state
		if r.rec.Seq = old.readBefore(); common != nil {
			r.rec.Seq = *common
		}
		r.rec.Barrier = r.rec.Seq
		if rec := r.rec.Private; rec.Commit > r.rec.Seq {
			rec.Commit, rec.Confirm, rec.Confirmed, rec.Applied = 0, 0, 0, r.rec.Seq
		}
	}
}

// findCommit learns the last commit that a server still has which has lost the one that we were at, and gives it the state that the group is in.
func (e *engine) findCommit(r *room) {
	rec := r.rec.Private
	if rec.Commit > 0 || rec.Applied == 0 {
		return
	}
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.State{Ref: ref, Room: r.id}) },
		func(f wire.Frame, _ *chat.Error) {
			state, ok := f.(*wire.RoomState)
			if !ok || rec.Commit > 0 {
				return
			}
			rec.Commit = state.Seq
			e.touch(r)
			e.putState(r)
			e.resubmit(r)
			e.wake(r)
		})
}

// readBefore is how far the log that a stopped room goes on with was read.
func (r *roomRecord) readBefore() chat.Seq {
	if head, err := strconv.ParseUint(r.StopParams["head"], 10, 64); err == nil && r.StopCode == chat.CodeRolledBack {
		return min(r.Seq, chat.Seq(head))
	}
	return min(r.Seq, r.StopSeq)
}
