package client

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// people are the accounts and devices that we have seen, pinned at the first sight: a name means the account
// that had it first (PROTOCOL §4). What the server says is believed only as far as the accounts have signed it.
type people struct {
	server   chat.Fingerprint
	accounts map[chat.AccountID]*personRecord
	devices  map[chat.DeviceID]*device
	names    map[string]chat.AccountID // by folded name
	looks    map[string]chat.AccountID // by skeleton (UTS 39)
	former   map[string]bool           // folded names that another account had here before

	// Of this session: whom the server couldn't or wouldn't vouch for rightly.
	refused map[chat.AccountID]*chat.Error
	ghosts  map[chat.DeviceID]bool
	listed  // device lists
}

// device is one device of an account, as the account certified it.
type device struct {
	account chat.AccountID
	cert    trust.Certificate
}

func newPeople(server chat.Fingerprint) *people {
	return &people{
		server:   server,
		accounts: make(map[chat.AccountID]*personRecord),
		devices:  make(map[chat.DeviceID]*device),
		names:    make(map[string]chat.AccountID),
		looks:    make(map[string]chat.AccountID),
		former:   make(map[string]bool),
		refused:  make(map[chat.AccountID]*chat.Error),
		ghosts:   make(map[chat.DeviceID]bool),
		listed:   newListed(),
	}
}

// load reads the pins.
func (p *people) load(r Reader) error {
	err := r.Scan(TablePeople, nil, nil, false, func(key, value []byte) (bool, error) {
		rec := new(personRecord)
		if err := parseRecord(value, rec); err != nil {
			return false, err
		}
		p.add(chat.AccountID(key), rec)
		return true, nil
	})
	if err != nil {
		return err
	}
	return r.Scan(TableDevices, nil, nil, false, func(key, value []byte) (bool, error) {
		var rec deviceRecord
		if err := parseRecord(value, &rec); err != nil {
			return false, err
		}
		cert, err := trust.ParseCertificate(rec.Certificate)
		if err != nil {
			return false, chat.Errorf(chat.CodeVaultCorrupt).Because(err)
		}
		p.devices[chat.DeviceID(key)] = &device{account: rec.Account, cert: cert}
		return true, nil
	})
}

func (p *people) add(a chat.AccountID, rec *personRecord) {
	p.accounts[a] = rec
	if rec.Former {
		p.former[trust.FoldName(rec.Name)] = true
	} else {
		p.names[trust.FoldName(rec.Name)] = a
		p.looks[trust.Skeleton(rec.Name)] = a
	}
}

// newSession forgets what the last session's server said wrong.
func (p *people) newSession() {
	clear(p.refused)
	clear(p.ghosts)
	p.listed.newSession()
}

// name is the pinned name of an account, empty when it has none.
func (p *people) name(a chat.AccountID) string {
	if rec := p.accounts[a]; rec != nil {
		return rec.Name
	}
	return ""
}

// vouch says whether an account's device may speak: both nil when it may; refused when it may not; stop when its
// identity isn't the one first seen.
func (p *people) vouch(a chat.AccountID, d chat.DeviceID) (refused, stop *chat.Error) {
	if err := p.refused[a]; err != nil {
		if err.Code == chat.CodeIdentityChange {
			return nil, err
		}
		return err, nil
	}
	known := p.devices[d]
	if known == nil || known.account != a || p.accounts[a] == nil || p.accounts[a].Former {
		return chat.Errorf(chat.CodeAuth).Because(errGhost), nil
	}
	return nil, nil
}

// trusted says why a name that the server gives an account isn't to be shown; nil when it is the pinned one.
func (p *people) trusted(a chat.AccountID, name string) *chat.Error {
	switch {
	case p.refused[a] != nil:
		return p.refused[a]
	case p.accounts[a] == nil:
		return chat.Errorf(chat.CodeAuth).Because(errGhost)
	case p.name(a) != name:
		return chat.Errorf(chat.CodeIdentityChange, "name", p.name(a))
	}
	return nil
}

var errUnlisted = errors.New("client: the account's list doesn't say that a device has vouched for this one")

var errNameSig = errors.New("client: the account hasn't signed this name")

