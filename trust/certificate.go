package trust

import (
	"crypto/hpke"
	"errors"

	"huisclos/chat"
	"huisclos/wire"
)

// The labels of the two signatures on a certificate.
const (
	LabelCertificateAccount = "device certificate, account"
	LabelCertificateDevice  = "device certificate, device"
)

// HPKESize is the length of the HPKE public key in a certificate: ML-KEM-768 (1184 bytes) and X25519 (32).
const HPKESize = 1184 + 32

// ErrCertificate is returned for a certificate that isn't one, or whose signatures are wrong.
var ErrCertificate = errors.New("trust: not a valid device certificate")

// Certificate binds a device to an account: both have signed it, so neither can claim the other alone. On the wire
// it is a deterministic CBOR array of these fields.
type Certificate struct {
	_                struct{} `cbor:",toarray"`
	Account          chat.AccountID
	Device           chat.DeviceID
	HPKE             []byte // public key, HPKESize bytes
	ListVersion      uint64 // version of the account's device list in which it appeared, from 1
	Issued           int64  // ms since 1970, the device's word
	AccountSignature [64]byte
	DeviceSignature  [64]byte
}

// certified is what both sign: CBOR of a Certificate's fields without the signatures.
type certified struct {
	_           struct{} `cbor:",toarray"`
	Account     chat.AccountID
	Device      chat.DeviceID
	HPKE        []byte
	ListVersion uint64
	Issued      int64
}

// Certify makes the certificate of a device.
func Certify(a *Account, d *Device, listVersion uint64, issued int64) Certificate {
	c := Certificate{Account: a.ID(), Device: d.ID(), HPKE: d.hpke.PublicKey().Bytes(), ListVersion: listVersion, Issued: issued}
	body := c.body()
	c.AccountSignature = Sign(a.key, LabelCertificateAccount, body)
	c.DeviceSignature = Sign(d.key, LabelCertificateDevice, body)
	return c
}

func (c *Certificate) body() []byte {
	return wire.Marshal(&certified{Account: c.Account, Device: c.Device, HPKE: c.HPKE, ListVersion: c.ListVersion, Issued: c.Issued})
}

// Marshal writes it, about 1.5 KiB.
func (c Certificate) Marshal() []byte { return wire.Marshal(&c) }

// ParseCertificate reads one strictly. It isn't verified yet: Verify. ErrCertificate.
func ParseCertificate(b []byte) (Certificate, error) {
	var c Certificate
	if wire.UnmarshalStrict(b, &c) != nil || len(c.HPKE) != HPKESize || c.Account.IsZero() || c.Device.IsZero() {
		return Certificate{}, ErrCertificate
	}
	return c, nil
}

// Verify checks both signatures, and that something can be sealed to the HPKE key. ErrCertificate.
func (c Certificate) Verify() error {
	if _, err := hpke.MLKEM768X25519().NewPublicKey(c.HPKE); err != nil {
		return ErrCertificate
	}
	body := c.body()
	if !Verify(c.Account, LabelCertificateAccount, body, c.AccountSignature) || !Verify(c.Device, LabelCertificateDevice, body, c.DeviceSignature) {
		return ErrCertificate
	}
	return nil
}
