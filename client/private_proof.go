package client

import (
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// A device that comes back has no secret of the epoch that it comes into: whoever can make up a tree, a server with some account of its own, could lure it
// into a group that looks like the room's. So the state that it follows must be signed by a device that was in the group when it could still read; else it
// says nothing there until such a device has spoken in the group, which nobody can forge.

// knowMembers notes who is in the group that we lose.
func (e *engine) knowMembers(r *room) {
	p, rec := r.priv, r.rec.Private
	if p.g == nil || rec.Unproven || rec.Unvetted {
		return // what was known before still counts
	}
	rec.Known, rec.KnownEpoch, rec.LeafKey = nil, p.g.Epoch(), p.g.Leaf(p.g.Own()).SignatureKey
	var silent []chat.DeviceID
	p.g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		switch d := leafOf(leaf).Device; {
		case d == e.id.device():
		case e.acted(r, d, leaf):
			rec.Known = append(rec.Known, d)
		default:
			silent = append(silent, d)
		}
		return true
	})
	if len(rec.Known) == 0 { // nobody else could prove anything
		rec.Known = silent
	}
}

// acted tells whether a device has done something in the group since it was invited. One that hasn't may never have come: the server can keep its Welcome back, and call it into a group of its own making.
func (e *engine) acted(r *room, d chat.DeviceID, leaf *mls.LeafNode) bool {
	s, err := e.sender(r, d)
	if err != nil {
		e.fail(err)
		return false
	}
	return s.Counter > 0 || leaf.Source != mls.SourceKeyPackage
}

// proves tells whether a message of a known device says that it is sure of its group itself: what is sent by a device that was lured there too must not prove it
// for the next one.
func (k innerKind) proves() bool { return k == innerMessage || k == innerPast || k == innerProof }

// knows tells whether a device was in the group when we could still read.
func (e *engine) knows(r *room, d chat.DeviceID) bool {
	return slices.Contains(r.rec.Private.Known, d)
}

// proven ends the doubt about the group that we came back into.
func (e *engine) proven(r *room) {
	rec := r.rec.Private
	if !rec.Unproven {
		return
	}
	rec.Unproven, rec.Known, rec.Before = false, nil, 0
	e.touch(r)
	r.priv.pastAsked = false
	if !rec.Linked { // a linked device wasn't there before
		e.emit(Returned{Room: r.rec.Name})
	}
	rec.Linked = false
	e.askPast(r)
	e.regain(r)
	e.wake(r)
}

// askProof asks those who were there to speak, and looks whether the server has another state by now.
func (e *engine) askProof(r *room) {
	p, rec := r.priv, r.rec.Private
	if p.g == nil || !rec.Unproven || r.phase != live {
		return
	}
	if !slices.ContainsFunc(r.outbox, func(o *outgoing) bool { return o.rec.Kind == innerWantProof }) {
		e.enqueueInner(r, innerWantProof, wire.Marshal(rec.KnownEpoch))
		e.soon(func() { e.pump(r) })
	}
	e.afterwards(r, proofWait+randomBelow(proofWait), func() {
		if rec.Unproven {
			p.doubt = true
			e.settleDoubt(r)
			e.askProof(r)
		}
	})
}

// proofWait is about how long a device that came back waits for one that it knows.
const proofWait = 15 * time.Second

// proofGiven is a kind 6 that was read.
type proofGiven struct {
	seq chat.Seq
	by  chat.DeviceID
}

// proved notes one.
func (p *private) proved(n chat.Seq, by chat.DeviceID) {
	if len(p.proofs) >= maxProofsKept {
		p.proofs = p.proofs[1:]
	}
	p.proofs = append(p.proofs, proofGiven{n, by})
}

// provers counts the devices that have given proof after an entry.
func (p *private) provers(after chat.Seq) int {
	by := make(map[chat.DeviceID]bool)
	for _, g := range p.proofs {
		if g.seq > after {
			by[g.by] = true
		}
	}
	return len(by)
}

const (
	maxProofs     = 20   // given to one device in one run of the program, though another member was quicker
	proofsAgain   = 3    // devices that answer who asks again
	maxProofsKept = 1000 // are remembered
)

// giveProof answers somebody who came back, if we were in the group at the epoch that he names, unless another member is quicker. Who asks again has got none from anybody that
// he knows: then a few answer.
func (e *engine) giveProof(r *room, n chat.Seq, d chat.DeviceID, body []byte) {
	var epoch uint64
	p := r.priv
	if wire.UnmarshalStrict(body, &epoch) != nil || r.rec.Private.Epoch > epoch || r.rec.Private.Unproven || r.rec.Private.Unvetted {
		return
	}
	p.wantProofs[d]++
	enough := 1
	if asked := p.wantProofs[d]; asked > 1 && asked <= maxProofs {
		enough = proofsAgain
	}
	e.afterwards(r, jitter(p.g.Size()), func() {
		if p.g != nil && p.provers(n) < enough {
			e.enqueueInner(r, innerProof, nil)
			e.pump(r)
		}
	})
}
