package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"huisclos/chat"
	"huisclos/client"
)

// ID names one vault; its database, its entry in the keyring and its keys depend on it.
type ID [16]byte

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// keyFileVersion is the version of the key file that this program writes.
const keyFileVersion = 1

// keyFile says how the vault's key is guarded. It is the first thing read; everything else follows
// from it, so that replacing it is what changes a passphrase, atomically.
type keyFile struct {
	Version int               `json:"version"`
	ID      string            `json:"id"`
	Guard   client.Protection `json:"guard"`
	// Key is the vault's key in hexadecimal when Guard is "file".
	Key string `json:"key,omitempty"`
	// Passphrase says how the key is sealed when Guard is "passphrase".
	Passphrase *sealedKey `json:"passphrase,omitempty"`
	// Counter mirrors the root counter, unless the keyring does.
	Counter uint64 `json:"counter"`
	// MAC is HMAC-SHA-512/256 of everything above (mac), in hexadecimal.
	MAC string `json:"mac"`
}

// sealedKey is the vault's key under a passphrase: AES-256-GCM with a key from Argon2id (RFC 9106).
type sealedKey struct {
	Time    uint32 `json:"time"`
	Memory  uint32 `json:"memory_kib"`
	Threads uint8  `json:"threads"`
	Salt    string `json:"salt"`
	Sealed  string `json:"sealed"`
}

// cost of Argon2id: the second recommendation of RFC 9106 §4, for machines of every size.
type cost struct {
	time, memory uint32
	threads      uint8
}

var standardCost = cost{time: 3, memory: 64 << 10, threads: 4}

// The bounds within which a key file's cost is believed: a damaged file must not take the machine's memory.
const (
	maxTime   = 64
	maxMemory = 2 << 20 // KiB
)

// guarded is an opened key: what the key file and its guard gave.
type guarded struct {
	file    keyFile
	id      ID
	key     master
	counter uint64 // as mirrored
}

func keyPath(dir string) string { return filepath.Join(dir, keyFileName) }

// readKeyFile returns nil when there is none.
func readKeyFile(dir string) (*keyFile, error) {
	path := keyPath(dir)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // absence is no error
	}
	if err != nil {
		return nil, fileError(path, err)
	}
	var version struct {
		Version int `json:"version"`
	}
	if json.Unmarshal(data, &version) == nil && version.Version > keyFileVersion {
		return nil, chat.Errorf(chat.CodeVaultNewer, "version", strconv.Itoa(version.Version), "path", path)
	}
	var f keyFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, corrupt(path, err)
	}
	if f.Version != keyFileVersion {
		return nil, corrupt(path, fmt.Errorf("version %d", f.Version))
	}
	return &f, nil
}

// open finds the vault's key: in the file, in the keyring, or by the passphrase.
func (f *keyFile) open(dir string, o Options) (*guarded, error) {
	path := keyPath(dir)
	g := &guarded{file: *f, counter: f.Counter}
	if err := unhex(g.id[:], f.ID); err != nil {
		return nil, corrupt(path, err)
	}
	var err error
	switch f.Guard {
	case client.ProtectedByFile:
		if err := unhex(g.key[:], f.Key); err != nil {
			return nil, corrupt(path, err)
		}
	case client.ProtectedByKeyring:
		err = g.fromKeyring(path, o.Keyring)
	case client.ProtectedByPassphrase:
		err = g.fromPassphrase(path, o.Passphrase)
	default:
		err = corrupt(path, fmt.Errorf("unknown guard %q", f.Guard))
	}
	if err != nil {
		return nil, err
	}
	if g.key.isZero() || !hmac.Equal([]byte(f.mac(g)), []byte(f.MAC)) {
		return nil, corrupt(path, errors.New("its check fails"))
	}
	return g, nil
}

// mac authenticates the key file with the key that it leads to.
func (f *keyFile) mac(g *guarded) string {
	plain := *f
	plain.MAC = ""
	plain.Key = "" // the key itself proves it
	text, err := json.Marshal(plain)
	if err != nil {
		panic("vault: " + err.Error()) // a struct of strings and numbers
	}
	h := hmac.New(sha512.New512_256, g.key.derive(g.id, "key file"))
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}

func (f *keyFile) write(dir string, g *guarded) error {
	f.MAC = f.mac(g)
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return chat.Errorf(chat.CodeInternal).Because(err)
	}
	return replace(keyPath(dir), append(text, '\n'))
}

