package client

import (
	"errors"
	"time"

	"huisclos/chat"
	"huisclos/recovery"
	"huisclos/trust"
	"huisclos/wire"
)

// vouch makes another device one of our account's: it adds it to the account's list, gives that to the server, and signs the device's certificate; by the account's
// key when that is here, and otherwise as a device of the list. Whoever calls it has made sure that the device is the person's: that it came by a way that nobody else is on,
// and that the person has said yes.
//
// then gets the certificate, which the device has yet to countersign (trust.Device.Countersign), and the list that goes with it: both are for the new device. The server
// has the list by then, so the device can enrol. The errors are CodeUnlisted when this device isn't in the list itself, or another device has
// added the new one; CodeRevoked when the list has revoked that; CodeListFull; and those of the connection. Asked again for the same device it gives the same
// statement of the list, so what was interrupted can be repeated.
//
// The new device also needs name and NameSig of the selfRecord, and sealer().Bytes(): with that it renews the backup, and learns the shared keys and people in the one that is there. It never
// needs the account's key. settle is its end.
func (e *engine) vouch(p trust.Applicant, then func(trust.Certificate, *trust.DeviceList, *chat.Error)) {
	e.vouchTry(p, listTries, then)
}

func (e *engine) vouchTry(p trust.Applicant, tries int, then func(trust.Certificate, *trust.DeviceList, *chat.Error)) {
	fail := func(err *chat.Error) { then(trust.Certificate{}, nil, err) }
	e.whenListed(listTries, func(err *chat.Error) {
		if err != nil {
			fail(err)
			return
		}
		list := e.people.list(e.id.account())
		if c, ok := e.certificateFor(p, list); ok {
			then(c, list, nil)
			return
		}
		next, addErr := e.addDevice(list, p.Device)
		if addErr != nil {
			code := chat.CodeListFull
			if _, revoked := list.Revoked(p.Device); revoked {
				code = chat.CodeRevoked
			} else if list.Has(p.Device) {
				code = chat.CodeUnlisted
			}
			fail(chat.Errorf(code).Because(addErr))
			return
		}
		e.putList(next, func(err *chat.Error) {
			c, ok := e.certificateFor(p, next)
			switch {
			case err != nil && err.Code == chat.CodeConflict && tries > 0 && e.session != nil:
				e.vouchTry(p, tries-1, then)
			case err != nil:
				fail(err)
			case !ok:
				fail(chat.Errorf(chat.CodeInternal))
			default:
				then(c, next, nil)
			}
		})
	})
}

func (e *engine) addDevice(list *trust.DeviceList, d chat.DeviceID) (*trust.DeviceList, error) {
	now := time.Now().UnixMilli()
	if e.id.acct != nil {
		return list.Change(e.id.acct, trust.ListAdd, d, now)
	}
	return list.ChangeBy(e.id.dev, trust.ListAdd, d, now)
}

// certificateFor signs for a device that we, or the account's key when it is here, have added to the list. False when it isn't there so.
func (e *engine) certificateFor(p trust.Applicant, list *trust.DeviceList) (trust.Certificate, bool) {
	if !list.Has(p.Device) {
		return trust.Certificate{}, false
	}
	for _, s := range list.Statements() {
		if s.Device != p.Device || s.Action != trust.ListAdd {
			continue
		}
		switch {
		case e.id.acct != nil: // it stands above whoever has added it
			return e.id.acct.Vouch(p, s.Version, s.At), true
		case s.Signer == e.id.device():
			return e.id.dev.Vouch(e.id.account(), p, s.Version, s.At), true
		}
	}
	return trust.Certificate{}, false
}

// settled is what a device that another one has vouched for begins with.
type settled struct {
	server      chat.Fingerprint
	address     string
	name        string
	nameSig     [64]byte
	dev         *trust.Device
	certificate trust.Certificate // as vouch gave it
	list        *trust.DeviceList
	backupKey   []byte // of recovery.Sealer; empty: it doesn't renew the backup
}

var errSettled = errors.New("client: what another device has vouched for doesn't hold")

// settle makes the profile of a device that another one has vouched for, in an empty vault. Opening a Client on it enrols the device; neither the shared key nor the account's
// is needed. CodeAuth when certificate, list and name don't belong together, CodeProfileExists (name).
func (s settled) settle(v Vault) error {
	c, err := s.dev.Countersign(s.certificate)
	if err == nil {
		err = c.VerifyBy(s.list)
	}
	if err != nil || s.list == nil || !s.list.Has(c.Device) || trust.CheckName(s.name) != nil || !trust.VerifyName(c.Account, s.server, s.name, s.nameSig) {
		return chat.Errorf(chat.CodeAuth).Because(errors.Join(errSettled, err))
	}
	id := &identity{server: s.server, name: s.name, who: c.Account, nameSig: s.nameSig, dev: s.dev, cert: c}
	self := selfRecord{Server: s.server, Address: s.address}
	id.store(&self)
	rec := recoveryRecord{Vouched: true}
	if _, err := recovery.ParseSealer(c.Account, s.server, s.backupKey); err == nil {
		rec.On, rec.Key = true, s.backupKey // it knows of no backup, so the first thing that it does is to take over what is in the one at the server
	}
	lobby := newRoom(chat.KeyRoomID(s.server, chat.Lobby), chat.Lobby)
	lobby.rec.Joined = true
	rows := []row{
		{TableSelf, selfKey, &self},
		{TableSelf, recoveryKey, &rec},
		{TablePeople, c.Account[:], &personRecord{Name: s.name, NameSig: self.NameSig, Version: s.list.Version(), List: s.list.Marshal()}},
		{TableDevices, c.Device[:], &deviceRecord{Account: c.Account, Certificate: self.Certificate}},
		{TableRooms, lobby.id[:], &lobby.rec},
	}
	err = v.Update(Durable, func(w Writer) error {
		if old, err := w.Get(TableSelf, selfKey); err != nil || old != nil {
			if err == nil {
				err = chat.Errorf(chat.CodeProfileExists, "name", s.name)
			}
			return err
		}
		for _, r := range rows {
			if err := w.Put(r.table, r.key, wire.Marshal(r.record)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.Remember(Facts{Server: s.server, Name: s.name, Address: s.address})
}
