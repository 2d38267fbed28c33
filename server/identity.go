package server

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"huisclos/access"
	"huisclos/chat"
)

// IdentityFile is the name of the file, in a server's data folder, that holds S.
const IdentityFile = "identity"

const pemType = "PRIVATE KEY" // PKCS #8, RFC 5958

// LoadIdentity reads S from the folder dir, and makes it there, with mode 0600, when there is none. With dir
// empty it is a fresh one that nothing keeps. CodePermission, CodeDataCorrupt, CodeDiskFull, CodeStorage (path).
func LoadIdentity(dir string) (access.Identity, error) {
	if dir == "" {
		return access.NewIdentity(), nil
	}
	path := filepath.Join(dir, IdentityFile)
	text, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if errors.Is(err, fs.ErrNotExist) {
		return makeIdentity(dir, path)
	}
	if err != nil {
		return access.Identity{}, fileError(err, path)
	}
	id, err := parseIdentity(text)
	if err != nil {
		return access.Identity{}, chat.Errorf(chat.CodeDataCorrupt, "path", path).Because(err)
	}
	return id, nil
}

func parseIdentity(text []byte) (access.Identity, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemType || len(rest) > 0 {
		return access.Identity{}, errors.New("server: not one PEM block of a private key")
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return access.Identity{}, err
	}
	key, ok := k.(ed25519.PrivateKey)
	if !ok {
		return access.Identity{}, errors.New("server: not an Ed25519 key")
	}
	return access.ParseIdentity(key.Seed())
}

// makeIdentity draws S and keeps it. Two servers that begin at the same time agree: the link exists once.
func makeIdentity(dir, path string) (access.Identity, error) {
	id := access.NewIdentity()
	der, err := x509.MarshalPKCS8PrivateKey(id.Signer())
	if err != nil {
		return access.Identity{}, chat.Errorf(chat.CodeInternal).Because(err)
	}
	f, err := os.CreateTemp(dir, IdentityFile+".*") // mode 0600
	if err != nil {
		return access.Identity{}, fileError(err, path)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	err = pem.Encode(f, &pem.Block{Type: pemType, Bytes: der})
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return access.Identity{}, fileError(err, path)
	}
	// Link, unlike Rename, never replaces an identity that has come into being meanwhile.
	switch err := os.Link(f.Name(), path); {
	case errors.Is(err, fs.ErrExist):
		return LoadIdentity(dir)
	case err != nil: // a file system without links
		if err := os.Rename(f.Name(), path); err != nil {
			return access.Identity{}, fileError(err, path)
		}
	}
	return id, syncDir(dir)
}

// syncDir makes a new name durable: a server that lost its identity would be another server.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the operator names it
	if err != nil {
		return nil //nolint:nilerr // Windows: folders can't be opened, and need not
	}
	_ = d.Sync()
	return d.Close()
}

// fileError says what kind of failure of the file system err is.
func fileError(err error, path string) error {
	code := chat.CodeStorage
	switch {
	case errors.Is(err, fs.ErrPermission):
		code = chat.CodePermission
	case isDiskFull(err):
		code = chat.CodeDiskFull
	}
	return chat.Errorf(code, "path", path).Because(err)
}
