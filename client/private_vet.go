package client

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/trust"
)

// Who is who in a large room that a Welcome brings us into. That the group is sound is MLS's part, and the inviter is known before; but each of a thousand strangers has four more
// signatures besides his leaf's: his name, his device's certificate, his leaf. So the device is in the room at once, and these are verified little by little, while one reads and writes there.
// That gives nothing away: the tree is the inviter's, who reads all that we write, and who could have put into it whomever he likes under names that nobody has seen before. Until all are verified
// nobody is shown as a member, what somebody has written is read when he is verified himself, and this device vouches for the group to nobody: it commits nothing, follows no commit, and
// tells no state. When one isn't who he claims to be the room is left.

// vetBatch is how many members are verified in one turn: some milliseconds, so that what the person does meanwhile isn't held up.
const vetBatch = 32

// vetting is a room's members on the way to be verified.
type vetting struct {
	g    *mls.Group
	left []*mls.LeafNode
}

// vet begins, or goes on, to verify the members of a room that isn't vetted.
func (e *engine) vet(r *room) {
	p := r.priv
	if p == nil || !r.rec.Private.Unvetted || p.g == nil || r.phase == idle || p.vetting != nil && p.vetting.g == p.g {
		return
	}
	v := &vetting{g: p.g}
	p.g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		v.left = append(v.left, leaf)
		return true
	})
	p.vetting = v
	e.vetMore(r, v)
}

// vetMore verifies the next ones, and comes again until none is left.
func (e *engine) vetMore(r *room, v *vetting) {
	some := v.left[:min(vetBatch, len(v.left))]
	devices := make([]chat.DeviceID, len(some))
	for i, leaf := range some {
		devices[i] = leafOf(leaf).Device
	}
	e.withDevices(e.strangers(devices...), func() {
		if e.rooms[r.id] != r || r.priv.vetting != v || r.priv.g != v.g || !r.rec.Private.Unvetted {
			return
		}
		if err := e.vetLeaves(some); err != nil {
			e.leaveUnvetted(r, err)
			return
		}
		if v.left = v.left[len(some):]; len(v.left) > 0 {
			e.afterwards(r, time.Millisecond, func() { // what this turn has to tell goes out before
				if r.priv.vetting == v {
					e.vetMore(r, v)
				}
			})
			return
		}
		r.priv.vetting, r.rec.Private.Unvetted = nil, false
		e.touch(r)
		e.process(r)
		e.wake(r)
	})
}

// leaveUnvetted leaves a room in which somebody isn't who he claims to be.
func (e *engine) leaveUnvetted(r *room, err error) {
	by := e.people.name(r.rec.Private.Inviter)
	e.cfg.Log.Warn("a room is left: not all in it are who they claim to be", "room", r.rec.Name, "by", by, "err", err)
	r.priv.vetting = nil
	e.gone(r)
	e.emit(InvitationRefused{By: by, Err: asError(err)})
}

// vetSender verifies the sender of an entry before the others; false: the room is left.
func (e *engine) vetSender(r *room, leaf *mls.LeafNode, v *verdict) bool {
	if !r.rec.Private.Unvetted {
		return true
	}
	err := e.vouchFor(leaf)
	if err != nil {
		v.refuse(chat.CodeAuth, err)
		e.leaveUnvetted(r, err)
	}
	return err == nil
}

// vetLeaves verifies that each leaf is of the device that it names, on all cores, and that its account has that device.
func (e *engine) vetLeaves(leaves []*mls.LeafNode) error {
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
