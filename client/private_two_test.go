package client

import (
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/trust"
)

// everybody is an authentication service that takes all.
type everybody struct{}

func (everybody) ValidateMember(*mls.LeafNode) error              { return nil }
func (everybody) ValidateSuccessor(_, _ *mls.LeafNode) error      { return nil }
func (everybody) ValidateExternalSender(mls.ExternalSender) error { return nil }
func (everybody) ClientID(l *mls.LeafNode) []byte                 { return l.SignatureKey }

// groupOf makes a group of n accounts, in a room of a state.
func groupOf(t *testing.T, n int, s *roomState) *mls.Group {
	t.Helper()
	var g *mls.Group
	cfg := &mls.Config{Validator: everybody{}, Now: time.Now, Suites: []mls.CipherSuite{suite}, Extensions: []mls.ExtensionType{extensionState, extensionRoom, mls.ExtensionLastResort}, Credentials: []mls.CredentialType{mls.CredentialBasic}}
	nothing := func(mls.Changes) error { return nil }
	var o mls.CommitOptions
	for range n {
		key, err := cfg.NewSignatureKey(suite)
		if err != nil {
			t.Fatal(err)
		}
		leaf := trust.NewDevice().SignLeaf(chat.Fingerprint{1}, trust.NewAccount().ID(), 1, key.Public())
		credential := mls.BasicCredential(leaf.Marshal())
		if g == nil {
			if g, err = cfg.Create(suite, key, credential, mls.GroupOptions{ID: []byte("a group"), Extensions: stateExtensions(s)}, nothing); err != nil {
				t.Fatal(err)
			}
			continue
		}
		k, err := cfg.NewKeyPackage(suite, key, credential, mls.KeyPackageOptions{})
		if err != nil {
			t.Fatal(err)
		}
		o.Proposals = append(o.Proposals, &mls.Proposal{Type: mls.ProposalAdd, Add: k.Package})
	}
	pending, err := g.Commit(o, func(*mls.Pending, mls.Changes) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := pending.Accept(nothing); err != nil {
		t.Fatal(err)
	}
	return g
}

// A state that says that a group is a conversation between two isn't taken in a group of three.
func TestADirectConversationIsOfTwo(t *testing.T) {
	for n, taken := range map[int]bool{2: true, 3: false} {
		told := roomState{Version: 1, Number: 4, Direct: true}
		e := &engine{stage: newStage(), dirty: make(map[*room]struct{})}
		r := newRoom(chat.RoomID{1}, "")
		p := r.private()
		p.g, p.state = groupOf(t, n, &told), roomState{Version: 1, Number: 3, Direct: true}
		e.missingState(r, told, chat.AccountID{2})
		if (p.state.Number == told.Number) != taken {
			t.Errorf("in a group of %d the state is %+v", n, p.state)
		}
	}
}
