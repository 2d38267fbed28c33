package main

import (
	"huisclos/access"
	"huisclos/chat"
	"huisclos/keys"
	"huisclos/trust"
	"huisclos/wire"
)

// world is what the vectors are about: a server, its keys of two generations, and Alice with one device.
type world struct {
	identity access.Identity
	server   chat.Fingerprint
	keys     map[chat.Generation]keys.Key
	account  *trust.Account
	device   *trust.Device
	cert     trust.Certificate
	lobby    chat.RoomID
	err      error // the first one
}

// now is the time of everything, ms since 1970.
const now = 1_790_000_000_000

func newWorld() (*world, error) {
	w := &world{keys: map[chat.Generation]keys.Key{}}
	var err error
	if w.identity, err = access.ParseIdentity(seed("server", 32)); err != nil {
		return nil, err
	}
	w.server = w.identity.Fingerprint()
	for g, name := range map[chat.Generation]string{1: "key 1", 2: "key 2"} {
		if w.keys[g], err = keys.FromBytes(w.server, seed(name, 32)); err != nil {
			return nil, err
		}
	}
	if w.account, err = trust.ParseAccount(seed("account", 32)); err != nil {
		return nil, err
	}
	if w.device, err = trust.ParseDevice(seed("device", 64)); err != nil {
		return nil, err
	}
	w.cert = trust.Certify(w.account, w.device, 1, now)
	w.lobby = chat.KeyRoomID(w.server, chat.Lobby)
	return w, nil
}

func (w *world) note(err error) {
	if w.err == nil {
		w.err = err
	}
}

// IDs is ids.json: what things are called.
type IDs struct {
	ServerSeed   Hex
	ServerPublic Hex
	Fingerprint  Hex
	RoomName     string
	RoomID       Hex
	LogStart     Hex // H_0 of the room
	MessageTime  int64
	MessageID    Hex // of that time, with random bits from the second half
	AccessPublic Hex
	KeyID        Hex
}

func (w *world) ids() IDs {
	public, start := w.identity.Public(), wire.ChainStart(w.server, w.lobby)
	a := w.keys[1].AccessPublic(1)
	id, keyID := messageID(1), access.KeyID(a)
	return IDs{
		ServerSeed: w.identity.Bytes(), ServerPublic: public[:], Fingerprint: w.server[:], RoomName: chat.Lobby, RoomID: w.lobby[:],
		LogStart: start[:], MessageTime: now, MessageID: id[:], AccessPublic: a[:], KeyID: keyID[:],
	}
}

// messageID is the ID of the n-th message: the time, and bits that stand for random ones.
func messageID(n byte) chat.MessageID {
	id := chat.MessageID(seed("message", 16))
	ms := uint64(now)
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	id[15] = n
	return id
}

// Strings is strings.json: what people type and paste.
type Strings struct {
	Fingerprint Hex
	K           Hex
	Key         string // hc1
	Link        string
	Server      string // hcs1
	Access      string // hcp1
	Generation  uint32
	A           Hex
	Bad         []BadString
	Links       []LinkString
}

// LinkString is a link and where it leads: HOST:PORT, or the address of a proxy.
type LinkString struct {
	Text, Address string
}

// BadString is one that must be refused.
type BadString struct {
	Why, Text, Code string
}