// fromKeyring reads "key counter".
func (g *guarded) fromKeyring(path string, k Keyring) error {
	if k == nil {
		return chat.Errorf(chat.CodeKeyring, "path", path)
	}
	entry, err := k.Get(g.id.String())
	if err != nil {
		return chat.Errorf(chat.CodeKeyring, "path", path).Because(err)
	}
	key, counter, ok := strings.Cut(entry, " ")
	n, err := strconv.ParseUint(counter, 10, 64)
	if !ok || err != nil || unhex(g.key[:], key) != nil {
		return corrupt(path, errors.New("the keyring's entry can't be read"))
	}
	g.counter = max(g.counter, n)
	return nil
}

func (g *guarded) toKeyring(k Keyring) error {
	return k.Set(g.id.String(), hex.EncodeToString(g.key[:])+" "+strconv.FormatUint(g.counter, 10))
}

func (g *guarded) fromPassphrase(path string, p Passphrase) error {
	s := g.file.Passphrase
	if s == nil || s.Time == 0 || s.Time > maxTime || s.Memory > maxMemory || s.Threads == 0 {
		return corrupt(path, errors.New("the passphrase's parameters can't be read"))
	}
	salt, err1 := hex.DecodeString(s.Salt)
	sealed, err2 := hex.DecodeString(s.Sealed)
	if err := errors.Join(err1, err2); err != nil {
		return corrupt(path, err)
	}
	if len(p) == 0 {
		return chat.Errorf(chat.CodeVaultLocked, "path", path)
	}
	aead := passphraseAEAD(p, salt, cost{s.Time, s.Memory, s.Threads})
	key, err := aead.Open(nil, nil, sealed, g.id[:])
	if err != nil || len(key) != len(g.key) {
		return chat.Errorf(chat.CodePassphrase, "path", path).Because(err)
	}
	g.key = master(key)
	return nil
}

// sealWith puts the key under a passphrase.
func (g *guarded) sealWith(p Passphrase, c cost) {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	sealed := passphraseAEAD(p, salt, c).Seal(nil, nil, g.key[:], g.id[:])
	g.file.Passphrase = &sealedKey{
		Time: c.time, Memory: c.memory, Threads: c.threads,
		Salt: hex.EncodeToString(salt), Sealed: hex.EncodeToString(sealed),
	}
}

func passphraseAEAD(p Passphrase, salt []byte, c cost) cipher.AEAD {
	return newAEAD(argon2.IDKey(p, salt, c.time, c.memory, c.threads, 32))
}

// newAEAD is AES-256-GCM with random nonces: a vault writes far fewer than the 2^32 records
// that NIST SP 800-38D §8.3 allows for one key.
func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("vault: " + err.Error()) // constant length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("vault: " + err.Error())
	}
	return aead
}

// makeGuard makes the key of a new vault: under the passphrase if there is one, else in the keyring
// if that works, else in the file.
func makeGuard(dir string, o Options) (*guarded, error) {
	g := &guarded{key: newMaster()}
	_, _ = rand.Read(g.id[:])
	g.file = keyFile{Version: keyFileVersion, ID: g.id.String(), Guard: client.ProtectedByFile}
	switch {
	case len(o.Passphrase) > 0:
		g.file.Guard = client.ProtectedByPassphrase
		g.sealWith(o.Passphrase, o.costOrStandard())
	case o.Keyring != nil && g.keepIn(o.Keyring):
		g.file.Guard = client.ProtectedByKeyring
	default:
		g.file.Key = hex.EncodeToString(g.key[:])
	}
	return g, g.file.write(dir, g)
}

// keepIn tries the keyring, and believes it only when it gives back what it got.
func (g *guarded) keepIn(k Keyring) bool {
	if g.toKeyring(k) != nil {
		return false
	}
	probe := &guarded{id: g.id}
	return probe.fromKeyring("", k) == nil && probe.key == g.key
}

// mirror writes the root counter beside the key.
func (g *guarded) mirror(dir string, counter uint64, k Keyring) error {
	g.counter = counter
	if g.file.Guard == client.ProtectedByKeyring {
		if err := g.toKeyring(k); err != nil {
			return chat.Errorf(chat.CodeKeyring, "path", keyPath(dir)).Because(err)
		}
		return nil
	}
	g.file.Counter = counter
	return g.file.write(dir, g)
}

func unhex(dst []byte, s string) error {
	b, err := hex.DecodeString(s)
	if err == nil && len(b) != len(dst) {
		err = fmt.Errorf("%d bytes instead of %d", len(b), len(dst))
	}
	if err != nil {
		return err
	}
	copy(dst, b)
	return nil
}
