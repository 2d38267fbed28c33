package client

import (
	"bytes"
	"context"
	"crypto/ed25519"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/content"
	"huisclos/keys"
	"huisclos/seal"
	"huisclos/wire"
)

// login is one attempt to connect: all that its goroutine needs, copied from the engine.
type login struct {
	dial     Dialer
	address  string
	server   chat.Fingerprint
	software string
	id       *identity
	self     selfRecord
	held     map[chat.Generation]keys.Key
	given    *keys.Key
	vouched  bool // the account alone vouches for this device: see recoveryRecord
}

// loginResult is what came of it.
type loginResult struct {
	err     *chat.Error
	link    Link // nil with an error
	address string
	hello   wire.HelloS // known as soon as the server has proven who it is
	welcome wire.Welcome
	proved  chat.Generation // the generation whose key signed; 0: none did
	key     keys.Key        // that key
}

func (e *engine) newLogin() *login {
	l := &login{
		dial: e.cfg.Dial, address: e.address(), server: e.self.Server, software: e.cfg.Software,
		id: e.id, self: e.self, held: e.keys.copy(), vouched: e.backup.rec.Vouched,
	}
	if key, ok := e.given(); ok {
		l.given = &key
	}
	return l
}

// run connects and logs in.
func (l *login) run(ctx context.Context) loginResult {
	link, err := l.dial(ctx, l.address, l.server)
	if err != nil {
		return loginResult{err: linkError(err), address: l.address}
	}
	stop := context.AfterFunc(ctx, func() { _ = link.Close() })
	result := l.authenticate(link)
	if !stop() && result.err == nil {
		result.err = chat.Errorf(chat.CodeTimeout, "address", l.address)
	}
	result.address = l.address
	if result.err != nil {
		if ctx.Err() != nil && result.err.Class() == chat.Unreachable {
			result.err = chat.Errorf(chat.CodeTimeout, "address", l.address).Because(result.err)
		}
		_ = link.Close()
		return result
	}
	result.link = link
	return result
}

// authenticate makes the login of PROTOCOL §4.
func (l *login) authenticate(link Link) (result loginResult) {
	fail := func(err error) loginResult {
		result.err = linkError(err)
		return result
	}
	exporter, err := link.Exporter()
	if err != nil {
		return fail(err)
	}
	c := access.NewClient(l.server, l.software)
	raw, err := exchange(link, c.Hello())
	if err != nil {
		return fail(err)
	}
	if result.hello, err = c.Challenge(raw, exporter); err != nil {
		return fail(err)
	}
	body, key, err := l.body(&result)
	if err != nil {
		return fail(err)
	}
	if raw, err = exchange(link, c.Auth(body, key, l.id.deviceKey())); err != nil {
		return fail(err)
	}
	if result.welcome, err = c.Welcome(raw); err != nil {
		return fail(err)
	}
	return result
}

func exchange(link Link, frame []byte) ([]byte, error) {
	if err := link.Write(frame); err != nil {
		return nil, err
	}
	return link.Read()
}

// body says who we are, and with which key that is proven. A device that the server knows needs no key, unless the
// server asks every device for it.
func (l *login) body(result *loginResult) (wire.Body, ed25519.PrivateKey, error) {
	hello := &result.hello
	body := wire.Body{
		Role: "member", Account: l.id.account(), Device: l.id.device(), Certificate: l.self.Certificate,
		ListVersion: l.self.ListVersion, Name: l.self.Name, NameSig: [64]byte(l.self.NameSig),
		Intent: wire.IntentReturn, Generation: hello.Generation,
	}
	if !l.self.Enrolled {
		body.Intent = wire.IntentEnrol
	}
	if l.self.Enrolled && !hello.Prove {
		return body, nil, nil
	}
	key, ok := l.key(hello)
	switch {
	case ok:
		result.proved, result.key = hello.Generation, key
		return body, key.Access(hello.Generation), nil
	case l.self.Enrolled:
		return body, nil, nil // it may have been proven before; the server knows
	case l.vouched && l.given == nil:
		return body, nil, nil // the server knows the account, and takes its word for the device
	case l.given != nil && hello.Generation > 1:
		return body, nil, chat.Errorf(chat.CodeKeyOld)
	case l.given != nil:
		return body, nil, chat.Errorf(chat.CodeKeyWrong)
	}
	return body, nil, chat.Errorf(chat.CodeKeyNeeded)
}

