package client

import (
	"cmp"
	"slices"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/mls"
	"huisclos/recovery"
	"huisclos/trust"
	"huisclos/wire"
)

// What an old device hands over to a new one of the same person: who the account is, what its backup would bring back, and what no backup has: where the logs
// of the private rooms are, and who is in their groups, so that no server can show the new device others.

// linkGift is it, CBOR, sealed by the exchange of a link code.
type linkGift struct {
	_       struct{} `cbor:",toarray"`
	Version uint     // 1
	Account []byte   // the account's secret; empty where the old device hasn't got it
	// Instead: what the old device has signed for the new one, which the account's list confirms, and the key that seals the backup.
	Certificate []byte
	BackupKey   []byte
	Backup      recovery.Backup
	On          bool   // the server keeps a backup: the words were shown
	Serial      uint64 // of the newest one known
	Lists       []giftList
	Devices     []giftDevice
	Rooms       []giftRoom
	Key         [32]byte // under which the history is handed over
}

// giftList is the newest device list of an account, as trust.DeviceList writes it.
type giftList struct {
	_       struct{} `cbor:",toarray"`
	Account chat.AccountID
	List    []byte
}

// giftDevice is what the person calls one of their devices.
type giftDevice struct {
	_      struct{} `cbor:",toarray"`
	Device chat.DeviceID
	Name   string
}

// giftRoom is a private room.
type giftRoom struct {
	_      struct{} `cbor:",toarray"`
	Room   chat.RoomID
	Name   string
	Direct chat.AccountID // of a direct conversation; zero for a room
	Gone   bool           // we aren't a member any more: only its past is there
	Seq    chat.Seq       // the log is verified up to here
	Hash   [32]byte       // H there
	Commit chat.Seq       // its last Commit
	Epoch  uint64         // of the group
	Known  []chat.DeviceID
}

// maxGiftKnown is how many devices of a group are named: one that speaks is enough.
const maxGiftKnown = 32

// linkGift puts it together. When not everybody fits, those are left out about whom nothing was decided. c is the new device's certificate where this one hasn't got the
// account's key.
func (e *engine) linkGift(key [32]byte, c *trust.Certificate) ([]byte, error) {
	g := &linkGift{
		Version: 1, Account: []byte{}, Certificate: []byte{}, BackupKey: []byte{}, Backup: *e.backupContent(nil), On: e.backup.rec.On, Serial: e.backup.rec.Serial, Key: key,
		Lists: e.giftLists(), Rooms: e.giftRooms(),
	}
	g.Backup.Version = 1
	if c == nil {
		g.Account = e.id.acct.Bytes()
	} else {
		g.Certificate = c.Marshal()
		if s := e.sealer(); s != nil {
			g.BackupKey = s.Bytes()
		}
	}
	for d, name := range e.deviceNames() {
		g.Devices = append(g.Devices, giftDevice{Device: d, Name: name})
	}
	slices.SortFunc(g.Devices, func(a, b giftDevice) int { return slices.Compare(a.Device[:], b.Device[:]) })
	for {
		raw := wire.Marshal(g)
		if len(raw) <= keys.MaxDeviceGift {
			return raw, nil
		}
		if len(g.Backup.People) == 0 && len(g.Lists) <= 1 {
			return nil, chat.Errorf(chat.CodeTooLarge, "limit", "393216")
		}
		g.Backup.People = g.Backup.People[:len(g.Backup.People)*9/10]
		g.Lists = g.Lists[:max(1, len(g.Lists)*9/10)]
	}
}

// giftLists are the device lists that are pinned: our own, those of people who are verified, the others.
func (e *engine) giftLists() []giftList {
	var all []giftList
	for a, rec := range e.people.accounts {
		if len(rec.List) > 0 {
			all = append(all, giftList{Account: a, List: rec.List})
		}
	}
	rank := func(l giftList) int {
		switch {
		case l.Account == e.id.account():
			return 0
		case e.people.accounts[l.Account].Verified > 0:
			return 1
		}
		return 2
	}
	slices.SortFunc(all, func(a, b giftList) int {
		return cmp.Or(rank(a)-rank(b), slices.Compare(a.Account[:], b.Account[:]))
	})
	return all
}

