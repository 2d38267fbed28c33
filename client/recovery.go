package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/recovery"
	"huisclos/trust"
	"huisclos/wire"
)

// The backup of the account at the server: it begins when the person is shown the words, since without them nobody could open it, and is
// renewed a moment after something in it has changed.

// backupAfter is how long a change waits for others to come along.
const backupAfter = 2 * time.Second

// backupAgain is the same after the server couldn't take it.
const backupAgain = time.Minute

var recoveryKey = []byte("recovery")

// recoveryRecord is what we know of the backup.
type recoveryRecord struct {
	On      bool   `cbor:"1,keyasint,omitempty"`  // the words were shown
	Serial  uint64 `cbor:"2,keyasint,omitempty"`  // of the newest backup that we know of
	Hash    []byte `cbor:"3,keyasint,omitempty"`  // SHA-256 of what we put last
	At      int64  `cbor:"4,keyasint,omitempty"`  // when the server took it, ms since 1970
	Vouched bool   `cbor:"5,keyasint,omitempty"`  // this device came by the words, or by another device: it may enrol without the shared key
	Key     []byte `cbor:"50,keyasint,omitempty"` // of recovery.Sealer, on a device without the account's key
	Scrub   bool   `cbor:"51,keyasint,omitempty"` // the account's key was deleted, and the vault's files may have it yet
}

// backup is the engine's part of it.
type backup struct {
	rec     recoveryRecord
	joined  map[chat.RoomID]bool // as the vault has it
	waiting bool                 // a timer runs
	putting bool                 // one is on its way
	force   bool                 // the server may have lost it
	told    []func(*chat.Error)  // who waits for it
}

// Phrase are the words of an account, a secret.
type Phrase struct {
	Words []string // none when the account's key isn't on this device: they are that key
	// Stored: the server has the backup, since At. Otherwise it gets it when there is a connection.
	Stored bool
	At     time.Time
}

// Format hides the words from every verb.
func (Phrase) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[secret]") }

// LogValue hides the words.
func (Phrase) LogValue() slog.Value { return slog.StringValue("[secret]") }

// loadBackup reads what we know of it.
func (e *engine) loadBackup() error {
	if _, err := e.get(TableSelf, recoveryKey, &e.backup.rec); err != nil {
		return err
	}
	e.backup.joined = make(map[chat.RoomID]bool)
	for id, r := range e.rooms {
		e.backup.joined[id] = r.rec.Joined
	}
	return nil
}

// Recovery implements API.
func (c *Client) Recovery(ctx context.Context, language string) (Phrase, error) {
	return await(ctx, c, func(e *engine, answer func(Phrase, error)) {
		b := &e.backup
		if !b.rec.On && e.id.acct != nil {
			b.rec.On = true
			e.keepBackup()
			e.stage.durable = true
		}
		give := func(err *chat.Error) {
			p := Phrase{Stored: err == nil && b.rec.At > 0}
			if e.id.acct != nil {
				p.Words = recovery.Words(language, e.id.acct.Bytes())
			}
			if p.Stored {
				p.At = time.UnixMilli(b.rec.At)
			}
			e.then(func() { answer(p, nil) })
		}
		if e.session == nil || e.sealer() == nil {
			give(errClosed)
			return
		}
		b.told = append(b.told, give)
		e.putBackup()
	})
}

func (e *engine) keepBackup() { e.put(TableSelf, recoveryKey, &e.backup.rec) }

// watchBackup looks at what a turn keeps, and renews the backup soon when it is in it.
func (e *engine) watchBackup() {
	b := &e.backup
	changed := false
	for r := range e.dirty {
		if r.rec.Joined != b.joined[r.id] {
			b.joined[r.id] = r.rec.Joined
			changed = true
		}
	}
	if !b.rec.On {
		return
	}
	for _, p := range e.stage.order {
		if p.table == TableKeys || p.table == TablePeople {
			changed = true
			break
		}
	}
	if changed {
		e.backupIn(backupAfter)
	}
}

// backupIn renews the backup in a while. The timer's goroutine only knocks.
func (e *engine) backupIn(after time.Duration) {
	if e.backup.waiting || !e.backup.rec.On {
		return
	}
	e.backup.waiting = true
	c := e.c
	time.AfterFunc(after, func() {
		select {
		case c.calls <- func(e *engine) {
			e.backup.waiting = false
			e.putBackup()
		}:
		case <-c.done:
		}
	})
}

