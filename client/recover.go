package client

import (
	"bytes"
	"context"
	"slices"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/keys"
	"huisclos/recovery"
	"huisclos/trust"
	"huisclos/wire"
)

// Recovery is how an account comes back on a machine that knows nothing of it (PROTOCOL §8). It doesn't know its server either: the backup says
// which one it must be.
//
// What a hostile server at the address can do: learn the account's public key, refuse, or give an old backup of the account that it has
// from the real server. It can't make one, and none of the real server's opens for another server: with a backup that opens, the one that gave it
// is the server that the account was on, as its signature over this connection has shown.
type Recovery struct {
	Dial     Dialer // to a server that isn't known, when Server is zero
	Address  string
	Server   chat.Fingerprint // zero: any
	Software string
	Secret   []byte // recovery.Parse
}

// Found is what a server has for an account.
type Found struct {
	Server   chat.Fingerprint
	Address  string
	Name     string
	Backup   *recovery.Backup // nil: there is none
	Serial   uint64           // its number
	At       time.Time        // when the server got it
	Devices  int              // certified before
	Software string           // the server's
	// Newest is the generation of the shared key in force; Have: the backup has its key. Prove: every device must prove it, so that without it this one
	// can't come in.
	Newest chat.Generation
	Have   bool
	Prove  bool

	account *trust.Account
	nameSig [64]byte
	version uint64 // the highest list version of the account's certificates
}

// Find asks the server for the account's backup, checks and opens it. It changes nothing, here or there. CodeNoAccount, CodeBanned, CodeIdentity, CodeBackupNewer,
// CodeBackupDamaged, and the errors of connecting. A Found without a Backup is no error.
func (r Recovery) Find(ctx context.Context) (*Found, error) {
	account, err := trust.ParseAccount(r.Secret)
	if err != nil {
		return nil, chat.Errorf(chat.CodePhraseChecksum).Because(err)
	}
	link, err := r.Dial(ctx, r.Address, r.Server)
	if err != nil {
		return nil, linkError(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = link.Close() })
	defer stop()
	defer link.Close()
	f, err := r.ask(link, account)
	if err != nil && ctx.Err() != nil {
		return nil, chat.Errorf(chat.CodeTimeout, "address", r.Address).Because(err)
	}
	if err != nil {
		return nil, linkError(err)
	}
	return f, nil
}

func (r Recovery) ask(link Link, account *trust.Account) (*Found, error) {
	exporter, err := link.Exporter()
	if err != nil {
		return nil, err
	}
	c := access.NewRecovery(r.Server, r.Software)
	raw, err := exchange(link, c.Hello())
	if err != nil {
		return nil, err
	}
	hello, err := c.Challenge(raw, exporter)
	if err != nil {
		return nil, err
	}
	if raw, err = exchange(link, c.Recover(account)); err != nil {
		return nil, err
	}
	answer, err := c.Recovered(raw)
	if err != nil {
		return nil, err
	}
	f := &Found{
		Server: chat.FingerprintOf(hello.Server[:]), Address: r.Address, Serial: answer.Serial, account: account,
		Newest: hello.Generation, Prove: hello.Prove, Software: hello.Software,
	}
	if err := f.read(&hello, &answer); err != nil {
		return nil, err
	}
	return f, nil
}

