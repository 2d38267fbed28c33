package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"io"
	"slices"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// The exchange of an invitation code (PROTOCOL §7), as two state machines over bytes: Newcomer and Inviter. Four messages go through the
// server, which may be hostile:
//
//	newcomer → inviter   hello   a nonce
//	inviter → newcomer   offer   a nonce, Ya, what the inviter is, an ML-KEM-768 key
//	newcomer → inviter   proof   Yb, what the newcomer is, an ML-KEM-768 ciphertext, the newcomer's tag
//	inviter → newcomer   gift    the inviter's tag; sealed: the key string, S and an invitation
//
// CPace makes the words one guess worth: without them nobody finds the key, and who tries must show a tag. What each end is and
// what it sees of the server is the associated data of CPace, so both tags cover all of it. The newcomer proves first, so the inviter gives nothing to
// whoever hasn't the words. ML-KEM is hashed in so that a recording doesn't give K away when CPace falls to a quantum computer.
//
// Each machine runs once: after any error, and after its last step, it is over.

// The labels of the exchange.
const (
	labelCode     = "huisclos/1 code"          // of the channel identifier
	labelSession  = "huisclos/1 code session"  // of the session identifier
	labelNewcomer = "huisclos/1 code newcomer" // HKDF info: key of the newcomer's tag, 64 bytes
	labelInviter  = "huisclos/1 code inviter"  // HKDF info: key of the inviter's tag, 64 bytes
	labelGift     = "huisclos/1 code gift"     // HKDF info: AES-256-GCM key of the gift, 32 bytes
	roleInviter   = "inviter"                  // A of CPace
	roleNewcomer  = "newcomer"                 // B of CPace
	codeVersion   = 1
)

// Sizes of the exchange, in bytes.
const (
	nonceSize = 32
	tagSize   = sha512.Size
	// MaxInvitation is the most that may go with the key.
	MaxInvitation = 4096
)

// Party is what an end of the exchange shows of itself.
type Party struct {
	_           struct{} `cbor:",toarray"`
	Account     chat.AccountID
	Certificate []byte // of its device, trust.Prove
	Name        string
	NameSig     [64]byte
}

// Gift is what the inviter hands over.
type Gift struct {
	Key        Key
	Invitation []byte // opaque here; may be empty
}

// associated is the associated data of an end, in CPace's sense.
type associated struct {
	_      struct{} `cbor:",toarray"`
	Party  Party
	Server [32]byte // S, as this end sees it
	KEM    []byte   // ML-KEM-768: the inviter's encapsulation key, the newcomer's ciphertext
}

// The messages.
type (
	codeHello struct {
		_       struct{} `cbor:",toarray"`
		Version uint
		Nonce   [nonceSize]byte
	}
	codeOffer struct {
		_     struct{} `cbor:",toarray"`
		Nonce [nonceSize]byte
		Share [shareSize]byte
		Data  []byte // associated
	}
	codeProof struct {
		_     struct{} `cbor:",toarray"`
		Share [shareSize]byte
		Data  []byte // associated
		Tag   [tagSize]byte
	}
	codeGift struct {
		_      struct{} `cbor:",toarray"`
		Tag    [tagSize]byte
		Sealed []byte // content
	}
	content struct {
		_          struct{} `cbor:",toarray"`
		Key        string   // hc1…
		Server     [32]byte // S
		Invitation []byte
	}
)

// exchange is what both ends keep of a run.
type exchange struct {
	code   Code
	server [32]byte
	self   Party
	random io.Reader
	ci     []byte // CPace's channel identifier: which kind of code it is, and the roles
	step   int
	sid    []byte
	share  *share
}

func newExchange(code Code, server [32]byte, self Party, random io.Reader) exchange {
	code.mustHold()
	return exchange{code: code, server: server, self: self, random: randomOr(random), ci: channel()}
}

// next takes the step n, once; after the first failure there is none.
func (x *exchange) next(n int) error {
	if x.step != n {
		return chat.Errorf(chat.CodeFrame)
	}
	x.step = -1
	return nil
}

