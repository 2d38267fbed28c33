package recovery

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"unicode/utf8"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// The versions of the formats. What a program of a later version writes may have a greater one.
const (
	sealVersion   = 1
	backupVersion = 1
)

// The labels of the backup.
const (
	labelKey  = "huisclos/1 backup key" // info of HKDF-SHA-512 of the account's secret, salt: the server's fingerprint; 32 bytes, of AES-256-GCM
	labelData = "huisclos/1 backup"     // of the associated data
)

// bucket is what sizes are padded to a multiple of, so that the server doesn't see each person who is met.
const bucket = 4 << 10

const headSize = 1 + 16 + 12 // version, fingerprint, nonce

// Backup is what comes back on a new device. It holds the shared keys, so it is a secret.
type Backup struct {
	_           struct{} `cbor:",toarray"`
	Version     uint
	Server      chat.Fingerprint
	Account     chat.AccountID
	Name        string
	NameSig     [64]byte
	Address     string // where the server was last reached
	ListVersion uint64 // the highest of the account's certificates
	Written     int64  // ms since 1970, the device's word
	Keys        []Key
	People      []Person
	Rooms       []Room
}

// Key is the shared key of one generation.
type Key struct {
	_          struct{} `cbor:",toarray"`
	Generation chat.Generation
	Secret     [32]byte
}

// Person is a pinned account.
type Person struct {
	_           struct{} `cbor:",toarray"`
	Account     chat.AccountID
	Name        string
	NameSig     [64]byte
	ListVersion uint64
	Former      bool   // another account has the name now
	Changed     bool   // another account had it before
	Verified    int64  // since when, ms since 1970; 0: it isn't
	VerifiedBy  string // how
}

// Room is one that was joined.
type Room struct {
	_    struct{} `cbor:",toarray"`
	Name string
	Kind chat.RoomKind
}

// The reasons of CodeBackupDamaged, its parameter "reason".
const (
	// ReasonContent: it opened, and what is in it isn't a backup: made by a faulty program.
	ReasonContent = "content"
)

var errPlain = errors.New("recovery: what was sealed isn't a backup")

// Seal seals a backup as the one with this number, which the server keeps beside it. CodeTooLarge (limit) beyond wire.MaxBackup.
func Seal(account *trust.Account, serial uint64, b *Backup) ([]byte, error) {
	return NewSealer(account, b.Server).Seal(serial, b)
}

// Seal is Seal with a key that is derived already. The backup is of its account and server.
func (s *Sealer) Seal(serial uint64, b *Backup) ([]byte, error) {
	b.Version = backupVersion
	plain := wire.Marshal(b)
	size := (4 + len(plain) + bucket - 1) / bucket * bucket
	if headSize+size+16 > wire.MaxBackup {
		return nil, chat.Errorf(chat.CodeTooLarge, "limit", fmt.Sprint(wire.MaxBackup))
	}
	padded := make([]byte, 4, size)
	binary.BigEndian.PutUint32(padded, uint32(len(plain))) //nolint:gosec // bounded
	padded = append(padded, plain...)[:size]
	out := make([]byte, headSize, headSize+size+16)
	out[0] = sealVersion
	copy(out[1:], b.Server[:])
	_, _ = rand.Read(out[17:headSize]) // never fails
	return s.aead().Seal(out, out[17:headSize], padded, data(out[:17], b.Account, serial)), nil
}

// Open opens what Seal made, as it came from the server with that fingerprint under that number. CodeIdentity (expected, got) when it was made for another
// server, CodeBackupNewer (version), CodeBackupDamaged when a bit of it, its number or the account isn't what was sealed.
func Open(account *trust.Account, server chat.Fingerprint, serial uint64, sealed []byte) (*Backup, error) {
	return NewSealer(account, server).Open(serial, sealed)
}

