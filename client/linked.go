package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/recovery"
	"huisclos/trust"
	"huisclos/wire"
)

// Linkage is what a new device has: an address and a link code.
type Linkage struct {
	// Dial reaches a server of which only Server is known: with the zero fingerprint it checks no certificate, and what the server proves afterwards and the code take its place.
	Dial     Dialer
	Address  string           // HOST:PORT
	Server   chat.Fingerprint // of a link or a QR code; zero: any
	Code     keys.Code
	Label    string // what the person's other devices call this one; at most keys.MaxMachine bytes
	Software string
	// Burn is called before anything leaves that depends on the words, as Redemption.Burn.
	Burn func() error
	// Known tells whether there is a profile of that name at that server here: then nothing is taken, CodeProfileExists. nil: no.
	Known func(server chat.Fingerprint, name string) bool
	// Waiting is called when the old device is asking the person; device is what it shows of this one. nil: nobody wants to know.
	Waiting func(device chat.DeviceID)
}

// Linked is what a new device got. It holds secrets.
type Linked struct {
	Server   chat.Fingerprint
	Address  string
	Name     string        // the person's
	Device   chat.DeviceID // this one
	From     chat.DeviceID // the old one
	id       *identity     // without a certificate yet where it gets the account's key
	gift     *linkGift
	versions uint64
}

// Format hides the secrets.
func (l *Linked) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[secret]") }

// LinkUp runs the exchange of a link code with the device that has made it, and gives up with ctx: the person has LinkPatience to say yes there. Nothing is made here or at the
// server. Errors: those of Dial; CodeCodeUnknown, CodeCodeUsed, CodeCodeExpired, CodeCodeAbsent, CodeCodeWrong, CodeCodeBroken, CodeCodeInvites, CodeLinkRefused,
// CodeIdentity when the old device sees another server, or it isn't Server; CodeAuth, CodeProfileExists.
func LinkUp(ctx context.Context, l Linkage) (*Linked, error) {
	link, err := l.Dial(ctx, l.Address, l.Server)
	if err != nil {
		return nil, linkError(err)
	}
	defer func() { _ = link.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = link.Close() })
	defer stop()
	got, err := l.run(link)
	switch {
	case err == nil:
		return got, nil
	case ctx.Err() != nil:
		return nil, chat.Errorf(chat.CodeTimeout, "address", l.Address).Because(err)
	}
	return nil, linkError(err)
}

// run makes the exchange on a link.
func (l *Linkage) run(link Link) (*Linked, error) {
	r := &Redemption{Code: l.Code, Software: l.Software}
	s, err := r.challenge(link)
	if err != nil {
		return nil, err
	}
	server := chat.FingerprintOf(s[:])
	if !l.Server.IsZero() && l.Server != server {
		return nil, identityError(l.Server, server)
	}
	device := trust.NewDevice()
	n := keys.NewNewDevice(l.Code, s, keys.Machine{Device: device.ID(), HPKE: device.Applicant().HPKE, Name: keys.MachineName(l.Label), Software: keys.MachineName(l.Software)})
	offer, err := r.say(link, wire.Encode(&wire.UseLink{Number: l.Code.Number(), Message: n.Hello()}))
	if err != nil {
		return nil, err
	}
	proof, err := n.Proof(offer)
	if err != nil {
		return nil, err
	}
	if peer := n.Peer(); l.Known != nil && l.Known(server, peer.Name) { // nobody has proven that name yet: all that is lost is a code
		return nil, chat.Errorf(chat.CodeProfileExists, "name", peer.Name)
	}
	if l.Burn != nil { // the proof is one guess for whoever stands in between
		if err := l.Burn(); err != nil {
			return nil, err
		}
	}
	if err := link.Write(wire.Encode(&wire.CodeMessage{Number: l.Code.Number(), Message: proof})); err != nil {
		return nil, err
	}
	if l.Waiting != nil {
		l.Waiting(device.ID())
	}
	content, err := l.take(link, r, n)
	if err != nil {
		return nil, err
	}
	peer := n.Peer()
	gift, id, err := parseLinkGift(content, server, &peer, device)
	if err != nil {
		return nil, err
	}
	from, _, err := trust.ParseProof(server, peer.Certificate)
	if err != nil {
		return nil, chat.Errorf(chat.CodeAuth).Because(err)
	}
	return &Linked{
		Server: server, Address: l.Address, Name: gift.Backup.Name, Device: device.ID(), From: from.Device,
		id: id, gift: gift, versions: max(gift.Backup.ListVersion, from.ListVersion),
	}, nil
}