// session makes sid: SHA-256 of the label, the number as 4 bytes big-endian and both nonces, the newcomer's first. With it comes this end's share.
func (x *exchange) session(newcomer, inviter [nonceSize]byte) {
	h := sha256.New()
	h.Write([]byte(labelSession))
	h.Write(binary.BigEndian.AppendUint32(nil, x.code.number))
	h.Write(newcomer[:])
	h.Write(inviter[:])
	x.sid = h.Sum(nil)
	x.share = newShare(generator(x.code.password(), x.ci, x.sid), x.random)
}

// channel is CI: label, version and roles.
func channel() []byte {
	return lvCat([]byte(labelCode), []byte{codeVersion}, []byte(roleInviter), []byte(roleNewcomer))
}

// nonce draws one.
func (x *exchange) nonce() (n [nonceSize]byte) {
	if _, err := io.ReadFull(x.random, n[:]); err != nil {
		panic("keys: " + err.Error()) // never: crypto/rand ends the program instead
	}
	return n
}

// data writes this end's associated data.
func (x *exchange) data(kem []byte) []byte {
	return wire.Marshal(&associated{Party: x.self, Server: x.server, KEM: kem})
}

// read checks the other end's associated data: account and device have signed each other, the account its name, and both ends
// see the same server. CodeAuth, CodeIdentity (expected, got, reason), CodeFrame.
func (x *exchange) read(data []byte, kem int) (associated, error) {
	var a associated
	if err := wire.UnmarshalStrict(data, &a); err != nil {
		return a, err
	}
	if len(a.KEM) != kem {
		return a, chat.Errorf(chat.CodeFrame)
	}
	if subtle.ConstantTimeCompare(a.Server[:], x.server[:]) != 1 {
		return a, chat.Errorf(chat.CodeIdentity, "reason", "code",
			"expected", chat.FingerprintOf(x.server[:]).String(), "got", chat.FingerprintOf(a.Server[:]).String())
	}
	return a, x.checkParty(&a.Party)
}

func (x *exchange) checkParty(p *Party) error {
	cert, _, err := trust.ParseProof(chat.FingerprintOf(x.server[:]), p.Certificate)
	switch {
	case err != nil:
		return chat.Errorf(chat.CodeAuth).Because(err)
	case cert.Account != p.Account || p.Account == x.self.Account:
		return chat.Errorf(chat.CodeAuth)
	case trust.CheckName(p.Name) != nil:
		return chat.Errorf(chat.CodeAuth)
	case !trust.VerifyName(p.Account, chat.FingerprintOf(x.server[:]), p.Name, p.NameSig):
		return chat.Errorf(chat.CodeAuth)
	}
	return nil
}

// codeKeys are what comes out of a run: the keys of the two tags, and of the gift.
type codeKeys struct {
	newcomer, inviter []byte
	gift              cipher.AEAD
	machine           cipher.AEAD // of a link code: what the new device says of itself
}

// derive makes the keys: HKDF-SHA-512 of ISK ‖ the secret of ML-KEM, with sid as salt.
func derive(sid []byte, isk [sha512.Size]byte, kem []byte) codeKeys {
	secret := slices.Concat(isk[:], kem)
	expand := func(label string, n int) []byte {
		k, err := hkdf.Key(sha512.New, secret, sid, label, n)
		if err != nil {
			panic("keys: " + err.Error()) // only for lengths that aren't asked for here
		}
		return k
	}
	seal := func(label string) cipher.AEAD {
		block, err := aes.NewCipher(expand(label, 32))
		if err != nil {
			panic("keys: " + err.Error()) // only for other lengths
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			panic("keys: " + err.Error()) // only for other block sizes
		}
		return gcm
	}
	return codeKeys{newcomer: expand(labelNewcomer, tagSize), inviter: expand(labelInviter, tagSize), gift: seal(labelGift), machine: seal(labelMachine)}
}

// confirm is a tag: HMAC-SHA-512 over the end's own share and associated data. What the other end sent is in the key.
func confirm(key []byte, public [shareSize]byte, data []byte) (tag [tagSize]byte) {
	m := hmac.New(sha512.New, key)
	m.Write(lvCat(public[:], data))
	copy(tag[:], m.Sum(nil))
	return tag
}

// confirmText is a tag over a label of its own.
func confirmText(key []byte, label string) (tag [tagSize]byte) {
	m := hmac.New(sha512.New, key)
	m.Write(lvCat([]byte(label)))
	copy(tag[:], m.Sum(nil))
	return tag
}

