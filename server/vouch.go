package server

import (
	"context"
	"errors"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/hub"
	"huisclos/trust"
	"huisclos/wire"
)

// enrolTries is how often an enrolment is begun anew because the account's list changes under it.
const enrolTries = 5

// enrol records a newcomer. One that another device has vouched for must be in the account's list as the store has it when it is recorded: its voucher has put the list
// there before. CodeUnlisted, CodeRevoked, and what Store.Enrol says.
func (s *Server) enrol(ctx context.Context, claim access.Claim, now time.Time) (hub.Login, error) {
	b := &claim.Body
	if !claim.Proven {
		if err := s.vouched(ctx, b); err != nil {
			return hub.Login{}, err
		}
	}
	e := hub.Enrolment{
		Account: b.Account, Device: b.Device, Certificate: b.Certificate, ListVersion: b.ListVersion,
		Name: b.Name, Folded: trust.FoldName(b.Name), Skeleton: trust.Skeleton(b.Name), NameSig: b.NameSig,
		Generation: b.Generation, Unproven: !claim.Proven, At: now,
	}
	var login hub.Login
	var err error
	for range enrolTries {
		if e.List, err = s.listed(ctx, &claim.Certificate, b); err != nil {
			return hub.Login{}, err
		}
		login, err = s.config.Store.Enrol(ctx, e)
		if !errors.Is(err, chat.CodeConflict) {
			break
		}
	}
	return login, err
}

// listed looks for a device in its account's list, and gives the list's version; 0 for one that the account itself has certified.
func (s *Server) listed(ctx context.Context, c *trust.Certificate, b *wire.Body) (uint64, error) {
	if c.Voucher.IsZero() {
		return 0, nil
	}
	people, err := s.config.Store.People(ctx, []chat.AccountID{b.Account}, nil, nil)
	if err != nil {
		return 0, err
	}
	if len(people) == 0 || len(people[0].List) == 0 {
		return 0, chat.Errorf(chat.CodeUnlisted)
	}
	list, err := trust.ParseDeviceList(s.Fingerprint(), b.Account, people[0].List)
	if err != nil {
		return 0, chat.Errorf(chat.CodeStorage).Because(err)
	}
	if _, revoked := list.Revoked(b.Device); revoked {
		return 0, chat.Errorf(chat.CodeRevoked)
	}
	if !list.Vouches(c) {
		return 0, chat.Errorf(chat.CodeUnlisted)
	}
	return list.Version(), nil
}
