package client

import (
	"context"

	"huisclos/chat"
	"huisclos/trust"
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

// Settle makes the profile of a device that was let in.
func Settle(v Vault, server chat.Fingerprint, address string, d *trust.Device, by Vouched) error {
	return settled{
		server: server, address: address, name: by.Name, nameSig: by.NameSig, dev: d, certificate: by.Certificate, list: by.List, backupKey: by.BackupKey,
	}.settle(v)
}