// meet verifies what the server says of somebody and pins what is right.
func (e *engine) meet(w *wire.Person) { e.meetVetted(w, e.people.vet(w)) }

func (e *engine) meetVetted(w *wire.Person, v vetted) {
	p := e.people
	if err := p.examine(w, v.name); err != nil {
		if p.refused[w.Account] == nil && err.Code != chat.CodeAuth {
			e.emit(IdentityChanged{Name: w.Name, Account: w.Account, Err: err, Verified: p.wasVerified(w)})
		}
		e.cfg.Log.Warn("somebody was refused", "name", w.Name, "account", w.Account, "err", err)
		p.refused[w.Account] = err
		return
	}
	rec := p.accounts[w.Account]
	before := rec != nil && p.hasDevice(w.Account)
	if rec == nil {
		rec = &personRecord{Name: w.Name, NameSig: w.NameSig[:], Changed: p.former[trust.FoldName(w.Name)]}
		e.recall(w.Account, rec)
		p.add(w.Account, rec)
		e.put(TablePeople, w.Account[:], rec)
	}
	e.meetList(w, rec)
	for i, raw := range w.Certificates {
		e.meetDevice(w.Account, rec, raw, &v.certs[i], before)
	}
}

// vetted says which signatures of what the server says of somebody are right. It depends on nothing but that, so many people are vetted at once.
type vetted struct {
	name  bool
	certs []vettedCert // as many as there are certificates
}

type vettedCert struct {
	cert trust.Certificate
	err  error
}

// vet checks the signatures. That of a certificate whose device is known isn't needed again.
func (p *people) vet(w *wire.Person) vetted {
	v := vetted{name: trust.VerifyName(w.Account, p.server, w.Name, w.NameSig), certs: make([]vettedCert, len(w.Certificates))}
	for i, raw := range w.Certificates {
		c := &v.certs[i]
		if c.cert, c.err = trust.ParseCertificate(raw); c.err == nil && p.devices[c.cert.Device] == nil {
			c.err = c.cert.Signed() // the list's half is meetDevice's
		}
	}
	return v
}

// vetAll vets many, on all cores: a room of strangers brings thousands of signatures.
func (p *people) vetAll(all []wire.Person) []vetted {
	out := make([]vetted, len(all))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(all)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(all)); i = next.Add(1) - 1 {
				out[i] = p.vet(&all[i])
			}
		})
	}
	wg.Wait()
	return out
}

// examine compares somebody with the pins.
func (p *people) examine(w *wire.Person, signed bool) *chat.Error {
	if err := trust.CheckName(w.Name); err != nil {
		return chat.Errorf(chat.CodeAuth).Because(err)
	}
	if !signed {
		return chat.Errorf(chat.CodeAuth).Because(errNameSig) // a name that the server made up
	}
	if rec := p.accounts[w.Account]; rec != nil && rec.Name != w.Name {
		return chat.Errorf(chat.CodeIdentityChange, "name", rec.Name)
	}
	if a, ok := p.names[trust.FoldName(w.Name)]; ok && a != w.Account {
		return chat.Errorf(chat.CodeIdentityChange, "name", p.name(a))
	}
	if a, ok := p.looks[trust.Skeleton(w.Name)]; ok && a != w.Account {
		return chat.Errorf(chat.CodeNameLookalike, "name", p.name(a))
	}
	return nil
}

// meetDevice pins a device that its account has certified, or that another device has vouched for in the account's list as it is pinned: so one that the server
// can't show a newest list for stays unknown. A certificate that isn't right is dropped: the device stays unknown.
// before: a device of the account is known already.
func (e *engine) meetDevice(a chat.AccountID, rec *personRecord, raw []byte, v *vettedCert, before bool) {
	cert, err := v.cert, v.err
	if err == nil && !cert.Voucher.IsZero() && !e.people.list(a).Vouches(&cert) {
		err = errUnlisted
	}
	if err != nil || cert.Account != a {
		e.cfg.Log.Warn("a device's certificate is wrong", "account", a, "err", err)
		return
	}
	if _, known := e.people.devices[cert.Device]; known {
		return
	}
	e.people.devices[cert.Device] = &device{account: a, cert: cert}
	e.put(TableDevices, cert.Device[:], &deviceRecord{Account: a, Certificate: raw})
	if before {
		e.tellDevice(rec, &cert)
	}
	if cert.ListVersion > rec.Version {
		rec.Version = cert.ListVersion
		e.put(TablePeople, a[:], rec)
	}
}

