package trust

import (
	"crypto/hpke"
	"errors"

	"huisclos/chat"
	"huisclos/wire"
)

// The labels of the signatures on a certificate.
const (
	LabelCertificateAccount = "device certificate, account"
	LabelCertificateVoucher = "device certificate, voucher"
	LabelCertificateDevice  = "device certificate, device"
)

// HPKESize is the length of the HPKE public key in a certificate: ML-KEM-768 (1184 bytes) and X25519 (32).
const HPKESize = 1184 + 32

// ErrCertificate is returned for a certificate that isn't one, or whose signatures are wrong.
var ErrCertificate = errors.New("trust: not a valid device certificate")

// Certificate binds a device to an account: both have signed it, so neither can claim the other alone. Where the account's key isn't on the disk any more,
// another device of the account has signed in its place, the Voucher: then the binding is the account's device list, and the certificate says nothing without
// that (VerifyBy). On the wire it is a deterministic CBOR array of these fields, in which Voucher is absent when it is zero.
type Certificate struct {
	Account         chat.AccountID
	Device          chat.DeviceID
	HPKE            []byte        // public key, HPKESize bytes
	ListVersion     uint64        // version of the account's device list in which it appeared, from 1
	Issued          int64         // ms since 1970, the voucher's word, or the device's where the account has signed
	Voucher         chat.DeviceID // zero: the account has signed
	Signature       [64]byte      // the account's, or the Voucher's
	DeviceSignature [64]byte
}

// The two forms on the wire, told apart by their lengths; and what is signed of each: all but the signatures.
type (
	byAccount struct {
		_               struct{} `cbor:",toarray"`
		Account         chat.AccountID
		Device          chat.DeviceID
		HPKE            []byte
		ListVersion     uint64
		Issued          int64
		Signature       [64]byte
		DeviceSignature [64]byte
	}
	byDevice struct {
		_               struct{} `cbor:",toarray"`
		Account         chat.AccountID
		Device          chat.DeviceID
		HPKE            []byte
		ListVersion     uint64
		Issued          int64
		Voucher         chat.DeviceID
		Signature       [64]byte
		DeviceSignature [64]byte
	}
	certified struct {
		_           struct{} `cbor:",toarray"`
		Account     chat.AccountID
		Device      chat.DeviceID
		HPKE        []byte
		ListVersion uint64
		Issued      int64
	}
	certifiedByDevice struct {
		_           struct{} `cbor:",toarray"`
		Account     chat.AccountID
		Device      chat.DeviceID
		HPKE        []byte
		ListVersion uint64
		Issued      int64
		Voucher     chat.DeviceID
	}
)

// Certify makes the certificate of a device whose account's key is here.
func Certify(a *Account, d *Device, listVersion uint64, issued int64) Certificate {
	c := a.Vouch(d.Applicant(), listVersion, issued)
	c.DeviceSignature = Sign(d.key, LabelCertificateDevice, c.body())
	return c
}

// body is what all sign.
func (c *Certificate) body() []byte {
	if c.Voucher.IsZero() {
		return wire.Marshal(&certified{Account: c.Account, Device: c.Device, HPKE: c.HPKE, ListVersion: c.ListVersion, Issued: c.Issued})
	}
	return wire.Marshal(&certifiedByDevice{Account: c.Account, Device: c.Device, HPKE: c.HPKE, ListVersion: c.ListVersion, Issued: c.Issued, Voucher: c.Voucher})
}

// Marshal writes it, about 1.5 KiB.
func (c Certificate) Marshal() []byte {
	if c.Voucher.IsZero() {
		return wire.Marshal(&byAccount{
			Account: c.Account, Device: c.Device, HPKE: c.HPKE, ListVersion: c.ListVersion, Issued: c.Issued,
			Signature: c.Signature, DeviceSignature: c.DeviceSignature,
		})
	}
	return wire.Marshal(&byDevice{
		Account: c.Account, Device: c.Device, HPKE: c.HPKE, ListVersion: c.ListVersion, Issued: c.Issued,
		Voucher: c.Voucher, Signature: c.Signature, DeviceSignature: c.DeviceSignature,
	})
}

// ParseCertificate reads one strictly. It isn't verified yet: VerifyBy. ErrCertificate.
func ParseCertificate(b []byte) (Certificate, error) {
	var a byAccount
	var d byDevice
	var c Certificate
	switch {
	case wire.UnmarshalStrict(b, &a) == nil:
		c = Certificate{
			Account: a.Account, Device: a.Device, HPKE: a.HPKE, ListVersion: a.ListVersion, Issued: a.Issued,
			Signature: a.Signature, DeviceSignature: a.DeviceSignature,
		}
	case wire.UnmarshalStrict(b, &d) == nil && !d.Voucher.IsZero() && d.Voucher != d.Device:
		c = Certificate{
			Account: d.Account, Device: d.Device, HPKE: d.HPKE, ListVersion: d.ListVersion, Issued: d.Issued,
			Voucher: d.Voucher, Signature: d.Signature, DeviceSignature: d.DeviceSignature,
		}
	default:
		return Certificate{}, ErrCertificate
	}
	if len(c.HPKE) != HPKESize || c.Account.IsZero() || c.Device.IsZero() {
		return Certificate{}, ErrCertificate
	}
	return c, nil
}

// Verify checks a certificate that the account has signed: both signatures, and that something can be sealed to the HPKE key. ErrCertificate, also for one that
// a device has vouched for, whatever its signatures: that needs the list, VerifyBy.
func (c Certificate) Verify() error {
	if !c.Voucher.IsZero() {
		return ErrCertificate
	}
	return c.Signed()
}

// Signed checks the two signatures and the HPKE key, and no more: of a certificate with a Voucher it doesn't say that the account knows either device. ErrCertificate.
func (c Certificate) Signed() error {
	if _, err := hpke.MLKEM768X25519().NewPublicKey(c.HPKE); err != nil {
		return ErrCertificate
	}
	signer, label := [32]byte(c.Account), LabelCertificateAccount
	if !c.Voucher.IsZero() {
		signer, label = c.Voucher, LabelCertificateVoucher
	}
	body, none := c.body(), [64]byte{}
	if c.Signature == none || c.DeviceSignature == none || !Verify(signer, label, body, c.Signature) || !Verify(c.Device, LabelCertificateDevice, body, c.DeviceSignature) {
		return ErrCertificate
	}
	return nil
}
