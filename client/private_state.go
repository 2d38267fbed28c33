package client

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"strconv"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// roomState is what the members of a private room agree on besides who they are. It travels encrypted: to newcomers in the Welcome, to the
// others as a message of its own before the commit that puts its hash into the group context.
type roomState struct {
	_       struct{} `cbor:",toarray"`
	Version uint     // 1
	Number  uint64   // counts the states of a room, from 1
	Name    string   // as its maker gave it; empty for a direct conversation
	Topic   string
	Direct  bool
	Roles   []roleOf // of those who aren't plain members, in the order of the accounts
	History int32    // what newcomers are given: 0 nothing, n > 0 the last n days, -1 all
	Expiry  uint32   // seconds after which messages go; 0: never
	Slow    uint32   // seconds between two messages of one plain member; 0: none
	Muted   []chat.AccountID
	Banned  []chat.AccountID
	Salt    [16]byte // random in each state: its hash, which the server sees, tells nothing of it
}

// roleOf is one member's role.
type roleOf struct {
	_       struct{} `cbor:",toarray"`
	Account chat.AccountID
	Role    Role
}

// Role of a member in a private room.
type Role uint8

const (
	// Plain may write and invite.
	Plain Role = 0
	// Moderator may also remove, mute and ban plain members, and change the topic.
	Moderator Role = 1
	// RoleOwner may do everything.
	RoleOwner Role = 2
)

// The bounds of a room's state.
const (
	maxTopic  = 512  // bytes
	maxListed = 1000 // accounts with a role, muted or banned, each
	maxState  = 128 << 10
)

var errState = errors.New("client: not the state of a private room")

// parseState reads a room's state strictly.
func parseState(b []byte) (roomState, error) {
	var s roomState
	if len(b) > maxState || wire.UnmarshalStrict(b, &s) != nil || !s.valid() {
		return roomState{}, errState
	}
	return s, nil
}

func (s *roomState) valid() bool {
	if s.Version != 1 || s.Number == 0 || len(s.Topic) > maxTopic || s.History < pastAll || s.History > MaxPastDays || s.Slow > wire.MaxSlow || !isLife(s.Expiry) {
		return false
	}
	if s.Direct != (s.Name == "") {
		return false
	}
	if name, err := chat.RoomName(s.Name); !s.Direct && (err != nil || name != s.Name) {
		return false
	}
	ordered := slices.IsSortedFunc(s.Roles, func(a, b roleOf) int { return slices.Compare(a.Account[:], b.Account[:]) })
	for i, r := range s.Roles {
		if r.Account.IsZero() || r.Role != Moderator && r.Role != RoleOwner || i > 0 && s.Roles[i-1].Account == r.Account {
			return false
		}
	}
	return ordered && len(s.Roles) <= maxListed && isSet(s.Muted) && isSet(s.Banned)
}

// isSet: no account twice nor zero, in the order of their bytes, and not too many.
func isSet(accounts []chat.AccountID) bool {
	for i, a := range accounts {
		if a.IsZero() || i > 0 && slices.Compare(accounts[i-1][:], a[:]) >= 0 {
			return false
		}
	}
	return len(accounts) <= maxListed
}

// difference says what has changed from one state to the next.
func (s *roomState) difference(next *roomState) (all []aboutRecord) {
	if s.History != next.History {
		all = append(all, aboutRecord{What: AboutPast, Value: strconv.Itoa(int(next.History))})
	}
	if s.Slow != next.Slow {
		all = append(all, aboutRecord{What: AboutSlow, Value: strconv.FormatUint(uint64(next.Slow), 10)})
	}
	if s.Expiry != next.Expiry {
		all = append(all, aboutRecord{What: AboutExpiry, Value: strconv.FormatUint(uint64(next.Expiry), 10)})
	}
	if s.Topic != next.Topic {
		all = append(all, aboutRecord{What: AboutTopic, Value: next.Topic})
	}
	for _, r := range next.Roles {
		if s.role(r.Account) != r.Role {
			all = append(all, aboutRecord{What: AboutRole, Account: r.Account, Value: string([]byte{byte(r.Role)})})
		}
	}
	for _, r := range s.Roles {
		if next.role(r.Account) == Plain {
			all = append(all, aboutRecord{What: AboutRole, Account: r.Account, Value: string([]byte{byte(Plain)})})
		}
	}
	sets := func(old, now []chat.AccountID, in, out About) {
		for _, a := range now {
			if !slices.Contains(old, a) {
				all = append(all, aboutRecord{What: in, Account: a})
			}
		}
		for _, a := range old {
			if !slices.Contains(now, a) {
				all = append(all, aboutRecord{What: out, Account: a})
			}
		}
	}
	sets(s.Muted, next.Muted, AboutMuted, AboutUnmuted)
	sets(s.Banned, next.Banned, AboutBanned, AboutUnbanned)
	return all
}