// ownDevices are the devices of our account that we know of, besides this one.
func (p *people) ownDevices(id *identity) (all []chat.DeviceID) {
	for d, known := range p.devices {
		if known.account == id.account() && d != id.device() {
			all = append(all, d)
		}
	}
	return all
}

// accept lets another account have a name, as the person decided.
func (p *people) accept(e *engine, name string) {
	folded := trust.FoldName(name)
	a, ok := p.names[folded]
	if !ok {
		return
	}
	rec := p.accounts[a]
	rec.Former, rec.Verified, rec.VerifiedBy = true, 0, ""
	p.former[folded] = true
	delete(p.names, folded)
	delete(p.looks, trust.Skeleton(rec.Name))
	e.put(TablePeople, a[:], rec)
	p.newSession()
}

// askPeople asks the server for the devices in entries that we don't know. True: it asks, and the room goes on
// when the answer is here.
func (e *engine) askPeople(r *room, entries []wire.Entry) bool {
	asking := e.askPeopleThen(entries, func() {
		r.asking = false
		e.process(r)
	})
	r.asking = asking
	return asking
}

// askPeopleThen is askPeople with another way to go on; false: everybody is known, and then isn't called.
func (e *engine) askPeopleThen(entries []wire.Entry, then func()) bool {
	var devices []chat.DeviceID
	for i := range entries {
		d, ok := senderOf(&entries[i])
		if ok && e.people.devices[d] == nil && !e.people.ghosts[d] && !slices.Contains(devices, d) {
			devices = append(devices, d)
		}
	}
	if len(devices) == 0 {
		return false
	}
	devices = devices[:min(len(devices), maxWho)]
	e.who(nil, devices, func(err *chat.Error) {
		if err != nil {
			return // the session is over
		}
		for _, d := range devices {
			e.people.ghosts[d] = e.people.devices[d] == nil
		}
		if e.askPeopleThen(entries, then) { // more than fit in one question
			return
		}
		then()
	})
	return true
}

// maxWho is how many are asked for at once.
const maxWho = 256

// senderOf reads who claims to have written an entry.
func senderOf(entry *wire.Entry) (chat.DeviceID, bool) {
	var env wire.Envelope
	if entry.Pruned {
		return chat.DeviceID{}, false
	}
	if wire.Unmarshal(entry.Envelope, &env) == nil {
		return env.Device, true
	}
	private, err := wire.ParsePrivateEnvelope(entry.Envelope)
	return private.Device, err == nil
}

// withAccounts runs f once the accounts that we don't know have been asked for, or with the reason why they can't be.
func (e *engine) withAccounts(accounts []chat.AccountID, f func(*chat.Error)) {
	var unknown []chat.AccountID
	for _, a := range accounts {
		if e.people.accounts[a] == nil && e.people.refused[a] == nil && !slices.Contains(unknown, a) {
			unknown = append(unknown, a)
		}
	}
	if len(unknown) == 0 {
		f(nil)
		return
	}
	e.who(unknown[:min(len(unknown), maxWho)], nil, f)
}

// who asks for people and pins them.
func (e *engine) who(accounts []chat.AccountID, devices []chat.DeviceID, then func(*chat.Error)) {
	e.ask(func(ref uint64) []byte {
		return wire.Encode(&wire.Who{Ref: ref, Accounts: accounts, Devices: devices})
	}, func(f wire.Frame, err *chat.Error) {
		answer, ok := f.(*wire.People)
		if !ok && err == nil {
			err = chat.Errorf(chat.CodeFrame).Because(errProtocol)
		}
		if err != nil {
			then(err)
			if e.session != nil {
				e.disconnected(err)
			}
			return
		}
		for i, v := range e.people.vetAll(answer.People) {
			e.meetVetted(&answer.People[i], v)
		}
		then(nil)
	})
}
