package client

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// The vectors of docs/protocol.md, section 18, are made from the words of that page; the client makes the same.
func TestPrivateVectors(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "docs", "vectors", "private.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Server, Room, GroupID hexBytes
		Leaf                  struct{ LeafKey, Credential hexBytes }
		Envelope              struct{ Envelope hexBytes }
		Inner                 []struct {
			Why  string
			CBOR hexBytes
		}
		States []struct {
			Why        string
			CBOR, Hash hexBytes
		}
		Refused []struct {
			Why  string
			CBOR hexBytes
		}
		Padding []struct{ Size, Padded int }
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	server := chat.Fingerprint(v.Server)
	e := &engine{self: selfRecord{Server: server}}
	if got := e.groupID(chat.RoomID(v.Room)); !bytes.Equal(got, v.GroupID) {
		t.Errorf("the group ID is %x", got)
	}
	leaf, err := trust.ParseLeaf(v.Leaf.Credential)
	if err != nil || leaf.Verify(server, v.Leaf.LeafKey) != nil || !bytes.Equal(leaf.Marshal(), v.Leaf.Credential) {
		t.Errorf("the credential: %v", err)
	}
	if env, err := wire.ParsePrivateEnvelope(v.Envelope.Envelope); err != nil || !bytes.Equal(wire.Marshal(&env), v.Envelope.Envelope) {
		t.Errorf("the envelope: %v", err)
	}
	kind := -1
	for _, x := range v.Inner {
		var in inner
		if err := wire.UnmarshalStrict(x.CBOR, &in); err != nil || in.Version != 1 || int(in.Kind) <= kind || !bytes.Equal(wire.Marshal(&in), x.CBOR) {
			t.Errorf("%s: %v %+v", x.Why, err, in)
		}
		kind = int(in.Kind)
		var read any
		switch in.Kind {
		case innerWantPast:
			read = new(wantPast)
		case innerPast:
			read = new(past)
		case innerWantProof:
			read = new(uint64)
		case innerSilent:
			read = new([]chat.DeviceID)
		case innerWantPastOf:
			read = new(wantPastOf)
		default:
			continue
		}
		if err := wire.UnmarshalStrict(in.Content, read); err != nil || !bytes.Equal(wire.Marshal(read), in.Content) {
			t.Errorf("%s: its content: %v %+v", x.Why, err, read)
		}
	}
	if kind < int(innerWantPastOf) {
		t.Errorf("the last kind is %d", kind)
	}
	for _, x := range v.States {
		s, err := parseState(x.CBOR)
		if err != nil || !bytes.Equal(s.marshal(), x.CBOR) {
			t.Errorf("%s: %v", x.Why, err)
		}
		if hash := s.hash(); !bytes.Equal(hash[:], x.Hash) {
			t.Errorf("%s: its hash is %x", x.Why, hash)
		}
	}
	for _, x := range v.Refused {
		if s, err := parseState(x.CBOR); err == nil {
			t.Errorf("%s is taken: %+v", x.Why, s)
		}
	}
	for _, x := range v.Padding {
		if got := padding(x.Size); got != x.Padded {
			t.Errorf("%d is padded to %d, not %d", x.Size, got, x.Padded)
		}
	}
	if len(v.Inner) == 0 || len(v.States) == 0 || len(v.Refused) == 0 || len(v.Padding) == 0 {
		t.Error("vectors are missing")
	}
}
