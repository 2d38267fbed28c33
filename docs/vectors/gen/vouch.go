package main

import (
	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// Vouching is how alice's device lets in another one of hers, without the account's key.
type Vouching struct {
	DeviceSeed, HPKESeed Hex // of the other one
	Device               Hex
	List                 Hex // the account adds alice's device, that one the other
	ListVersion          uint64
	Issued               int64
	Certified            Hex // what both devices sign
	VoucherSignature     Hex
	DeviceSignature      Hex
	Certificate          Hex
	Proof                Hex // the certificate with its list
	Wrong                []WrongProof
}

// WrongProof is one that must be refused.
type WrongProof struct {
	Why   string
	Proof Hex
}

func (w *world) vouching() Vouching {
	raw := seed("device that is let in", 64)
	other, err := trust.ParseDevice(raw)
	w.note(err)
	list := trust.NewDeviceList(w.server, w.account.ID())
	step := func(next *trust.DeviceList, err error) {
		w.note(err)
		list = next
	}
	step(list.Change(w.account, trust.ListAdd, w.device.ID(), now))
	step(list.ChangeBy(w.device, trust.ListAdd, other.ID(), now+1))
	c, err := other.Countersign(w.device.Vouch(w.account.ID(), other.Applicant(), 2, now+1))
	w.note(err)
	proof, err := trust.Prove(c, list)
	w.note(err)
	a, d, by := w.account.ID(), other.ID(), w.device.ID()
	v := Vouching{
		DeviceSeed: raw[:32], HPKESeed: raw[32:], Device: d[:], List: list.Marshal(), ListVersion: 2, Issued: now + 1,
		Certified:        wire.Marshal([]any{a[:], d[:], c.HPKE, c.ListVersion, c.Issued, by[:]}),
		VoucherSignature: c.Signature[:], DeviceSignature: c.DeviceSignature[:], Certificate: c.Marshal(), Proof: proof,
	}
	wrong := func(why string, c trust.Certificate, l *trust.DeviceList) {
		v.Wrong = append(v.Wrong, WrongProof{why, trust.JoinProof(c.Marshal(), l.Marshal())})
	}
	v.Wrong = append(v.Wrong, WrongProof{"without a list", c.Marshal()})
	wrong("with a list from before", c, list.Upto(1))
	revoked := list
	step(list.Change(w.account, trust.ListRevoke, other.ID(), now+2))
	wrong("revoked", c, list)
	list = revoked.Upto(1)
	step(list.Change(w.account, trust.ListAdd, other.ID(), now+1))
	wrong("added by the account itself", c, list)
	unsigned := c
	unsigned.Signature = [64]byte{}
	wrong("not signed by the voucher", unsigned, revoked)
	self := c
	self.Voucher = chat.DeviceID(d)
	wrong("vouched for by itself", self, revoked)
	return v
}
