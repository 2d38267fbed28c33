package client

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// listed is what people knows of device lists.
type listed struct {
	lists map[chat.AccountID]*trust.DeviceList // parsed: the newest of each
	// Of this session: what the server last showed of an account that was older or another.
	withheld map[chat.AccountID]bool
	served   map[chat.AccountID][]byte
}

func newListed() listed {
	return listed{lists: make(map[chat.AccountID]*trust.DeviceList), withheld: make(map[chat.AccountID]bool), served: make(map[chat.AccountID][]byte)}
}

func (l *listed) newSession() {
	clear(l.withheld)
	clear(l.served)
}

// list is the pinned device list of an account; an empty one where there is none.
func (p *people) list(a chat.AccountID) *trust.DeviceList {
	if l := p.lists[a]; l != nil {
		return l
	}
	l := trust.NewDeviceList(p.server, a)
	if rec := p.accounts[a]; rec != nil && len(rec.List) > 0 {
		if got, err := trust.ParseDeviceList(p.server, a, rec.List); err == nil {
			l = got
		}
	}
	p.lists[a] = l
	return l
}

var errRevoked = errors.New("client: the account has revoked this device")

// revokedBefore reports whether an account had revoked a device when something of it came. The time is the server's word, so it helps against
// a thief of a device, not against a thief and the server together.
func (p *people) revokedBefore(a chat.AccountID, d chat.DeviceID, at int64) bool {
	when, ok := p.list(a).Revoked(d)
	return ok && at > when
}

// meetList pins the newest device list of an account. An older one, or one that doesn't continue the pinned one, is refused and told.
func (e *engine) meetList(w *wire.Person, rec *personRecord) {
	p := e.people
	p.served[w.Account] = w.List
	if bytes.Equal(w.List, rec.List) {
		return
	}
	old := p.list(w.Account)
	next := trust.NewDeviceList(p.server, w.Account)
	if len(w.List) > 0 {
		got, err := trust.ParseDeviceList(p.server, w.Account, w.List)
		if err != nil {
			e.cfg.Log.Warn("a device list is wrong", "account", w.Account, "err", err)
		} else {
			next = got
		}
	}
	switch {
	case next.Extends(old):
		e.pinList(w.Account, rec, next)
	case !next.Same(old) && !p.withheld[w.Account]:
		p.withheld[w.Account] = true
		e.emit(DevicesWithheld{Name: rec.Name, Account: w.Account, Have: old.Version(), Got: next.Version(), Forked: !old.Extends(next)})
	}
}

// pinList keeps a list that continues the one that we have.
func (e *engine) pinList(a chat.AccountID, rec *personRecord, next *trust.DeviceList) {
	for _, s := range next.Statements()[e.people.list(a).Version():] {
		if s.Action == trust.ListRevoke {
			e.emit(DeviceRevoked{Name: rec.Name, Account: a, Device: s.Device, Mine: a == e.id.account()})
			e.soon(func() { // the list is pinned then
				for _, r := range e.roomsInOrder() {
					if r.priv != nil && r.priv.g != nil && r.phase == live && r.priv.devices[a] > 0 {
						e.putOutRevoked(r)
					}
				}
			})
			if t := e.moving[s.Device]; t != nil && a == e.id.account() {
				e.endTransfer(t)
			}
		}
	}
	e.people.lists[a] = next
	rec.List = next.Marshal()
	rec.Version = max(rec.Version, next.Version())
	e.put(TablePeople, a[:], rec)
}

// hasDevice reports whether a device of an account is known.
func (p *people) hasDevice(a chat.AccountID) bool {
	for _, d := range p.devices {
		if d.account == a {
			return true
		}
	}
	return false
}

// tellDevice tells that an account which was known has another device. Of our own account only those count that came after this one.
func (e *engine) tellDevice(rec *personRecord, cert *trust.Certificate) {
	mine := cert.Account == e.id.account()
	if t := e.moving[cert.Device]; mine && (cert.ListVersion < e.id.cert.ListVersion || t != nil && t.told) { // older than this one, or told by LinkDone
		return
	}
	e.emit(DeviceAdded{Name: rec.Name, Account: cert.Account, Device: cert.Device, Issued: time.UnixMilli(cert.Issued), Mine: mine})
}

// ownDevices asks which devices our account has: after each login, and when the server says that something has changed. Then it sees
// to it that this one is in the list, and that the server has the newest.
func (e *engine) ownDevices() {
	e.who([]chat.AccountID{e.id.account()}, nil, func(err *chat.Error) {
		if err == nil {
			e.listSelf()
		}
	})
}

// listTries is how often a session tries to give its list: another device may be faster each time.
const listTries = 5

func (e *engine) listSelf() {
	a, d := e.id.account(), e.id.device()
	list := e.people.list(a)
	if _, revoked := list.Revoked(d); !revoked && !list.Has(d) {
		if e.id.acct == nil {
			e.cfg.Log.Warn("this device isn't in the list, and can't add itself")
			return
		}
		next, err := list.Change(e.id.acct, trust.ListAdd, d, time.Now().UnixMilli())
		if err != nil {
			e.cfg.Log.Warn("this device can't be added to the list", "err", err)
			return
		}
		list = next
	}
	if list.Version() == 0 || bytes.Equal(list.Marshal(), e.people.served[a]) || e.listing >= listTries {
		return
	}
	e.listing++
	e.putList(list, func(err *chat.Error) {
		if err != nil && err.Code == chat.CodeConflict && e.session != nil {
			e.ownDevices()
		}
	})
}

