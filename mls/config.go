package mls

import (
	"math"
	"time"
)

// Config says how this client takes part in groups. It may be shared by groups, and doesn't change while they live.
type Config struct {
	// Validator is the authentication service. It must not be nil.
	Validator Validator
	// Now is the clock. nil: no lifetime is compared with the time, and key packages can't be made.
	Now func() time.Time
	// PSK finds an external pre-shared key, or a resumption key of another group than the one asking (RFC 9420 §8.4). nil: there are none.
	PSK func(id PSKID) (Secret, error)
	// HasGroup tells whether this client is in a group already (RFC 9420 §12.4.3). nil: the caller checks.
	HasGroup func(groupID []byte) bool

	// PostQuantum is the code point of the post-quantum suite; 0 means MLKEM768X25519AES256SHA384Ed25519.
	PostQuantum CipherSuite
	// Suites are announced in leaves; nil means all that this package has.
	Suites []CipherSuite
	// Extensions and Credentials are announced in leaves, besides the default extensions. No Credentials means basic and X.509.
	Extensions  []ExtensionType
	Credentials []CredentialType
	// MaxLifetime of a key package; 0 means 400 days, a negative one any (RFC 9420 §7.2).
	MaxLifetime time.Duration
	// Grease announces values that mean nothing, so that others learn to ignore what they don't know (RFC 9420 §13.5).
	Grease bool

	// PublicHandshake sends proposals and commits as PublicMessage, readable by whoever passes them on; else they are encrypted.
	PublicHandshake bool
	// Padding says how long the content of a PrivateMessage becomes, from how long it is; nil pads to the next multiple of 32.
	Padding func(length int) int
	// PastEpochs is how many epochs stay open for late messages; 0 means 5, a negative number none.
	PastEpochs int
	// ResumptionEpochs is how many epochs back this group's own resumption keys can be used; 0 means 5, a negative number none.
	ResumptionEpochs int
	// MaxForward is how many generations a sender may skip; 0 means 1,000.
	MaxForward uint32
	// MaxSkipped is how many keys are kept for a sender's messages that come late; 0 means 1,000, a negative number none.
	MaxSkipped int
}

func (c *Config) suite(id CipherSuite) (*suite, error) {
	pq := c.PostQuantum
	if pq == 0 {
		pq = MLKEM768X25519AES256SHA384Ed25519
	}
	if s := suiteFor(id, pq); s != nil {
		return s, nil
	}
	return nil, fail(ErrUnsupported, "5.1/suite", "%s", id)
}

func (c *Config) now() time.Time {
	if c.Now == nil {
		return time.Time{}
	}
	return c.Now()
}

// maxLifetime in seconds.
func (c *Config) maxLifetime() uint64 {
	switch {
	case c.MaxLifetime == 0:
		return 400 * 24 * 3600
	case c.MaxLifetime < 0:
		return math.MaxUint64
	}
	return uint64(c.MaxLifetime / time.Second)
}

// orDefault reads a number of which 0 means a default and a negative one none.
func orDefault(n, standard int) int {
	if n == 0 {
		return standard
	}
	return max(n, 0)
}

func (c *Config) limits() ratchetLimits {
	l := ratchetLimits{forward: c.MaxForward, skipped: orDefault(c.MaxSkipped, 1000)}
	if l.forward == 0 {
		l.forward = 1000
	}
	return l
}

func (c *Config) padded(n int) int {
	if c.Padding != nil {
		return max(c.Padding(n), n)
	}
	return (n + 31) / 32 * 32
}

// capabilities are what a leaf of this client announces (RFC 9420 §7.2).
func (c *Config) capabilities(id CipherSuite) Capabilities {
	suites := c.Suites
	if suites == nil {
		suites = []CipherSuite{X25519AES128SHA256Ed25519, P256AES128SHA256P256, X25519ChaCha20SHA256Ed25519, P521AES256SHA512P521, P384AES256SHA384P384}
		if pq := c.PostQuantum; pq != 0 {
			suites = append(suites, pq)
		} else {
			suites = append(suites, MLKEM768X25519AES256SHA384Ed25519)
		}
	}
	credentials := c.Credentials
	if credentials == nil {
		credentials = []CredentialType{CredentialBasic, CredentialX509}
	}
	return Capabilities{Versions: []ProtocolVersion{MLS10}, CipherSuites: append([]CipherSuite(nil), suites...),
		Extensions: append([]ExtensionType(nil), c.Extensions...), Credentials: append([]CredentialType(nil), credentials...)}
}

// NewSignatureKey draws a signature key for a suite.
func (c *Config) NewSignatureKey(id CipherSuite) (*SignatureKey, error) {
	s, err := c.suite(id)
	if err != nil {
		return nil, err
	}
	return s.sig.generate()
}

// SignatureKey reads a key from the bytes of its Private.
func (c *Config) SignatureKey(id CipherSuite, private Secret) (*SignatureKey, error) {
	s, err := c.suite(id)
	if err != nil {
		return nil, err
	}
	return s.sig.parse(private)
}

func (c *Config) clientID(l *LeafNode) []byte {
	if c.Validator == nil {
		return nil
	}
	return c.Validator.ClientID(l)
}

func (c *Config) validateMember(l *LeafNode) error {
	if c.Validator == nil {
		return misuse("a Config without a Validator")
	}
	if err := c.Validator.ValidateMember(l); err != nil {
		return refused("a member", err)
	}
	return nil
}

func (c *Config) validateSuccessor(old, new *LeafNode) error {
	if c.Validator == nil {
		return misuse("a Config without a Validator")
	}
	if err := c.Validator.ValidateSuccessor(old, new); err != nil {
		return refused("a member's new leaf", err)
	}
	return nil
}

// validateSenders asks about external senders that a list of extensions brings (RFC 9420 §5.3.1).
func (c *Config) validateSenders(x Extensions) error {
	senders, err := x.ExternalSenders()
	if err != nil {
		return err
	}
	if len(senders) > 0 && c.Validator == nil {
		return misuse("a Config without a Validator")
	}
	for _, s := range senders {
		if err := c.Validator.ValidateExternalSender(s); err != nil {
			return refused("an external sender", err)
		}
	}
	return nil
}

// findPSK gets a pre-shared key from the application.
func (c *Config) findPSK(id PSKID) (Secret, error) {
	if c.PSK == nil {
		return nil, fail(ErrMissing, "12.4.2/psk-available", "no pre-shared keys here")
	}
	k, err := c.PSK(id)
	if err != nil || len(k) == 0 {
		return nil, &Error{Class: ErrMissing, Check: "12.4.2/psk-available", Detail: "a pre-shared key", Cause: err}
	}
	return k, nil
}
