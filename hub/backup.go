package hub

import (
	"context"
	"strconv"
	"time"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// BackupStore is the part of Store that keeps what accounts come back with after the loss of their devices (PROTOCOL §8).
type BackupStore interface {
	// PutBackup stores an account's backup in the place of the one before. CodeConflict (serial, of the one that is there) unless its
	// Serial, below 2^63, is greater; CodeNoAccount.
	PutBackup(ctx context.Context, account chat.AccountID, b Backup) error
	// Backup reads it; with Serial 0 there is none.
	Backup(ctx context.Context, account chat.AccountID) (Backup, error)
	// PutDeviceList stores an account's device list, which continues the version After that is there (0: none). CodeConflict (version, of the one that is there) when
	// another is, CodeNoAccount. The account's devices in Revoked can neither log in nor append any more, and nothing waits for them.
	PutDeviceList(ctx context.Context, account chat.AccountID, l DeviceList, a Audit) error
}

// DeviceList is the next list of an account, as the hub has verified it.
type DeviceList struct {
	Version, After uint64
	List           []byte
	Revoked        []chat.DeviceID // since After
}

// Backup is sealed by its account.
type Backup struct {
	Serial uint64
	At     time.Time
	Sealed []byte
}

// backupRequest is request for backups. handled is false for another frame.
func (s *Session) backupRequest(f wire.Frame) (ref uint64, answer []byte, err error, handled bool) { //nolint:revive // err isn't last: it goes with the first two
	switch f := f.(type) {
	case *wire.PutBackup:
		answer, err = s.putBackup(f)
		return f.Ref, answer, err, true
	case *wire.GetBackup:
		b, err := s.hub.store.Backup(s.ctx, s.peer.Account)
		if err != nil {
			return f.Ref, nil, err, true
		}
		return f.Ref, wire.Encode(&wire.Backup{Ref: f.Ref, Serial: b.Serial, Time: b.At.UnixMilli(), Sealed: b.Sealed}), nil, true
	}
	if f, ok := f.(*wire.PutList); ok {
		answer, err = s.putList(f)
		return f.Ref, answer, err, true
	}
	return 0, nil, nil, false
}

// putList takes a device list that continues the one that is there, and puts out the devices that it revokes. The server looks into it so that a device can't be
// revoked by anybody else, and so that one that can't be right isn't handed to everybody; clients don't rely on that.
func (s *Session) putList(f *wire.PutList) ([]byte, error) {
	h, account := s.hub, s.peer.Account
	if h.rates.wait(s.ctx, account, h.limits()) != nil {
		return nil, chat.Errorf(chat.CodeRate)
	}
	next, err := trust.ParseDeviceList(h.server, account, f.List)
	if err != nil {
		return nil, chat.Errorf(chat.CodeAuth).Because(err)
	}
	people, err := h.store.People(s.ctx, []chat.AccountID{account}, nil, nil)
	if err != nil {
		return nil, err
	}
	old := trust.NewDeviceList(h.server, account)
	if len(people) == 1 && len(people[0].List) > 0 {
		if old, err = trust.ParseDeviceList(h.server, account, people[0].List); err != nil {
			return nil, chat.Errorf(chat.CodeStorage).Because(err)
		}
	}
	switch {
	case next.Same(old):
		return wire.Encode(&wire.Done{Ref: f.Ref}), nil
	case !next.Extends(old):
		return nil, chat.Errorf(chat.CodeConflict, "version", strconv.FormatUint(old.Version(), 10))
	}
	l := DeviceList{Version: next.Version(), After: old.Version(), List: f.List}
	for _, st := range next.Statements()[old.Version():] {
		if st.Action == trust.ListRevoke {
			l.Revoked = append(l.Revoked, st.Device)
		}
	}
	if err := h.store.PutDeviceList(s.ctx, account, l, Audit{Actor: account.String(), Action: "devices", Detail: strconv.FormatUint(l.Version, 10), At: time.Now()}); err != nil {
		return nil, err
	}
	for _, d := range l.Revoked {
		if o := h.device(d); o != nil && o.peer.Account == account {
			o.conn.Close(wire.Encode(&wire.Bye{Code: chat.CodeRevoked}))
			o.cancel()
		}
	}
	h.deviceJoined(account, s.peer.Device)
	return wire.Encode(&wire.Done{Ref: f.Ref}), nil
}

// putBackup counts as messages of its size, so that nobody keeps the disk busy with it.
func (s *Session) putBackup(f *wire.PutBackup) ([]byte, error) {
	if s.hub.rates.waitFor(s.ctx, s.peer.Account, s.hub.limits(), len(f.Sealed)) != nil {
		return nil, chat.Errorf(chat.CodeRate)
	}
	err := s.hub.store.PutBackup(s.ctx, s.peer.Account, Backup{Serial: f.Serial, At: time.Now(), Sealed: f.Sealed})
	if err != nil {
		return nil, err
	}
	return wire.Encode(&wire.Done{Ref: f.Ref}), nil
}

// deviceJoined tells an account's other devices that something has changed among them: one has enrolled, or the list is another.
func (h *Hub) deviceJoined(account chat.AccountID, device chat.DeviceID) {
	frame := wire.Encode(&wire.Devices{Account: account})
	h.mu.RLock()
	defer h.mu.RUnlock()
	for s := range h.accounts[account] {
		if s.peer.Device != device && !s.over() {
			s.conn.Push(frame)
		}
	}
}