// salted gives a state a fresh salt.
func (s roomState) salted() roomState {
	_, _ = rand.Read(s.Salt[:]) // never fails
	return s
}

func (s *roomState) marshal() []byte { return wire.Marshal(s) }

// hash is what stands in the group context.
func (s *roomState) hash() [32]byte { return sha256.Sum256(s.marshal()) }

// role of an account.
func (s *roomState) role(a chat.AccountID) Role {
	for _, r := range s.Roles {
		if r.Account == a {
			return r.Role
		}
	}
	return Plain
}

// with gives a member another role, on a copy.
func (s *roomState) with(a chat.AccountID, role Role) roomState {
	next := *s
	next.Roles = slices.DeleteFunc(slices.Clone(s.Roles), func(r roleOf) bool { return r.Account == a })
	if role != Plain {
		next.Roles = append(next.Roles, roleOf{Account: a, Role: role})
		slices.SortFunc(next.Roles, func(a, b roleOf) int { return slices.Compare(a.Account[:], b.Account[:]) })
	}
	return next
}

// setTo puts an account into a set or takes it out, on a copy.
func setTo(set []chat.AccountID, a chat.AccountID, in bool) []chat.AccountID {
	set = slices.DeleteFunc(slices.Clone(set), func(x chat.AccountID) bool { return x == a })
	if in {
		set = append(set, a)
		slices.SortFunc(set, func(a, b chat.AccountID) int { return slices.Compare(a[:], b[:]) })
	}
	return set
}

// stateHash is the hash that a group context has.
func stateHash(x mls.Extensions) ([32]byte, bool) {
	data, ok := x.Get(extensionState)
	if !ok || len(data) != sha256.Size {
		return [32]byte{}, false
	}
	return [32]byte(data), true
}

func stateExtensions(s *roomState) mls.Extensions {
	hash := s.hash()
	return mls.Extensions{}.With(extensionState, hash[:])
}

// The rules of a room that a commit or a proposal may break. All members compute them alike, from the state of the epoch before.
var (
	errRole     = errors.New("client: this member's role doesn't allow that")
	errBanned   = errors.New("client: somebody who is banned from the room")
	errUnshown  = errors.New("client: a commit to a state of the room that nobody was told")
	errStranger = errors.New("client: an external commit of somebody who isn't a member")
	errKind     = errors.New("client: a proposal of a kind that has no place in a room")
)

// permits says why a proposal, made by an account, isn't allowed; nil when it is.
func (p *private) permits(by chat.AccountID, q *mls.Proposal) error {
	if p.lacksState() {
		return permitsUnjudged(q)
	}
	switch q.Type {
	case mls.ProposalAdd:
		a := leafOf(q.Add.Leaf).Account
		switch {
		case slices.Contains(p.state.Banned, a):
			return errBanned
		case p.state.Direct && p.devices[a] == 0 && len(p.devices) >= 2:
			return errRole
		case p.devices[a] == 0 && p.state.role(a) > p.state.role(by): // a role outlives its member: only who has one as high lets him in again
			return errRole
		}
		return nil
	case mls.ProposalUpdate:
		return nil
	case mls.ProposalRemove:
		return p.permitsRemoval(by, leafOf(p.g.Leaf(q.Remove)).Account)
	case mls.ProposalGroupContextExtensions:
		return p.permitsState(by, q.Extensions)
	case mls.ProposalPSK, mls.ProposalReInit, mls.ProposalExternalInit:
	}
	return errKind
}

// permitsRemoval: anyone may remove devices of his own account, a moderator plain members, an owner everybody.
func (p *private) permitsRemoval(by, whom chat.AccountID) error {
	if by == whom || p.state.role(by) > p.state.role(whom) || p.state.role(by) == RoleOwner {
		return nil
	}
	return errRole
}

