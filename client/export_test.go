package client

import (
	"context"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/recovery"
	"huisclos/trust"
	"huisclos/wire"
)

// Vouched is what a device gets from the one that lets it in.
type Vouched struct {
	Certificate trust.Certificate
	List        *trust.DeviceList
	BackupKey   []byte
	Name        string
	NameSig     [64]byte
}

// Vouch lets another device in.
func (c *Client) Vouch(ctx context.Context, p trust.Applicant) (Vouched, error) {
	return await(ctx, c, func(e *engine, answer func(Vouched, error)) {
		e.vouch(p, func(cert trust.Certificate, l *trust.DeviceList, err *chat.Error) {
			v := Vouched{Certificate: cert, List: l, Name: e.self.Name, NameSig: [64]byte(e.self.NameSig)}
			if s := e.sealer(); s != nil {
				v.BackupKey = s.Bytes()
			}
			e.then(func() { answer(v, orNil(err)) })
		})
	})
}

// Settle makes the profile of a device that was let in, as if it had come by a link code.
func Settle(v Vault, server chat.Fingerprint, address string, d *trust.Device, by Vouched) error {
	account := by.Certificate.Account
	g := &linkGift{
		Version: 1, Account: []byte{}, Certificate: by.Certificate.Marshal(), BackupKey: by.BackupKey,
		Backup: recovery.Backup{Version: 1, Server: server, Account: account, Name: by.Name, NameSig: by.NameSig},
	}
	if by.List != nil {
		g.Lists = []giftList{{Account: account, List: by.List.Marshal()}}
	}
	g, id, err := parseLinkGift(wire.Marshal(g), server, &keys.Party{Account: account, Name: by.Name}, d)
	if err != nil {
		return err
	}
	return (&Linked{Server: server, Address: address, Name: by.Name, Device: d.ID(), id: id, gift: g}).Restore(v)
}
