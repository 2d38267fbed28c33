package access

import (
	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// NewRecovery begins a visit for an account's backup: Hello, Challenge, Recover, Recovered. With the zero fingerprint it isn't known which server
// it is: then it is a stranger's visit, and the caller finds out by the backup. Nothing secret is sent: the account's ID, and its signature, which
// is of no use on another connection.
func NewRecovery(server chat.Fingerprint, software string) *Client {
	if server.IsZero() {
		return NewStranger(software)
	}
	return NewClient(server, software)
}

// Recover is the second frame to send.
func (c *Client) Recover(a *trust.Account) []byte {
	if c.step != stepChallenged {
		panic("access: Recover before Challenge")
	}
	c.step = stepAuth
	tr := TR(c.t0, c.sigS, a.ID())
	return wire.Encode(&wire.Recover{Account: a.ID(), Sig: a.Sign(LabelRecover, tr[:])})
}

// Recovered reads the answer. Its errors are what the server says: CodeNoAccount, CodeBanned, …
func (c *Client) Recovered(raw []byte) (wire.Recovered, error) {
	if c.step != stepAuth {
		return wire.Recovered{}, chat.Errorf(chat.CodeInternal)
	}
	c.step = stepOver
	f, err := answer[*wire.Recovered](raw)
	if err != nil {
		return wire.Recovered{}, err
	}
	return *f, nil
}

// IsRecover reports whether a client's second frame asks for a backup instead of a login.
func IsRecover(raw []byte) bool {
	f, err := wire.Decode(raw)
	_, ok := f.(*wire.Recover)
	return err == nil && ok
}

// Recover reads the second frame of a client that asks for a backup, in the place of Auth, and returns the account that has proven to ask.
// Whether it is known, and welcome, is for the store to say. CodeAuth, CodeFrame.
func (s *Server) Recover(raw []byte) (chat.AccountID, error) {
	if s.step != stepChallenged {
		return chat.AccountID{}, chat.Errorf(chat.CodeFrame)
	}
	s.step = stepOver
	f, err := wire.Decode(raw)
	if err != nil {
		return chat.AccountID{}, err
	}
	r, ok := f.(*wire.Recover)
	if !ok {
		return chat.AccountID{}, chat.Errorf(chat.CodeFrame)
	}
	tr := TR(s.t0, s.sigS, r.Account)
	if !trust.Verify(r.Account, LabelRecover, tr[:], r.Sig) {
		return chat.AccountID{}, chat.Errorf(chat.CodeAuth)
	}
	return r.Account, nil
}
