package client

import (
	"crypto/ed25519"
	"errors"
	"time"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/trust"
)

// identity is who we are: an account, and this device of it. It isn't changed once others may read it: what changes is a copy in its place.
type identity struct {
	server  chat.Fingerprint
	name    string
	acct    *trust.Account // nil: its key isn't on this device
	who     chat.AccountID
	nameSig [64]byte
	dev     *trust.Device
	cert    trust.Certificate
}

// newIdentity makes an account with its first device.
func newIdentity(server chat.Fingerprint, name string) (*identity, error) {
	name = trust.NormalizeName(name)
	if err := trust.CheckName(name); err != nil {
		return nil, err
	}
	id := identityOf(server, name, trust.NewAccount())
	return id, id.certify(1)
}

// identityOf is an account's, without a device yet.
func identityOf(server chat.Fingerprint, name string, acct *trust.Account) *identity {
	return &identity{server: server, name: name, acct: acct, who: acct.ID()}
}

// errNoAccountKey is for callers that haven't asked before.
var errNoAccountKey = errors.New("client: the account's key isn't on this device")

// certify makes a new device, which only the account's key can: there is no other one that would vouch for it.
func (id *identity) certify(version uint64) error {
	if id.acct == nil {
		return chat.Errorf(chat.CodePhraseNeeded).Because(errNoAccountKey)
	}
	id.dev = trust.NewDevice()
	id.cert = trust.Certify(id.acct, id.dev, version, time.Now().UnixMilli())
	return nil
}

// renewed is the identity with a new device in the place of this one.
func (id *identity) renewed() (*identity, error) {
	next := *id
	return &next, next.certify(id.cert.ListVersion + 1)
}

// with is the identity with the account's key, or without it.
func (id *identity) with(acct *trust.Account) *identity {
	next := *id
	next.acct = acct
	return &next
}

func (id *identity) account() chat.AccountID { return id.who }

func (id *identity) device() chat.DeviceID { return id.dev.ID() }

func (id *identity) deviceKey() ed25519.PrivateKey { return id.dev.Key() }

// openGrant opens a key that was sealed to this device.
func (id *identity) openGrant(g chat.Generation, grant []byte) (keys.Key, error) {
	return keys.OpenGrant(id.server, g, id.account(), id.device(), id.dev.HPKE(), grant)
}

// store writes the identity into its record.
func (id *identity) store(rec *selfRecord) {
	rec.Account = nil
	if id.acct != nil {
		id.nameSig = id.acct.SignName(id.server, id.name)
		rec.Account = id.acct.Bytes()
	}
	rec.Name, rec.NameSig, rec.AccountID = id.name, append([]byte(nil), id.nameSig[:]...), id.who
	rec.Device = id.dev.Bytes()
	rec.Certificate, rec.ListVersion = id.cert.Marshal(), id.cert.ListVersion
}

// identityFrom reads it back.
func identityFrom(rec *selfRecord) (*identity, error) {
	dev, err := trust.ParseDevice(rec.Device)
	if err != nil {
		return nil, err
	}
	cert, err := trust.ParseCertificate(rec.Certificate)
	if err != nil {
		return nil, err
	}
	if len(rec.NameSig) != 64 || cert.Device != dev.ID() {
		return nil, chat.Errorf(chat.CodeVaultCorrupt)
	}
	id := &identity{server: rec.Server, name: rec.Name, who: cert.Account, nameSig: [64]byte(rec.NameSig), dev: dev, cert: cert}
	if len(rec.Account) == 0 {
		return id, nil
	}
	id.acct, err = trust.ParseAccount(rec.Account)
	if err == nil && id.acct.ID() != id.who {
		err = chat.Errorf(chat.CodeVaultCorrupt)
	}
	return id, err
}