// wrongGuess is one error for all that is wrong with a share or a tag: the words differ, or somebody is in between.
func wrongGuess() error { return chat.Errorf(chat.CodeCodeWrong) }

// Newcomer is the end of who types the code: Hello, Proof, Gift, in this order.
type Newcomer struct {
	exchange
	first       [nonceSize]byte
	encapsulate func(*mlkem.EncapsulationKey768) (secret, ciphertext []byte)
	keys        codeKeys
	inviter     associated
	offer       codeOffer
}

// NewNewcomer begins a run. server is S of the connection that it goes through, proven by the server. self is signed for it.
func NewNewcomer(code Code, server [32]byte, self Party) *Newcomer {
	return &Newcomer{exchange: newExchange(code, server, self, nil), encapsulate: (*mlkem.EncapsulationKey768).Encapsulate}
}

// Hello is the first message.
func (n *Newcomer) Hello() []byte {
	if n.next(0) != nil {
		panic("keys: Hello twice")
	}
	n.step = 1
	n.first = n.nonce()
	return wire.Marshal(&codeHello{Version: codeVersion, Nonce: n.first})
}

// Proof answers the offer. It is the one guess that whoever stands in between has at this end: the caller burns the code before it
// sends it. CodeIdentity when the inviter sees another server, CodeAuth, CodeCodeWrong, CodeFrame.
func (n *Newcomer) Proof(offer []byte) ([]byte, error) {
	k, secret, ciphertext, err := n.agree(offer)
	if err != nil {
		return nil, err
	}
	data := n.data(ciphertext)
	n.keys = derive(n.sid, sessionKey(n.sid, k, n.offer.Share, n.offer.Data, n.share.public, data), secret)
	n.step = 2
	return wire.Marshal(&codeProof{Share: n.share.public, Data: data, Tag: confirm(n.keys.newcomer, n.share.public, data)}), nil
}

// agree reads the offer: CPace's K, and the secret of ML-KEM with its ciphertext.
func (n *Newcomer) agree(offer []byte) (k [shareSize]byte, secret, ciphertext []byte, err error) {
	if err := n.next(1); err != nil {
		return k, nil, nil, err
	}
	if err := wire.UnmarshalStrict(offer, &n.offer); err != nil {
		return k, nil, nil, err
	}
	if n.inviter, err = n.read(n.offer.Data, mlkem.EncapsulationKeySize768); err != nil {
		return k, nil, nil, err
	}
	ek, err := mlkem.NewEncapsulationKey768(n.inviter.KEM)
	if err != nil {
		return k, nil, nil, chat.Errorf(chat.CodeFrame).Because(err)
	}
	n.session(n.first, n.offer.Nonce)
	shared, ok := n.share.agree(n.offer.Share)
	if !ok {
		return k, nil, nil, wrongGuess()
	}
	secret, ciphertext = n.encapsulate(ek)
	return shared, secret, ciphertext, nil
}

// Gift reads the last message: whose code it was, and what he hands over. CodeCodeWrong when the inviter doesn't prove to know the words,
// CodeIdentity when the key is another server's, CodeFrame.
func (n *Newcomer) Gift(gift []byte) (Party, Gift, error) {
	if err := n.next(2); err != nil {
		return Party{}, Gift{}, err
	}
	var m codeGift
	if err := wire.UnmarshalStrict(gift, &m); err != nil {
		return Party{}, Gift{}, err
	}
	if tag := confirm(n.keys.inviter, n.offer.Share, n.offer.Data); !hmac.Equal(tag[:], m.Tag[:]) {
		return Party{}, Gift{}, wrongGuess()
	}
	plain, err := n.keys.gift.Open(nil, make([]byte, n.keys.gift.NonceSize()), m.Sealed, m.Tag[:])
	if err != nil {
		return Party{}, Gift{}, wrongGuess()
	}
	var c content
	if err := wire.UnmarshalStrict(plain, &c); err != nil {
		return Party{}, Gift{}, err
	}
	key, err := Parse(c.Key)
	if err != nil {
		return Party{}, Gift{}, err
	}
	if own := chat.FingerprintOf(n.server[:]); c.Server != n.server || key.Server() != own {
		return Party{}, Gift{}, chat.Errorf(chat.CodeIdentity, "reason", "code", "expected", own.String(), "got", key.Server().String())
	}
	return n.inviter.Party, Gift{Key: key, Invitation: c.Invitation}, nil
}

