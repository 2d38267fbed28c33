package client

import (
	"bytes"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// A private room of a restored server: its entries come back like others, but not what went with the lost commits, the roster and the group's state. Those who hold
// the group put that right.

// repair compares the roster of a room that was refilled with its group, and the state that the server has with ours.
func (e *engine) repair(r *room) {
	p := r.priv
	if p == nil || p.g == nil || e.session == nil || e.session.restored == nil || r.phase != live {
		return
	}
	e.afterwards(r, jitter(p.g.Size()), func() {
		if p.g == nil || r.refill.held() || r.rec.Private.Unproven || e.unsure(r) {
			return
		}
		epoch := p.g.Epoch()
		e.roster(r, func(list *wire.RosterList) {
			if p.g == nil || p.g.Epoch() != epoch {
				return
			}
			group := make(map[chat.AccountID]bool)
			for a := range p.devices {
				group[a] = true
			}
			if add, remove := rosterChange(list.Members, group); len(add)+len(remove) > 0 {
				e.commitFirst(r) // it brings the state, too
				return
			}
			e.renewState(r)
		}, func(*chat.Error) {})
	})
}

// renewState gives the server the state of the group where it has an older one.
func (e *engine) renewState(r *room) {
	p := r.priv
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.State{Ref: ref, Room: r.id}) },
		func(f wire.Frame, _ *chat.Error) {
			state, ok := f.(*wire.RoomState)
			if !ok || p.g == nil {
				return
			}
			info := parseInfo(state.Info)
			if info == nil || len(state.Tree) == 0 || state.Seq != r.rec.Private.Commit || !bytes.Equal(info.TreeHash(), p.g.TreeHash()) {
				e.putState(r)
			}
		})
}

// longestWait is the greatest time between two looks whether we are on a roster again.
const longestWait = 30 * time.Second

// awaitRoster asks again in a while for a room on whose roster a restored server doesn't have us: the commit that put us there may have been lost. False when that can't be.
func (e *engine) awaitRoster(r *room) bool {
	if e.session.restored == nil || !r.active() {
		return false
	}
	f := &r.refill
	if !f.told {
		f.told = true
		e.emit(Refilling{Room: r.rec.Name, Backup: e.backupTime()})
	}
	f.waits++
	e.afterwards(r, min(longestWait, 200*time.Millisecond<<min(f.waits, 10)), func() { e.subscribe(r) })
	return true
}

// dropOneTime forgets the one-time key packages that wait, so that new ones are made: a server whose backup was put back may have handed them out before. One of last resort is for
// more than once.
func (e *engine) dropOneTime() {
	err := e.vault.View(func(v Reader) error {
		return v.Scan(TablePackages, nil, nil, false, func(key, _ []byte) (bool, error) {
			if !slices.ContainsFunc(e.self.LastRefs, func(ref []byte) bool { return bytes.Equal(ref, key) }) {
				e.stage.set(TablePackages, key, nil)
			}
			return true, nil
		})
	})
	if err != nil {
		e.fail(err)
	}
	e.self.LastResort, e.selfDirty = 0, true
}
