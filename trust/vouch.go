package trust

import (
	"bytes"

	"huisclos/chat"
	"huisclos/wire"
)

// How a device vouches for another one of its account, when the account's key isn't at hand (PROTOCOL §6).
//
// The voucher adds the newcomer to the account's list, and signs its certificate. What makes the newcomer the account's is the list alone: a chain that
// begins with a statement of the account's key, in which each signer stood unrevoked when it signed. So a revoked device can't vouch: its statement would have to
// come after its revocation, and then nobody takes it; or before, and then the list is another than the one that everybody has pinned. The newcomer's own signature
// binds the rest, its HPKE key above all. The voucher's signature on the certificate, and the version in it, tie that to one statement of the list.

// Applicant is the public half of a device that asks to be vouched for.
type Applicant struct {
	Device chat.DeviceID
	HPKE   []byte // public key, HPKESize bytes
}

// Applicant is what the device shows to whoever vouches for it.
func (d *Device) Applicant() Applicant {
	return Applicant{Device: d.ID(), HPKE: d.hpke.PublicKey().Bytes()}
}

// Vouch signs for a device with the account's key. The device has yet to Countersign.
func (a *Account) Vouch(p Applicant, listVersion uint64, issued int64) Certificate {
	c := Certificate{Account: a.ID(), Device: p.Device, HPKE: bytes.Clone(p.HPKE), ListVersion: listVersion, Issued: issued}
	c.Signature = Sign(a.key, LabelCertificateAccount, c.body())
	return c
}

// Vouch signs for another device of an account, which the list's statement of that version adds, signed by d. That one has yet to Countersign.
func (d *Device) Vouch(account chat.AccountID, p Applicant, listVersion uint64, issued int64) Certificate {
	c := Certificate{Account: account, Device: p.Device, HPKE: bytes.Clone(p.HPKE), ListVersion: listVersion, Issued: issued, Voucher: d.ID()}
	c.Signature = Sign(d.key, LabelCertificateVoucher, c.body())
	return c
}

// Countersign makes what Vouch gave whole, if it is for this device. ErrCertificate.
func (d *Device) Countersign(c Certificate) (Certificate, error) {
	if c.Device != d.ID() || !bytes.Equal(c.HPKE, d.hpke.PublicKey().Bytes()) {
		return Certificate{}, ErrCertificate
	}
	c.DeviceSignature = Sign(d.key, LabelCertificateDevice, c.body())
	return c, c.Signed()
}

// VerifyBy checks a certificate of either form. One that a device has vouched for needs the account's list, verified, which must have the statement that it
// tells of: the newcomer was added, in that version, by that device. For another one the list may be nil. Whether the device was revoked since isn't asked. ErrCertificate.
func (c Certificate) VerifyBy(l *DeviceList) error {
	if !c.Voucher.IsZero() && !l.Vouches(&c) {
		return ErrCertificate
	}
	return c.Signed()
}

// Vouches reports whether the list has the statement that a certificate with a Voucher tells of. It says nothing of the certificate's signatures. A nil list has none.
func (l *DeviceList) Vouches(c *Certificate) bool {
	if l == nil || l.account != c.Account || c.Voucher.IsZero() || c.ListVersion == 0 || c.ListVersion > l.Version() {
		return false
	}
	s := &l.statements[c.ListVersion-1]
	return s.Action == ListAdd && s.Device == c.Device && s.Signer == c.Voucher
}

// Upto is the list as it was at a version; all of it when it has no more.
func (l *DeviceList) Upto(version uint64) *DeviceList {
	n := min(version, l.Version())
	return &DeviceList{server: l.server, account: l.account, raw: l.raw[:n:n], statements: l.statements[:n:n]}
}

// VouchedBy tells which device has added another one; false when the account's key has, or nobody.
func (l *DeviceList) VouchedBy(d chat.DeviceID) (chat.DeviceID, bool) {
	for i := range l.statements {
		if s := &l.statements[i]; s.Device == d && s.Action == ListAdd {
			return s.Signer, !s.Signer.IsZero()
		}
	}
	return chat.DeviceID{}, false
}

// proof is a certificate with the list that it needs.
type proof struct {
	_           struct{} `cbor:",toarray"`
	Certificate []byte
	List        []byte
}

// Prove writes a certificate so that ParseProof needs nothing else: alone when the account has signed it, otherwise as a CBOR array of it and the list up to
// where it was added. ErrCertificate when the list hasn't got it.
func Prove(c Certificate, l *DeviceList) ([]byte, error) {
	if c.Voucher.IsZero() {
		return c.Marshal(), nil
	}
	if !l.Vouches(&c) {
		return nil, ErrCertificate
	}
	return wire.Marshal(&proof{Certificate: c.Marshal(), List: l.Upto(c.ListVersion).Marshal()}), nil
}

// JoinProof is Prove for who has both only as bytes and checks nothing: the list goes with it whole.
func JoinProof(certificate, list []byte) []byte {
	if c, err := ParseCertificate(certificate); err != nil || c.Voucher.IsZero() {
		return certificate
	}
	return wire.Marshal(&proof{Certificate: certificate, List: list})
}

// ParseProof reads what Prove or JoinProof wrote for a device on a server, strictly, and verifies it; the list may not revoke the device. It is nil where none is needed,
// and says nothing of what came after it: whoever knows a longer one asks that. ErrCertificate.
func ParseProof(server chat.Fingerprint, raw []byte) (Certificate, *DeviceList, error) {
	var p proof
	if wire.UnmarshalStrict(raw, &p) != nil {
		c, err := ParseCertificate(raw)
		if err != nil || c.Verify() != nil {
			return Certificate{}, nil, ErrCertificate
		}
		return c, nil, nil
	}
	c, err := ParseCertificate(p.Certificate)
	if err != nil || c.Voucher.IsZero() {
		return Certificate{}, nil, ErrCertificate
	}
	l, err := ParseDeviceList(server, c.Account, p.List)
	if err != nil || !l.Has(c.Device) || c.VerifyBy(l) != nil {
		return Certificate{}, nil, ErrCertificate
	}
	return c, l, nil
}
