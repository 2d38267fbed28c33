package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
	"huisclos/content"
	"huisclos/keys"
	"huisclos/recovery"
	"huisclos/seal"
	"huisclos/trust"
	"huisclos/wire"
)

// The committed files are what the command writes.
func TestFilesAreUpToDate(t *testing.T) {
	files, err := all()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 12 {
		t.Fatal("files are missing")
	}
	for name, v := range files {
		want, err := encode(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs: go run ./docs/vectors/gen", name)
		}
	}
}

// load reads a committed file. What follows uses nothing but it, and computes each value from those before.
func load[T any](t *testing.T, name string) (v T) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if len(want) == 0 || !bytes.Equal(got, want) {
		t.Errorf("%s: %x, want %x", what, got, want)
	}
}

func sum256(parts ...[]byte) []byte { s := sha256.Sum256(slices.Concat(parts...)); return s[:] }
func sum512(parts ...[]byte) []byte { s := sha512.Sum512(slices.Concat(parts...)); return s[:] }

// sign is Sig of docs/protocol.md.
func sign(seed []byte, label string, x []byte) []byte {
	return ed25519.Sign(ed25519.NewKeyFromSeed(seed), slices.Concat([]byte("HUISCLOS-SIG-1"), []byte{byte(len(label))}, []byte(label), x))
}

func TestIDs(t *testing.T) {
	v := load[IDs](t, "ids.json")
	same(t, "server", ed25519.NewKeyFromSeed(v.ServerSeed).Public().(ed25519.PublicKey), v.ServerPublic)
	same(t, "fingerprint", sum256([]byte("huisclos/1 server"), v.ServerPublic)[:16], v.Fingerprint)
	same(t, "room", sum256([]byte("huisclos/1 key room"), v.Fingerprint, []byte(v.RoomName))[:16], v.RoomID)
	same(t, "log", sum256([]byte("huisclos/1 log"), v.Fingerprint, v.RoomID), v.LogStart)
	same(t, "key ID", sum256([]byte("huisclos/1 key id"), v.AccessPublic)[:8], v.KeyID)
	if got := chat.MessageID(v.MessageID).Time().UnixMilli(); got != v.MessageTime {
		t.Errorf("message ID of %d", got)
	}
}

