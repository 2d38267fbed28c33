package trust

import (
	"bytes"
	"crypto/sha256"
	"errors"

	"huisclos/chat"
	"huisclos/wire"
)

// LabelDeviceList is the label of the signatures in a device list.
const LabelDeviceList = "device list"

// Bounds of a list. Each device that was added can be revoked once, so a full list can still be closed.
const (
	MaxListed     = 48            // devices ever added
	maxByDevices  = 40            // of them, as many as devices may bring it to: a thief of one can't fill the list, the account's key can always add another
	maxStatements = 2 * MaxListed // additions and revocations
)

// The errors of device lists.
var (
	// ErrDeviceList is returned for what isn't a device list, or isn't rightly signed and chained.
	ErrDeviceList = errors.New("trust: not a valid device list")
	// ErrListed is returned for a device that can't be added or revoked: it is there already, was revoked, or isn't there; or the list is full.
	ErrListed = errors.New("trust: the device list can't be changed so")
)

// ListAction is what a statement of a list does.
type ListAction uint8

const (
	// ListAdd adds a device.
	ListAdd ListAction = 1
	// ListRevoke revokes one, for good.
	ListRevoke ListAction = 2
)

// Statement is one change of an account's device list.
type Statement struct {
	_         struct{} `cbor:",toarray"`
	Version   uint64   // 1, 2, 3, …
	Account   chat.AccountID
	Previous  [32]byte // SHA-256 of the statement before; zero for the first
	Action    ListAction
	Device    chat.DeviceID
	At        int64         // ms since 1970, the signer's word
	Signer    chat.DeviceID // zero: the account's key
	Signature [64]byte
}

// DeviceList is a verified list (PROTOCOL §6): which devices an account has, and had. It is a chain of statements, each signed by the account's key, or by a
// device that is in the list: that may add devices, and revoke itself. What the account's key says stands above: it may revoke any.
// It is immutable. The zero DeviceList is an empty one of nobody.
type DeviceList struct {
	server     chat.Fingerprint
	account    chat.AccountID
	raw        [][]byte
	statements []Statement
}

// NewDeviceList is the empty list of an account on a server.
func NewDeviceList(server chat.Fingerprint, account chat.AccountID) *DeviceList {
	return &DeviceList{server: server, account: account}
}

// ParseDeviceList reads what Marshal wrote, strictly, and verifies all of it: the chain, the versions, the signatures, and that no device comes back
// after its revocation. ErrDeviceList.
func ParseDeviceList(server chat.Fingerprint, account chat.AccountID, raw []byte) (*DeviceList, error) {
	var statements [][]byte
	if wire.UnmarshalStrict(raw, &statements) != nil || len(statements) == 0 || len(statements) > maxStatements {
		return nil, ErrDeviceList
	}
	l := NewDeviceList(server, account)
	for _, b := range statements {
		var s Statement
		if wire.UnmarshalStrict(b, &s) != nil || !l.follows(&s) {
			return nil, ErrDeviceList
		}
		l.raw, l.statements = append(l.raw, b), append(l.statements, s)
	}
	return l, nil
}

// follows checks a statement against the list before it.
func (l *DeviceList) follows(s *Statement) bool {
	if s.Version != l.Version()+1 || s.Account != l.account || s.Previous != l.hash() || l.allowed(s.Action, s.Device, s.Signer) != nil {
		return false
	}
	body := s.body(l.server)
	if s.Signer.IsZero() {
		return Verify(l.account, LabelDeviceList, body, s.Signature)
	}
	if !l.Has(s.Signer) || s.Action == ListRevoke && s.Signer != s.Device {
		return false
	}
	return Verify(s.Signer, LabelDeviceList, body, s.Signature)
}

// allowed says whether a device may be added or revoked now, by that signer. ErrListed.
func (l *DeviceList) allowed(action ListAction, d, signer chat.DeviceID) error {
	added, revoked, total, most := false, false, 0, MaxListed
	if !signer.IsZero() {
		most = maxByDevices
	}
	for i := range l.statements {
		s := &l.statements[i]
		if s.Action == ListAdd {
			total++
		}
		if s.Device == d {
			added, revoked = added || s.Action == ListAdd, revoked || s.Action == ListRevoke
		}
	}
	switch {
	case d.IsZero(), revoked:
		return ErrListed
	case action == ListAdd && !added && total < most, action == ListRevoke && added:
		return nil
	}
	return ErrListed
}