// key finds the key of the server's generation: one that we hold, or one that a person gave. A key that doesn't give the
// announced access key is another one, whatever the server says.
func (l *login) key(hello *wire.HelloS) (keys.Key, bool) {
	if key, ok := l.held[hello.Generation]; ok && key.Fits(hello.Generation, hello.Access) {
		return key, true
	}
	if l.given != nil && l.given.Fits(hello.Generation, hello.Access) {
		return *l.given, true
	}
	return keys.Key{}, false
}

// refused decides what a failed attempt means.
func (e *engine) refused(l loginResult) {
	err := l.err
	e.cfg.Log.Info("login failed", "address", l.address, "err", err)
	switch err.Code {
	case chat.CodeGoodbye:
		e.later(err)
	case chat.CodeKeyNeeded:
		e.needKey(l)
	default:
		if final(err) {
			e.end(err, false)
			return
		}
		e.later(err)
	}
}

// needKey waits for a person to give the key that the server wants proven. Known devices only need it after "/key rotate --all"; a
// device that the server has forgotten enrols again if it can.
func (e *engine) needKey(l loginResult) {
	_, fits := e.newLogin().key(&l.hello)
	if e.self.Enrolled && fits && l.proved == 0 {
		e.self.Enrolled, e.selfDirty = false, true
		e.later(l.err)
		return
	}
	e.wantKey, e.prove = true, e.self.Enrolled
	e.offline = l.err
	if l.hello.Generation > e.self.Newest {
		e.self.Newest, e.selfDirty = l.hello.Generation, true
	}
	e.emit(Offline{Err: l.err})
	e.emit(KeyMissing{Generation: l.hello.Generation, Err: l.err})
	e.tellOnline(l.err)
	e.checkFlush()
}

// final tells whether trying again by itself is no use.
func final(err *chat.Error) bool {
	switch err.Class() {
	case chat.Identity, chat.Naming, chat.Expelled:
		return true
	}
	return err.Code == chat.CodeVersion || err.Code == chat.CodeSuperseded
}

// dismissed takes the server's last frame.
func (e *engine) dismissed(f *wire.Bye) {
	err := f.Err()
	switch {
	case err.Code == chat.CodeGoodbye && e.self.Ephemeral:
		e.dropSession(err)
		e.end(chat.Errorf(chat.CodeGoodbye, "reason", ReasonMemory), true)
	case final(err):
		e.dropSession(err)
		e.end(err, false)
	default:
		e.disconnected(err)
	}
}

// loggedIn takes what the server said at the login, and begins to read the rooms.
func (e *engine) loggedIn(l loginResult) {
	e.people.newSession()
	clear(e.told)
	clear(e.lacking)
	s := &e.self
	moved := len(s.Incarnation) > 0 && !bytes.Equal(s.Incarnation, l.welcome.Incarnation[:])
	s.Incarnation, s.Address, s.Enrolled = l.welcome.Incarnation[:], l.address, true
	s.Ephemeral, s.Message = l.hello.Ephemeral, l.hello.Limits.Message
	s.Newest = l.hello.Generation
	e.session.access[l.hello.Generation] = l.hello.Access
	if l.proved > 0 && !e.keys.has(l.proved) {
		e.keys.held[l.proved] = l.key
		e.put(TableKeys, generationKey(l.proved), &keyRecord{Key: l.key.Bytes()})
		s.Given = nil
	}
	e.selfDirty = true
	facts := Facts{Server: s.Server, Name: s.Name, Address: s.Address, Ephemeral: s.Ephemeral}
	e.then(func() {
		if err := e.vault.Remember(facts); err != nil {
			e.cfg.Log.Warn("the profile's facts can't be kept", "err", err)
		}
	})
	for _, r := range e.roomsInOrder() {
		if r.wanted() {
			e.subscribe(r)
		}
	}
	if moved { // one-time key packages of a restored server may have been used: none is used twice
		e.dropOneTime()
	}
	e.checkKeys()
	e.askInvitations()
	e.keepPublished()
	e.listing = 0
	e.ownDevices()
	e.backupLogin(moved)
	e.resumeTransfers()
}

// checkKeys asks for the keys of the generations that we lack, and for links that we could make.
func (e *engine) checkKeys() {
	for g := chat.Generation(1); g <= e.self.Newest; g++ {
		if !e.keys.has(g) {
			e.keyMissing(g)
			return
		}
	}
	if e.self.Newest > 1 {
		e.askGenerations(func(*chat.Error) {})
	}
}

// maxText is how many bytes of text fit in a message here; 0 before the first login.
func (e *engine) maxText() int {
	if e.self.Message == 0 {
		return 0
	}
	return max(0, seal.MaxContent(int(e.self.Message))-content.Overhead)
}
