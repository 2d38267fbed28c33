package conn

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/netip"
	"time"

	"huisclos/chat"
)

// exporterLabel and exporterSize are those of RFC 9266 §2; the context is empty.
const (
	exporterLabel = "EXPORTER-Channel-Binding"
	exporterSize  = 32
)

// protocol is what is spoken inside TLS (ALPN, RFC 7301): WebSocket begins as HTTP/1.1.
const protocol = "http/1.1"

// groups are the key agreements: the hybrid one alone, so that recordings stay closed to quantum computers.
func groups(classical bool) []tls.CurveID {
	if classical {
		return []tls.CurveID{tls.X25519MLKEM768, tls.X25519}
	}
	return []tls.CurveID{tls.X25519MLKEM768}
}

// Greeted may be implemented by the net.Conn under Accept. It is called when a whole ClientHello has arrived, before
// the expensive part of the handshake; it may wait, and an error ends the handshake.
type Greeted interface{ Greeted() error }

// ServerTLS is the configuration of the accepting end. certificate is asked at each handshake, so that it
// can change while the server runs.
//
// Session tickets are off: resumption would save 0.1 ms of 0.4, and a ticket key
// would be one more secret that opens recordings.
func ServerTLS(certificate func() *tls.Certificate, classical bool) *tls.Config {
	return &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		CurvePreferences:            groups(classical),
		NextProtos:                  []string{protocol},
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true, // small first records would multiply the writes
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if g, ok := hello.Conn.(Greeted); ok {
				return nil, g.Greeted()
			}
			return nil, nil
		},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if c := certificate(); c != nil {
				return c, nil
			}
			return nil, errors.New("conn: no certificate")
		},
	}
}

// SelfCertificate makes the certificate that carries a server's identity key. Clients check
// the key alone; it has no name, and no end that a wrong clock could see.
func SelfCertificate(identity ed25519.PrivateKey) (*tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Huisclos"},
		NotBefore:             time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // "no well-defined end", RFC 5280 §4.1.2.5
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, identity.Public(), identity)
	if err != nil {
		return nil, chat.Errorf(chat.CodeInternal).Because(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: identity}, nil
}

// clientTLS is the configuration of the dialling end. The usual verification is replaced by
// VerifyConnection, which runs for every handshake, resumed ones included.
func clientTLS(c Config, t Target, pin chat.Fingerprint) *tls.Config {
	cfg := &tls.Config{
		MinVersion:             tls.VersionTLS13,
		CurvePreferences:       groups(c.Classical),
		NextProtos:             []string{protocol},
		SessionTicketsDisabled: true,
		InsecureSkipVerify:     true, //nolint:gosec // replaced by VerifyConnection
	}
	if _, err := netip.ParseAddr(t.Host); err != nil {
		cfg.ServerName = t.Host
	}
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		if c.Unpinned {
			return nil // the challenge and the code prove the rest
		}
		return verify(state, t, pin, c.Roots)
	}
	return cfg
}

// verify accepts a certificate that holds the pinned identity key, or one that a public authority
// has given to the host. In the second case the login still proves the identity.
func verify(state tls.ConnectionState, t Target, pin chat.Fingerprint, roots *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return chat.Errorf(chat.CodeIdentity, "address", t.String(), "expected", pin.String(), "got", "")
	}
	leaf := state.PeerCertificates[0]
	got := shown(leaf)
	if !got.IsZero() && got == pin {
		return nil // the handshake has proven that the server holds the key
	}
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: t.Host, Roots: roots, Intermediates: between})
	if err == nil {
		return nil
	}
	name := ""
	if !got.IsZero() {
		name = got.String()
	}
	return chat.Errorf(chat.CodeIdentity, "address", t.String(), "expected", pin.String(), "got", name).Because(err)
}

// shown is the fingerprint of the identity key in a certificate; zero when it holds another kind of key.
func shown(leaf *x509.Certificate) chat.Fingerprint {
	if pub, ok := leaf.PublicKey.(ed25519.PublicKey); ok && len(pub) == ed25519.PublicKeySize {
		return chat.FingerprintOf(pub)
	}
	return chat.Fingerprint{}
}

// exporter is the channel binding of RFC 9266.
func exporter(c *tls.Conn) ([]byte, error) {
	state := c.ConnectionState()
	x, err := state.ExportKeyingMaterial(exporterLabel, nil, exporterSize)
	if err != nil {
		return nil, chat.Errorf(chat.CodeTLS).Because(err)
	}
	return x, nil
}
