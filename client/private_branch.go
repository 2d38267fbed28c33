package client

import (
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// A server that has lost commits which we applied, and whose log goes on without them, has another group than we: those who hadn't seen them went on from the group before. The first commit in its
// log says whether that is so. Then we leave our branch and come into the group of the log from outside, and what our branch had done to the members is done again.

// regainRecord is what a lost commit did to a member.
type regainRecord struct {
	Account chat.AccountID `cbor:"1,keyasint"`
	By      chat.AccountID `cbor:"2,keyasint"`
	Removed bool           `cbor:"3,keyasint,omitempty"`
}

// branched notes that the server has lost commits of ours, and what they did. tail is what it has lost.
func (e *engine) branched(r *room, common chat.Seq, tail []entryRecord) {
	rec := r.rec.Private
	if rec.Applied <= common {
		return
	}
	last := make(map[chat.AccountID]int)
	note := func(a, by chat.AccountID, removed bool) {
		if i, ok := last[a]; ok {
			rec.Regain[i].By, rec.Regain[i].Removed = by, removed
			return
		}
		last[a] = len(rec.Regain)
		rec.Regain = append(rec.Regain, regainRecord{a, by, removed})
	}
	rec.Regain = nil
	for i := range tail {
		for _, a := range tail[i].Added {
			note(a, tail[i].Account, false)
		}
		for _, a := range append(tail[i].Removed, tail[i].Left...) {
			note(a, tail[i].Account, true)
		}
	}
	rec.Branch = true
	rec.Commit, rec.Confirm, rec.Confirmed, rec.Applied, rec.Voided = 0, 0, 0, common, 0
}

// leaveBranch is reached at a commit of the log that isn't of our branch: the group is another one.
func (e *engine) leaveBranch(r *room, n chat.Seq, v *verdict) {
	rec := r.rec.Private
	if err := e.lost(r); err != nil {
		e.fail(err)
		return
	}
	rec.Branch, rec.Rewound = false, true
	r.rec.Gap = n
	v.rec.Form = Silent
	e.touch(r)
	e.soon(func() { e.comeBack(r) })
}

// Those who saw a lost commit give the one who made it time to make it again.
const (
	regainWait   = 4 * time.Second
	regainJitter = 4 * time.Second
)

// regain does to the members what commits of the branch that we left had done.
func (e *engine) regain(r *room) {
	p, rec := r.priv, r.rec.Private
	if p == nil || p.g == nil || rec.Unproven || rec.Branch || len(rec.Regain) == 0 || r.phase != live {
		return
	}
	list := rec.Regain
	rec.Regain = nil
	e.touch(r)
	var back []string
	for _, x := range list {
		switch in := p.devices[x.Account] > 0; {
		case x.Removed && in && x.Account != e.id.account():
			back = append(back, e.people.name(x.Account))
			if p.permitsRemoval(e.id.account(), x.Account) == nil {
				p.purging++
				e.want(r, &intent{remove: []chat.AccountID{x.Account}, answer: func(error) {
					p.purging--
					e.wake(r)
				}})
			}
		case !x.Removed && !in && x.By == e.id.account():
			e.want(r, &intent{add: []chat.AccountID{x.Account}})
		case !x.Removed && !in:
			e.afterwards(r, regainWait+randomBelow(regainJitter), func() {
				if p.g != nil && p.devices[x.Account] == 0 {
					e.want(r, &intent{add: []chat.AccountID{x.Account}})
				}
			})
		}
	}
	if len(back) > 0 {
		e.emit(Readmitted{Room: r.rec.Name, Names: back})
	}
}

// elsewhereThan tells whether an invitation is of another log than the one that we have read.
func (e *engine) elsewhereThan(r *room, inv *wire.Invitation) bool {
	hash, known, err := e.knownHash(r, inv.Seq)
	return err == nil && known && hash != inv.Hash
}
