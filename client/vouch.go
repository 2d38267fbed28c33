package client

import (
	"time"

	"huisclos/chat"
	"huisclos/trust"
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
// needs the account's key.
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
