package mls

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/state anew: only for a new version of the state's form, beside the old ones")

// frozen is a member's state as some version wrote it, with what must come of it.
type frozen struct {
	Suite         CipherSuite         `json:"cipher_suite"`
	Records       map[string]hexBytes `json:"records"`
	Authenticator hexBytes            `json:"epoch_authenticator"`
	Tree          hexBytes            `json:"tree"`
	Pending       hexBytes            `json:"pending_commit"` // a commit of his own that waits
	PendingThen   hexBytes            `json:"pending_epoch"`  // the authenticator of the epoch that it begins
	Messages      []frozenMessage     `json:"messages"`       // in this order: late, of a past epoch, current
	Used          hexBytes            `json:"used_message"`   // one that was accepted before
	Commit        hexBytes            `json:"commit"`         // another member's
	CommitThen    hexBytes            `json:"commit_epoch"`   // the authenticator after it
}

type frozenMessage struct {
	Message hexBytes `json:"message"`
	Text    string   `json:"text"`
}

// What earlier versions wrote, later ones must read. The files are never written anew; a new form gets new ones.
func TestFrozenStates(t *testing.T) {
	if *update {
		for _, id := range []CipherSuite{X25519AES128SHA256Ed25519, P521AES256SHA512P521, MLKEM768X25519AES256SHA384Ed25519} {
			writeFrozen(t, id)
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "state", "v*.json"))
	if err != nil || len(files) < 3 {
		t.Fatal("the frozen states are missing", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { testFrozen(t, file) })
	}
}

func testFrozen(t *testing.T, file string) {
	b := must(os.ReadFile(file))(t)
	var f frozen
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	load := func() *client {
		c := newClient(t, f.Suite, "alice")
		for k, v := range f.Records {
			c.disk[k] = v
		}
		c.restart()
		return c
	}
	c := load()
	same(t, "authenticator", c.g.Authenticator(), f.Authenticator)
	same(t, "tree", c.g.Tree(), f.Tree)
	same(t, "pending commit", c.g.Pending().Message(), f.Pending)
	same(t, "its epoch", c.g.Pending().Authenticator(), f.PendingThen)
	if len(c.g.Proposals()) != 1 {
		t.Fatal("the queued proposal is gone")
	}
	for _, m := range f.Messages {
		same(t, "text", c.mustReceive(m.Message), []byte(m.Text))
	}
	if _, err := c.receive(f.Used); !is(err, ErrReplay) {
		t.Fatal("a used message again:", err)
	}
	c.mustReceive(f.Commit) // somebody else was faster
	same(t, "the other commit's epoch", c.g.Authenticator(), f.CommitThen)

	c = load()
	if err := c.g.Pending().Accept(c.save); err != nil {
		t.Fatal(err)
	}
	same(t, "the own commit's epoch", c.g.Authenticator(), f.PendingThen)
	again := must(c.cfg.Load(maps.Clone(c.disk)))(t)
	same(t, "on disk", again.Authenticator(), f.PendingThen)
}

// writeFrozen makes a state in which there is one of everything.
func writeFrozen(t *testing.T, id CipherSuite) {
	alice, bob, carol := newClient(t, id, "alice"), newClient(t, id, "bob"), newClient(t, id, "carol")
	alice.create(GroupOptions{ID: []byte("frozen")})
	alice.add(bob)
	p := bob.add(carol)
	alice.mustReceive(p.Message())
	old := []string{"first", "second", "third"}
	var sent [][]byte
	for _, text := range old {
		sent = append(sent, bob.send(text))
	}
	p = carol.commit(CommitOptions{})
	alice.mustReceive(p.Message())
	bob.mustReceive(p.Message())
	used := carol.send("used")
	late := carol.send("late")
	alice.mustReceive(used)
	alice.mustReceive(carol.send("after it"))
	alice.mustReceive(sent[1]) // of the past epoch: the first stays behind as a skipped key
	current := bob.send("current")
	u := must(bob.g.ProposeUpdate(LeafChange{}, nil, bob.saveMessage))(t)
	carol.mustReceive(u)
	alice.mustReceive(u)
	pending := must(alice.g.Commit(CommitOptions{}, alice.savePending))(t)
	f := frozen{Suite: id, Records: map[string]hexBytes{}, Authenticator: alice.g.Authenticator(), Tree: alice.g.Tree(), Pending: pending.Message(),
		PendingThen: pending.Authenticator(), Used: used, Messages: []frozenMessage{{sent[0], "first"}, {sent[2], "third"}, {late, "late"}, {current, "current"}}}
	for k, v := range alice.disk {
		f.Records[k] = v
	}
	p = carol.commit(CommitOptions{})
	f.Commit, f.CommitThen = p.Message(), carol.g.Authenticator()
	b := must(json.MarshalIndent(f, "", " "))(t)
	dir := filepath.Join("testdata", "state")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("v%d-%04x.json", stateVersion, uint16(id))), append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// MarshalJSON writes bytes as hex.
func (h hexBytes) MarshalJSON() ([]byte, error) { return json.Marshal(fmt.Sprintf("%x", []byte(h))) }
