package access

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"huisclos/chat"
)

// The human-readable parts of the strings that a server may know.
const (
	prefixServer = "hcs"
	prefixAccess = "hcp"
)

// stringVersion of hcs1 and hcp1 strings.
const stringVersion = 1

// FormatServer writes a server's fingerprint: hcs1…
func FormatServer(f chat.Fingerprint) string {
	return EncodeBech32m(prefixServer, stringVersion, f[:])
}

// ParseServer reads what FormatServer wrote. CodeKeyFormat, CodeKeyChecksum, CodeKeyVersion.
func ParseServer(s string) (chat.Fingerprint, error) {
	data, err := parseString(prefixServer, s, len(chat.Fingerprint{}))
	if err != nil {
		return chat.Fingerprint{}, err
	}
	return chat.Fingerprint(data), nil
}

// Public is what a server knows of a generation of the shared key when the key was made elsewhere.
type Public struct {
	Server     chat.Fingerprint
	Generation chat.Generation
	Access     [32]byte // A_pub
}

// FormatAccess writes fingerprint ‖ generation as 4 bytes big-endian ‖ A_pub: hcp1…
func FormatAccess(p Public) string {
	b := binary.BigEndian.AppendUint32(append([]byte(nil), p.Server[:]...), uint32(p.Generation))
	return EncodeBech32m(prefixAccess, stringVersion, append(b, p.Access[:]...))
}

// ParseAccess reads what FormatAccess wrote. CodeKeyFormat, CodeKeyChecksum, CodeKeyVersion.
func ParseAccess(s string) (Public, error) {
	data, err := parseString(prefixAccess, s, 16+4+32)
	if err != nil {
		return Public{}, err
	}
	p := Public{Server: chat.Fingerprint(data[:16]), Generation: chat.Generation(binary.BigEndian.Uint32(data[16:])), Access: [32]byte(data[20:])}
	if p.Generation == 0 {
		return Public{}, chat.Errorf(chat.CodeKeyFormat, "reason", prefixAccess)
	}
	return p, nil
}

func parseString(hrp, s string, size int) ([]byte, error) {
	s = strings.Join(strings.Fields(s), "")
	version, data, err := DecodeBech32m(hrp, s)
	switch {
	case errors.Is(err, ErrBech32mChecksum):
		return nil, chat.Errorf(chat.CodeKeyChecksum, "reason", hrp)
	case err != nil:
		return nil, chat.Errorf(chat.CodeKeyFormat, "reason", hrp)
	case version > stringVersion:
		return nil, chat.Errorf(chat.CodeKeyVersion, "version", fmt.Sprint(version))
	case version == 0 || len(data) != size:
		return nil, chat.Errorf(chat.CodeKeyFormat, "reason", hrp)
	}
	return data, nil
}

// KeyID tells shared keys apart without saying anything of them: the first 8 bytes of SHA-256 of "huisclos/1 key id" ‖ A_pub.
func KeyID(public [32]byte) [8]byte {
	sum := sha256.Sum256(append([]byte("huisclos/1 key id"), public[:]...))
	return [8]byte(sum[:])
}
