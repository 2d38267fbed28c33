package access

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// A world has one server, and one person who holds its key.
type world struct {
	config  ServerConfig
	account *trust.Account
	device  *trust.Device
	access  ed25519.PrivateKey // A_g
	body    wire.Body
}

var exporter = bytes.Repeat([]byte{0xee}, ExporterSize) // of the one connection between them

func newWorld() *world {
	w := &world{
		account: trust.NewAccount(), device: trust.NewDevice(), access: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32)),
		config: ServerConfig{
			Identity: NewIdentity(), Generation: 3, Limits: wire.Limits{Frame: 1 << 20, Message: 1 << 16},
			Software: "server 1", Now: func() time.Time { return time.UnixMilli(1_790_000_000_000) },
		},
	}
	w.config.Access = [32]byte(w.access.Public().(ed25519.PublicKey))
	w.body = w.bodyFor(w.config.Identity.Fingerprint())
	return w
}

func (w *world) bodyFor(server chat.Fingerprint) wire.Body {
	return wire.Body{
		Role: RoleMember, Account: w.account.ID(), Device: w.device.ID(), Certificate: trust.Certify(w.account, w.device, 1, 0).Marshal(),
		ListVersion: 1, Name: "alice", NameSig: w.account.SignName(server, "alice"), Intent: wire.IntentEnrol, Generation: 3,
	}
}

func (w *world) client() *Client { return NewClient(w.config.Identity.Fingerprint(), "client 1") }

// challenged goes up to the server's Challenge.
func (w *world) challenged(t *testing.T) (*Client, *Server, []byte) {
	t.Helper()
	c, s := w.client(), NewServer(w.config)
	raw, err := s.Hello(c.Hello(), exporter)
	if err != nil {
		t.Fatal(err)
	}
	return c, s, raw
}

// login goes all the way with the body as it is.
func (w *world) login(t *testing.T, access ed25519.PrivateKey) (Claim, error) {
	t.Helper()
	c, s, raw := w.challenged(t)
	if _, err := c.Challenge(raw, exporter); err != nil {
		t.Fatal(err)
	}
	return s.Auth(c.Auth(w.body, access, w.device.Key()))
}

func TestEnrol(t *testing.T) {
	w := newWorld()
	c, s, raw := w.challenged(t)
	hello, err := c.Challenge(raw, exporter)
	if err != nil {
		t.Fatal(err)
	}
	if hello.Generation != 3 || hello.Access != w.config.Access || hello.Limits != w.config.Limits || hello.Policy != wire.Enrol ||
		hello.Time != 1_790_000_000_000 || hello.Software != "server 1" || hello.Server != w.config.Identity.Public() {
		t.Errorf("%+v", hello)
	}
	claim, err := s.Auth(c.Auth(w.body, w.access, w.device.Key()))
	if err != nil {
		t.Fatal(err)
	}
	if !claim.Proven || claim.Body.Name != "alice" || claim.Certificate.Device != w.device.ID() || claim.Client != "client 1" {
		t.Errorf("%+v", claim)
	}
	welcome, err := c.Welcome(wire.Encode(&wire.Welcome{Session: 5}))
	if err != nil || welcome.Session != 5 {
		t.Error(welcome, err)
	}
}

func TestReturn(t *testing.T) {
	w := newWorld()
	w.body.Intent = wire.IntentReturn
	if claim, err := w.login(t, nil); err != nil || claim.Proven {
		t.Errorf("without the key: %+v, %v", claim, err)
	}
	if claim, err := w.login(t, w.access); err != nil || !claim.Proven { // after "rotate --all"
		t.Errorf("with the key: %+v, %v", claim, err)
	}
	_, wrong, _ := ed25519.GenerateKey(nil)
	if _, err := w.login(t, wrong); !errors.Is(err, chat.CodeKeyWrong) {
		t.Errorf("with a wrong key: %v", err)
	}
}

// A further device, for which its account vouches: that it hasn't proven the key is for the store to weigh.
func TestEnrolWithoutKey(t *testing.T) {
	w := newWorld()
	w.config.Cache = NewCache(10)
	for range 2 {
		if claim, err := w.login(t, nil); err != nil || claim.Proven || claim.Certificate.Device != w.device.ID() {
			t.Errorf("%+v, %v", claim, err)
		}
	}
	if len(w.config.Cache.known) != 0 {
		t.Error("strangers fill the cache")
	}
	w.config.Generation = 0 // nobody enrols
	w.body.Generation = 0
	if _, err := w.login(t, nil); !errors.Is(err, chat.CodeKeyOld) {
		t.Errorf("%v", err)
	}
}