// backupLogin looks after a login whether the server has what it should. moved: it was restored from a backup of its own.
func (e *engine) backupLogin(moved bool) {
	e.backup.force = e.backup.force || moved
	e.putBackup()
}

// putBackup gives the server the backup, if it is another than the last one.
func (e *engine) putBackup() {
	b := &e.backup
	if !b.rec.On || e.session == nil || b.putting || e.sealer() == nil {
		return
	}
	content := e.backupContent(nil)
	if sum := sha256.Sum256(wire.Marshal(content)); !b.force && b.rec.At > 0 && slices.Equal(sum[:], b.rec.Hash) {
		e.tellBackup(nil)
		return
	}
	b.putting = true
	e.sendBackup(nil, b.rec.Serial+1, true)
}

// sendBackup seals what there is now, with the rooms of theirs that aren't known here.
func (e *engine) sendBackup(theirs *recovery.Backup, serial uint64, again bool) {
	sum := sha256.Sum256(wire.Marshal(e.backupContent(nil)))
	sealed, err := e.sealBackup(theirs, serial)
	if err != nil {
		e.backupDone(asError(err))
		return
	}
	e.ask(func(ref uint64) []byte {
		return wire.Encode(&wire.PutBackup{Ref: ref, Serial: serial, Sealed: sealed})
	}, func(_ wire.Frame, err *chat.Error) {
		switch {
		case err == nil:
			b := &e.backup
			b.rec.Serial, b.rec.Hash, b.rec.At, b.force = serial, sum[:], time.Now().UnixMilli(), false
			e.keepBackup()
			e.backupDone(nil)
		case err.Code == chat.CodeConflict && again: // another device of ours was faster, or knows more
			e.mergeBackup()
		default:
			e.backupDone(err)
		}
	})
}

// mergeBackup fetches the backup that is there, learns from it, and puts one in its place that has both.
func (e *engine) mergeBackup() {
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.GetBackup{Ref: ref}) }, func(f wire.Frame, err *chat.Error) {
		got, ok := f.(*wire.Backup)
		if !ok {
			if err == nil {
				err = chat.Errorf(chat.CodeFrame).Because(errProtocol)
			}
			e.backupDone(err)
			return
		}
		theirs, openErr := e.sealer().Open(got.Serial, got.Sealed)
		if errors.Is(openErr, chat.CodeBackupNewer) {
			e.backupDone(asError(openErr)) // a later version of the program knows more than we could keep
			return
		}
		if openErr != nil {
			e.cfg.Log.Warn("the backup at the server can't be opened: ours takes its place", "err", openErr)
			theirs = nil
		}
		if theirs != nil {
			e.learnBackup(theirs)
		}
		e.sendBackup(theirs, got.Serial+1, false)
	})
}

// backupDone ends an attempt.
func (e *engine) backupDone(err *chat.Error) {
	e.backup.putting = false
	if err != nil && e.session != nil {
		e.cfg.Log.Warn("the backup wasn't stored", "err", err)
		e.backupIn(backupAgain)
	}
	e.tellBackup(err)
}

func (e *engine) tellBackup(err *chat.Error) {
	told := e.backup.told
	e.backup.told = nil
	for _, f := range told {
		f(err)
	}
}

// sealBackup seals as many people as fit: those first whose trust would be lost with them.
func (e *engine) sealBackup(theirs *recovery.Backup, serial uint64) ([]byte, error) {
	content := e.backupContent(theirs)
	content.Written = time.Now().UnixMilli()
	for {
		sealed, err := e.sealer().Seal(serial, content)
		if !errors.Is(err, chat.CodeTooLarge) || len(content.People) == 0 {
			return sealed, err
		}
		e.cfg.Log.Warn("not everybody fits into the backup", "people", len(content.People))
		content.People = content.People[:len(content.People)*9/10]
	}
}

// backupContent gathers what is to come back, in an order that is always the same; what we hold ourselves goes before theirs.
func (e *engine) backupContent(theirs *recovery.Backup) *recovery.Backup {
	b := &recovery.Backup{
		Version: 1, Server: e.self.Server, Account: e.id.account(), Name: e.self.Name, NameSig: [64]byte(e.self.NameSig),
		Address: e.self.Address, ListVersion: e.self.ListVersion,
	}
	if rec := e.people.accounts[b.Account]; rec != nil {
		b.ListVersion = max(b.ListVersion, rec.Version)
	}
	if theirs == nil {
		theirs = new(recovery.Backup)
	}
	for _, g := range e.keys.generations() {
		b.Keys = append(b.Keys, recovery.Key{Generation: g, Secret: [32]byte(e.keys.held[g].Bytes())})
	}
	b.People = e.backupPeople()
	b.Rooms = e.backupRooms(theirs)
	return b
}

