package client

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/content"
	"huisclos/mls"
	"huisclos/trust"
	"huisclos/wire"
)

// private is the half of a private room that is an MLS group (PROTOCOL §6). The engine's goroutine owns it.
type private struct {
	g       *mls.Group // nil: this device isn't in the group, or can't follow it
	coming  *mls.Group // after our external commit, until that is read in the log
	state   roomState  // in force
	offers  map[[32]byte]roomState
	devices map[chat.AccountID]int // leaves of each member
	opened  *opened                // the next entry, verified while its people are asked for

	intents      []*intent
	busy         bool  // the first intent waits for an answer of the server
	sent         *sent // our commit on its way; nil: none
	again        bool  // the room's newest state was asked for and is asked for again
	pastAsked    bool  // in this session
	pastAnswered map[chat.MessageID]bool
	pastTold     map[chat.DeviceID]int             // answers
	pastFor      map[chat.MessageID]chat.AccountID // who was asked by name, of requests
	ask          asking
	wantProofs   map[chat.DeviceID]int            // how often a device has asked for proof
	stated       chat.Seq                         // where the state in force was told last
	proofs       []proofGiven                     // the newest
	tries        int                              // in a row to come back
	cleared      chat.Seq                         // entries up to here are judged by themselves: the others aren't further
	doubt        bool                             // the others may be further: to be settled at the head of the log
	asked        time.Time                        // when that was asked last
	later        bool                             // it is asked again in a while
	stating      bool                             // the room's rules are asked for now and then
	judging      bool                             // it is being found out whether the others followed what we couldn't judge
	out          bool                             // in this session the server said that we aren't on the roster; it was told
	early        uint64                           // the epoch for which a commit of what waits was planned
	compare      bool                             // the server's rules are compared before the next message
	rulings      int                              // in a row, to put the server's rules right
	ruled        bool                             // the commit that is being read changes what the server enforces
	marks        bool                             // what isn't a text says so on its envelope
	hold         time.Time                        // our next text waits until then, by what the server said
	heldUntil    time.Time                        // when it is tried again
	heldIn       *session                         // and in which session
	heldID       chat.MessageID                   // the text of which it was told that it waits
	reports      map[chat.MessageID]content.State // to be told
	reporting    bool                             // soon
	came         map[chat.AccountID]chat.Seq      // cameAt, once it was asked
	vetting      *vetting                         // the members that aren't verified yet
	purging      int                              // removals that the server has lost and that are being made again: nothing is said before
}

// opened is what Group.Open said of the entry at seq.
type opened struct {
	seq chat.Seq
	v   mls.Verified
	err error
}

// suite of all private rooms.
const suite = mls.MLKEM768X25519AES256SHA384Ed25519

// Extensions for private use (RFC 9420 §17.3).
const (
	// extensionState in the group context holds SHA-256 of the room's state.
	extensionState mls.ExtensionType = 0xF100
	// extensionRoom in a Welcome's GroupInfo holds the room's state itself, which only newcomers can read there.
	extensionRoom mls.ExtensionType = 0xF101
)

// pastEpochs is how many epochs back a message may come late. All clients must agree: who has written later than that writes again.
const pastEpochs = 5

// mlsConfig is how this device takes part in groups.
func (e *engine) mlsConfig() *mls.Config {
	return &mls.Config{
		Validator:   members{e},
		Now:         time.Now,
		Suites:      []mls.CipherSuite{suite},
		Extensions:  []mls.ExtensionType{extensionState, extensionRoom, mls.ExtensionLastResort},
		Credentials: []mls.CredentialType{mls.CredentialBasic},
		Padding:     padding,
		PastEpochs:  pastEpochs,
	}
}

// padding hides the length of a message: multiples of 64 bytes, then, beyond 512, eighths of a power of two.
func padding(n int) int {
	step := 64
	for step*8 < n {
		step *= 2
	}
	return (n + step - 1) / step * step
}

// groupID is fingerprint of S ‖ room.
func (e *engine) groupID(r chat.RoomID) []byte {
	return append(e.self.Server[:len(e.self.Server):len(e.self.Server)], r[:]...)
}

