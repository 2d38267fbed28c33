package access

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"slices"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// Client is one login, seen from the client: Hello, Challenge, Auth, Welcome, in this order. It holds no secret,
// and serves one connection. It isn't for several goroutines.
type Client struct {
	server chat.Fingerprint
	hello  []byte
	t0     [64]byte
	sigS   [64]byte
	step   step
	anyone bool // it isn't known yet which server answers
}

// step is how far a login has come.
type step uint8

const (
	stepHello step = iota
	stepChallenged
	stepAuth
	stepOver
)

// versions that this program speaks, best first.
func versions() []uint { return []uint{chat.ProtocolVersion} }

// maxSoftware is the most bytes of a program's name and version that a server takes.
const maxSoftware = 64

// NewClient begins a login at the server with that fingerprint. software is our program and version in ASCII; what is beyond 64
// bytes isn't sent.
func NewClient(server chat.Fingerprint, software string) *Client {
	h := &wire.HelloC{Versions: versions(), Features: []string{}, Client: software[:min(len(software), maxSoftware)]}
	_, _ = rand.Read(h.Nonce[:]) // never fails
	return &Client{server: server, hello: wire.Encode(h)}
}

// NewStranger begins a visit at a server whose identity nobody has told: Challenge takes any that proves to be the one that it says it is on this
// connection, and there is no Auth after it. It is for who finds out otherwise which server it is: by an invitation code, or by a backup.
func NewStranger(software string) *Client {
	c := NewClient(chat.Fingerprint{}, software)
	c.anyone = true
	return c
}

// Hello is the first frame to send.
func (c *Client) Hello() []byte { return c.hello }

// Challenge checks the server's answer, a whole frame, and returns what it announces. exporter is that of the TLS
// connection. CodeIdentity when another server answers, CodeAuth when it doesn't prove to be this one on this
// connection, CodeVersion when there is no common version or not the best one was chosen, CodeFrame;
// and what the server says itself (CodeFull, CodeRate, …).
func (c *Client) Challenge(raw, exporter []byte) (wire.HelloS, error) {
	if c.step != stepHello || len(exporter) != ExporterSize {
		return wire.HelloS{}, chat.Errorf(chat.CodeInternal)
	}
	c.step = stepOver
	f, err := answer[*wire.Challenge](raw)
	if err != nil {
		return wire.HelloS{}, err
	}
	var hello wire.HelloS
	if err := wire.UnmarshalStrict(f.Hello, &hello); err != nil {
		return wire.HelloS{}, err
	}
	got := chat.FingerprintOf(hello.Server[:])
	if c.anyone {
		c.server = got
	}
	if subtle.ConstantTimeCompare(got[:], c.server[:]) != 1 || c.server.IsZero() {
		return wire.HelloS{}, chat.Errorf(chat.CodeIdentity, "expected", c.server.String(), "got", got.String())
	}
	c.t0, c.sigS = T0(c.hello, f.Hello, exporter), f.Sig
	if !trust.Verify(hello.Server, LabelServer, c.t0[:], f.Sig) {
		return wire.HelloS{}, chat.Errorf(chat.CodeAuth)
	}
	// What follows is the server's word.
	if best, ok := bestCommon(versions(), hello.Offered); !ok || best != hello.Version {
		return wire.HelloS{}, chat.Errorf(chat.CodeVersion)
	}
	if hello.Policy != wire.Enrol && hello.Policy != wire.ReturnOnly || hello.Nonce == [32]byte{} {
		return wire.HelloS{}, chat.Errorf(chat.CodeFrame)
	}
	c.step = stepChallenged
	return hello, nil
}

// bestCommon is the first of ours that the other side offers too.
func bestCommon(ours, theirs []uint) (uint, bool) {
	for _, v := range ours {
		if slices.Contains(theirs, v) {
			return v, true
		}
	}
	return 0, false
}

// Auth is the second frame to send. access is the pair A_g of the announced generation; nil when the server knows the device and doesn't
// ask for the key. The caller has compared A_g's public half with the announced one: a server with another is another.
func (c *Client) Auth(body wire.Body, access, device ed25519.PrivateKey) []byte {
	if c.step != stepChallenged || c.anyone {
		panic("access: Auth before Challenge, or at a server that isn't known")
	}
	c.step = stepAuth
	raw := wire.Marshal(&body)
	t1 := T1(c.t0, c.sigS, raw)
	f := &wire.Auth{Body: raw, SigAccess: []byte{}}
	if access != nil {
		sig := trust.Sign(access, LabelAccess, t1[:])
		f.SigAccess = sig[:]
	}
	f.SigDevice = trust.Sign(device, LabelDevice, deviceSigns(t1, f.SigAccess))
	return wire.Encode(f)
}

// Welcome reads the end of the login. Its errors are what the server says: CodeKeyWrong, CodeNameTaken, CodeBanned, …
func (c *Client) Welcome(raw []byte) (wire.Welcome, error) {
	if c.step != stepAuth {
		return wire.Welcome{}, chat.Errorf(chat.CodeInternal)
	}
	c.step = stepOver
	f, err := answer[*wire.Welcome](raw)
	if err != nil {
		return wire.Welcome{}, err
	}
	return *f, nil
}

// answer reads the frame that is due, or the server's reason for another one.
func answer[T wire.Frame](raw []byte) (T, error) {
	var none T
	f, err := wire.Decode(raw)
	if err != nil {
		return none, err
	}
	switch f := f.(type) {
	case T:
		return f, nil
	case *wire.Failure:
		return none, f.Err()
	case *wire.Bye:
		return none, f.Err()
	}
	return none, chat.Errorf(chat.CodeFrame)
}