// putList gives the server our list, and pins it when the server has it.
func (e *engine) putList(list *trust.DeviceList, then func(*chat.Error)) {
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.PutList{Ref: ref, List: list.Marshal()}) }, func(_ wire.Frame, err *chat.Error) {
		a := e.id.account()
		if rec := e.people.accounts[a]; err == nil && rec != nil {
			e.people.served[a] = list.Marshal()
			if list.Extends(e.people.list(a)) {
				e.pinList(a, rec, list)
			}
		}
		then(err)
	})
}

// DeviceView is one of our own devices.
type DeviceView struct {
	Device  chat.DeviceID
	Issued  time.Time // the device's word
	This    bool
	Revoked time.Time // zero: it isn't
	// VouchedBy is the device that has added it to the account's list; zero: the account's key has.
	VouchedBy chat.DeviceID
	Key       bool   // of This: it holds the account's key
	Absent    bool   // it is in the account's list and the server doesn't know it (yet); Issued is then when it was added, as the signer says
	Name      string // what it is called, as far as that is known here; the server doesn't know
}

// Devices implements API.
func (c *Client) Devices(ctx context.Context) ([]DeviceView, error) {
	return do(ctx, c, func(e *engine) ([]DeviceView, error) { return e.devices(), nil })
}

func (e *engine) devices() []DeviceView {
	list, names := e.people.list(e.id.account()), e.deviceNames()
	var all []DeviceView
	for id, d := range e.people.devices {
		if d.account != e.id.account() {
			continue
		}
		v := DeviceView{Device: id, Issued: time.UnixMilli(d.cert.Issued), This: id == e.id.device(), Name: names[id]}
		if at, ok := list.Revoked(id); ok {
			v.Revoked = time.UnixMilli(at)
		}
		v.VouchedBy, _ = list.VouchedBy(id)
		v.Key = v.This && e.id.acct != nil
		all = append(all, v)
	}
	for _, s := range list.Statements() { // who was let in and hasn't come would otherwise wait unseen
		if s.Action == trust.ListAdd && e.people.devices[s.Device] == nil {
			v := DeviceView{Device: s.Device, Issued: time.UnixMilli(s.At), VouchedBy: s.Signer, Absent: true}
			if at, ok := list.Revoked(s.Device); ok {
				v.Revoked = time.UnixMilli(at)
			}
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b DeviceView) int {
		return cmp.Or(a.Issued.Compare(b.Issued), bytes.Compare(a.Device[:], b.Device[:]))
	})
	return all
}

// RevokeDevice implements API.
func (c *Client) RevokeDevice(ctx context.Context, id string) (DeviceView, error) {
	return await(ctx, c, func(e *engine, answer func(DeviceView, error)) {
		e.whenOnline(func(err error) {
			if err != nil {
				answer(DeviceView{}, err)
				return
			}
			e.revoke(e.id.acct, strings.ToLower(id), listTries, answer)
		})
	})
}

// shortest is the least of an ID that names a device, in hexadecimal digits.
const shortest = 4

// revoke takes the account's key, which a person may have typed for this alone: nothing keeps it.
func (e *engine) revoke(account *trust.Account, id string, tries int, answer func(DeviceView, error)) {
	var found []DeviceView
	for _, v := range e.devices() {
		if len(id) >= shortest && strings.HasPrefix(v.Device.String(), id) && v.Revoked.IsZero() {
			found = append(found, v)
		}
	}
	switch {
	case len(found) != 1:
		answer(DeviceView{}, chat.Errorf(chat.CodeNoDevice, "id", id))
		return
	case found[0].This:
		answer(DeviceView{}, chat.Errorf(chat.CodeSelf))
		return
	case account == nil:
		answer(DeviceView{}, chat.Errorf(chat.CodePhraseNeeded, "reason", ReasonRevoke))
		return
	}
	v := found[0]
	now := time.Now().UnixMilli()
	list := e.people.list(e.id.account())
	var err error
	if !list.Has(v.Device) { // it has never been connected with a version that keeps lists
		list, err = list.Change(account, trust.ListAdd, v.Device, now)
	}
	if err == nil {
		list, err = list.Change(account, trust.ListRevoke, v.Device, now)
	}
	if err != nil {
		answer(DeviceView{}, chat.Errorf(chat.CodeNoDevice, "id", id).Because(err))
		return
	}
	e.putList(list, func(err *chat.Error) {
		if err != nil && err.Code == chat.CodeConflict && tries > 0 && e.session != nil { // another device was faster: on with its list
			e.who([]chat.AccountID{e.id.account()}, nil, func(*chat.Error) { e.revoke(account, id, tries-1, answer) })
			return
		}
		v.Revoked = time.UnixMilli(now)
		if err == nil {
			e.removeEverywhere(v.Device)
		}
		e.then(func() { answer(v, orNil(err)) })
	})
}

// removeEverywhere takes a device of ours out of the private rooms in which this one is (PROTOCOL §6: the revoker commits it in every room). Until that is
// committed it could go on reading there.
func (e *engine) removeEverywhere(d chat.DeviceID) {
	for _, r := range e.roomsInOrder() {
		if r.priv != nil && r.priv.g != nil {
			e.want(r, &intent{devices: []chat.DeviceID{d}})
		}
	}
}