// saver stages a group's changes: they are kept with everything else of this turn, and nothing leaves before.
func (e *engine) saver(r *room) mls.Saver {
	return func(c mls.Changes) error {
		for _, change := range c {
			e.stage.set(TableGroups, groupKey(r.id, change.Key), change.Value)
		}
		return nil
	}
}

// forgetGroup stages the deletion of all that is kept of a group.
func (e *engine) forgetGroup(r *room) error {
	return e.clearRoom(TableGroups, r.id)
}

// clearRoom stages the deletion of all records of a room in a table, those staged in this turn too.
func (e *engine) clearRoom(t Table, id chat.RoomID) error {
	for _, p := range e.stage.order {
		if p.table == t && strings.HasPrefix(p.key, string(id[:])) {
			e.stage.writes[p] = nil
		}
	}
	return e.vault.View(func(v Reader) error {
		from, to := roomRange(id)
		return v.Scan(t, from, to, false, func(key, _ []byte) (bool, error) {
			e.stage.set(t, key, nil)
			return true, nil
		})
	})
}

// eachRecord goes through what the vault has of a room's group.
func (e *engine) eachRecord(r *room, f func(key string, value []byte)) error {
	return e.vault.View(func(v Reader) error {
		from, to := roomRange(r.id)
		return v.Scan(TableGroups, from, to, false, func(key, value []byte) (bool, error) {
			f(string(key[len(r.id):]), value)
			return true, nil
		})
	})
}

// loadPrivate reads a private room's group.
func (e *engine) loadPrivate(r *room) error {
	p := r.private()
	if len(r.rec.Private.State) > 0 {
		state, err := parseState(r.rec.Private.State)
		if err != nil {
			return chat.Errorf(chat.CodeVaultNewer).Because(err)
		}
		p.state = state
	}
	if err := e.loadOffers(r); err != nil {
		return err
	}
	records := make(map[string][]byte)
	if err := e.eachRecord(r, func(key string, value []byte) { records[key] = value }); err != nil {
		return err
	}
	if len(records) == 0 {
		return nil
	}
	g, err := e.mls.Load(records)
	if err != nil {
		code := chat.CodeVaultCorrupt
		if errors.Is(err, mls.ErrUnsupported) {
			code = chat.CodeVaultNewer
		}
		return chat.Errorf(code).Because(err)
	}
	if len(r.rec.Private.Return) > 0 {
		p.coming = g
		return nil
	}
	e.follow(r, g)
	return nil
}

// follow takes a group as the room's.
func (e *engine) follow(r *room, g *mls.Group) {
	p := r.private()
	p.g, p.opened, p.sent, p.tries = g, nil, nil, 0
	r.typists.seal = nil // another group may have the same epoch
	p.devices = make(map[chat.AccountID]int)
	g.Members(func(_ mls.LeafIndex, l *mls.LeafNode) bool {
		p.devices[leafOf(l).Account]++
		return true
	})
}

// private is the room's MLS half; it makes one for a room that has none.
func (r *room) private() *private {
	if r.priv == nil {
		r.priv = &private{
			offers: make(map[[32]byte]roomState), devices: make(map[chat.AccountID]int),
			pastAnswered: make(map[chat.MessageID]bool), pastTold: make(map[chat.DeviceID]int),
			pastFor: make(map[chat.MessageID]chat.AccountID), wantProofs: make(map[chat.DeviceID]int),
			reports: make(map[chat.MessageID]content.State), came: make(map[chat.AccountID]chat.Seq),
		}
	}
	if r.rec.Private == nil {
		r.rec.Private = new(privateRecord)
		r.rec.Kind = chat.PrivateRoom
	}
	return r.priv
}

// active tells whether we are in the room's group, or on the way back into it.
func (r *room) active() bool { return r.priv != nil && !r.rec.Private.Gone }

// leafOf reads a leaf's credential; the zero Leaf when it isn't one of ours, which the validator has kept out of every group.
func leafOf(l *mls.LeafNode) trust.Leaf {
	if l == nil {
		return trust.Leaf{}
	}
	leaf, err := trust.ParseLeaf(l.Credential.Identity)
	if err != nil {
		return trust.Leaf{}
	}
	return leaf
}

