package mls_test

import (
	"bytes"

	"huisclos/mls"
	"huisclos/mls/mlstest"
)

func flip(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)/2] ^= 1
	return b
}

func number(n uint32) *uint32 { return &n }

// external is what alice says of a public message of such a sender, signed by whom the group knows as external sender 0.
func external(s mls.Sender, c mlstest.Content) func(w *world) error {
	return func(w *world) error {
		f := w.forger()
		c := c
		c.GroupID, c.Epoch, c.Sender = f.Context.GroupID, f.Context.Epoch, s
		signer := must(f.Suite.Signer(w.service.Private()))
		return w.sent(f.Frame(&c, mlstest.Wrap{Public: true, Signer: signer}))
	}
}

var service = mls.Sender{Type: mls.SenderExternal}

// framingAttacks: RFC 9420 §6 and §9.
var framingAttacks = []attack{
	{"6/group-id", mls.ErrInvalid, "", func(w *world) error {
		return w.sent(w.forger().Application("x", mlstest.Wrap{Content: func(c *mlstest.Content) { c.GroupID = []byte("other") }}))
	}},
	{"6/application-public", mls.ErrInvalid, "", func(w *world) error {
		return w.sent(w.forger().Application("x", mlstest.Wrap{Public: true}))
	}},
	{"6.1/signature", mls.ErrInvalid, "of application data", func(w *world) error {
		return w.sent(w.forger().Application("x", mlstest.Wrap{Signed: func(a *mlstest.Authenticated) { a.Signature = flip(a.Signature) }}))
	}},
	{"6.1/signature", mls.ErrInvalid, "of another member's name", func(w *world) error {
		f := w.forger()
		return w.sent(f.Application("x", mlstest.Wrap{Content: func(c *mlstest.Content) { c.Sender.Index = 2 }}))
	}},
	{"6.1/signature", mls.ErrInvalid, "of a proposal", func(w *world) error {
		b, _ := w.forger().Propose(&mlstest.Proposal{Type: mls.ProposalRemove, Remove: 2}, mlstest.Wrap{Public: true, Signer: w.forger().Suite.NewSigner()})
		return w.sent(b)
	}},
	{"6.1/signature", mls.ErrInvalid, "of a commit", func(w *world) error {
		return w.sent(w.forger().Commit(mlstest.Plan{Wrap: mlstest.Wrap{Public: true, Signed: func(a *mlstest.Authenticated) { a.Signature = flip(a.Signature) }}}).Message)
	}},
	{"6.1/signature", mls.ErrInvalid, "over the other wire format", func(w *world) error {
		return w.sent(w.forger().Application("x", mlstest.Wrap{Signed: func(a *mlstest.Authenticated) {
			f := w.forger()
			f.Frame(a.Content, mlstest.Wrap{Public: true, Signed: func(b *mlstest.Authenticated) { a.Signature = b.Signature }})
		}}))
	}},
	{"6.1/signature", mls.ErrInvalid, "of an external sender", func(w *world) error {
		f := w.forger()
		c := &mlstest.Content{GroupID: f.Context.GroupID, Epoch: f.Context.Epoch, Sender: service, Type: mls.ContentProposal,
			Proposal: &mlstest.Proposal{Type: mls.ProposalRemove, Remove: 2}}
		return w.sent(f.Frame(c, mlstest.Wrap{Public: true}))
	}},
	{"6.1/sender-blank", mls.ErrInvalid, "", func(w *world) error {
		b, _ := w.forger().Propose(&mlstest.Proposal{Type: mls.ProposalRemove, Remove: 2}, mlstest.Wrap{Public: true, Content: func(c *mlstest.Content) { c.Sender.Index = 6 }})
		return w.sent(b)
	}},
	{"6.1/external-sender", mls.ErrInvalid, "", external(mls.Sender{Type: mls.SenderExternal, Index: 1},
		mlstest.Content{Type: mls.ContentProposal, Proposal: &mlstest.Proposal{Type: mls.ProposalRemove, Remove: 2}})},
	{"6.1/external-content", mls.ErrInvalid, "", external(service, mlstest.Content{Type: mls.ContentCommit, Commit: &mlstest.Commit{}})},
	{"6.1/new-member-content", mls.ErrInvalid, "a proposal as a new member's commit", external(mls.Sender{Type: mls.SenderNewMemberCommit},
		mlstest.Content{Type: mls.ContentProposal, Proposal: &mlstest.Proposal{Type: mls.ProposalRemove, Remove: 2}})},
	{"6.1/new-member-content", mls.ErrInvalid, "a new member's Remove", external(mls.Sender{Type: mls.SenderNewMemberProposal},
		mlstest.Content{Type: mls.ContentProposal, Proposal: &mlstest.Proposal{Type: mls.ProposalRemove, Remove: 2}})},
	{"6.1/confirmation-tag", mls.ErrInvalid, "", func(w *world) error {
		return w.path(mlstest.Plan{Tagged: func(a *mlstest.Authenticated) { a.ConfirmationTag = flip(a.ConfirmationTag) }})
	}},
	{"6.1/confirmation-tag", mls.ErrInvalid, "without a path", func(w *world) error {
		return w.path(mlstest.Plan{NoPath: true, Proposals: mlstest.Values(add(w.stranger("eve", nil))),
			Tagged: func(a *mlstest.Authenticated) { a.ConfirmationTag = nil }})
	}},
	{"6.2/membership-tag", mls.ErrInvalid, "", func(w *world) error {
		return w.sent(w.forger().Commit(mlstest.Plan{Wrap: mlstest.Wrap{Public: true, Tag: flip}}).Message)
	}},
	{"6.2/membership-tag", mls.ErrInvalid, "empty", func(w *world) error {
		return w.sent(w.forger().Commit(mlstest.Plan{Wrap: mlstest.Wrap{Public: true, Tag: func([]byte) []byte { return nil }}}).Message)
	}},
	{"6.3.1/content", mls.ErrInvalid, "", func(w *world) error {
		return w.sent(w.forger().Application("x", mlstest.Wrap{Generation: 1, Claim: number(0)}))
	}},
	{"6.3.1/content", mls.ErrInvalid, "other authenticated data", func(w *world) error {
		return w.sent(w.forger().Application("x", mlstest.Wrap{Private: func(p *mlstest.PrivateMessage) { p.AuthenticatedData = []byte("y") }}))
	}},
	{"6.3.1/padding", mls.ErrMalformed, "", func(w *world) error {
		return w.sent(w.forger().Application("x", mlstest.Wrap{Padding: []byte{0, 0, 1}}))
	}},
	{"6.3.2/sender-data", mls.ErrInvalid, "", func(w *world) error {
		return w.sent(w.forger().Application("x", mlstest.Wrap{Private: func(p *mlstest.PrivateMessage) { p.SenderData = flip(p.SenderData) }}))
	}},
	{"6.3.2/blank-sender", mls.ErrInvalid, "", func(w *world) error {
		return w.sent(w.forger().Application("x", mlstest.Wrap{Leaf: number(6)}))
	}},
	{"6.3.2/blank-sender", mls.ErrInvalid, "outside of the tree", func(w *world) error {
		return w.sent(w.forger().Application("x", mlstest.Wrap{Leaf: number(1<<32 - 1)}))
	}},
	{"9.1/used", mls.ErrReplay, "", func(w *world) error {
		b := w.forger().Application("x", mlstest.Wrap{})
		w.given(b)
		return w.sent(b)
	}},
	{"9.1/used", mls.ErrReplay, "another message under the same key", func(w *world) error {
		w.given(w.forger().Application("x", mlstest.Wrap{Generation: 3}))
		w.given(w.forger().Application("y", mlstest.Wrap{Generation: 2}))
		return w.sent(w.forger().Application("z", mlstest.Wrap{Generation: 2}))
	}},
	{"9.1/forward", mls.ErrTooFar, "", func(w *world) error {
		return w.sent(w.forger().Application("x", mlstest.Wrap{Claim: number(1<<32 - 1)}))
	}},
	{"12.4.2/epoch", mls.ErrFutureEpoch, "ahead", func(w *world) error {
		return w.sent(w.forger().Commit(mlstest.Plan{Wrap: mlstest.Wrap{Content: func(c *mlstest.Content) { c.Epoch++ }}}).Message)
	}},
	{"12.4.2/epoch", mls.ErrPastEpoch, "a public commit", func(w *world) error {
		return w.sent(w.forger().Commit(mlstest.Plan{Wrap: mlstest.Wrap{Public: true, Content: func(c *mlstest.Content) { c.Epoch-- }}}).Message)
	}},
	{"12.4.2/epoch", mls.ErrPastEpoch, "a private proposal", func(w *world) error {
		b, _ := w.forger().Propose(&mlstest.Proposal{Type: mls.ProposalRemove, Remove: 2}, mlstest.Wrap{})
		w.step(w.carol, mls.CommitOptions{}, w.all...)
		return w.sent(b)
	}},
	{"12.4.2/epoch", mls.ErrPastEpoch, "a commit that was accepted", func(w *world) error {
		b := w.forger().Commit(mlstest.Plan{}).Message
		w.given(b)
		return w.sent(b)
	}},
	{"12.4.2/epoch", mls.ErrPastEpoch, "keys that are gone", func(w *world) error {
		b := w.forger().Application("x", mlstest.Wrap{})
		for range 6 {
			w.step(w.carol, mls.CommitOptions{}, w.all...)
		}
		return w.sent(b)
	}},
}