func (w *world) strings() Strings {
	k := w.keys[1]
	a := k.AccessPublic(1)
	good := k.Reveal()
	later := access.EncodeBech32m("hc", 2, append(append([]byte(nil), w.server[:]...), k.Bytes()...))
	s := Strings{
		Fingerprint: w.server[:], K: k.Bytes(), Key: good, Link: keys.Link{Address: "192.168.1.20:7540", Key: k}.Reveal(),
		Server: access.FormatServer(w.server), Access: access.FormatAccess(access.Public{Server: w.server, Generation: 1, Access: a}),
		Generation: 1, A: a[:],
	}
	for _, bad := range []BadString{
		{Why: "one wrong letter", Text: good[:20] + other(good[20:21]) + good[21:]},
		{Why: "two letters swapped", Text: good[:30] + good[31:32] + good[30:31] + good[32:]},
		{Why: "cut", Text: good[:80]},
		{Why: "of both cases", Text: good[:10] + "Q" + good[11:]},
		{Why: "of a later version", Text: later},
		{Why: "a server's fingerprint", Text: s.Server},
		{Why: "a word", Text: "password"},
	} {
		_, err := keys.Parse(bad.Text)
		bad.Code = string(chat.CodeOf(err))
		s.Bad = append(s.Bad, bad)
	}
	for _, text := range []string{
		"huisclos://192.168.1.20:7540/#" + good, "huisclos://chat.example.org/#" + good, "huisclos://[2001:db8::1]:7000/#" + good,
		"huisclos://chat.example.org/?via=https#" + good, "huisclos://chat.example.org:8443/talk?via=https#" + good,
	} {
		l, err := keys.ParseLink(text)
		w.note(err)
		s.Links = append(s.Links, LinkString{Text: text, Address: l.Address})
	}
	return s
}

func other(letter string) string {
	if letter == "q" {
		return "p"
	}
	return "q"
}

// Names is names.json: which names may be, and which are one.
type Names struct {
	Names    []Name
	Server   Hex // its fingerprint
	AccountA Hex
	AccountB Hex
	Safety   string
	Code     string // in the QR code
}

// Name is one of them.
type Name struct {
	Name     string
	Reason   string // why it is refused; empty: it isn't
	Fold     string
	Skeleton string
}

func (w *world) names() Names {
	a, b := w.account.ID(), chat.AccountID(seed("other account", 32))
	number := trust.SafetyNumber(w.server, a, b)
	n := Names{Server: w.server[:], AccountA: a[:], AccountB: b[:], Safety: number, Code: trust.SafetyCode(w.server, number)}
	for _, name := range []string{
		"alice", "Alice", "аlice", "a1ice", "Élodie", "E\u0301lodie", "李小龍", "محمد", "straße", "", "two words", "\u202ealice", "ali\u200bce", "\u0301a", "/quit", "a:b",
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	} {
		v := Name{Name: name}
		if err := trust.CheckName(name); err != nil {
			v.Reason = err.(*chat.Error).Params["reason"] //nolint:errorlint,forcetypeassert // its only kind
		} else {
			v.Fold, v.Skeleton = trust.FoldName(name), trust.Skeleton(name)
		}
		n.Names = append(n.Names, v)
	}
	return n
}

// Signatures is signatures.json.
type Signatures struct {
	Seed, Public  Hex
	Label         string
	Text          Hex
	Signed        Hex // what goes into Ed25519
	Signature     Hex
	AccountSeed   Hex
	Account       Hex
	DeviceSeed    Hex // Ed25519
	Device        Hex
	HPKESeed      Hex
	HPKEPublic    Hex
	Name          string
	NameSignature Hex
	ListVersion   uint64
	Issued        int64
	Certified     Hex // what account and device sign
	Certificate   Hex
}

func (w *world) signatures() Signatures {
	key := w.device.Key()
	text := []byte("hello")
	sig := trust.Sign(key, "test", text)
	name := w.account.SignName(w.server, "alice")
	a, d, private := w.account.ID(), w.device.ID(), w.device.Bytes()
	body := wire.Marshal([]any{a[:], d[:], w.cert.HPKE, w.cert.ListVersion, w.cert.Issued})
	return Signatures{
		Seed: key.Seed(), Public: d[:], Label: "test", Text: text, Signed: append([]byte("HUISCLOS-SIG-1\x04test"), text...), Signature: sig[:],
		AccountSeed: w.account.Bytes(), Account: a[:], DeviceSeed: private[:32], Device: d[:], HPKESeed: private[32:], HPKEPublic: w.cert.HPKE,
		Name: "alice", NameSignature: name[:], ListVersion: 1, Issued: now, Certified: body, Certificate: w.cert.Marshal(),
	}
}