func TestStrings(t *testing.T) {
	v := load[Strings](t, "strings.json")
	k, err := keys.Parse(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	server := k.Server()
	same(t, "K", k.Bytes(), v.K)
	same(t, "fingerprint", server[:], v.Fingerprint)
	if l, err := keys.ParseLink(v.Link); err != nil || !l.Key.Equal(k) {
		t.Error("link:", err)
	}
	if f, err := access.ParseServer(v.Server); err != nil || f != server {
		t.Error("hcs1:", err)
	}
	if p, err := access.ParseAccess(v.Access); err != nil || !bytes.Equal(p.Access[:], v.A) || uint32(p.Generation) != v.Generation {
		t.Error("hcp1:", err)
	}
	for _, bad := range v.Bad {
		if _, err := keys.Parse(bad.Text); err == nil || string(chat.CodeOf(err)) != bad.Code {
			t.Errorf("%s: %v", bad.Why, err)
		}
	}
	for _, l := range v.Links {
		if got, err := keys.ParseLink(l.Text); err != nil || got.Address != l.Address || !got.Key.Equal(k) {
			t.Errorf("%s: %v", l.Text, err)
		}
		if _, err := conn.ParseAddress(l.Address); err != nil {
			t.Error(err)
		}
	}
}

func TestNames(t *testing.T) {
	v := load[Names](t, "names.json")
	for _, n := range v.Names {
		err := trust.CheckName(n.Name)
		var e *chat.Error
		switch {
		case n.Reason == "" && (err != nil || trust.FoldName(n.Name) != n.Fold || trust.Skeleton(n.Name) != n.Skeleton):
			t.Errorf("%q: %v", n.Name, err)
		case n.Reason != "" && (!errors.As(err, &e) || e.Params["reason"] != n.Reason):
			t.Errorf("%q: %v, want %s", n.Name, err, n.Reason)
		}
	}
	server := chat.Fingerprint(v.Server)
	if trust.SafetyNumber(server, chat.AccountID(v.AccountB), chat.AccountID(v.AccountA)) != v.Safety || trust.SafetyCode(server, v.Safety) != v.Code {
		t.Error("safety number")
	}
}

func TestSignatures(t *testing.T) {
	v := load[Signatures](t, "signatures.json")
	same(t, "signature", sign(v.Seed, v.Label, v.Text), v.Signature)
	same(t, "plain Ed25519", ed25519.Sign(ed25519.NewKeyFromSeed(v.Seed), v.Signed), v.Signature)
	c, err := trust.ParseCertificate(v.Certificate)
	if err != nil || c.Verify() != nil {
		t.Fatal(err)
	}
	same(t, "the account's", sign(v.AccountSeed, "device certificate, account", v.Certified), c.Signature[:])
	same(t, "the device's", sign(v.DeviceSeed, "device certificate, device", v.Certified), c.DeviceSignature[:])
	same(t, "HPKE key", c.HPKE, v.HPKEPublic)
	fingerprint := load[IDs](t, "ids.json").Fingerprint
	same(t, "name", sign(v.AccountSeed, "name", slices.Concat(fingerprint, []byte(v.Name))), v.NameSignature)
}

func TestDerivations(t *testing.T) {
	v := load[Derivations](t, "derivations.json")
	for _, g := range v.Generations {
		same(t, "salt", binary.BigEndian.AppendUint32(slices.Clone(v.Fingerprint), g.Generation), g.Salt)
		same(t, "access", hkdf(g.K, g.Salt, "huisclos/1 access key", 32), g.AccessSeed)
		same(t, "public", ed25519.NewKeyFromSeed(g.AccessSeed).Public().(ed25519.PublicKey), g.AccessPublic)
		same(t, "room", hkdf(g.K, g.Salt, "huisclos/1 key room"+string(v.RoomID), 64), g.RoomKey)
	}
}

func TestLogin(t *testing.T) {
	v, id, key, who := load[Login](t, "login.json"), load[IDs](t, "ids.json"), load[Derivations](t, "derivations.json"), load[Signatures](t, "signatures.json")
	same(t, "T0", sum512(v.T0Input), v.T0)
	same(t, "sigS", sign(id.ServerSeed, "server-auth", v.T0), v.SigS)
	same(t, "T1", sum512(v.T1Input), v.T1)
	same(t, "sigA", sign(key.Generations[0].AccessSeed, "access", v.T1), v.SigA)
	same(t, "what the device signs", slices.Concat(v.T1, sum512(v.SigA)), v.SigDInput)
	same(t, "sigD", sign(who.DeviceSeed, "client-auth", v.SigDInput), v.SigD)
	same(t, "sigD of who returns", sign(who.DeviceSeed, "client-auth", slices.Concat(v.Return.T1, sum512())), v.Return.SigD)
	if !bytes.Contains(v.T0Input, v.HelloC) || !bytes.Contains(v.T0Input, v.HelloS) || !bytes.HasSuffix(v.T0Input, v.Exporter) || !bytes.HasSuffix(v.T1Input, v.Body) {
		t.Error("the transcripts don't hold the frames")
	}
	for name, raw := range map[string]Hex{"HelloC": v.HelloC, "Challenge": v.Challenge, "Auth": v.Auth, "Return": v.Return.Auth, "Welcome": v.Welcome} {
		if _, err := wire.Decode(raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestContent(t *testing.T) {
	v := load[Content](t, "content.json")
	for _, m := range v.Messages {
		if text, err := content.Text(m.CBOR); err != nil || text != m.Text {
			t.Errorf("%q: %q, %v", m.Text, text, err)
		}
	}
	for _, o := range v.Others {
		if m, err := content.Parse(o.CBOR); err != nil || m.Kind != content.KindUnsupported {
			t.Errorf("%s: %+v, %v", o.Why, m, err)
		}
	}
	for _, o := range v.Refused {
		if _, err := content.Parse(o.CBOR); !errors.Is(err, chat.CodeFrame) {
			t.Errorf("%s: %v", o.Why, err)
		}
	}
	for _, s := range v.Emoji {
		if !content.IsEmoji(s) {
			t.Errorf("%+q isn't an emoji", s)
		}
	}
	for _, s := range v.NoEmoji {
		if content.IsEmoji(string(s)) {
			t.Errorf("%+q is an emoji", s)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, want := range load[Content](t, "content.json").Kinds {
		m, err := content.Parse(want.CBOR)
		if err != nil {
			t.Errorf("%s: %v", want.Why, err)
			continue
		}
		again, err := m.Marshal()
		if err != nil {
			t.Errorf("%s: %v", want.Why, err)
			continue
		}
		const afterSalt = 2 + 16
		same(t, want.Why, again[afterSalt:], want.CBOR[afterSalt:])
		got := said(&m)
		got.Why, got.CBOR = want.Why, want.CBOR
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

// said is a message in the words of the file.
func said(m *content.Message) KindMessage {
	k := KindMessage{Kind: m.Kind.String(), Text: m.Text, Markdown: m.Markdown, Reaction: m.Reaction, Control: m.Control}
	if !m.Replaces.IsZero() {
		k.Replaces = m.Replaces[:]
	}
	if !m.InReplyTo.IsZero() {
		k.InReplyTo = m.InReplyTo[:]
	}
	if !m.Expires.IsZero() {
		k.Expires = &Expiry{m.Expires.Relative, m.Expires.Seconds}
	}
	for _, at := range m.Mentions {
		k.Mentions = append(k.Mentions, Mention{at.Start, at.End, at.Account[:]})
	}
	if len(m.Mentions) > 0 {
		k.Rendered, _ = m.Rendered(func(a chat.AccountID) string {
			return map[chat.AccountID]string{chat.AccountID(account(2)): "bob"}[a]
		})
	}
	for _, s := range m.Statuses {
		k.Statuses = append(k.Statuses, Status{s.ID[:], uint8(s.State)})
	}
	return k
}

// A room's entries may come in any order.
func TestRooms(t *testing.T) {
	for _, r := range load[Content](t, "content.json").Rooms {
		slices.Reverse(r.Log)
		if got, err := r.items(); err != nil || !reflect.DeepEqual(got, r.Items) {
			t.Errorf("%s: %+v, %v; want %+v", r.Why, got, err, r.Items)
		}
	}
}

func TestSeal(t *testing.T) {
	v := load[Seal](t, "seal.json")
	aead, err := seal.New(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "cipher", aead.Seal(nil, v.IV, v.Plain, v.Data), v.Sealed)
	for _, p := range v.Padding {
		if got := seal.PaddedSize(p.Size); got != p.Padded {
			t.Errorf("%d is padded to %d, want %d", p.Size, got, p.Padded)
		}
	}
	m := v.Message
	same(t, "what the device signs", slices.Concat(m.Data, sum512(m.Content)), m.Signed)
	same(t, "signature", sign(load[Signatures](t, "signatures.json").DeviceSeed, "key room message", m.Signed), m.Signature)
	same(t, "hash", sum256(m.Envelope), m.Hash)
	env, err := wire.ParseEnvelope(m.Envelope)
	if err != nil {
		t.Fatal(err)
	}
	room, err := seal.NewRoom(chat.Fingerprint(m.Server), chat.RoomID(m.Room), chat.Generation(m.Generation), m.RoomKey)
	if err != nil {
		t.Fatal(err)
	}
	got, err := room.Open(&env)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "content", got, m.Content)
	for _, bad := range v.Refused {
		env, err := wire.ParseEnvelope(bad.Envelope)
		if err == nil {
			_, err = room.Open(&env)
		}
		if err == nil {
			t.Errorf("%s: opened", bad.Why)
		}
	}
}

func TestLog(t *testing.T) {
	v := load[Log](t, "log.json")
	h := []byte(v.Start)
	for _, e := range v.Entries {
		hash := []byte(e.Envelope)
		if !e.Pruned {
			hash = sum256(e.Envelope)
		}
		h = sum256(h, binary.BigEndian.AppendUint64(nil, e.Seq), hash)
		same(t, "H", h, e.Hash)
	}
	f, err := wire.Decode(v.Frame)
	if err != nil || len(f.(*wire.Entries).Entries) != len(v.Entries) {
		t.Error(err)
	}
	if !follows(t, v, v.Entries[2].Envelope, 3, v.Entries[1].Hash, v.Entries[1].Envelope) {
		t.Error("the third entry doesn't follow")
	}
	first := sum256(v.Entries[0].Envelope)
	for _, w := range v.Wrong {
		f, err := wire.Decode(w.Frame)
		if err != nil {
			t.Fatal(err)
		}
		e := f.(*wire.Entries)
		if e.First == 2 && bytes.Equal(e.Before[:], v.Entries[0].Hash) && follows(t, v, e.Entries[0].Envelope, 2, v.Entries[0].Hash, first) {
			t.Errorf("%s: it follows", w.Why)
		}
	}
}

// follows opens an envelope at place n, after H and the hash of the envelope before, and compares its header with them.
func follows(t *testing.T, v Log, raw Hex, n uint64, h, previous []byte) bool {
	env, err := wire.ParseEnvelope(raw)
	if err != nil {
		t.Fatal(err)
	}
	room, err := seal.NewRoom(chat.Fingerprint(v.Server), chat.RoomID(v.Room), 1, load[Derivations](t, "derivations.json").Generations[0].RoomKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := room.Open(&env); err != nil {
		t.Fatal(err)
	}
	return env.Counter == n && bytes.Equal(env.Previous[:], previous) && uint64(env.SeenSeq) == n-1 && bytes.Equal(env.SeenHash[:], h)
}

func TestGenerations(t *testing.T) {
	v := load[Generations](t, "generations.json")
	server := chat.Fingerprint(v.Server)
	k, err := keys.FromBytes(server, v.K)
	if err != nil {
		t.Fatal(err)
	}
	before, err := keys.OpenLink(k, chat.Generation(v.Generation), v.Link)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "key before", before.Bytes(), v.Before)
	device, err := trust.ParseDevice(slices.Concat(load[Signatures](t, "signatures.json").DeviceSeed, v.HPKESeed))
	if err != nil {
		t.Fatal(err)
	}
	granted, err := keys.OpenGrant(server, chat.Generation(v.Generation), chat.AccountID(v.Account), chat.DeviceID(v.Device), device.HPKE(), v.Grant)
	if err != nil || !granted.Equal(k) {
		t.Error("grant:", err)
	}
	block, err := aes.NewCipher(v.GrantKey)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := gcm.Open(nil, v.GrantNonce, v.Grant[1120:], nil)
	if err != nil {
		t.Error("grant, step by step:", err)
	}
	same(t, "key of the grant", opened, v.K)
}

// Each frame is the CBOR of its fields, written here by hand.
func TestFrames(t *testing.T) {
	v := load[Frames](t, "frames.json")
	if len(v.Frames) != 70 {
		t.Errorf("%d frames", len(v.Frames))
	}
	for _, f := range v.Frames {
		if _, err := wire.Decode(f.CBOR); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		fields, ok := f.Fields.([]any)
		if !ok {
			t.Fatalf("%s: %T", f.Name, f.Fields)
		}
		same(t, f.Name, item(t, append([]any{float64(f.Type)}, fields...)), f.CBOR)
	}
	for _, f := range v.Refused {
		if _, err := wire.Decode(f.CBOR); err == nil || string(chat.CodeOf(err)) != f.Code {
			t.Errorf("%s: %v", f.Why, err)
		}
	}
}

// item is the deterministic CBOR of a value out of JSON; "h'…'" is a byte string.
func item(t *testing.T, v any) []byte {
	switch v := v.(type) {
	case float64:
		if v < 0 {
			return head(1, uint64(-1-v))
		}
		return head(0, uint64(v))
	case bool:
		if v {
			return []byte{0xf5}
		}
		return []byte{0xf4}
	case string:
		digits, ok := strings.CutPrefix(v, "h'")
		if !ok {
			return append(head(3, uint64(len(v))), v...)
		}
		b, err := hex.DecodeString(strings.TrimSuffix(digits, "'"))
		if err != nil {
			t.Fatal(err)
		}
		return append(head(2, uint64(len(b))), b...)
	case []any:
		b := head(4, uint64(len(v)))
		for _, e := range v {
			b = append(b, item(t, e)...)
		}
		return b
	case map[string]any: // of one entry, so that there is no order
		b := head(5, uint64(len(v)))
		for k, e := range v {
			b = append(append(b, item(t, k)...), item(t, e)...)
		}
		return b
	}
	t.Fatalf("%T", v)
	return nil
}

// head is the head of an item (RFC 8949 §3).
func head(major byte, n uint64) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n < 1<<8:
		return []byte{major<<5 | 24, byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(n))
	}
	return binary.BigEndian.AppendUint64([]byte{major<<5 | 27}, n)
}

func TestPrivate(t *testing.T) {
	v := load[Private](t, "private.json")
	l := v.Leaf
	same(t, "group ID", slices.Concat(v.Server, v.Room), v.GroupID)
	leafKey, _ := ed25519.NewKeyFromSeed(l.LeafSeed).Public().(ed25519.PublicKey)
	same(t, "leaf key", leafKey, l.LeafKey)
	bytesOf := func(b Hex) any { return "h'" + hex.EncodeToString(b) + "'" }
	same(t, "body", item(t, []any{bytesOf(v.Server), bytesOf(l.Account), float64(l.ListVersion), bytesOf(l.LeafKey)}), l.Body)
	same(t, "signature", sign(l.DeviceSeed, "mls leaf", l.Body), l.Signature)
	same(t, "plain Ed25519", ed25519.Sign(ed25519.NewKeyFromSeed(l.DeviceSeed), l.Signed), l.Signature)
	same(t, "credential", item(t, []any{1.0, bytesOf(l.Account), bytesOf(l.Device), float64(l.ListVersion), bytesOf(l.Signature)}), l.Credential)
	if leaf, err := trust.ParseLeaf(l.Credential); err != nil || leaf.Verify(chat.Fingerprint(v.Server), l.LeafKey) != nil {
		t.Errorf("the credential: %v", err)
	}
	e := v.Envelope
	same(t, "envelope", item(t, []any{2.0, bytesOf(v.Room), bytesOf(l.Account), bytesOf(l.Device), bytesOf(e.ID), bytesOf(e.Message)}), e.Envelope)
	same(t, "hash", sum256(e.Envelope), e.Hash)
	if _, err := wire.ParsePrivateEnvelope(e.Envelope); err != nil {
		t.Error(err)
	}
	for _, in := range v.Inner {
		same(t, in.Why, item(t, in.Fields), in.CBOR)
	}
	for _, s := range v.States {
		same(t, s.Why, item(t, s.Fields), s.CBOR)
		same(t, s.Why, sum256(s.CBOR), s.Hash)
	}
	for _, p := range v.Padding { // from the words of the page
		step := 64
		for p.Size > 512 && step*8 < p.Size {
			step *= 2
		}
		if p.Padded%step != 0 || p.Padded < p.Size || p.Padded-p.Size >= step {
			t.Errorf("%d is padded to %d", p.Size, p.Padded)
		}
	}
}

// The page says the same: the numbers of its frames, and its worked example.
func TestPage(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	word := regexp.MustCompile(`([a-z])([A-Z])`)
	for _, f := range load[Frames](t, "frames.json").Frames {
		name := strings.ToLower(word.ReplaceAllString(f.Name, "$1-$2"))
		rule := regexp.MustCompile(`(?m)^` + name + ` += \[` + strconv.Itoa(int(f.Type)) + `, (.*)\]`).FindStringSubmatch(page)
		if rule == nil {
			t.Errorf("%s isn't on the page with type %d", name, f.Type)
			continue
		}
		if fields := strings.Count(rule[1], ": "); fields != len(f.Fields.([]any)) {
			t.Errorf("%s has %d fields on the page", name, fields)
		}
	}
	id, key, m := load[IDs](t, "ids.json"), load[Derivations](t, "derivations.json").Generations[0], load[Seal](t, "seal.json").Message
	for name, v := range map[string]Hex{
		"fingerprint": id.Fingerprint, "K": key.K, "salt": key.Salt, "access seed": key.AccessSeed, "access public": key.AccessPublic,
		"room": id.RoomID, "H_0": id.LogStart, "IV": m.IV, "hash": m.Hash, "H_1": load[Log](t, "log.json").Entries[0].Hash,
	} {
		if !strings.Contains(page, hex.EncodeToString(v)) {
			t.Errorf("the page's example has another %s", name)
		}
	}
}

func TestRecovery(t *testing.T) {
	v := load[Recovery](t, "recovery.json")
	for _, words := range []string{v.English, v.French} {
		secret, err := recovery.Parse(words)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "secret", secret, v.Secret)
	}
	for _, wrong := range v.Wrong {
		if _, err := recovery.Parse(wrong.Words); string(chat.CodeOf(err)) != wrong.Code || wrong.Code == "" {
			t.Errorf("%s: %v, want %s", wrong.Words, err, wrong.Code)
		}
	}
	b, err := openBackup(v)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "backup", wire.Marshal(b), v.Backup)
	same(t, "TR", sum512(v.TRInput), v.TR)
	if !trust.Verify(b.Account, access.LabelRecover, v.TR, [64]byte(v.SigR)) {
		t.Error("sigR")
	}
	account := chat.AccountID(b.Account)
	list, err := trust.ParseDeviceList(chat.Fingerprint(v.Server), account, v.List)
	if err != nil || list.Version() != 3 {
		t.Fatal(err)
	}
	same(t, "list", list.Marshal(), v.List)
	for _, wrong := range v.WrongLists {
		if _, err := trust.ParseDeviceList(chat.Fingerprint(v.Server), account, wrong.List); err == nil {
			t.Error(wrong.Why)
		}
	}
	checkVouching(t, chat.Fingerprint(v.Server), account, &v.Vouching)
}

func checkVouching(t *testing.T, server chat.Fingerprint, account chat.AccountID, v *Vouching) {
	t.Helper()
	c, list, err := trust.ParseProof(server, v.Proof)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the certificate", c.Marshal(), v.Certificate)
	same(t, "its list", list.Marshal(), v.List)
	same(t, "the voucher's", c.Signature[:], v.VoucherSignature)
	if c.Account != account || !trust.Verify(c.Voucher, "device certificate, voucher", v.Certified, c.Signature) {
		t.Error("the voucher hasn't signed it")
	}
	same(t, "the device's", sign(v.DeviceSeed, "device certificate, device", v.Certified), c.DeviceSignature[:])
	same(t, "the device's in the vector", c.DeviceSignature[:], v.DeviceSignature)
	for _, wrong := range v.Wrong {
		if _, _, err := trust.ParseProof(server, wrong.Proof); err == nil {
			t.Error(wrong.Why)
		}
	}
}

func TestRefill(t *testing.T) {
	v := load[Refill](t, "refill.json")
	log := load[Log](t, "log.json")
	same(t, "H of the head", log.Entries[v.Head-1].Hash, v.HeadHash)
	f, err := wire.Decode(v.Claim)
	if err != nil {
		t.Fatal(err)
	}
	claim := f.(*wire.Claim)
	if f, err = wire.Decode(v.Give); err != nil {
		t.Fatal(err)
	}
	give := f.(*wire.Give)
	h := []byte(v.HeadHash)
	for i, e := range v.Entries {
		h = sum256(h, binary.BigEndian.AppendUint64(nil, e.Seq), sum256(e.Envelope))
		same(t, "H", h, e.Hash)
		same(t, "H in log.json", h, log.Entries[e.Seq-1].Hash)
		marked := append([]byte("huisclos/1 refill"), h...)
		marked = append(binary.BigEndian.AppendUint64(marked, uint64(e.Time)), e.Kind)
		same(t, "what is marked", marked, e.Marked)
		same(t, "the mark", sum256(marked), e.Mark)
		same(t, "the mark in the claim", claim.Marks[i][:], e.Mark)
		same(t, "the envelope that is given", give.Entries[i].Envelope, e.Envelope)
	}
	if len(claim.Marks) != len(v.Entries) || len(give.Entries) != len(v.Entries) || uint64(claim.After) != v.Head {
		t.Errorf("%+v, %+v", claim, give)
	}
}