// giftRooms are the private rooms that this device knows.
func (e *engine) giftRooms() []giftRoom {
	var all []giftRoom
	for _, r := range e.roomsInOrder() {
		if r.priv == nil || !r.rec.Anchored {
			continue
		}
		rec := r.rec.Private
		g := giftRoom{
			Room: r.id, Name: r.rec.Name, Direct: rec.Direct, Gone: rec.Gone, Seq: r.rec.Seq, Hash: r.rec.Hash, Commit: rec.Commit,
		}
		if r.priv.g != nil && !rec.Unproven && !rec.Unvetted && !rec.Gone {
			g.Epoch, g.Known = r.priv.g.Epoch(), e.giftKnown(r)
		}
		all = append(all, g)
	}
	return all
}

// giftKnown names devices of a group: this one first.
func (e *engine) giftKnown(r *room) []chat.DeviceID {
	known := []chat.DeviceID{e.id.device()}
	r.priv.g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		if d := leafOf(leaf).Device; d != e.id.device() {
			known = append(known, d)
		}
		return len(known) < maxGiftKnown
	})
	return known
}

// parseLinkGift reads it, and checks it against the server and the account that have shown themselves. CodeFrame, CodeIdentity, CodeAuth.
func parseLinkGift(raw []byte, server chat.Fingerprint, by *keys.Party, device *trust.Device) (*linkGift, *identity, error) {
	var g linkGift
	if err := wire.UnmarshalStrict(raw, &g); err != nil {
		return nil, nil, err
	}
	if g.Version != 1 {
		return nil, nil, chat.Errorf(chat.CodeVersion)
	}
	b := &g.Backup
	switch {
	case b.Server != server:
		return nil, nil, chat.Errorf(chat.CodeIdentity, "reason", "code", "expected", server.String(), "got", b.Server.String())
	case b.Account != by.Account, b.Name != by.Name,
		trust.CheckName(b.Name) != nil, !trust.VerifyName(b.Account, server, b.Name, b.NameSig):
		return nil, nil, chat.Errorf(chat.CodeAuth).Because(errNameSig)
	}
	id, err := g.identity(device)
	return &g, id, err
}

// identity is who the new device is: a device of the account whose key it gets, or one that the account's list has by what another one has signed. CodeFrame, CodeAuth.
func (g *linkGift) identity(device *trust.Device) (*identity, error) {
	b := &g.Backup
	if len(g.Account) > 0 {
		account, err := trust.ParseAccount(g.Account)
		if err != nil || len(g.Certificate) > 0 {
			return nil, chat.Errorf(chat.CodeFrame).Because(err)
		}
		if account.ID() != b.Account {
			return nil, chat.Errorf(chat.CodeAuth)
		}
		id := identityOf(b.Server, b.Name, account)
		id.dev = device
		return id, nil
	}
	c, err := trust.ParseCertificate(g.Certificate)
	if err != nil {
		return nil, chat.Errorf(chat.CodeFrame).Because(err)
	}
	c, err = device.Countersign(c)
	var list *trust.DeviceList
	for _, l := range g.Lists {
		if err == nil && l.Account == b.Account {
			list, err = trust.ParseDeviceList(b.Server, b.Account, l.List)
		}
	}
	if err == nil {
		err = c.VerifyBy(list)
	}
	if err != nil || c.Account != b.Account || list == nil || !list.Has(c.Device) {
		return nil, chat.Errorf(chat.CodeAuth).Because(err)
	}
	return &identity{server: b.Server, name: b.Name, who: b.Account, nameSig: b.NameSig, dev: device, cert: c}, nil
}