// read checks what the server says. Its word counts only as far as the account has signed it.
func (f *Found) read(hello *wire.HelloS, answer *wire.Recovered) error {
	p := &answer.Person
	if p.Account != f.account.ID() || trust.CheckName(p.Name) != nil || !trust.VerifyName(p.Account, f.Server, p.Name, p.NameSig) {
		return chat.Errorf(chat.CodeAuth).Because(errNameSig)
	}
	f.Name, f.nameSig = p.Name, p.NameSig
	list, _ := trust.ParseDeviceList(f.Server, p.Account, p.List) // nil when it isn't one: then nobody is vouched for
	for _, raw := range p.Certificates {
		if cert, err := trust.ParseCertificate(raw); err == nil && cert.Account == p.Account && cert.VerifyBy(list) == nil {
			f.version = max(f.version, cert.ListVersion)
			f.Devices++
		}
	}
	if answer.Serial == 0 {
		return nil
	}
	b, err := recovery.Open(f.account, f.Server, answer.Serial, answer.Sealed)
	if err != nil {
		return err
	}
	if b.Name != f.Name {
		return chat.Errorf(chat.CodeIdentityChange, "name", b.Name)
	}
	f.Backup, f.At, f.version = b, time.UnixMilli(answer.Time), max(f.version, b.ListVersion)
	for _, k := range b.Keys {
		if key, err := keys.FromBytes(f.Server, k.Secret[:]); err == nil && k.Generation == f.Newest && key.Fits(f.Newest, hello.Access) {
			f.Have = true
		}
	}
	return nil
}

// Restore makes a new device of the account in an empty vault. Opening a Client on it enrols the device; the key of the chat isn't needed.
func (f *Found) Restore(v Vault) error {
	id := identityOf(f.Server, f.Name, f.account)
	if err := id.certify(f.version + 1); err != nil {
		return err
	}
	self := selfRecord{Server: f.Server, AccountID: id.account(), Address: f.Address}
	id.store(&self)
	b := f.Backup
	if b == nil {
		b = &recovery.Backup{Rooms: []recovery.Room{{Name: chat.Lobby, Kind: chat.KeyRoom}}}
	}
	err := v.Update(Durable, func(w Writer) error {
		if old, err := w.Get(TableSelf, selfKey); err != nil || old != nil {
			if err == nil {
				err = chat.Errorf(chat.CodeProfileExists, "name", f.Name)
			}
			return err
		}
		return f.write(w, &self, b)
	})
	if err != nil {
		return err
	}
	return v.Remember(Facts{Server: f.Server, Name: f.Name, Address: f.Address})
}

func (f *Found) write(w Writer, self *selfRecord, b *recovery.Backup) error {
	rows := []row{
		{TableSelf, selfKey, self},
		{TableSelf, recoveryKey, &recoveryRecord{On: f.Backup != nil, Serial: f.Serial, Vouched: true}},
	}
	for _, k := range b.Keys {
		rows = append(rows, row{TableKeys, generationKey(k.Generation), &keyRecord{Key: bytes.Clone(k.Secret[:])}})
	}
	for i := range b.People {
		p := &b.People[i]
		if p.Account == self.AccountID {
			continue
		}
		rows = append(rows, row{TablePeople, bytes.Clone(p.Account[:]), personOf(p)})
	}
	me := self.AccountID
	cert, err := trust.ParseCertificate(self.Certificate)
	if err != nil {
		return err
	}
	d := cert.Device
	rows = append(rows,
		row{TablePeople, me[:], &personRecord{Name: f.Name, NameSig: self.NameSig, Version: self.ListVersion}},
		row{TableDevices, d[:], &deviceRecord{Account: me, Certificate: self.Certificate}})
	rooms := b.Rooms
	if !slices.ContainsFunc(rooms, func(r recovery.Room) bool { return r.Kind == chat.KeyRoom && r.Name == chat.Lobby }) {
		rooms = append(slices.Clone(rooms), recovery.Room{Name: chat.Lobby, Kind: chat.KeyRoom})
	}
	for _, r := range rooms {
		if r.Kind != chat.KeyRoom {
			continue // its members have to invite this device: who reads there is for them to say
		}
		id := chat.KeyRoomID(f.Server, r.Name)
		made := newRoom(id, r.Name)
		made.rec.Joined = true
		rows = append(rows, row{TableRooms, bytes.Clone(id[:]), &made.rec})
	}
	for _, r := range rows {
		if err := w.Put(r.table, r.key, wire.Marshal(r.record)); err != nil {
			return err
		}
	}
	return nil
}

// row is a record on its way into the vault.
type row struct {
	table  Table
	key    []byte
	record any
}