// newLeafKey draws a leaf key and has the device sign it.
func (e *engine) newLeafKey() (*mls.SignatureKey, mls.Credential, error) {
	key, err := e.mls.NewSignatureKey(suite)
	if err != nil {
		return nil, mls.Credential{}, err
	}
	leaf := e.id.dev.SignLeaf(e.self.Server, e.id.account(), e.id.cert.ListVersion, key.Public())
	return key, mls.BasicCredential(leaf.Marshal()), nil
}

// members is the authentication service (RFC 9420 §5.3.1): a leaf is a device that its account has certified, and the account is the one
// that had its name first.
type members struct{ e *engine }

var errUnknownDevice = errors.New("client: a device that isn't known yet")

// ValidateMember implements mls.Validator. Devices that aren't known are noted, so that the engine can ask for them and try again.
func (m members) ValidateMember(leaf *mls.LeafNode) error {
	l, err := trust.ParseLeaf(leaf.Credential.Identity)
	if err != nil || m.e.unvetted {
		return err
	}
	if err := m.e.ownLeaf(leaf); err != nil {
		return err
	}
	people := m.e.people
	if people.devices[l.Device] == nil && !people.ghosts[l.Device] {
		m.e.unknown[l.Device] = true
		if m.e.lenient {
			return nil // whoever gathers them judges later
		}
		return errUnknownDevice
	}
	refused, stop := people.vouch(l.Account, l.Device)
	return orNil(firstError(stop, refused))
}

func firstError(errs ...*chat.Error) *chat.Error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

var errOtherDevice = errors.New("client: a leaf in another device's place")

// ValidateSuccessor implements mls.Validator: the same device, and no older list of devices.
func (m members) ValidateSuccessor(old, now *mls.LeafNode) error {
	if err := m.ValidateMember(now); err != nil {
		return err
	}
	a, b := leafOf(old), leafOf(now)
	if a.Account != b.Account || a.Device != b.Device || b.ListVersion < a.ListVersion {
		return errOtherDevice
	}
	return nil
}

var errOutsider = errors.New("client: nobody outside proposes anything here")

// ValidateExternalSender implements mls.Validator: there are none.
func (m members) ValidateExternalSender(mls.ExternalSender) error { return errOutsider }

// ClientID implements mls.Validator: a device has one leaf.
func (m members) ClientID(leaf *mls.LeafNode) []byte {
	d := leafOf(leaf).Device
	return d[:]
}

// unknownDevices takes what the validator has noted.
func (e *engine) unknownDevices() []chat.DeviceID {
	all := slices.Collect(maps.Keys(e.unknown))
	clear(e.unknown)
	return all
}

// withDevices runs f once some devices have been asked for; those whom nobody vouches for are ghosts then. f isn't called when the session ends.
func (e *engine) withDevices(devices []chat.DeviceID, f func()) {
	if len(devices) == 0 {
		f()
		return
	}
	now := devices[:min(len(devices), maxWho)]
	e.who(nil, now, func(err *chat.Error) {
		if err != nil {
			return
		}
		for _, d := range now {
			e.people.ghosts[d] = e.people.devices[d] == nil
		}
		e.withDevices(devices[len(now):], f)
	})
}

// inSession runs f after a time, if the session is the same.
func (e *engine) inSession(wait time.Duration, f func()) {
	session, c := e.session, e.c
	time.AfterFunc(wait, func() {
		c.later(func(e *engine) {
			if e.session == session && session != nil && !e.ended {
				f()
			}
		})
	})
}

// afterwards runs f after a time, if the session is the same and the room still is this one.
func (e *engine) afterwards(r *room, wait time.Duration, f func()) {
	session, c := e.session, e.c
	time.AfterFunc(wait, func() {
		c.later(func(e *engine) {
			if e.session == session && session != nil && e.rooms[r.id] == r && !e.ended {
				f()
			}
		})
	})
}

// privateEnvelope makes an envelope around an MLSMessage of ours.
func (e *engine) privateEnvelope(r *room, id chat.MessageID, message []byte) []byte {
	return e.envelopeOf(r, id, message, 2)
}

func (e *engine) envelopeOf(r *room, id chat.MessageID, message []byte, version uint) []byte {
	return wire.Marshal(&wire.PrivateEnvelope{Version: version, Room: r.id, Account: e.id.account(), Device: e.id.device(), ID: id, Message: message})
}
