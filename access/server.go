package access

import (
	"crypto/rand"
	"crypto/subtle"
	"time"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// ServerConfig is what a login is made with on the server's side: a snapshot, the same for many connections.
type ServerConfig struct {
	Identity   Identity
	Limits     wire.Limits
	Generation chat.Generation // in force; 0 when there is none yet: nobody can enrol
	Access     [32]byte        // A_pub of it
	Prove      bool            // every device must have proven this generation
	Ephemeral  bool
	Software   string
	Cache      *Cache           // of verified people; nil: everything is verified each time
	Now        func() time.Time // nil: time.Now
}

// Server is one login, seen from the server: Hello, then Auth. What it reads comes from nobody in particular: it allocates
// in proportion to it, and each step may be made once. It isn't for several goroutines.
type Server struct {
	config ServerConfig
	client string
	t0     [64]byte
	sigS   [64]byte
	step   step
}

// Claim is a login that has proven what it claims. Whether the device is known, the name free and the account
// welcome is for the store to say.
type Claim struct {
	Body        wire.Body
	Certificate trust.Certificate // its signatures are right; with a Voucher it proves nothing without the account's list
	Proven      bool              // the access key of Body.Generation signed
	Client      string            // program and version, as the client says
}

// NewServer begins a login.
func NewServer(config ServerConfig) *Server {
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Server{config: config}
}

// Hello reads the client's first frame and returns the Challenge to send. exporter is that of the innermost TLS connection.
// CodeFrame, CodeFrameType, CodeVersion.
func (s *Server) Hello(raw, exporter []byte) ([]byte, error) {
	if s.step != stepHello || len(exporter) != ExporterSize || s.config.Identity.IsZero() {
		return nil, chat.Errorf(chat.CodeInternal)
	}
	s.step = stepOver
	f, err := wire.Decode(raw)
	if err != nil {
		return nil, err
	}
	hello, ok := f.(*wire.HelloC)
	if !ok || hello.Nonce == [32]byte{} {
		return nil, chat.Errorf(chat.CodeFrame)
	}
	version, ok := bestCommon(hello.Versions, versions())
	if !ok {
		return nil, chat.Errorf(chat.CodeVersion)
	}
	s.client = hello.Client
	answer := wire.Marshal(s.hello(version))
	s.t0 = T0(raw, answer, exporter)
	s.sigS = trust.Sign(s.config.Identity.Signer(), LabelServer, s.t0[:])
	s.step = stepChallenged
	return wire.Encode(&wire.Challenge{Hello: answer, Sig: s.sigS}), nil
}

func (s *Server) hello(version uint) *wire.HelloS {
	c := &s.config
	h := &wire.HelloS{
		Version: version, Offered: versions(), Limits: c.Limits, Server: c.Identity.Public(),
		Generation: c.Generation, Access: c.Access, Policy: wire.Enrol, Prove: c.Prove, Ephemeral: c.Ephemeral,
		Time: c.Now().UnixMilli(), Software: c.Software,
	}
	if c.Generation == 0 {
		h.Policy = wire.ReturnOnly
	}
	_, _ = rand.Read(h.Nonce[:]) // never fails
	return h
}

// Auth reads the client's second frame. CodeAuth when a signature or the certificate doesn't prove what is claimed, CodeKeyWrong when
// it is the access key's, CodeKeyOld for another generation or where
// nobody can enrol, CodeNameForm, CodeFrame. Who enrols without the access key's signature hasn't Proven anything but that the account vouches for the
// device: the store takes it for an account that it knows, and for no other.
func (s *Server) Auth(raw []byte) (Claim, error) {
	if s.step != stepChallenged {
		return Claim{}, chat.Errorf(chat.CodeFrame)
	}
	s.step = stepOver
	f, err := wire.Decode(raw)
	if err != nil {
		return Claim{}, err
	}
	auth, ok := f.(*wire.Auth)
	if !ok {
		return Claim{}, chat.Errorf(chat.CodeFrame)
	}
	claim := Claim{Client: s.client}
	if err := wire.UnmarshalStrict(auth.Body, &claim.Body); err != nil {
		return Claim{}, err
	}
	// The device first: whoever can't sign learns nothing else.
	t1 := T1(s.t0, s.sigS, auth.Body)
	if !trust.Verify(claim.Body.Device, LabelDevice, deviceSigns(t1, auth.SigAccess), auth.SigDevice) {
		return Claim{}, chat.Errorf(chat.CodeAuth)
	}
	if claim.Proven, err = s.proven(&claim.Body, t1, auth.SigAccess); err != nil {
		return Claim{}, err
	}
	if claim.Certificate, err = s.identity(&claim.Body, claim.Proven); err != nil {
		return Claim{}, err
	}
	return claim, nil
}

// proven checks what the access key signed.
func (s *Server) proven(b *wire.Body, t1 [64]byte, sigA []byte) (bool, error) {
	switch {
	case b.Role != RoleMember || b.Intent != wire.IntentEnrol && b.Intent != wire.IntentReturn:
		return false, chat.Errorf(chat.CodeFrame)
	case b.Generation != s.config.Generation:
		return false, chat.Errorf(chat.CodeKeyOld)
	case b.Intent == wire.IntentEnrol && s.config.Generation == 0:
		return false, chat.Errorf(chat.CodeKeyOld)
	case len(sigA) == 0:
		return false, nil
	case len(sigA) != 64 || s.config.Generation == 0 || !trust.Verify(s.config.Access, LabelAccess, t1[:], [64]byte(sigA)):
		return false, chat.Errorf(chat.CodeKeyWrong)
	}
	return true, nil
}

// RoleMember is the role of a person's client, the only one in this version.
const RoleMember = "member"

// identity checks that account and device have signed each other, and the name.
func (s *Server) identity(b *wire.Body, proven bool) (trust.Certificate, error) {
	if s.config.Cache == nil || b.Intent == wire.IntentEnrol && !proven { // strangers shan't fill the cache
		return s.verify(b)
	}
	key := cacheKey(b)
	if s.config.Cache.has(key) {
		return trust.ParseCertificate(b.Certificate)
	}
	cert, err := s.verify(b)
	if err == nil {
		s.config.Cache.add(key)
	}
	return cert, err
}

// verify does what identity promises.
func (s *Server) verify(b *wire.Body) (trust.Certificate, error) {
	if err := trust.CheckName(b.Name); err != nil {
		return trust.Certificate{}, err
	}
	cert, err := trust.ParseCertificate(b.Certificate)
	if err != nil {
		return trust.Certificate{}, chat.Errorf(chat.CodeAuth).Because(err)
	}
	same := subtle.ConstantTimeCompare(cert.Account[:], b.Account[:]) & subtle.ConstantTimeCompare(cert.Device[:], b.Device[:])
	if same != 1 || cert.ListVersion != b.ListVersion {
		return trust.Certificate{}, chat.Errorf(chat.CodeAuth)
	}
	if err := cert.Signed(); err != nil {
		return trust.Certificate{}, chat.Errorf(chat.CodeAuth).Because(err)
	}
	if !trust.VerifyName(b.Account, s.config.Identity.Fingerprint(), b.Name, b.NameSig) {
		return trust.Certificate{}, chat.Errorf(chat.CodeAuth)
	}
	return cert, nil
}
