package client

import (
	"errors"
	"fmt"

	"huisclos/chat"
	"huisclos/keys"
)

// load takes the profile out of the vault, and makes a new one of an empty vault.
func (e *engine) load() error {
	found, err := e.get(TableSelf, selfKey, &e.self)
	if err != nil {
		return err
	}
	given, err := e.parseGiven()
	if err != nil {
		return err
	}
	if found {
		err = e.loadKnown()
	} else {
		err = e.makeNew()
	}
	if err != nil {
		return err
	}
	if given != nil && !e.keys.holds(*given) {
		e.self.Given, e.selfDirty = given.Bytes(), true
	}
	if err := e.loadRooms(); err != nil {
		return err
	}
	if err := errors.Join(e.loadBackup(), e.loadTransfers()); err != nil {
		return err
	}
	e.then(func() { _ = e.scrub() }) // it has told the log
	if e.vault.RolledBack() || e.self.Renew != "" {
		return e.renew(ReasonVaultRolledBack)
	}
	return nil
}

// parseGiven reads the key in the configuration, whose fingerprint says which server is meant.
func (e *engine) parseGiven() (*keys.Key, error) {
	if e.cfg.Key == "" {
		return nil, nil //nolint:nilnil // absence is no error
	}
	key, err := keys.ParseAny(e.cfg.Key)
	if err != nil {
		return nil, err
	}
	if e.cfg.Server.IsZero() {
		e.cfg.Server = key.Server()
	}
	if key.Server() != e.cfg.Server {
		return nil, identityError(e.cfg.Server, key.Server())
	}
	return &key, nil
}

func identityError(expected, got chat.Fingerprint) error {
	return chat.Errorf(chat.CodeIdentity, "expected", expected.String(), "got", got.String())
}

// loadKnown reads who we are.
func (e *engine) loadKnown() error {
	if !e.cfg.Server.IsZero() && e.cfg.Server != e.self.Server {
		return identityError(e.self.Server, e.cfg.Server)
	}
	if e.cfg.Name != "" && e.cfg.Name != e.self.Name {
		return chat.Errorf(chat.CodeNameOther, "name", e.self.Name)
	}
	var err error
	if e.id, err = identityFrom(&e.self); err != nil {
		return err
	}
	e.keys = newKeyset(e.self.Server)
	e.people = newPeople(e.self.Server)
	return e.vault.View(func(r Reader) error {
		return errors.Join(e.keys.load(r), e.people.load(r))
	})
}

// makeNew makes an account and its first device for a server.
func (e *engine) makeNew() error {
	if e.cfg.Server.IsZero() {
		return chat.Errorf(chat.CodeKeyNeeded)
	}
	id, err := e.cfg.newcomer()
	if err != nil {
		return err
	}
	e.id = id
	e.self = selfRecord{Server: e.cfg.Server, AccountID: id.account(), Address: e.cfg.Address}
	e.id.store(&e.self)
	e.selfDirty = true
	e.stage.durable = true
	e.keys = newKeyset(e.self.Server)
	e.people = newPeople(e.self.Server)
	lobby, err := e.room(chat.Lobby)
	if err != nil {
		return err
	}
	lobby.rec.Joined = true
	e.touch(lobby)
	e.pinSelf()
	e.pinInviter()
	return nil
}

// pinSelf makes us one of the people that we know.
func (e *engine) pinSelf() {
	a, d := e.id.account(), e.id.device()
	if e.people.accounts[a] == nil {
		rec := &personRecord{Name: e.self.Name, NameSig: e.self.NameSig, Version: e.self.ListVersion}
		e.people.add(a, rec)
		e.put(TablePeople, a[:], rec)
	}
	e.people.devices[d] = &device{account: a, cert: e.id.cert}
	e.put(TableDevices, d[:], &deviceRecord{Account: a, Certificate: e.self.Certificate})
}

// loadRooms reads the rooms and what waits in their outboxes.
func (e *engine) loadRooms() error {
	var private []*room
	err := e.vault.View(func(r Reader) error {
		err := r.Scan(TableRooms, nil, nil, false, func(key, value []byte) (bool, error) {
			var rec roomRecord
			if err := parseRecord(value, &rec); err != nil {
				return false, err
			}
			room := newRoom(chat.RoomID(key), rec.Name)
			room.rec = rec
			e.rooms[room.id] = room
			e.rawBytes += rec.RawBytes
			if rec.Private != nil {
				private = append(private, room)
			}
			return true, nil
		})
		if err != nil {
			return err
		}
		return r.Scan(TableOutbox, nil, nil, false, func(key, value []byte) (bool, error) {
			return true, e.loadOutgoing(key, value)
		})
	})
	for _, r := range private {
		if err == nil {
			err = e.loadPrivate(r)
		}
	}
	return err
}

// loadOutgoing reads a message that waits. One of Send that never left is dropped: its caller was told, or is gone.
func (e *engine) loadOutgoing(key, value []byte) error {
	id, order := splitKey(key)
	r := e.rooms[id]
	o := &outgoing{order: order}
	if err := parseRecord(value, &o.rec); err != nil {
		return err
	}
	if r == nil {
		return chat.Errorf(chat.CodeVaultCorrupt).Because(fmt.Errorf("a message in no room %v", id))
	}
	r.order = max(r.order, order)
	if o.rec.Once && !o.sealed() {
		e.remove(TableOutbox, key)
		return nil
	}
	o.told = o.rec.Kind != innerMessage
	if err := o.parse(); err != nil {
		return err
	}
	r.outbox = append(r.outbox, o)
	return nil
}

// renew makes new keys for this device: the old ones were in a state that has come back, and what
// they have signed since isn't known here (PROTOCOL §8).
func (e *engine) renew(reason string) error {
	if e.id.acct == nil {
		e.awaitWords(reason)
		return nil
	}
	id, err := e.id.renewed()
	if err != nil {
		return err
	}
	e.id = id
	e.id.store(&e.self)
	e.self.Enrolled, e.self.NewDevice, e.self.Renew, e.selfDirty = false, reason, "", true
	e.stage.durable = true
	e.pinSelf()
	for _, r := range e.rooms {
		r.rec.OwnCounter, r.rec.OwnHash = 0, [32]byte{}
		r.rec.AckedCounter, r.rec.AckedEnvelope = 0, [32]byte{}
		e.touch(r)
		if r.active() {
			if err := e.lost(r); err != nil {
				return err
			}
		}
	}
	e.dropPackages()
	e.dropTransfers()
	e.emit(NewDevice{Reason: reason})
	e.then(func() {
		if err := e.vault.Settled(); err != nil {
			e.fail(err)
		}
	})
	return nil
}

// vaultRolledBack is what the server's log tells: this device has sent more than the vault knows of.
func (e *engine) vaultRolledBack() {
	if err := e.renew(ReasonVaultRolledBack); err != nil {
		e.fail(err)
		return
	}
	if e.self.Renew != "" {
		return // it waits for the words
	}
	e.disconnected(chat.Errorf(chat.CodeSuperseded))
}
