package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"slices"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// Private is private.json: what a private room's group is made of, besides RFC 9420. All of it is built here from the arrays of the page; a
// test of the client compares.
type Private struct {
	Server, Room, GroupID Hex
	Leaf                  PrivateLeaf
	Envelope              PrivateEntry
	Inner                 []PrivateArray
	States                []PrivateState
	Refused               []RefusedArray // States that aren't ones
	Padding               []Padding
}

// PrivateLeaf is a leaf's credential. The leaf key is Ed25519.
type PrivateLeaf struct {
	DeviceSeed, Account, Device Hex
	ListVersion                 uint64
	LeafSeed, LeafKey           Hex
	Body                        Hex // [server, account, list version, leaf key]
	Signed                      Hex // what goes into Ed25519
	Signature                   Hex
	Credential                  Hex
}

// PrivateEntry is an entry of the log.
type PrivateEntry struct {
	ID                Hex
	AuthenticatedData Hex
	Message           Hex // stands for an MLSMessage
	Envelope, Hash    Hex
}

// PrivateArray is a CBOR array, with its elements in their order; byte strings are h'…'.
type PrivateArray struct {
	Why    string
	Fields any
	CBOR   Hex
}

// PrivateState is a state of a room, with its hash.
type PrivateState struct {
	PrivateArray
	Hash Hex
}

// RefusedArray is one that must be refused.
type RefusedArray struct {
	Why  string
	CBOR Hex
}

