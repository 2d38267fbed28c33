package client

import (
	"crypto/ed25519"
	"time"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/trust"
)

// identity is who we are: an account, and this device of it.
type identity struct {
	server chat.Fingerprint
	name   string
	acct   *trust.Account
	dev    *trust.Device
	cert   trust.Certificate
}

// newIdentity makes an account with its first device.
func newIdentity(server chat.Fingerprint, name string) (*identity, error) {
	name = trust.NormalizeName(name)
	if err := trust.CheckName(name); err != nil {
		return nil, err
	}
	id := &identity{server: server, name: name, acct: trust.NewAccount()}
	return id, id.certify(1)
}

// certify makes a new device.
func (id *identity) certify(version uint64) error {
	id.dev = trust.NewDevice()
	id.cert = trust.Certify(id.acct, id.dev, version, time.Now().UnixMilli())
	return nil
}

// renew makes a new device in the place of this one.
func (id *identity) renew() error { return id.certify(id.cert.ListVersion + 1) }

func (id *identity) account() chat.AccountID { return id.acct.ID() }

func (id *identity) device() chat.DeviceID { return id.dev.ID() }

func (id *identity) deviceKey() ed25519.PrivateKey { return id.dev.Key() }

// openGrant opens a key that was sealed to this device.
func (id *identity) openGrant(g chat.Generation, grant []byte) (keys.Key, error) {
	return keys.OpenGrant(id.server, g, id.account(), id.device(), id.dev.HPKE(), grant)
}

// store writes the identity into its record.
func (id *identity) store(rec *selfRecord) {
	sig := id.acct.SignName(id.server, id.name)
	rec.Name, rec.NameSig = id.name, sig[:]
	rec.Account, rec.Device = id.acct.Bytes(), id.dev.Bytes()
	rec.Certificate, rec.ListVersion = id.cert.Marshal(), id.cert.ListVersion
}

// identityFrom reads it back.
func identityFrom(rec *selfRecord) (*identity, error) {
	acct, err := trust.ParseAccount(rec.Account)
	if err != nil {
		return nil, err
	}
	dev, err := trust.ParseDevice(rec.Device)
	if err != nil {
		return nil, err
	}
	cert, err := trust.ParseCertificate(rec.Certificate)
	if err != nil {
		return nil, err
	}
	return &identity{server: rec.Server, name: rec.Name, acct: acct, dev: dev, cert: cert}, nil
}