// Inviter is the end of who made the code: Offer, Gift, in this order.
type Inviter struct {
	exchange
	gift Gift
	kem  *mlkem.DecapsulationKey768
	data []byte
}

// NewInviter waits for a newcomer. server is S as this end knows it. CodeTooLarge (limit) for a gift that doesn't fit,
// CodeIdentity for the key of another server.
func NewInviter(code Code, server [32]byte, self Party, gift Gift) (*Inviter, error) {
	gift.Key.mustHold()
	if len(gift.Invitation) > MaxInvitation {
		return nil, chat.Errorf(chat.CodeTooLarge, "limit", "4096")
	}
	if own := chat.FingerprintOf(server[:]); gift.Key.Server() != own {
		return nil, chat.Errorf(chat.CodeIdentity, "expected", own.String(), "got", gift.Key.Server().String())
	}
	return &Inviter{exchange: newExchange(code, server, self, nil), gift: gift}, nil
}

// Code is what it waits for.
func (i *Inviter) Code() Code { return i.code }

// Begun reports whether a run has begun: from then on the code is burnt.
func (i *Inviter) Begun() bool { return i.step != 0 }

// Offer answers the newcomer's hello. It tells nothing to who hasn't the words. CodeFrame, CodeVersion.
func (i *Inviter) Offer(hello []byte) ([]byte, error) {
	if err := i.next(0); err != nil {
		return nil, err
	}
	var m codeHello
	if err := wire.UnmarshalStrict(hello, &m); err != nil {
		return nil, err
	}
	if m.Version != codeVersion {
		return nil, chat.Errorf(chat.CodeVersion)
	}
	own := i.nonce()
	i.session(m.Nonce, own)
	seed := make([]byte, mlkem.SeedSize)
	if _, err := io.ReadFull(i.random, seed); err != nil {
		panic("keys: " + err.Error()) // never: crypto/rand ends the program instead
	}
	kem, err := mlkem.NewDecapsulationKey768(seed)
	if err != nil {
		panic("keys: " + err.Error()) // only for other lengths
	}
	i.kem, i.data = kem, i.exchange.data(kem.EncapsulationKey().Bytes())
	i.step = 1
	return wire.Marshal(&codeOffer{Nonce: own, Share: i.share.public, Data: i.data}), nil
}

// Gift checks the newcomer's proof, the one guess that a stranger has at this end, and answers with the gift. It returns who the newcomer
// is. CodeCodeWrong when he hasn't the words; CodeIdentity when he has, but another server stands between, CodeAuth, CodeFrame.
func (i *Inviter) Gift(proof []byte) (Party, []byte, error) {
	if err := i.next(1); err != nil {
		return Party{}, nil, err
	}
	var m codeProof
	if err := wire.UnmarshalStrict(proof, &m); err != nil {
		return Party{}, nil, err
	}
	k, ok := i.share.agree(m.Share)
	if !ok {
		return Party{}, nil, wrongGuess()
	}
	var a associated
	if err := wire.UnmarshalStrict(m.Data, &a); err != nil {
		return Party{}, nil, err
	}
	secret, err := i.kem.Decapsulate(a.KEM)
	if err != nil {
		return Party{}, nil, chat.Errorf(chat.CodeFrame).Because(err)
	}
	keys := derive(i.sid, sessionKey(i.sid, k, i.share.public, i.data, m.Share, m.Data), secret)
	if tag := confirm(keys.newcomer, m.Share, m.Data); !hmac.Equal(tag[:], m.Tag[:]) {
		return Party{}, nil, wrongGuess()
	}
	if a, err = i.read(m.Data, mlkem.CiphertextSize768); err != nil {
		return Party{}, nil, err
	}
	tag := confirm(keys.inviter, i.share.public, i.data)
	plain := wire.Marshal(&content{Key: i.gift.Key.Reveal(), Server: i.server, Invitation: append([]byte{}, i.gift.Invitation...)})
	sealed := keys.gift.Seal(nil, make([]byte, keys.gift.NonceSize()), plain, tag[:]) // the key seals this once
	return a.Party, wire.Marshal(&codeGift{Tag: tag, Sealed: sealed}), nil
}