// What a dishonest or unlucky client says, and what it hears.
func TestRefusedLogins(t *testing.T) {
	_, otherKey, _ := ed25519.GenerateKey(nil)
	stranger, phone := trust.NewAccount(), trust.NewDevice()
	for name, c := range map[string]struct {
		change func(w *world)
		code   chat.Code
	}{
		"a wrong key":               {func(w *world) { w.access = otherKey }, chat.CodeKeyWrong},
		"an older generation":       {func(w *world) { w.body.Generation = 2 }, chat.CodeKeyOld},
		"a later generation":        {func(w *world) { w.body.Generation = 4 }, chat.CodeKeyOld},
		"an unknown role":           {func(w *world) { w.body.Role = "admin" }, chat.CodeFrame},
		"no role":                   {func(w *world) { w.body.Role = "" }, chat.CodeFrame},
		"no intent":                 {func(w *world) { w.body.Intent = 0 }, chat.CodeFrame},
		"an unknown intent":         {func(w *world) { w.body.Intent = 3 }, chat.CodeFrame},
		"a bad name":                {func(w *world) { w.body.Name = "\u202ealice" }, chat.CodeNameForm},
		"a name of 10,000 letters":  {func(w *world) { w.body.Name = string(bytes.Repeat([]byte("x"), 6000)) }, chat.CodeNameForm},
		"a name that isn't signed":  {func(w *world) { w.body.Name = "bob" }, chat.CodeAuth},
		"a name of another server":  {func(w *world) { w.body.NameSig = w.account.SignName(chat.Fingerprint{1}, "alice") }, chat.CodeAuth},
		"another's account":         {func(w *world) { w.body.Account = stranger.ID() }, chat.CodeAuth},
		"the zero account":          {func(w *world) { w.body.Account = chat.AccountID{} }, chat.CodeAuth},
		"another's device":          {func(w *world) { w.body.Device = phone.ID() }, chat.CodeAuth},
		"the zero device":           {func(w *world) { w.body.Device = chat.DeviceID{} }, chat.CodeAuth},
		"another list version":      {func(w *world) { w.body.ListVersion = 2 }, chat.CodeAuth},
		"no certificate":            {func(w *world) { w.body.Certificate = nil }, chat.CodeAuth},
		"another's certificate":     {func(w *world) { w.body.Certificate = trust.Certify(stranger, phone, 1, 0).Marshal() }, chat.CodeAuth},
		"another device's":          {func(w *world) { w.body.Certificate = trust.Certify(w.account, phone, 1, 0).Marshal() }, chat.CodeAuth},
		"my account on his device":  {func(w *world) { w.body.Certificate = trust.Certify(stranger, w.device, 1, 0).Marshal() }, chat.CodeAuth},
		"a server without a key":    {func(w *world) { w.config.Generation, w.body.Generation = 0, 0 }, chat.CodeKeyOld},
		"a key where there is none": {func(w *world) { w.config.Generation, w.body.Generation, w.body.Intent = 0, 0, wire.IntentReturn }, chat.CodeKeyWrong},
	} {
		w := newWorld()
		c.change(w)
		if _, err := w.login(t, w.access); !errors.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

// sigD covers sigA: nobody on the way can take it out, or put another in.
func TestAccessSignatureIsCovered(t *testing.T) {
	w := newWorld()
	w.body.Intent = wire.IntentReturn
	c, s, raw := w.challenged(t)
	if _, err := c.Challenge(raw, exporter); err != nil {
		t.Fatal(err)
	}
	f := decode[*wire.Auth](t, c.Auth(w.body, w.access, w.device.Key()))
	f.SigAccess = nil
	if _, err := s.Auth(wire.Encode(f)); !errors.Is(err, chat.CodeAuth) {
		t.Error(err)
	}
}

// A recorded Auth is of no use on a later connection, on another one, or at another server.
func TestReplayAndRelay(t *testing.T) {
	w := newWorld()
	c, s, raw := w.challenged(t)
	if _, err := c.Challenge(raw, exporter); err != nil {
		t.Fatal(err)
	}
	auth := c.Auth(w.body, w.access, w.device.Key())
	if _, err := s.Auth(auth); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Auth(auth); err == nil {
		t.Error("twice on the same connection")
	}
	later := NewServer(w.config)
	if _, err := later.Hello(c.Hello(), exporter); err != nil { // even the same hello, over the same exporter
		t.Fatal(err)
	}
	if _, err := later.Auth(auth); !errors.Is(err, chat.CodeAuth) {
		t.Errorf("to a later challenge: %v", err)
	}
	other := newWorld()
	other.config.Access = w.config.Access // a hostile server, which has been given the same access key
	at := NewServer(other.config)
	if _, err := at.Hello(c.Hello(), exporter); err != nil {
		t.Fatal(err)
	}
	if _, err := at.Auth(auth); !errors.Is(err, chat.CodeAuth) {
		t.Errorf("at another server: %v", err)
	}
}

// Mallory stands between: two TLS connections, so two exporters, and the frames passed on as they are.
func TestManInTheMiddle(t *testing.T) {
	w := newWorld()
	c, s := w.client(), NewServer(w.config)
	raw, err := s.Hello(c.Hello(), bytes.Repeat([]byte{1}, ExporterSize))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Challenge(raw, bytes.Repeat([]byte{2}, ExporterSize)); !errors.Is(err, chat.CodeAuth) {
		t.Errorf("the client goes on: %v", err)
	}
	// And should a client not look, the server finds out.
	c, s = w.client(), NewServer(w.config)
	hello, err := s.Hello(c.Hello(), bytes.Repeat([]byte{1}, ExporterSize))
	if err != nil {
		t.Fatal(err)
	}
	challenge := decode[*wire.Challenge](t, hello)
	c.t0, c.sigS, c.step = T0(c.hello, challenge.Hello, bytes.Repeat([]byte{2}, ExporterSize)), challenge.Sig, stepChallenged
	if _, err := s.Auth(c.Auth(w.body, w.access, w.device.Key())); !errors.Is(err, chat.CodeAuth) {
		t.Errorf("the server takes it: %v", err)
	}
}

// Every bit of every frame counts.
func TestEveryBitCounts(t *testing.T) {
	w := newWorld()
	c, s, challenge := w.challenged(t)
	hello := c.Hello()
	for i := range 8 * len(challenge) {
		c := &Client{server: c.server, hello: hello}
		if _, err := c.Challenge(flip(challenge, i), exporter); err == nil {
			t.Fatalf("Challenge: bit %d of %d", i, 8*len(challenge))
		}
	}
	if _, err := c.Challenge(challenge, exporter); err != nil {
		t.Fatal(err)
	}
	auth := c.Auth(w.body, w.access, w.device.Key())
	for i := range 8 * len(auth) {
		s := *s
		if _, err := s.Auth(flip(auth, i)); err == nil {
			t.Fatalf("Auth: bit %d of %d", i, 8*len(auth))
		}
	}
	if _, err := s.Auth(auth); err != nil {
		t.Fatal(err)
	}
	// A changed hello may be answered, but then the transcripts differ.
	for i := range 8 * len(hello) {
		c, s := &Client{server: c.server, hello: hello}, NewServer(w.config)
		raw, err := s.Hello(flip(hello, i), exporter)
		if err != nil {
			continue
		}
		if _, err := c.Challenge(raw, exporter); !errors.Is(err, chat.CodeAuth) {
			t.Fatalf("HelloC: bit %d: %v", i, err)
		}
	}
}

func flip(raw []byte, bit int) []byte {
	bad := bytes.Clone(raw)
	bad[bit/8] ^= 1 << (bit % 8)
	return bad
}

// What a hostile server, or one on the way, may answer to the first frame.
func TestRefusedServers(t *testing.T) {
	w := newWorld()
	sign := func(id Identity, change func(*wire.HelloS)) func(c *Client) []byte {
		return func(c *Client) []byte {
			s := NewServer(w.config)
			h := s.hello(1)
			change(h)
			raw := wire.Marshal(h)
			t0 := T0(c.Hello(), raw, exporter)
			return wire.Encode(&wire.Challenge{Hello: raw, Sig: trust.Sign(id.Signer(), LabelServer, t0[:])})
		}
	}
	real, fake := w.config.Identity, NewIdentity()
	for name, c := range map[string]struct {
		answer func(c *Client) []byte
		code   chat.Code
	}{
		"another server":           {sign(fake, func(h *wire.HelloS) { h.Server = fake.Public() }), chat.CodeIdentity},
		"another's signature":      {sign(fake, func(*wire.HelloS) {}), chat.CodeAuth},
		"the zero key":             {sign(fake, func(h *wire.HelloS) { h.Server = [32]byte{} }), chat.CodeIdentity},
		"a worse version":          {sign(real, func(h *wire.HelloS) { h.Version, h.Offered = 0, []uint{0, 1} }), chat.CodeVersion},
		"a version beyond ours":    {sign(real, func(h *wire.HelloS) { h.Version, h.Offered = 2, []uint{2, 1} }), chat.CodeVersion},
		"only other versions":      {sign(real, func(h *wire.HelloS) { h.Version, h.Offered = 2, []uint{2} }), chat.CodeVersion},
		"no versions":              {sign(real, func(h *wire.HelloS) { h.Offered = nil }), chat.CodeVersion},
		"an unknown policy":        {sign(real, func(h *wire.HelloS) { h.Policy = 3 }), chat.CodeFrame},
		"a zero nonce":             {sign(real, func(h *wire.HelloS) { h.Nonce = [32]byte{} }), chat.CodeFrame},
		"a goodbye":                {func(*Client) []byte { return wire.Encode(&wire.Bye{Code: chat.CodeFull}) }, chat.CodeFull},
		"a failure":                {func(*Client) []byte { return wire.Encode(&wire.Failure{Code: chat.CodeRate}) }, chat.CodeRate},
		"a frame out of order":     {func(*Client) []byte { return wire.Encode(&wire.Welcome{}) }, chat.CodeFrame},
		"noise":                    {func(*Client) []byte { return []byte("HTTP/1.1 400 Bad Request") }, chat.CodeFrame},
		"a challenge without more": {func(*Client) []byte { return wire.Encode(&wire.Challenge{}) }, chat.CodeFrame},
	} {
		client := w.client()
		raw := c.answer(client)
		if _, err := client.Challenge(raw, exporter); !errors.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
		if _, err := client.Challenge(raw, exporter); !errors.Is(err, chat.CodeInternal) {
			t.Errorf("%s: it may try again: %v", name, err)
		}
	}
}

// A client without a pin goes nowhere: not even to a server whose fingerprint is zero, were there one.
func TestNoPinNoLogin(t *testing.T) {
	w := newWorld()
	c := NewClient(chat.Fingerprint{}, "x")
	raw, err := NewServer(w.config).Hello(c.Hello(), exporter)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Challenge(raw, exporter); !errors.Is(err, chat.CodeIdentity) {
		t.Error(err)
	}
}

func TestRefusedHellos(t *testing.T) {
	w := newWorld()
	nonce := [32]byte{1}
	for name, c := range map[string]struct {
		raw  []byte
		code chat.Code
	}{
		"a zero nonce":         {wire.Encode(&wire.HelloC{Versions: []uint{1}}), chat.CodeFrame},
		"only later versions":  {wire.Encode(&wire.HelloC{Versions: []uint{2, 3}, Nonce: nonce}), chat.CodeVersion},
		"no version":           {wire.Encode(&wire.HelloC{Nonce: nonce}), chat.CodeFrame},
		"a frame out of order": {wire.Encode(&wire.Rooms{Ref: 1}), chat.CodeFrame},
		"an unknown frame":     {[]byte{0x81, 0x09}, chat.CodeFrameType},
		"nothing":              {nil, chat.CodeFrame},
		"10 KiB":               {wire.Encode(&wire.HelloC{Versions: []uint{1}, Client: string(make([]byte, 10<<10))}), chat.CodeTooLarge},
	} {
		s := NewServer(w.config)
		if _, err := s.Hello(c.raw, exporter); !errors.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
		if _, err := s.Hello(w.client().Hello(), exporter); err == nil {
			t.Errorf("%s: it may try again", name)
		}
	}
	if _, err := NewServer(w.config).Hello(w.client().Hello(), nil); !errors.Is(err, chat.CodeInternal) {
		t.Errorf("no exporter: %v", err)
	}
	if _, err := NewServer(ServerConfig{}).Hello(w.client().Hello(), exporter); !errors.Is(err, chat.CodeInternal) {
		t.Errorf("no identity: %v", err)
	}
}

// A client that knows later versions comes down to ours.
func TestVersionsAreNegotiated(t *testing.T) {
	w := newWorld()
	c := w.client()
	h := decode[*wire.HelloC](t, c.hello)
	h.Versions = []uint{7, 2, 1}
	c.hello = wire.Encode(h)
	raw, err := NewServer(w.config).Hello(c.Hello(), exporter)
	if err != nil {
		t.Fatal(err)
	}
	if hello, err := c.Challenge(raw, exporter); err != nil || hello.Version != 1 {
		t.Error(hello.Version, err)
	}
}

func TestWrongOrder(t *testing.T) {
	w := newWorld()
	c, s := w.client(), NewServer(w.config)
	if _, err := s.Auth(nil); !errors.Is(err, chat.CodeFrame) {
		t.Errorf("Auth before Hello: %v", err)
	}
	if _, err := c.Welcome(wire.Encode(&wire.Welcome{})); !errors.Is(err, chat.CodeInternal) {
		t.Errorf("Welcome before Auth: %v", err)
	}
	c, s, raw := w.challenged(t)
	if _, err := s.Hello(c.Hello(), exporter); err == nil {
		t.Error("Hello twice")
	}
	if _, err := c.Challenge(raw, exporter); err != nil {
		t.Fatal(err)
	}
	auth := c.Auth(w.body, w.access, w.device.Key())
	defer func() {
		if recover() == nil {
			t.Error("Auth twice")
		}
	}()
	if _, err := s.Auth(c.Hello()); !errors.Is(err, chat.CodeFrame) {
		t.Errorf("a hello for an auth: %v", err)
	}
	if _, err := s.Auth(auth); !errors.Is(err, chat.CodeFrame) {
		t.Errorf("an auth after a refusal: %v", err)
	}
	c.Auth(w.body, w.access, w.device.Key())
}

func TestRefusalsReachTheClient(t *testing.T) {
	w := newWorld()
	for _, raw := range [][]byte{
		wire.Encode(&wire.Bye{Code: chat.CodeNameTaken, Params: map[string]string{"name": "alice"}}),
		wire.Encode(&wire.Failure{Code: chat.CodeNameTaken, Params: map[string]string{"name": "alice"}}),
	} {
		c, _, challenge := w.challenged(t)
		if _, err := c.Challenge(challenge, exporter); err != nil {
			t.Fatal(err)
		}
		c.Auth(w.body, w.access, w.device.Key())
		_, err := c.Welcome(raw)
		var e *chat.Error
		if !errors.As(err, &e) || e.Code != chat.CodeNameTaken || e.Params["name"] != "alice" {
			t.Error(err)
		}
	}
}

// A long program name is cut, not refused.
func TestLongSoftware(t *testing.T) {
	w := newWorld()
	c := NewClient(w.config.Identity.Fingerprint(), string(bytes.Repeat([]byte("v"), 200)))
	if _, err := NewServer(w.config).Hello(c.Hello(), exporter); err != nil {
		t.Error(err)
	}
}

// The transcripts are those of docs/protocol.md, made here from its words.
func TestTranscripts(t *testing.T) {
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	hc, hs, x := []byte{1, 2}, []byte{3}, make([]byte, 32)
	want := sha512.Sum512(join([]byte("\x84\x70huisclos/1 login\x42\x01\x02\x41\x03\x58\x20"), x))
	if T0(hc, hs, x) != want {
		t.Error("T0")
	}
	sig, body := [64]byte{5}, []byte{6}
	want1 := sha512.Sum512(join([]byte("\x84\x71huisclos/1 client\x58\x40"), want[:], []byte("\x58\x40"), sig[:], []byte("\x41\x06")))
	if T1(want, sig, body) != want1 {
		t.Error("T1")
	}
	none := sha512.Sum512(nil)
	if !bytes.Equal(deviceSigns(want1, nil), join(want1[:], none[:])) {
		t.Error("what the device signs")
	}
}

// Whatever bytes come from a stranger, the server neither falls nor believes.
func TestNoiseProvesNothing(t *testing.T) {
	w := newWorld()
	c, s, challenge := w.challenged(t)
	if _, err := c.Challenge(challenge, exporter); err != nil {
		t.Fatal(err)
	}
	auth := c.Auth(w.body, w.access, w.device.Key())
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		bad := bytes.Clone(auth)
		for range 1 + r.IntN(3) {
			bad[r.IntN(len(bad))] = byte(r.Uint32())
		}
		if bytes.Equal(bad, auth) {
			continue
		}
		s := *s
		if _, err := s.Auth(bad[:len(bad)-r.IntN(2)]); err == nil {
			t.Fatalf("%x", bad)
		}
	}
}

func decode[T wire.Frame](t *testing.T, raw []byte) T {
	t.Helper()
	f, err := wire.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return f.(T)
}
