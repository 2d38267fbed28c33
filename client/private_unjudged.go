package client

import (
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// A device that came in from outside has the group, and not the room's state: who is an owner, who is banned. Until a member tells it, it can't say whether a commit
// is allowed. It follows what MLS allows, commits nothing itself, and afterwards, with the state in hand, looks whether it is where the others are.

// unsure tells whether we may be elsewhere than the others, or don't know the rules that we should act by, or who is in the room.
func (e *engine) unsure(r *room) bool {
	return r.priv.g != nil && r.priv.lacksState() || r.rec.Private.Unjudged > 0 || r.rec.Private.Unvetted
}

// permitsUnjudged is permits without the room's state: only the kinds that have a place in a room.
func permitsUnjudged(q *mls.Proposal) error {
	switch q.Type {
	case mls.ProposalAdd, mls.ProposalUpdate, mls.ProposalRemove:
		return nil
	case mls.ProposalGroupContextExtensions:
		if _, ok := stateHash(q.Extensions); ok && len(q.Extensions) == 1 {
			return nil
		}
		return errUnshown
	case mls.ProposalPSK, mls.ProposalReInit, mls.ProposalExternalInit:
	}
	return errKind
}

// rules tells whether a commit does something that roles decide about.
func (p *private) rules(c *mls.StagedCommit) bool {
	return !c.External() && slices.ContainsFunc(c.Proposals(), func(q mls.QueuedProposal) bool {
		if q.Proposal.Type == mls.ProposalRemove && q.Sender.Type == mls.SenderMember {
			return leafOf(p.g.Leaf(q.Proposal.Remove)).Account != leafOf(p.g.Leaf(mls.LeafIndex(q.Sender.Index))).Account
		}
		return q.Proposal.Type != mls.ProposalUpdate
	})
}

// statePatience is about how long a device waits for the room's state before it asks again.
const statePatience = 20 * time.Second

// askRoomState asks the members for the room's state, now and then, as long as we lack it.
func (e *engine) askRoomState(r *room) {
	p := r.priv
	if p.g == nil || !p.lacksState() || p.stating || r.rec.Private.Leaving {
		return
	}
	if !slices.ContainsFunc(r.outbox, func(o *outgoing) bool { return o.rec.Kind == innerWantState }) {
		e.enqueueInner(r, innerWantState, nil)
		e.soon(func() { e.pump(r) })
	}
	p.stating = true
	e.afterwards(r, statePatience+randomBelow(statePatience), func() {
		p.stating = false
		e.askRoomState(r)
	})
}

// judge looks, once we know the rules, whether the others are where we are: what we followed without knowing them may have been void.
func (e *engine) judge(r *room) {
	p, rec := r.priv, r.rec.Private
	if p == nil || p.g == nil || rec.Unjudged == 0 || p.lacksState() || p.judging || r.phase != live || e.session == nil {
		return
	}
	p.judging = true
	again := func() {
		p.judging = false
		e.afterwards(r, time.Second+randomBelow(time.Second), func() { e.judge(r) })
	}
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.State{Ref: ref, Room: r.id}) },
		func(f wire.Frame, err *chat.Error) {
			state, ok := f.(*wire.RoomState)
			var info *mls.GroupInfo
			if ok {
				info = parseInfo(state.Info)
			}
			switch {
			case e.session == nil || p.g == nil || err != nil && err.Code == chat.CodeNotMember:
				p.judging = false
			case info == nil || state.Seq != rec.Commit || len(state.Tree) == 0:
				again()
			case !p.differs(info, true):
				p.judging, rec.Unjudged = false, 0
				e.touch(r)
				e.wake(r)
			default:
				e.withState(r, state, again)
			}
		})
}