func (w *world) private() Private {
	a, d := w.account.ID(), w.device.ID()
	den := chat.RoomID(seed("a private room", 16))
	p := Private{Server: w.server[:], Room: den[:], GroupID: slices.Concat(w.server[:], den[:])}

	leaf := ed25519.NewKeyFromSeed(seed("leaf key", 32))
	key := []byte(leaf.Public().(ed25519.PublicKey)) //nolint:forcetypeassert // it is one
	body := wire.Marshal([]any{w.server[:], a[:], 3, key})
	sig := trust.Sign(w.device.Key(), "mls leaf", body)
	p.Leaf = PrivateLeaf{
		DeviceSeed: w.device.Key().Seed(), Account: a[:], Device: d[:], ListVersion: 3, LeafSeed: leaf.Seed(), LeafKey: key,
		Body: body, Signed: slices.Concat([]byte("HUISCLOS-SIG-1\x08mls leaf"), body), Signature: sig[:],
		Credential: wire.Marshal([]any{1, a[:], d[:], 3, sig[:]}),
	}

	id, message := messageID(1), []byte("an MLSMessage")
	p.Envelope = PrivateEntry{ID: id[:], AuthenticatedData: id[:], Message: message, Envelope: wire.Marshal([]any{2, den[:], a[:], d[:], id[:], message})}
	p.Envelope.Hash = hashOf(p.Envelope.Envelope)

	owner := []any{[]any{Bytes(a[:]), 2}}
	salt := Bytes(seed("the salt of a state", 16))
	first := p.state("the first state of a room", 1, 1, "team", "", false, owner, 0, 0, 0, []any{}, []any{}, salt)
	low, high := Bytes(bytes.Repeat([]byte{1}, 32)), Bytes(bytes.Repeat([]byte{2}, 32))
	p.state("a direct conversation", 1, 1, "", "", true, []any{}, 0, 0, 0, []any{}, []any{}, salt)
	p.state("everything in it", 1, 7, "team", "what we do next", false, []any{[]any{low, 1}, owner[0]}, -1, 86400, 10, []any{low, high}, []any{high}, salt)

	seen := Bytes(seed("H of what was seen", 32))
	zero := Bytes(make([]byte, 32))
	inner := func(why string, fields ...any) {
		p.Inner = append(p.Inner, PrivateArray{Why: why, Fields: fields, CBOR: array(fields)})
	}
	inner("a message to people", 1, 1, zero, 4, seen, 0, Bytes(textMessage(seed("salt of hello", 16), "hello")))
	inner("a state of the room", 1, 2, Bytes(p.Envelope.Hash), 5, seen, 1, Bytes(first))
	inner("its sender lacks the state", 1, 3, Bytes(p.Envelope.Hash), 6, seen, 2, Bytes{})
	other, bob := messageID(2), Bytes(seed("another account", 32))
	none, laptop := Bytes(make([]byte, 16)), Bytes(seed("another device", 32))
	said := []any{5, 1_700_000_000_000, Bytes(a[:]), Bytes(d[:]), Bytes(id[:]), false, true, false, none, "hello", []any{[]any{Bytes(other[:]), bob, "👍"}}, 3600, []any{[]any{0, 5, bob}}}
	back := []any{4, 1_699_999_999_000, bob, laptop, Bytes(other[:]), true, false, false, none, "", []any{}, 0, []any{}}
	inner("its sender lacks the entries 4 to 6", 1, 4, Bytes(p.Envelope.Hash), 7, seen, 3, Bytes(array([]any{3, 6})))
	inner("two of them, and more before", 1, 5, Bytes(p.Envelope.Hash), 8, seen, 4, Bytes(array([]any{Bytes(id[:]), 4, []any{said, back}})))
	inner("its sender wants proof of those who were there in epoch 9", 1, 6, Bytes(p.Envelope.Hash), 9, seen, 5, Bytes(wire.Marshal(9)))
	inner("proof", 1, 7, Bytes(p.Envelope.Hash), 10, seen, 6, Bytes{})
	inner("a report: one came, one was read", 1, 8, Bytes(p.Envelope.Hash), 11, seen, 7, Bytes(reportMessage(seed("salt of a report", 16), id[:], other[:])))

	inner("devices that are silent, before they are removed", 1, 8, Bytes(p.Envelope.Hash), 11, seen, 10, Bytes(array([]any{laptop})))
	inner("its sender asks one account for the entries 4 to 6", 1, 9, Bytes(p.Envelope.Hash), 12, seen, 11, Bytes(array([]any{3, 6, bob})))

	bad := func(why string, fields ...any) { p.Refused = append(p.Refused, RefusedArray{why, array(fields)}) }
	bad("another version", 2, 1, "team", "", false, owner, 0, 0, 0, []any{}, []any{}, salt)
	bad("number 0", 1, 0, "team", "", false, owner, 0, 0, 0, []any{}, []any{}, salt)
	bad("a room without a name", 1, 1, "", "", false, owner, 0, 0, 0, []any{}, []any{}, salt)
	bad("a direct conversation with one", 1, 1, "team", "", true, []any{}, 0, 0, 0, []any{}, []any{}, salt)
	bad("a name that isn't in its own form", 1, 1, "#Team", "", false, owner, 0, 0, 0, []any{}, []any{}, salt)
	bad("a topic of 513 bytes", 1, 1, "team", string(bytes.Repeat([]byte("x"), 513)), false, owner, 0, 0, 0, []any{}, []any{}, salt)
	bad("a role 0", 1, 1, "team", "", false, []any{[]any{low, 0}}, 0, 0, 0, []any{}, []any{}, salt)
	bad("a role 3", 1, 1, "team", "", false, []any{[]any{low, 3}}, 0, 0, 0, []any{}, []any{}, salt)
	bad("roles out of order", 1, 1, "team", "", false, []any{[]any{high, 1}, []any{low, 1}}, 0, 0, 0, []any{}, []any{}, salt)
	bad("one account twice", 1, 1, "team", "", false, owner, 0, 0, 0, []any{low, low}, []any{}, salt)
	bad("the account of zeros", 1, 1, "team", "", false, owner, 0, 0, 0, []any{}, []any{zero}, salt)
	bad("history −2", 1, 1, "team", "", false, owner, -2, 0, 0, []any{}, []any{}, salt)
	bad("history 3651", 1, 1, "team", "", false, owner, 3651, 0, 0, []any{}, []any{}, salt)
	bad("slow mode of 3601 seconds", 1, 1, "team", "", false, owner, 0, 0, 3601, []any{}, []any{}, salt)
	bad("an expiry of 4 seconds", 1, 1, "team", "", false, owner, 0, 4, 0, []any{}, []any{}, salt)
	bad("an expiry of 366 days and a second", 1, 1, "team", "", false, owner, 0, 366*86400+1, 0, []any{}, []any{}, salt)
	bad("a field too many", 1, 1, "team", "", false, owner, 0, 0, 0, []any{}, []any{}, salt, 0)

	for _, n := range []int{1, 64, 65, 300, 512, 513, 640, 641, 1024, 1025, 2048, 2049, 5000, 65536, 65537} {
		p.Padding = append(p.Padding, Padding{n, privatePadding(n)})
	}
	return p
}

// state adds one to the states.
func (p *Private) state(why string, fields ...any) []byte {
	raw := array(fields)
	p.States = append(p.States, PrivateState{PrivateArray{why, fields, raw}, hashOf(raw)})
	return raw
}

// array is a CBOR array of the fields of a file: Bytes are byte strings there.
func array(fields []any) []byte { return wire.Marshal(unquoted(fields)) }

func unquoted(v any) any {
	switch v := v.(type) {
	case Bytes:
		return []byte(v)
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = unquoted(v[i])
		}
		return all
	}
	return v
}

func hashOf(b []byte) Hex { sum := sha256.Sum256(b); return sum[:] }

// privatePadding is the next multiple of 64, or of an eighth of the power of two from n on.
func privatePadding(n int) int {
	power := 512
	for power < n {
		power *= 2
	}
	step := power / 8
	return (n + step - 1) / step * step
}
