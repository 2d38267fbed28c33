package main

import (
	"crypto/sha512"
	"slices"

	"huisclos/access"
	"huisclos/trust"
	"huisclos/wire"
)

// Derivations is derivations.json: what follows from K, for each generation.
type Derivations struct {
	Fingerprint Hex
	RoomID      Hex
	Generations []Derivation
}

// Derivation is one generation's.
type Derivation struct {
	Generation   uint32
	K            Hex
	Salt         Hex
	AccessSeed   Hex
	AccessPublic Hex
	RoomKey      Hex
}

func (w *world) derivations() Derivations {
	d := Derivations{Fingerprint: w.server[:], RoomID: w.lobby[:]}
	for _, c := range []struct{ generation, key uint32 }{{1, 1}, {2, 2}, {0x01020304, 2}} {
		k, g := w.keys[generation(c.key)], generation(c.generation)
		a := k.AccessPublic(g)
		d.Generations = append(d.Generations, Derivation{
			Generation: c.generation, K: k.Bytes(), Salt: salt(w.server, g), AccessSeed: k.Access(g).Seed(), AccessPublic: a[:], RoomKey: k.Room(g, w.lobby),
		})
	}
	return d
}

// Login is login.json: every step of Alice's first login.
type Login struct {
	Exporter  Hex
	HelloC    Hex // the first frame
	HelloS    Hex // inside the second
	T0Input   Hex
	T0        Hex
	SigS      Hex
	Challenge Hex // the second frame
	Body      Hex // inside the third
	T1Input   Hex
	T1        Hex
	SigA      Hex
	SigDInput Hex // T1 ‖ SHA-512(SigA)
	SigD      Hex
	Auth      Hex // the third frame
	Return    LoginReturn
	Welcome   Hex // the fourth frame
}

// LoginReturn is the third frame of a device that is known, after the same first two.
type LoginReturn struct {
	Body, T1, SigD, Auth Hex
}

func (w *world) login() Login {
	a := w.keys[1].AccessPublic(1)
	var l Login
	l.Exporter = seed("exporter", 32)
	l.HelloC = wire.Encode(&wire.HelloC{Versions: []uint{1}, Features: []string{}, Nonce: [32]byte(seed("nonce of the client", 32)), Client: "example 1.0"})
	l.HelloS = wire.Marshal(&wire.HelloS{
		Version: 1, Offered: []uint{1}, Nonce: [32]byte(seed("nonce of the server", 32)), Server: w.identity.Public(), Generation: 1, Access: a,
		Limits: wire.Limits{Frame: 69632, Message: 65536, Rate: 200, Burst: 10000, Rooms: 1000, Page: 1000, Commit: 4194304, Idle: 90},
		Policy: wire.Enrol, Time: now, Software: "huisclos 1.0",
	})
	l.T0Input = wire.Marshal([]any{"huisclos/1 login", []byte(l.HelloC), []byte(l.HelloS), []byte(l.Exporter)})
	t0 := access.T0(l.HelloC, l.HelloS, l.Exporter)
	sigS := trust.Sign(w.identity.Signer(), access.LabelServer, t0[:])
	l.T0, l.SigS = t0[:], sigS[:]
	l.Challenge = wire.Encode(&wire.Challenge{Hello: l.HelloS, Sig: sigS})

	body := wire.Body{
		Role: access.RoleMember, Account: w.account.ID(), Device: w.device.ID(), Certificate: w.cert.Marshal(), ListVersion: 1,
		Name: "alice", NameSig: w.account.SignName(w.server, "alice"), Intent: wire.IntentEnrol, Generation: 1,
	}
	l.Body = wire.Marshal(&body)
	l.T1Input = wire.Marshal([]any{"huisclos/1 client", t0[:], sigS[:], []byte(l.Body)})
	t1 := access.T1(t0, sigS, l.Body)
	sigA := trust.Sign(w.keys[1].Access(1), access.LabelAccess, t1[:])
	l.T1, l.SigA = t1[:], sigA[:]
	l.SigDInput = deviceSigns(t1, sigA[:])
	sigD := trust.Sign(w.device.Key(), access.LabelDevice, l.SigDInput)
	l.SigD = sigD[:]
	l.Auth = wire.Encode(&wire.Auth{Body: l.Body, SigAccess: l.SigA, SigDevice: sigD})

	body.Intent = wire.IntentReturn
	back := wire.Marshal(&body)
	t1Back := access.T1(t0, sigS, back)
	sigBack := trust.Sign(w.device.Key(), access.LabelDevice, deviceSigns(t1Back, nil))
	l.Return = LoginReturn{Body: back, T1: t1Back[:], SigD: sigBack[:], Auth: wire.Encode(&wire.Auth{Body: back, SigAccess: []byte{}, SigDevice: sigBack})}
	l.Welcome = wire.Encode(&wire.Welcome{Session: 1, Incarnation: [16]byte(seed("incarnation", 16)), Time: now, Rooms: []wire.RoomInfo{w.roomInfo()}})
	return l
}

func deviceSigns(t1 [64]byte, sigA []byte) []byte {
	sum := sha512.Sum512(sigA)
	return slices.Concat(t1[:], sum[:])
}

func (w *world) roomInfo() wire.RoomInfo {
	start := wire.ChainStart(w.server, w.lobby)
	return wire.RoomInfo{Room: w.lobby, Name: "lobby", Kind: 1, FloorHash: start, HeadHash: start, Online: 1}
}