// learnBackup takes over what another device of ours has put there: keys, people, and whom the person has verified. It is as trusted as we
// are, since only the account's devices can seal it.
func (e *engine) learnBackup(theirs *recovery.Backup) {
	var gained []chat.Generation
	for _, k := range theirs.Keys {
		key, err := keys.FromBytes(e.self.Server, k.Secret[:])
		if access, ok := e.session.access[k.Generation]; ok && err == nil && !key.Fits(k.Generation, access) {
			continue // it isn't the key of that generation, whoever put it there
		}
		if err == nil && !e.keys.has(k.Generation) && k.Generation <= e.self.Newest {
			e.keys.held[k.Generation] = key
			e.put(TableKeys, generationKey(k.Generation), &keyRecord{Key: key.Bytes()})
			gained = append(gained, k.Generation)
		}
	}
	for i := range theirs.People {
		p := &theirs.People[i]
		rec := e.people.accounts[p.Account]
		switch {
		case rec == nil && e.people.free(p.Name):
			rec = personOf(p)
			e.people.add(p.Account, rec)
		case rec != nil && rec.Verified == 0 && !rec.Former && p.Verified > 0:
			rec.Verified, rec.VerifiedBy, rec.Changed = p.Verified, p.VerifiedBy, false
		default:
			continue
		}
		e.put(TablePeople, p.Account[:], rec)
	}
	if len(gained) > 0 {
		e.keysGained(gained)
	}
}

// free reports whether a name is neither anybody's here nor looks like one.
func (p *people) free(name string) bool {
	_, taken := p.names[trust.FoldName(name)]
	_, alike := p.looks[trust.Skeleton(name)]
	return !taken && !alike
}

// personOf makes a pin of what a backup has of it.
func personOf(p *recovery.Person) *personRecord {
	return &personRecord{
		Name: p.Name, NameSig: slices.Clone(p.NameSig[:]), Version: p.ListVersion, Former: p.Former, Changed: p.Changed, Verified: p.Verified, VerifiedBy: p.VerifiedBy,
	}
}

func (e *engine) backupPeople() []recovery.Person {
	all := make([]recovery.Person, 0, len(e.people.accounts))
	for a, rec := range e.people.accounts {
		if a == e.id.account() || len(rec.NameSig) != 64 {
			continue
		}
		all = append(all, recovery.Person{
			Account: a, Name: rec.Name, NameSig: [64]byte(rec.NameSig), ListVersion: rec.Version, Former: rec.Former, Changed: rec.Changed,
			Verified: rec.Verified, VerifiedBy: rec.VerifiedBy,
		})
	}
	slices.SortFunc(all, func(a, b recovery.Person) int {
		return cmp.Or(weight(b)-weight(a), bytes.Compare(a.Account[:], b.Account[:]))
	})
	return all
}

// weight is greater for those whom a person has decided about.
func weight(p recovery.Person) int {
	if p.Verified > 0 || p.Former || p.Changed {
		return 1
	}
	return 0
}

func (e *engine) backupRooms(theirs *recovery.Backup) []recovery.Room {
	rooms := make(map[recovery.Room]bool)
	for _, r := range theirs.Rooms {
		if id := chat.KeyRoomID(e.self.Server, r.Name); r.Kind != chat.KeyRoom || e.rooms[id] == nil { // one that we know, we know better
			rooms[r] = true
		}
	}
	for _, r := range e.rooms {
		if r.rec.Joined {
			rooms[recovery.Room{Name: r.rec.Name, Kind: r.rec.Kind}] = true
		}
	}
	return slices.SortedFunc(maps.Keys(rooms), func(a, b recovery.Room) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
}

// backupView is what Status says of it.
func (e *engine) backupView() BackupView {
	v := BackupView{On: e.backup.rec.On, Key: e.id.acct != nil}
	if e.backup.rec.At > 0 {
		v.At = time.UnixMilli(e.backup.rec.At)
	}
	return v
}

// BackupView is what is known of one's backup at the server.
type BackupView struct {
	On bool      // the words were shown
	At time.Time // when the server took the newest; zero: it has none of ours
	// Key: this device holds the account's key. Otherwise the recovery phrase has it, and perhaps another device.
	Key bool
}
