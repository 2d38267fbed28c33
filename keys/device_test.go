package keys

import (
	"bytes"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

func (p *pairing) machine() Machine {
	return Machine{Device: chat.DeviceID{9}, HPKE: make([]byte, trust.HPKESize), Name: "laptop, linux", Software: "huisclos 1"}
}

func (p *pairing) newDevice(c Code) *NewDevice { return NewNewDevice(c, p.server, p.machine()) }

func (p *pairing) oldDevice(c Code) *OldDevice { return NewOldDevice(c, p.server, p.alice) }

// run goes up to the person's yes.
func runDevices(n *NewDevice, o *OldDevice) (Machine, error) {
	offer, err := o.Offer(n.Hello())
	if err != nil {
		return Machine{}, err
	}
	proof, err := n.Proof(offer)
	if err != nil {
		return Machine{}, err
	}
	return o.Proof(proof)
}

// Two devices that have the same code: the old one knows what the new one is called, the new one has everything, and the old one knows that.
func TestLinkExchange(t *testing.T) {
	p := newPairing(t)
	for _, size := range []int{1, devicePart, devicePart + 1, MaxDeviceGift} {
		n, o := p.newDevice(p.right), p.oldDevice(p.right)
		offer, err := o.Offer(n.Hello())
		if err != nil {
			t.Fatal(err)
		}
		proof, err := n.Proof(offer)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(proof, []byte("laptop")) {
			t.Error("the server reads what the computer is called")
		}
		got, err := o.Proof(proof)
		if err != nil || !reflect.DeepEqual(got, p.machine()) {
			t.Fatal(got, err)
		}
		content := bytes.Repeat([]byte("secret"), size/6+1)[:size]
		pieces, err := o.Gift(content)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range pieces {
			if len(m) > wire.MaxCodeMessage || bytes.Contains(m, []byte("secretsecret")) {
				t.Fatalf("a piece of %d bytes", len(m))
			}
			done, err := n.Take(m)
			if err != nil || done != (i == len(pieces)-1) {
				t.Fatal(i, done, err)
			}
		}
		receipt, taken, err := n.Receipt()
		if err != nil || !bytes.Equal(taken, content) || n.Peer().Account != p.alice.Account {
			t.Fatal(len(taken), err)
		}
		if err := o.Received(receipt); err != nil {
			t.Fatal(err)
		}
		if o.Received(receipt) == nil {
			t.Error("it is received twice")
		}
	}
}

// Wrong words, the words of an invitation, another server, and what doesn't fit: each end finds out before it gives anything.
func TestLinkExchangeRefuses(t *testing.T) {
	p := newPairing(t)
	if _, err := runDevices(p.newDevice(p.guessed), p.oldDevice(p.right)); !errors.Is(err, chat.CodeCodeWrong) {
		t.Error("wrong words:", err)
	}
	// An invitation code's newcomer at a link code's old device, and the other way round, with the right words: a server that hides which kind a number is.
	n, o := p.newcomer(p.right), p.oldDevice(p.right)
	offer, err := o.Offer(n.Hello())
	if err != nil {
		t.Fatal(err)
	}
	proof, err := n.Proof(offer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Proof(proof); err == nil {
		t.Error("a newcomer is taken for a device")
	}
	var as codeProof
	if err := wire.UnmarshalStrict(proof, &as); err != nil {
		t.Fatal(err)
	}
	o = p.oldDevice(p.right)
	if _, err := o.Offer(p.newDevice(p.right).Hello()); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Proof(wire.Marshal(&deviceProof{Share: as.Share, Data: as.Data, Tag: as.Tag, Machine: []byte{1}})); err == nil {
		t.Error("a newcomer in another form is taken for a device")
	}
	d, i := p.newDevice(p.right), p.inviter(t, p.right)
	if offer, err = i.Offer(d.Hello()); err != nil {
		t.Fatal(err)
	}
	if proof, err = d.Proof(offer); err != nil {
		t.Fatal(err)
	}
	var own deviceProof
	if err := wire.UnmarshalStrict(proof, &own); err != nil {
		t.Fatal(err)
	}
	if _, _, err := i.Gift(wire.Marshal(&codeProof{Share: own.Share, Data: own.Data, Tag: own.Tag})); err == nil {
		t.Error("a device is taken for a newcomer")
	}

	other := newPairing(t)
	other.server[0]++
	other.alice = somebody(other.server, "alice")
	d, o = p.newDevice(p.right), NewOldDevice(p.right, other.server, other.alice)
	if _, err := runDevices(d, o); !errors.Is(err, chat.CodeIdentity) {
		t.Error("another server:", err)
	}
	bad := p.newDevice(p.right)
	bad.machine.Name = "a\nb"
	if _, err := runDevices(bad, p.oldDevice(p.right)); !errors.Is(err, chat.CodeFrame) {
		t.Error("a name that can't be shown:", err)
	}
	bad = p.newDevice(p.right)
	o = p.oldDevice(p.right)
	if _, err := runDevices(bad, o); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Gift(make([]byte, MaxDeviceGift+1)); !errors.Is(err, chat.CodeTooLarge) {
		t.Error(err)
	}
	o = p.oldDevice(p.right)
	if _, err := o.Gift([]byte{1}); err == nil {
		t.Error("a gift without a proof")
	}
	if _, _, err := p.newDevice(p.right).Receipt(); err == nil {
		t.Error("a receipt without a gift")
	}
	if got := MachineName("a\x1b[2J\nb" + strings.Repeat("é", 100)); got != "a[2Jb"+strings.Repeat("é", 29) {
		t.Errorf("%q", got)
	}
}

// No bit of any message can be changed on the way, and no piece left out, repeated or put in another place.
func TestLinkChangedOnTheWay(t *testing.T) {
	p := newPairing(t)
	rapid.Check(t, func(rt *rapid.T) {
		at := rapid.IntRange(0, 5).Draw(rt, "message")
		flip := func(k int, m []byte) []byte {
			if k != at {
				return m
			}
			m = bytes.Clone(m)
			m[rapid.IntRange(0, len(m)-1).Draw(rt, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
			return m
		}
		n, o := p.newDevice(p.right), p.oldDevice(p.right)
		offer, err := o.Offer(flip(0, n.Hello()))
		if err != nil {
			return
		}
		proof, err := n.Proof(flip(1, offer))
		if err != nil {
			return
		}
		if _, err := o.Proof(flip(2, proof)); err != nil {
			return
		}
		pieces, err := o.Gift(make([]byte, devicePart+10))
		if err != nil {
			rt.Fatal(err)
		}
		if _, err := n.Take(flip(3, pieces[0])); err != nil {
			return
		}
		if at == 3 {
			rt.Fatal("a changed piece is taken")
		}
		if _, err := n.Take(flip(4, pieces[1])); err != nil {
			return
		}
		receipt, _, err := n.Receipt()
		if err != nil {
			rt.Fatal(err)
		}
		if err := o.Received(flip(5, receipt)); err == nil {
			rt.Fatal("nobody has noticed")
		}
	})
	for name, order := range map[string][]int{"the last alone": {1}, "twice the first": {0, 0}, "nothing after the last": {0, 1, 1}} {
		n, o := p.newDevice(p.right), p.oldDevice(p.right)
		if _, err := runDevices(n, o); err != nil {
			t.Fatal(err)
		}
		pieces, err := o.Gift(make([]byte, devicePart+10))
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range order {
			if _, err := n.Take(pieces[k]); (err != nil) != (i == len(order)-1) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// A link of a code comes back as it was, and is no link to join by.
func TestDeviceLink(t *testing.T) {
	p := newPairing(t)
	for _, address := range []string{"203.0.113.7:7540", "[2001:db8::1]:443", "https://chat.example/h"} {
		l := DeviceLink{Address: address, Server: chat.FingerprintOf(p.server[:]), Code: p.right}
		got, err := ParseDeviceLink(" " + l.Reveal() + "\n")
		if err != nil || got.Address != address || got.Server != l.Server || !got.Code.Equal(p.right) {
			t.Errorf("%s: %v, %v", l.Reveal(), got.Address, err)
		}
		if _, err := ParseLink(l.Reveal()); !errors.Is(err, chat.CodeCodeLinks) {
			t.Error(err)
		}
	}
	good := DeviceLink{Address: "203.0.113.7:7540", Server: chat.FingerprintOf(p.server[:]), Code: p.right}.Reveal()
	fragment := good[strings.Index(good, "#"):]
	for text, want := range map[string]chat.Code{
		"":                                           chat.CodeLinkFormat,
		"huisclos://203.0.113.7:7540/" + "#hcs1":     chat.CodeLinkFormat,
		"huisclos://203.0.113.7:0/" + fragment:       chat.CodeLinkFormat,
		"huisclos://a@203.0.113.7/" + fragment:       chat.CodeLinkFormat,
		"huisclos:///" + fragment:                    chat.CodeLinkFormat,
		"huisclos://h/x" + fragment:                  chat.CodeLinkFormat,
		strings.Replace(good, "/7-", "/", 1):         chat.CodeCodeFormat,
		strings.Replace(good, "ocean", "ocaen", 1):   chat.CodeCodeWord,
		strings.Replace(good, "#hcs1p", "#hcs1q", 1): chat.CodeKeyChecksum,
		Link{Address: "h:1", Key: p.key}.Reveal():    chat.CodeLinkFormat,
	} {
		if _, err := ParseDeviceLink(text); chat.CodeOf(err) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The published exchange, which other code has made.
func TestDeviceVectors(t *testing.T) {
	raw, err := os.ReadFile("../docs/vectors/device.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Number              uint32
		Link                string
		S, CI               hexBytes
		Old                 codeVectorEnd
		New                 struct{ Device, Machine, Nonce, ScalarInput, KEMInput hexBytes }
		Hello, Offer, Proof hexBytes
		Content, Receipt    hexBytes
		Pieces              []hexBytes
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	same := func(what string, got []byte, want hexBytes) {
		t.Helper()
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs:\n%x\n%x", what, got, want)
		}
	}
	l, err := ParseDeviceLink(v.Link)
	if err != nil || l.Reveal() != v.Link || l.Code.Number() != v.Number {
		t.Fatal(v.Link, err)
	}
	same("CI", deviceChannel(), v.CI)
	var self Party
	var machine Machine
	if err := errors.Join(wire.UnmarshalStrict(v.Old.Party, &self), wire.UnmarshalStrict(v.New.Machine, &machine)); err != nil {
		t.Fatal(err)
	}
	o := NewOldDevice(l.Code, [32]byte(v.S), self)
	o.random = bytes.NewReader(bytes.Join([][]byte{v.Old.Nonce, v.Old.ScalarInput, v.Old.KEMInput}, nil))
	n := NewNewDevice(l.Code, [32]byte(v.S), machine)
	n.random = bytes.NewReader(bytes.Join([][]byte{v.New.Nonce, v.New.ScalarInput}, nil))
	n.encapsulate = func(ek *mlkem.EncapsulationKey768) (secret, ciphertext []byte) {
		secret, ciphertext, err := mlkemtest.Encapsulate768(ek, v.New.KEMInput)
		if err != nil {
			t.Fatal(err)
		}
		return secret, ciphertext
	}
	hello := n.Hello()
	same("hello", hello, v.Hello)
	offer, err := o.Offer(hello)
	if err != nil {
		t.Fatal(err)
	}
	same("offer", offer, v.Offer)
	proof, err := n.Proof(offer)
	if err != nil {
		t.Fatal(err)
	}
	same("proof", proof, v.Proof)
	if got, err := o.Proof(proof); err != nil || !reflect.DeepEqual(got, machine) {
		t.Fatal(got, err)
	}
	pieces, err := o.Gift(v.Content)
	if err != nil || len(pieces) != len(v.Pieces) {
		t.Fatal(len(pieces), err)
	}
	for i := range pieces {
		same("a piece", pieces[i], v.Pieces[i])
		if _, err := n.Take(pieces[i]); err != nil {
			t.Fatal(err)
		}
	}
	receipt, _, err := n.Receipt()
	if err != nil {
		t.Fatal(err)
	}
	same("receipt", receipt, v.Receipt)
}

// Whatever an end of a link code is sent, it gives and takes nothing but by the one right message.
func FuzzOldDevice(f *testing.F) {
	p := newPairing(f)
	n, o := p.newDevice(p.right), p.oldDevice(p.right)
	offer, err := o.Offer(n.Hello())
	if err != nil {
		f.Fatal(err)
	}
	before, waiting := *n, *o
	proof, err := n.Proof(offer)
	if err != nil {
		f.Fatal(err)
	}
	proven := waiting
	if _, err := proven.Proof(proof); err != nil {
		f.Fatal(err)
	}
	pieces, err := proven.Gift([]byte("everything"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(offer)
	f.Add(proof)
	f.Add(pieces[0])
	f.Fuzz(func(t *testing.T, raw []byte) {
		at := waiting
		if _, err := at.Proof(raw); (err == nil) != bytes.Equal(raw, proof) {
			t.Fatal(err)
		}
		after := *n
		if _, err := after.Take(raw); (err == nil) != bytes.Equal(raw, pieces[0]) {
			t.Fatal(err)
		}
		given := proven
		if given.Received(raw) == nil {
			t.Fatal("a receipt without the new device")
		}
		begin, wait := before, waiting
		if m, err := begin.Proof(raw); err == nil {
			if _, err := wait.Proof(m); (err == nil) != bytes.Equal(raw, offer) {
				t.Fatal(err)
			}
		}
		if l, err := ParseDeviceLink(string(raw)); err == nil {
			if again, err := ParseDeviceLink(l.Reveal()); err != nil || again.Server != l.Server || again.Address != l.Address {
				t.Fatalf("%q: %v", raw, err)
			}
		}
	})
}
