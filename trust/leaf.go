package trust

import (
	"crypto/ed25519"
	"errors"

	"huisclos/chat"
	"huisclos/wire"
)

// LabelLeaf is the label of a device's signature on its key in a private room.
const LabelLeaf = "mls leaf"

// ErrLeaf is returned for a leaf's credential that isn't one, or that the device hasn't signed.
var ErrLeaf = errors.New("trust: not a valid credential of a private room")

// Leaf says who a leaf of a private room's group is (PROTOCOL §6): the identity of its basic credential (RFC 9420 §5.3). The device signs the leaf's
// signature key, which is drawn for the room; the account has certified the device.
type Leaf struct {
	_           struct{} `cbor:",toarray"`
	Version     uint     // 1
	Account     chat.AccountID
	Device      chat.DeviceID
	ListVersion uint64 // of the account's device list, as the device knows it
	Signature   [64]byte
}

// SignLeaf makes the credential for a leaf key.
func (d *Device) SignLeaf(server chat.Fingerprint, account chat.AccountID, listVersion uint64, leafKey []byte) Leaf {
	l := Leaf{Version: 1, Account: account, Device: d.ID(), ListVersion: listVersion}
	l.Signature = Sign(d.key, LabelLeaf, l.body(server, leafKey))
	return l
}

// body is what the device signs: CBOR [server, account, list version, leaf key].
func (l *Leaf) body(server chat.Fingerprint, leafKey []byte) []byte {
	return wire.Marshal(&struct {
		_           struct{} `cbor:",toarray"`
		Server      chat.Fingerprint
		Account     chat.AccountID
		ListVersion uint64
		LeafKey     []byte
	}{Server: server, Account: l.Account, ListVersion: l.ListVersion, LeafKey: leafKey})
}

// Marshal writes it: 140 bytes.
func (l Leaf) Marshal() []byte { return wire.Marshal(&l) }

// ParseLeaf reads one strictly. It isn't verified yet: Verify. ErrLeaf.
func ParseLeaf(b []byte) (Leaf, error) {
	var l Leaf
	if wire.UnmarshalStrict(b, &l) != nil || l.Version != 1 || l.Account.IsZero() || l.Device.IsZero() {
		return Leaf{}, ErrLeaf
	}
	return l, nil
}

// Verify checks that the device signed this leaf key for this server. ErrLeaf.
func (l Leaf) Verify(server chat.Fingerprint, leafKey []byte) error {
	if len(leafKey) != ed25519.PublicKeySize || !Verify(l.Device, LabelLeaf, l.body(server, leafKey), l.Signature) {
		return ErrLeaf
	}
	return nil
}
