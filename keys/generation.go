package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hpke"
	"encoding/binary"

	"huisclos/chat"
)

// linkSize is the length of a sealed link: nonce, K, tag.
const linkSize = 12 + Size + 16

// SealLink seals the key of generation g-1 under k, the key of generation g, for newcomers to read the history with. It
// goes one way only: an old key never opens a new one (PROTOCOL §3).
//
// AES-256-GCM with a random nonce of 12 bytes in front; the associated data is
// "huisclos/1 key link" ‖ fingerprint ‖ g as 4 bytes big-endian.
func SealLink(k Key, g chat.Generation, before Key) ([]byte, error) {
	before.mustHold()
	if g < 2 || k.server != before.server {
		return nil, chat.Errorf(chat.CodeKeyWrong)
	}
	aead := k.linkCipher(g)
	return aead.Seal(nil, nil, before.secret[:], linkData(k.server, g)), nil
}

// OpenLink opens what SealLink made. CodeKeyWrong when it wasn't made with k for generation g.
func OpenLink(k Key, g chat.Generation, link []byte) (Key, error) {
	if g < 2 || len(link) != linkSize {
		return Key{}, chat.Errorf(chat.CodeKeyWrong)
	}
	secret, err := k.linkCipher(g).Open(nil, nil, link, linkData(k.server, g))
	if err != nil {
		return Key{}, chat.Errorf(chat.CodeKeyWrong)
	}
	return FromBytes(k.server, secret)
}

func (k Key) linkCipher(g chat.Generation) cipher.AEAD {
	block, err := aes.NewCipher(k.derive(g, labelLink, 32))
	if err != nil {
		panic("keys: " + err.Error()) // only for other lengths
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("keys: " + err.Error()) // only for other block sizes
	}
	return aead
}

func linkData(server chat.Fingerprint, g chat.Generation) []byte {
	b := append([]byte(labelLink), server[:]...)
	return binary.BigEndian.AppendUint32(b, uint32(g))
}

// labelGrant begins the HPKE info of a grant.
const labelGrant = "huisclos/1 key grant"

// SealGrant seals k, the key of generation g, to one certified device: HPKE (RFC 9180) in base mode with the KEM MLKEM768-X25519
// (0x647a), HKDF-SHA-512, AES-256-GCM; info is "huisclos/1 key grant" ‖ fingerprint ‖ g as 4 bytes ‖ account ‖ device. public
// is the HPKE key in the device's certificate, which the caller has verified. CodeAuth when public isn't a key.
func SealGrant(k Key, g chat.Generation, account chat.AccountID, device chat.DeviceID, public []byte) ([]byte, error) {
	k.mustHold()
	recipient, err := hpke.MLKEM768X25519().NewPublicKey(public)
	if err != nil {
		return nil, chat.Errorf(chat.CodeAuth).Because(err)
	}
	grant, err := hpke.Seal(recipient, hpke.HKDFSHA512(), hpke.AES256GCM(), grantInfo(k.server, g, account, device), k.secret[:])
	if err != nil {
		return nil, chat.Errorf(chat.CodeInternal).Because(err)
	}
	return grant, nil
}

// OpenGrant opens what SealGrant made for this device. It says nothing of who made it: the caller
// compares the key with the access public key (Fits). CodeKeyWrong when it can't be opened.
func OpenGrant(server chat.Fingerprint, g chat.Generation, account chat.AccountID, device chat.DeviceID, private hpke.PrivateKey, grant []byte) (Key, error) {
	secret, err := hpke.Open(private, hpke.HKDFSHA512(), hpke.AES256GCM(), grantInfo(server, g, account, device), grant)
	if err != nil {
		return Key{}, chat.Errorf(chat.CodeKeyWrong).Because(err)
	}
	return FromBytes(server, secret)
}

func grantInfo(server chat.Fingerprint, g chat.Generation, account chat.AccountID, device chat.DeviceID) []byte {
	b := append([]byte(labelGrant), server[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(g))
	b = append(b, account[:]...)
	return append(b, device[:]...)
}
