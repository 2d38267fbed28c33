package conn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"time"

	"huisclos/chat"
)

// Report is what somebody without a key can see of a server. Nothing of it is proven but that whoever
// answered holds the private key of the certificate.
type Report struct {
	Server    chat.Fingerprint // the identity key in the certificate; zero when another kind of certificate is shown
	Public    bool             // the certificate is a public authority's, for this host
	Expires   time.Time        // of the certificate
	Classical bool             // the key agreement is without ML-KEM
	Handshake time.Duration    // how long TLS took
}

// Inspect looks at what answers at address, for a diagnosis: TLS and the certificate, with any identity. The errors
// are those of Dial, but CodeIdentity.
func Inspect(ctx context.Context, address string, c Config) (Report, error) {
	t, err := ParseAddress(address)
	if err != nil {
		return Report{}, err
	}
	raw, err := reach(ctx, t, c)
	if err != nil {
		return Report{}, reachError(err, t)
	}
	defer func() { _ = raw.Close() }()
	cfg := clientTLS(c, t, chat.Fingerprint{})
	var state tls.ConnectionState
	cfg.VerifyConnection = func(s tls.ConnectionState) error { state = s; return nil }
	begin := time.Now()
	client := tls.Client(raw, cfg)
	if err := client.HandshakeContext(ctx); err != nil {
		return Report{}, handshakeError(because(ctx, err), t)
	}
	r := Report{Classical: state.CurveID != tls.X25519MLKEM768, Handshake: time.Since(begin)}
	if len(state.PeerCertificates) == 0 {
		return r, nil
	}
	leaf := state.PeerCertificates[0]
	r.Server, r.Expires = shown(leaf), leaf.NotAfter
	between := x509.NewCertPool()
	for _, more := range state.PeerCertificates[1:] {
		between.AddCert(more)
	}
	_, err = leaf.Verify(x509.VerifyOptions{DNSName: t.Host, Roots: c.Roots, Intermediates: between})
	r.Public = err == nil
	return r, nil
}
