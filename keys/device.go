package keys

import (
	"crypto/hmac"
	"crypto/subtle"
	"encoding/binary"
	"unicode"
	"unicode/utf8"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// The exchange of a link code, by which a person takes a second device along (PROTOCOL §7). It is that of an invitation code in other roles, which are in CPace's
// channel identifier: neither kind of code can be used as the other, whatever a server says of a number.
//
//	new → old   hello     a nonce
//	old → new   offer     a nonce, Ya, what the old device is, an ML-KEM-768 key
//	new → old   proof     Yb, the new device's ID, an ML-KEM-768 ciphertext, its tag; sealed: its name
//	            ——        the person looks at both, and says yes on the old device
//	old → new   parts     the old device's tag, and a piece of what it hands over, sealed
//	new → old   receipt   a tag: all of it has arrived

// The labels of the exchange, besides those of an invitation code.
const (
	labelDevice  = "huisclos/1 device link"    // of the channel identifier
	labelMachine = "huisclos/1 device name"    // HKDF info: AES-256-GCM key of what the new device says of itself, 32 bytes
	labelReceipt = "huisclos/1 device receipt" // in the place of a share under the receipt's tag
	roleOld      = "old device"                // A of CPace
	roleNew      = "new device"                // B of CPace
)

// Sizes of what is handed over, in bytes.
const (
	devicePart = 6 << 10
	// MaxDeviceParts is in how many messages it goes at most.
	MaxDeviceParts = 64
	// MaxDeviceGift is the most that can be handed over.
	MaxDeviceGift = devicePart * MaxDeviceParts
	// MaxMachine bounds each text that a new device says of itself.
	MaxMachine = 64
)

// Machine is what a new device says of itself. Nothing of it is proven but that whoever says it knows the words.
type Machine struct {
	_        struct{} `cbor:",toarray"`
	Device   chat.DeviceID
	HPKE     []byte // its public key, trust.HPKESize bytes: what whoever vouches for the device signs
	Name     string // for people: the computer's name and its system; printable, at most MaxMachine bytes
	Software string
}

func (m *Machine) valid() bool {
	return !m.Device.IsZero() && len(m.HPKE) == trust.HPKESize && isLabel(m.Name) && isLabel(m.Software)
}

func isLabel(s string) bool {
	if len(s) > MaxMachine || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// MachineName makes a text one that a Machine can have as its name: what can't be printed is left out, and what is too long is cut.
func MachineName(s string) string {
	out := make([]byte, 0, MaxMachine)
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			continue
		}
		if len(out)+utf8.RuneLen(r) > MaxMachine {
			break
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// deviceChannel is CI of a link code.
func deviceChannel() []byte {
	return lvCat([]byte(labelDevice), []byte{codeVersion}, []byte(roleOld), []byte(roleNew))
}

type (
	// machineData is the new device's associated data.
	machineData struct {
		_      struct{} `cbor:",toarray"`
		Device chat.DeviceID
		Server [32]byte // S, as it sees it
		KEM    []byte   // ciphertext
	}
	deviceProof struct {
		_       struct{} `cbor:",toarray"`
		Share   [shareSize]byte
		Data    []byte // machineData
		Tag     [tagSize]byte
		Machine []byte // Machine, sealed: the server doesn't learn what people call their computers
	}
	devicePiece struct {
		_      struct{}      `cbor:",toarray"`
		Tag    [tagSize]byte // the old device's
		Index  uint
		Last   bool
		Sealed []byte
	}
	deviceReceipt struct {
		_   struct{} `cbor:",toarray"`
		Tag [tagSize]byte
	}
)

// pieceNonce and pieceData bind a piece to its place: each index is sealed once.
func pieceNonce(size int, index uint) []byte {
	n := make([]byte, size)
	binary.BigEndian.PutUint32(n[size-4:], uint32(index)) //nolint:gosec // below MaxDeviceParts
	return n
}

func pieceData(tag [tagSize]byte, index uint, last bool) []byte {
	end := []byte{0}
	if last {
		end[0] = 1
	}
	return append(binary.BigEndian.AppendUint32(tag[:len(tag):len(tag)], uint32(index)), end...) //nolint:gosec // below MaxDeviceParts
}

// NewDevice is the end of who types a link code: Hello, Proof, then Take for each message until it is done, and Receipt.
type NewDevice struct {
	Newcomer
	machine Machine
	share   [shareSize]byte
	data    []byte
	parts   uint
	content []byte
}

// NewNewDevice begins a run. server is S of the connection, proven by the server.
func NewNewDevice(code Code, server [32]byte, machine Machine) *NewDevice {
	n := &NewDevice{Newcomer: *NewNewcomer(code, server, Party{}), machine: machine}
	n.ci = deviceChannel()
	return n
}

// Peer is what the old device says it is: believed when Take has returned without an error.
func (n *NewDevice) Peer() Party { return n.inviter.Party }

// Proof answers the offer. It is the one guess that whoever stands in between has at this end: the caller burns the code before it
// sends it. The errors are those of Newcomer.Proof.
func (n *NewDevice) Proof(offer []byte) ([]byte, error) {
	k, secret, ciphertext, err := n.agree(offer)
	if err != nil {
		return nil, err
	}
	n.data = wire.Marshal(&machineData{Device: n.machine.Device, Server: n.server, KEM: ciphertext})
	n.share = n.exchange.share.public
	n.keys = derive(n.sid, sessionKey(n.sid, k, n.offer.Share, n.offer.Data, n.share, n.data), secret)
	n.step = 2
	tag := confirm(n.keys.newcomer, n.share, n.data)
	sealed := n.keys.machine.Seal(nil, make([]byte, n.keys.machine.NonceSize()), wire.Marshal(&n.machine), tag[:]) // the key seals this once
	return wire.Marshal(&deviceProof{Share: n.share, Data: n.data, Tag: tag, Machine: sealed}), nil
}

// Take reads the next piece; done with the last. CodeCodeWrong when it isn't the next one of who knows the words, CodeFrame, CodeTooLarge.
func (n *NewDevice) Take(piece []byte) (done bool, err error) {
	if err := n.next(2); err != nil {
		return false, err
	}
	var m devicePiece
	if err := wire.UnmarshalStrict(piece, &m); err != nil {
		return false, err
	}
	if tag := confirm(n.keys.inviter, n.offer.Share, n.offer.Data); !hmac.Equal(tag[:], m.Tag[:]) || m.Index != n.parts {
		return false, wrongGuess()
	}
	if n.parts++; n.parts > MaxDeviceParts {
		return false, chat.Errorf(chat.CodeTooLarge)
	}
	plain, err := n.keys.gift.Open(nil, pieceNonce(n.keys.gift.NonceSize(), m.Index), m.Sealed, pieceData(m.Tag, m.Index, m.Last))
	if err != nil {
		return false, wrongGuess()
	}
	n.content = append(n.content, plain...)
	n.step = 2
	if m.Last {
		n.step = 3
	}
	return m.Last, nil
}

// Receipt tells the old device that all has arrived, and returns that.
func (n *NewDevice) Receipt() (receipt, content []byte, err error) {
	if err := n.next(3); err != nil {
		return nil, nil, err
	}
	return wire.Marshal(&deviceReceipt{Tag: n.keys.receipt()}), n.content, nil
}

// receipt is the new device's second tag.
func (k *codeKeys) receipt() [tagSize]byte { return confirmText(k.newcomer, labelReceipt) }

// OldDevice is the end of who made a link code: Offer, Proof, and after the person's yes Gift, then Received.
type OldDevice struct {
	Inviter
	keys codeKeys
}

// NewOldDevice waits for a new device. server is S as this end knows it.
func NewOldDevice(code Code, server [32]byte, self Party) *OldDevice {
	o := &OldDevice{Inviter: Inviter{exchange: newExchange(code, server, self, nil)}}
	o.ci = deviceChannel()
	return o
}

// Proof checks what the new device has sent, the one guess that a stranger has at this end. CodeCodeWrong when it hasn't the words; CodeIdentity when it has, but
// another server stands between, CodeFrame.
func (o *OldDevice) Proof(proof []byte) (Machine, error) {
	if err := o.next(1); err != nil {
		return Machine{}, err
	}
	var m deviceProof
	if err := wire.UnmarshalStrict(proof, &m); err != nil {
		return Machine{}, err
	}
	k, ok := o.share.agree(m.Share)
	if !ok {
		return Machine{}, wrongGuess()
	}
	var a machineData
	if err := wire.UnmarshalStrict(m.Data, &a); err != nil {
		return Machine{}, err
	}
	secret, err := o.kem.Decapsulate(a.KEM)
	if err != nil {
		return Machine{}, chat.Errorf(chat.CodeFrame).Because(err)
	}
	o.keys = derive(o.sid, sessionKey(o.sid, k, o.share.public, o.data, m.Share, m.Data), secret)
	if tag := confirm(o.keys.newcomer, m.Share, m.Data); !hmac.Equal(tag[:], m.Tag[:]) {
		return Machine{}, wrongGuess()
	}
	if subtle.ConstantTimeCompare(a.Server[:], o.server[:]) != 1 {
		return Machine{}, chat.Errorf(chat.CodeIdentity, "reason", "code",
			"expected", chat.FingerprintOf(o.server[:]).String(), "got", chat.FingerprintOf(a.Server[:]).String())
	}
	plain, err := o.keys.machine.Open(nil, make([]byte, o.keys.machine.NonceSize()), m.Machine, m.Tag[:])
	if err != nil {
		return Machine{}, wrongGuess()
	}
	var machine Machine
	if err := wire.UnmarshalStrict(plain, &machine); err != nil {
		return Machine{}, err
	}
	if !machine.valid() || machine.Device != a.Device {
		return Machine{}, chat.Errorf(chat.CodeFrame)
	}
	o.step = 2
	return machine, nil
}

// Gift seals what is handed over, in pieces. The caller has the person's yes. CodeTooLarge (limit) beyond MaxDeviceGift.
func (o *OldDevice) Gift(content []byte) ([][]byte, error) {
	if err := o.next(2); err != nil {
		return nil, err
	}
	if len(content) == 0 || len(content) > MaxDeviceGift {
		return nil, chat.Errorf(chat.CodeTooLarge, "limit", "393216")
	}
	tag := confirm(o.keys.inviter, o.share.public, o.Inviter.data)
	var pieces [][]byte
	for index := uint(0); len(content) > 0; index++ {
		n := min(devicePart, len(content))
		last := n == len(content)
		sealed := o.keys.gift.Seal(nil, pieceNonce(o.keys.gift.NonceSize(), index), content[:n], pieceData(tag, index, last))
		pieces = append(pieces, wire.Marshal(&devicePiece{Tag: tag, Index: index, Last: last, Sealed: sealed}))
		content = content[n:]
	}
	o.step = 3
	return pieces, nil
}

// Received checks that the new device has all of it. CodeCodeWrong, CodeFrame.
func (o *OldDevice) Received(receipt []byte) error {
	if err := o.next(3); err != nil {
		return err
	}
	var m deviceReceipt
	if err := wire.UnmarshalStrict(receipt, &m); err != nil {
		return err
	}
	if tag := o.keys.receipt(); !hmac.Equal(tag[:], m.Tag[:]) {
		return wrongGuess()
	}
	return nil
}