// body is what is signed: CBOR of the server's fingerprint and the statement's fields before the signature.
func (s *Statement) body(server chat.Fingerprint) []byte {
	return wire.Marshal([]any{server[:], s.Version, s.Account[:], s.Previous[:], uint8(s.Action), s.Device[:], s.At, s.Signer[:]})
}

// hash is that of the last statement.
func (l *DeviceList) hash() [32]byte {
	if len(l.raw) == 0 {
		return [32]byte{}
	}
	return sha256.Sum256(l.raw[len(l.raw)-1])
}

// Version is the number of its statements.
func (l *DeviceList) Version() uint64 { return uint64(len(l.statements)) }

// Has reports whether a device is in the list and not revoked.
func (l *DeviceList) Has(d chat.DeviceID) bool {
	has := false
	for i := range l.statements {
		if l.statements[i].Device == d {
			has = l.statements[i].Action == ListAdd
		}
	}
	return has
}

// Revoked tells when a device was revoked, as the signer says; false when it wasn't.
func (l *DeviceList) Revoked(d chat.DeviceID) (at int64, ok bool) {
	for i := range l.statements {
		if s := &l.statements[i]; s.Device == d && s.Action == ListRevoke {
			return s.At, true
		}
	}
	return 0, false
}

// Statements are all of them, oldest first.
func (l *DeviceList) Statements() []Statement { return append([]Statement(nil), l.statements...) }

// Extends reports whether l is old with statements behind it. Two lists of which neither extends the other were not shown by one honest server.
func (l *DeviceList) Extends(old *DeviceList) bool {
	if l.account != old.account || len(l.raw) <= len(old.raw) {
		return false
	}
	for i := range old.raw {
		if !bytes.Equal(l.raw[i], old.raw[i]) {
			return false
		}
	}
	return true
}

// Same reports whether both say the same.
func (l *DeviceList) Same(other *DeviceList) bool {
	return l.account == other.account && l.Version() == other.Version() && l.hash() == other.hash()
}

// Change makes the next list, signed by the account's key. ErrListed.
func (l *DeviceList) Change(a *Account, action ListAction, d chat.DeviceID, at int64) (*DeviceList, error) {
	if a.ID() != l.account {
		return nil, ErrListed
	}
	return l.change(action, d, at, chat.DeviceID{}, a.Sign)
}

// ChangeBy is Change, signed by a device of the list: it may add others, and revoke itself. ErrListed.
func (l *DeviceList) ChangeBy(by *Device, action ListAction, d chat.DeviceID, at int64) (*DeviceList, error) {
	if !l.Has(by.ID()) || action == ListRevoke && d != by.ID() {
		return nil, ErrListed
	}
	return l.change(action, d, at, by.ID(), func(label string, x []byte) [64]byte { return Sign(by.key, label, x) })
}

func (l *DeviceList) change(action ListAction, d chat.DeviceID, at int64, signer chat.DeviceID, sign func(string, []byte) [64]byte) (*DeviceList, error) {
	if err := l.allowed(action, d, signer); err != nil {
		return nil, err
	}
	s := Statement{Version: l.Version() + 1, Account: l.account, Previous: l.hash(), Action: action, Device: d, At: at, Signer: signer}
	s.Signature = sign(LabelDeviceList, s.body(l.server))
	next := NewDeviceList(l.server, l.account)
	next.raw = append(append(next.raw, l.raw...), wire.Marshal(&s))
	next.statements = append(append(next.statements, l.statements...), s)
	return next, nil
}

// Marshal writes it: a CBOR array of the statements, each a byte string. Empty for an empty list.
func (l *DeviceList) Marshal() []byte {
	if len(l.raw) == 0 {
		return nil
	}
	return wire.Marshal(l.raw)
}
