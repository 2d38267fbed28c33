package client

import (
	"context"
	"time"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// Trust is how well we know that an account is the person's whose name it has.
type Trust string

const (
	// TrustSeen: pinned at the first sight, on the server's word. A newcomer sees whom the server shows.
	TrustSeen Trust = "seen"
	// TrustVerified: compared with the person by a way that the server isn't on.
	TrustVerified Trust = "verified"
	// TrustChanged: another account had this name here before, or claims it now.
	TrustChanged Trust = "changed"
)

// How somebody was verified: SafetyView.By.
const (
	// ByPerson: a person compared the numbers, and said so.
	ByPerson = "person"
	// ByNumber: the program compared them: the other's number was typed, or pasted, or read from a QR code.
	ByNumber = "number"
	// ByCode: one of the two has said an invitation code to the other.
	ByCode = "code"
)

// SafetyView is what two people compare.
type SafetyView struct {
	Account chat.AccountID
	Name    string
	Number  string // trust.SafetyNumber
	Code    string // trust.SafetyCode, for a QR code
	Trust   Trust
	At      time.Time // since when verified; zero when it isn't
	By      string    // how: ByPerson, ByNumber, ByCode
}

// trust is what we know of a pinned account.
func (p *people) trust(a chat.AccountID) Trust {
	if err := p.refused[a]; err != nil && err.Code == chat.CodeIdentityChange {
		return TrustChanged
	}
	if rec := p.accounts[a]; rec != nil {
		return rec.trust()
	}
	return TrustSeen
}

func (rec *personRecord) trust() Trust {
	switch {
	case rec.Verified > 0:
		return TrustVerified
	case rec.Changed:
		return TrustChanged
	}
	return TrustSeen
}

// verify notes that the account was verified, and how.
func (rec *personRecord) verify(how string, at time.Time) {
	rec.Verified, rec.VerifiedBy, rec.Changed = at.UnixMilli(), how, false
}

// wasVerified reports whether the account that has a name here is verified.
func (p *people) wasVerified(w *wire.Person) bool {
	rec := p.accounts[w.Account]
	if rec == nil || rec.Name == w.Name {
		rec = p.accounts[p.names[trust.FoldName(w.Name)]]
	}
	return rec != nil && rec.Verified > 0
}

// Safety implements API.
func (c *Client) Safety(ctx context.Context, name string) (SafetyView, error) {
	return await(ctx, c, func(e *engine, answer func(SafetyView, error)) {
		e.findPerson(name, func(a chat.AccountID, err *chat.Error) {
			if err != nil {
				answer(SafetyView{}, err)
				return
			}
			answer(e.safety(a), nil)
		})
	})
}

// Verify implements API.
func (c *Client) Verify(ctx context.Context, name, number string) (SafetyView, error) {
	return c.changeTrust(ctx, name, func(e *engine, a chat.AccountID) *chat.Error {
		by := ByPerson
		if number != "" {
			server, typed, err := trust.ParseSafety(number)
			if err != nil {
				return chat.Errorf(chat.CodeSafetyForm).Because(err)
			}
			if !server.IsZero() && server != e.self.Server || typed != e.safety(a).Number {
				return chat.Errorf(chat.CodeSafetyOther, "name", e.people.name(a))
			}
			by = ByNumber
		}
		e.people.accounts[a].verify(by, time.Now())
		return nil
	})
}

// Unverify implements API.
func (c *Client) Unverify(ctx context.Context, name string) (SafetyView, error) {
	return c.changeTrust(ctx, name, func(e *engine, a chat.AccountID) *chat.Error {
		rec := e.people.accounts[a]
		rec.Verified, rec.VerifiedBy = 0, ""
		return nil
	})
}

// changeTrust finds somebody, changes what we hold of them, and answers when that is kept.
func (c *Client) changeTrust(ctx context.Context, name string, change func(*engine, chat.AccountID) *chat.Error) (SafetyView, error) {
	return await(ctx, c, func(e *engine, answer func(SafetyView, error)) {
		e.findPerson(name, func(a chat.AccountID, err *chat.Error) {
			if err == nil {
				err = change(e, a)
			}
			if err != nil {
				answer(SafetyView{}, err)
				return
			}
			e.put(TablePeople, a[:], e.people.accounts[a])
			e.stage.durable = true
			v := e.safety(a)
			e.then(func() { answer(v, nil) })
		})
	})
}

func (e *engine) safety(a chat.AccountID) SafetyView {
	rec := e.people.accounts[a]
	v := SafetyView{Account: a, Name: rec.Name, Number: trust.SafetyNumber(e.self.Server, e.id.account(), a), Trust: e.people.trust(a), By: rec.VerifiedBy}
	v.Code = trust.SafetyCode(e.self.Server, v.Number)
	if rec.Verified > 0 {
		v.At = time.UnixMilli(rec.Verified)
	}
	return v
}

// findPerson finds the account that a name means here. Where there is a connection the server is asked too: a number that is
// compared while it shows another account under the name would be of no use. CodeNoSuchPerson, CodeSelf, CodeIdentityChange.
func (e *engine) findPerson(name string, then func(chat.AccountID, *chat.Error)) {
	name = trust.NormalizeName(name)
	found := func() {
		a, ok := e.people.names[trust.FoldName(name)]
		switch {
		case !ok:
			then(a, chat.Errorf(chat.CodeNoSuchPerson, "name", name))
		case a == e.id.account():
			then(a, chat.Errorf(chat.CodeSelf))
		default:
			then(a, nil)
		}
	}
	if e.session == nil {
		found()
		return
	}
	names := []string{name}
	if a, ok := e.people.names[trust.FoldName(name)]; ok {
		names[0] = e.people.name(a) // the server finds names by their bytes
	} else if folded := trust.FoldName(name); folded != name {
		names = append(names, folded)
	}
	e.ask(func(ref uint64) []byte {
		return wire.Encode(&wire.Who{Ref: ref, Names: names})
	}, func(f wire.Frame, err *chat.Error) {
		answer, ok := f.(*wire.People)
		if err != nil || !ok { // the connection went meanwhile: what we hold counts
			found()
			return
		}
		for i := range answer.People {
			w := &answer.People[i]
			e.meet(w)
			if refused := e.people.refused[w.Account]; refused != nil {
				then(w.Account, refused)
				return
			}
		}
		found()
	})
}