// take reads what the old device hands over, and says that it is here.
func (l *Linkage) take(link Link, r *Redemption, n *keys.NewDevice) ([]byte, error) {
	for {
		m, err := r.read(link)
		if err != nil {
			if e := linkError(err); e.Code == chat.CodeUnreachable {
				return nil, chat.Errorf(chat.CodeCodeBroken).Because(err)
			}
			return nil, err
		}
		done, err := n.Take(m)
		if err != nil {
			return nil, err
		}
		if done {
			break
		}
	}
	receipt, content, err := n.Receipt()
	if err == nil {
		err = link.Write(wire.Encode(&wire.CodeMessage{Number: l.Code.Number(), Message: receipt}))
	}
	return content, err
}

// Restore makes the new device in an empty vault, as Found.Restore does after a recovery. Opening a Client on it enrols the device.
func (l *Linked) Restore(v Vault) error {
	id := *l.id
	if id.acct != nil {
		id.cert = trust.Certify(id.acct, id.dev, l.versions+1, time.Now().UnixMilli())
	}
	self := selfRecord{Server: l.Server, Address: l.Address}
	id.store(&self)
	err := v.Update(Durable, func(w Writer) error {
		if old, err := w.Get(TableSelf, selfKey); err != nil || old != nil {
			if err == nil {
				err = chat.Errorf(chat.CodeProfileExists, "name", l.Name)
			}
			return err
		}
		f := &Found{Server: l.Server, Name: l.Name, Backup: &l.gift.Backup, Serial: l.gift.Serial}
		if err := f.write(w, &self, l.backup()); err != nil {
			return err
		}
		return l.write(w)
	})
	if err != nil {
		return err
	}
	return v.Remember(Facts{Server: l.Server, Name: l.Name, Address: l.Address})
}

// backup is the gift's, as recovery takes it.
func (l *Linked) backup() *recovery.Backup {
	b := l.gift.Backup
	return &b
}

// write adds what a recovery hasn't: device lists, names, rooms and their heads, and the key of the history.
func (l *Linked) write(w Writer) error {
	g := l.gift
	names := &namesRecord{Names: make(map[chat.DeviceID]string)}
	for _, d := range g.Devices {
		if len(names.Names) < maxDeviceNames && !d.Device.IsZero() {
			names.Names[d.Device] = keys.MachineName(d.Name)
		}
	}
	rows := []row{
		{TableSelf, recoveryKey, l.recovery()},
		{TableSelf, namesKey, names},
		{TableTransfers, bytes.Clone(l.From[:]), &transferRecord{Key: bytes.Clone(g.Key[:]), Since: time.Now().UnixMilli()}},
	}
	for _, r := range g.Rooms {
		rows = append(rows, row{TableRooms, bytes.Clone(r.Room[:]), r.record()})
	}
	for _, list := range g.Lists {
		if _, err := trust.ParseDeviceList(l.Server, list.Account, list.List); err != nil {
			return chat.Errorf(chat.CodeFrame).Because(err)
		}
		raw, err := w.Get(TablePeople, list.Account[:])
		if err != nil {
			return err
		}
		if raw == nil { // somebody who didn't fit
			continue
		}
		var rec personRecord
		if err := parseRecord(raw, &rec); err != nil {
			return err
		}
		rec.List = list.List
		rows = append(rows, row{TablePeople, bytes.Clone(list.Account[:]), &rec})
	}
	for _, r := range rows {
		if err := w.Put(r.table, r.key, wire.Marshal(r.record)); err != nil {
			return err
		}
	}
	return nil
}

// recovery is what the new device knows of the backup. One without the account's key begins by taking over what is in the one at the server.
func (l *Linked) recovery() *recoveryRecord {
	rec := &recoveryRecord{On: l.gift.On, Serial: l.gift.Serial, Vouched: true}
	if l.id.acct == nil {
		rec.On, rec.Serial = false, 0
		if _, err := recovery.ParseSealer(l.id.who, l.Server, l.gift.BackupKey); err == nil {
			rec.On, rec.Key = true, l.gift.BackupKey
		}
	}
	return rec
}

// record is the room as a new device has it: its log is verified up to where the old one has read it, which any other log contradicts, and this device comes into the group from
// outside.
func (g *giftRoom) record() *roomRecord {
	return &roomRecord{
		Name: g.Name, Kind: chat.PrivateRoom, Joined: !g.Gone, Anchored: true, Base: g.Seq, BaseHash: g.Hash, Seq: g.Seq, Hash: g.Hash,
		Gap: g.Seq, Barrier: g.Seq,
		Private: &privateRecord{
			Direct: g.Direct, Commit: g.Commit, Gone: g.Gone, Lost: !g.Gone, Nameless: !g.Gone, LostAt: g.Seq,
			Linked: len(g.Known) > 0 && !g.Gone, Known: slices.Clone(g.Known), KnownEpoch: g.Epoch,
		},
	}
}
