package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"testing"
	"time"

	"huisclos/wire"
)

// BenchmarkMessage seals and signs, opens and verifies 200 bytes, beside the primitives that this can't
// avoid on the same number of bytes. The ratio is the budget of DESIGN §9: at most 1.2.
func BenchmarkMessage(b *testing.B) {
	r := testRoom(b, lobby, 1)
	device, header := testHeader()
	content := make([]byte, 200)
	raw := r.Seal(header, device, content)
	n := len(parse(b, raw).Sealed)
	public := device.Public().(ed25519.PublicKey)
	data := r.data(&header)

	run := func(name string, ours, floor func()) {
		b.Run(name, func(b *testing.B) {
			var a, f time.Duration
			for b.Loop() { // turn about, so that the machine's noise meets both
				start := time.Now()
				floor()
				mid := time.Now()
				ours()
				f, a = f+mid.Sub(start), a+time.Since(mid)
			}
			b.ReportMetric(float64(a.Nanoseconds())/float64(b.N), "ours-ns")
			b.ReportMetric(float64(f.Nanoseconds())/float64(b.N), "floor-ns")
			b.ReportMetric(float64(a)/float64(f), "ratio")
		})
	}
	p := newPrimitives(len(data), n-NonceSize-TagSize)
	sig := ed25519.Sign(device, p.toSign)
	run("seal", func() { r.Seal(header, device, content) }, func() {
		p.seal()
		ed25519.Sign(device, p.toSign)
	})
	run("open", func() {
		var env wire.Envelope
		if wire.Unmarshal(raw, &env) != nil {
			b.Fatal("parse")
		}
		if _, err := r.Open(&env); err != nil {
			b.Fatal(err)
		}
	}, func() {
		p.open()
		ed25519.Verify(public, p.toSign, sig)
	})
}

// primitives are AES-CBC, HMAC-SHA-512 and SHA-512 over as many bytes as a message has.
type primitives struct {
	block               cipher.Block
	key, data, text, iv []byte
	toSign              []byte
	mac                 [64]byte
}

func newPrimitives(data, text int) *primitives {
	block, _ := aes.NewCipher(make([]byte, 32))
	p := &primitives{block: block, key: make([]byte, 32), data: make([]byte, data), text: make([]byte, text), iv: make([]byte, 16)}
	p.toSign = make([]byte, 15+1+len(LabelMessage)+data+64)
	return p
}

func (p *primitives) tag() {
	m := hmac.New(sha512.New, p.key)
	m.Write(p.data)
	m.Write(p.iv)
	m.Write(p.text)
	m.Write(p.iv[:8])
	m.Sum(p.mac[:0])
	sha512.Sum512(p.text[:200])
}

func (p *primitives) seal() {
	_, _ = rand.Read(p.iv)
	cipher.NewCBCEncrypter(p.block, p.iv).CryptBlocks(p.text, p.text)
	p.tag()
}

func (p *primitives) open() {
	p.tag()
	cipher.NewCBCDecrypter(p.block, p.iv).CryptBlocks(p.text, p.text)
}
