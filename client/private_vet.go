package client

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/trust"
)

// Who is who in a large room that a Welcome brings us into. That the group is sound is MLS's part, and the inviter is known before; but each of a thousand strangers has four more
// signatures besides his leaf's: his name, his device's certificate, his leaf. The device is in the room at once, and nothing of the room is read, and nothing said or committed there,
// before all of them are right. When one isn't, the room is left, and nothing has been given away.

// vets tells whether the members of a room aren't vetted yet; then it sees to that, and the room goes on by itself.
func (e *engine) vets(r *room) bool {
	if r.priv == nil || !r.rec.Private.Unvetted || r.priv.g == nil {
		return false
	}
	if !r.asking && r.phase != idle {
		r.asking = true
		e.withDevices(e.unknownLeaves(r.priv.g), func() { e.vetted(r) })
	}
	return true
}

// unknownLeaves are the devices in a group that aren't known.
func (e *engine) unknownLeaves(g *mls.Group) []chat.DeviceID {
	var all []chat.DeviceID
	g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		all = append(all, leafOf(leaf).Device)
		return true
	})
	return e.strangers(all...)
}

// vetted judges the members, all of whom were asked for.
func (e *engine) vetted(r *room) {
	if e.rooms[r.id] != r || r.priv.g == nil || !r.rec.Private.Unvetted {
		return
	}
	r.asking = false
	if err := e.vetLeaves(r.priv.g); err != nil {
		by := e.people.name(r.rec.Private.Inviter)
		e.cfg.Log.Warn("a room is left: not all in it are who they claim to be", "room", r.rec.Name, "by", by, "err", err)
		e.gone(r)
		e.emit(InvitationRefused{By: by, Err: asError(err)})
		return
	}
	r.rec.Private.Unvetted = false
	e.touch(r)
	e.process(r)
}

// vetLeaves verifies that each leaf is of the device that it names, on all cores, and that its account has that device.
func (e *engine) vetLeaves(g *mls.Group) error {
	var leaves []*mls.LeafNode
	g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		leaves = append(leaves, leaf)
		return true
	})
	var wrong atomic.Bool
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(leaves)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(leaves)) && !wrong.Load(); i = next.Add(1) - 1 {
				if e.ownLeaf(leaves[i]) != nil {
					wrong.Store(true)
				}
			}
		})
	}
	wg.Wait()
	if wrong.Load() {
		return trust.ErrLeaf
	}
	for _, leaf := range leaves {
		l := leafOf(leaf)
		refused, stop := e.people.vouch(l.Account, l.Device)
		if err := firstError(stop, refused); err != nil {
			return err
		}
	}
	return nil
}

// ownLeaf verifies that the device which a leaf names has signed its key.
func (e *engine) ownLeaf(leaf *mls.LeafNode) error {
	if leaf.Credential.Type != mls.CredentialBasic {
		return trust.ErrLeaf
	}
	l, err := trust.ParseLeaf(leaf.Credential.Identity)
	if err != nil {
		return err
	}
	return l.Verify(e.self.Server, leaf.SignatureKey)
}

// vouchFor verifies one leaf of a group that isn't vetted.
func (e *engine) vouchFor(leaf *mls.LeafNode) error {
	if err := e.ownLeaf(leaf); err != nil {
		return err
	}
	l := leafOf(leaf)
	refused, stop := e.people.vouch(l.Account, l.Device)
	return orNil(firstError(stop, refused))
}

var errNoLeaf = errors.New("client: a leaf that names nobody")

// joinUnvetted enters a group by a Welcome, without looking who is who but for the inviter.
func (e *engine) joinUnvetted(w *mls.Welcome, k *mls.KeyPackageSecrets, tree []byte) (g *mls.Group, changes mls.Changes, err error) {
	e.unvetted = true
	g, err = e.mls.Join(w, k, mls.JoinOptions{Tree: tree}, func(c mls.Changes) error {
		changes = c
		return nil
	})
	e.unvetted = false
	if err != nil {
		return nil, nil, err
	}
	by, _, _ := g.Welcomed()
	if leaf := g.Leaf(by); leaf == nil {
		return nil, nil, errNoLeaf
	} else if err := e.vouchFor(leaf); err != nil {
		return nil, nil, err
	}
	return g, changes, nil
}