// offered keeps a state that was told in the epoch that there is: a commit may put it in force.
func (e *engine) offered(r *room, epoch uint64, s roomState) {
	p := r.priv
	if epoch != p.g.Epoch() || len(p.offers) >= maxOffers {
		return
	}
	hash := s.hash()
	p.offers[hash] = s
	e.stage.set(TableOffers, append(r.id[:len(r.id):len(r.id)], hash[:]...), s.marshal())
}

// told tells whether a state was.
func (p *private) told(s *roomState) bool {
	_, ok := p.offers[s.hash()]
	return ok
}

// clearOffers forgets what was told in an epoch that is over.
func (e *engine) clearOffers(r *room) {
	for hash := range r.priv.offers {
		e.stage.set(TableOffers, append(r.id[:len(r.id):len(r.id)], hash[:]...), nil)
	}
	clear(r.priv.offers)
}

// loadOffers reads what was told in the epoch that there is.
func (e *engine) loadOffers(r *room) error {
	return e.vault.View(func(v Reader) error {
		from, to := roomRange(r.id)
		return v.Scan(TableOffers, from, to, false, func(_, value []byte) (bool, error) {
			s, err := parseState(value)
			if err != nil {
				return false, chat.Errorf(chat.CodeVaultNewer).Because(err)
			}
			r.priv.offers[s.hash()] = s
			return true, nil
		})
	})
}

// permitsState: only a state that was told in this epoch, the next one in number; moderators change everything but roles.
func (p *private) permitsState(by chat.AccountID, x mls.Extensions) error {
	hash, ok := stateHash(x)
	next, told := p.offers[hash]
	if !ok || !told || len(x) != 1 || next.Number != p.state.Number+1 || next.Direct != p.state.Direct {
		return errUnshown
	}
	switch p.state.role(by) {
	case RoleOwner:
		if slices.ContainsFunc(next.Roles, func(r roleOf) bool { return r.Role == RoleOwner && p.devices[r.Account] > 0 }) || p.state.Direct {
			return nil
		}
	case Moderator:
		if p.plainOnly(p.state.Muted, next.Muted) && p.plainOnly(p.state.Banned, next.Banned) && slices.Equal(next.Roles, p.state.Roles) && next.Name == p.state.Name && next.History == p.state.History && next.Expiry == p.state.Expiry {
			return nil
		}
	case Plain: // the two of a direct conversation have no roles
		vanishing := next
		vanishing.Number, vanishing.Salt, vanishing.Expiry = p.state.Number, p.state.Salt, p.state.Expiry
		if p.state.Direct && vanishing.hash() == p.state.hash() {
			return nil
		}
	}
	return errRole
}

// plainOnly tells whether whoever is new in a set, or gone from it, is a plain member.
func (p *private) plainOnly(old, next []chat.AccountID) bool {
	for _, a := range append(slices.Clone(old), next...) {
		if slices.Contains(old, a) != slices.Contains(next, a) && p.state.role(a) != Plain {
			return false
		}
	}
	return true
}

// permitsCommit checks a whole commit of somebody else.
func (p *private) permitsCommit(c *mls.StagedCommit) error {
	if c.External() {
		return p.permitsReturn(c)
	}
	if m := p.changeOf(c); p.state.Direct {
		both := make(map[chat.AccountID]bool)
		for a := range p.devices {
			both[a] = true
		}
		for _, a := range m.added {
			both[a] = true
		}
		if len(both) > 2 {
			return errRole
		}
	}
	for _, q := range c.Proposals() {
		by := leafOf(p.g.Leaf(mls.LeafIndex(q.Sender.Index))).Account
		if q.Sender.Type != mls.SenderMember {
			return errStranger
		}
		if err := p.permits(by, q.Proposal); err != nil {
			return err
		}
	}
	return nil
}

// permitsReturn checks an external commit: of an account that is in the group, which removes nothing but this device's older leaf.
func (p *private) permitsReturn(c *mls.StagedCommit) error {
	now := leafOf(c.Path())
	if p.devices[now.Account] == 0 {
		return errStranger
	}
	for _, q := range c.Proposals() {
		switch q.Proposal.Type {
		case mls.ProposalExternalInit:
		case mls.ProposalRemove:
			if leafOf(p.g.Leaf(q.Proposal.Remove)).Device != now.Device {
				return errStranger
			}
		default:
			return errKind
		}
	}
	return nil
}