// Open is Open with a key that is derived already.
func (s *Sealer) Open(serial uint64, sealed []byte) (*Backup, error) {
	switch {
	case len(sealed) > 0 && sealed[0] > sealVersion:
		return nil, chat.Errorf(chat.CodeBackupNewer, "version", fmt.Sprint(sealed[0]))
	case len(sealed) < headSize+bucket+16 || len(sealed) > wire.MaxBackup || sealed[0] != sealVersion:
		return nil, chat.Errorf(chat.CodeBackupDamaged)
	}
	if made := chat.Fingerprint(sealed[1:17]); made != s.server {
		return nil, chat.Errorf(chat.CodeIdentity, "expected", made.String(), "got", s.server.String())
	}
	padded, err := s.aead().Open(nil, sealed[17:headSize], sealed[headSize:], data(sealed[:17], s.account, serial))
	if err != nil {
		return nil, chat.Errorf(chat.CodeBackupDamaged).Because(err)
	}
	b, err := parse(padded)
	if err != nil {
		return nil, err
	}
	if b.Server != s.server || b.Account != s.account {
		return nil, chat.Errorf(chat.CodeBackupDamaged, "reason", ReasonContent).Because(errPlain)
	}
	return b, nil
}

// data binds a backup to its place: CBOR["huisclos/1 backup", version ‖ fingerprint, account, number].
func data(head []byte, account chat.AccountID, serial uint64) []byte {
	return wire.Marshal([]any{labelData, head, account[:], serial})
}

// parse reads what was sealed: the length in four bytes, the backup, zero bytes. A later version has its number first too.
func parse(padded []byte) (*Backup, error) {
	damaged := chat.Errorf(chat.CodeBackupDamaged, "reason", ReasonContent).Because(errPlain)
	if len(padded) < 4 || len(padded)%bucket != 0 {
		return nil, damaged
	}
	n := int64(binary.BigEndian.Uint32(padded))
	if n > int64(len(padded)-4) || (4+n+bucket-1)/bucket*bucket != int64(len(padded)) {
		return nil, damaged
	}
	for _, z := range padded[4+n:] {
		if z != 0 {
			return nil, damaged
		}
	}
	plain := padded[4 : 4+n]
	if v := version(plain); v > backupVersion {
		return nil, chat.Errorf(chat.CodeBackupNewer, "version", fmt.Sprint(v))
	}
	b := new(Backup)
	if wire.UnmarshalStrict(plain, b) != nil || !b.sound() {
		return nil, damaged
	}
	return b, nil
}

// version reads the first element of an array with fewer than 24, when it is a small number.
func version(plain []byte) int {
	if len(plain) >= 2 && plain[0]>>5 == 4 && plain[0]&31 < 24 && plain[1] < 24 {
		return int(plain[1])
	}
	return 0
}

// sound checks what Seal's callers keep to.
func (b *Backup) sound() bool {
	if b.Version != backupVersion || b.Server.IsZero() || b.Account.IsZero() || trust.CheckName(b.Name) != nil || !utf8.ValidString(b.Address) || b.ListVersion == 0 {
		return false
	}
	for i, k := range b.Keys {
		if k.Generation == 0 || k.Secret == [32]byte{} || i > 0 && b.Keys[i-1].Generation >= k.Generation {
			return false
		}
	}
	seen := map[chat.AccountID]bool{}
	for i := range b.People {
		p := &b.People[i]
		if p.Account.IsZero() || seen[p.Account] || trust.CheckName(p.Name) != nil || p.Verified < 0 {
			return false
		}
		seen[p.Account] = true
	}
	for _, r := range b.Rooms {
		if r.Kind == chat.KeyRoom {
			if name, err := chat.RoomName(r.Name); err != nil || name != r.Name {
				return false
			}
		}
	}
	return true
}

const redacted = "[secret]"

// String hides the keys.
func (Key) String() string { return redacted }

// GoString hides the keys.
func (Key) GoString() string { return redacted }

// Format hides the keys from every verb.
func (Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the keys.
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }
