package keys

import (
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"io"
	"slices"

	"github.com/gtank/ristretto255"
)

// CPace (draft-irtf-cfrg-cpace-21) over ristretto255 with SHA-512: two ends that know the same short password agree on a key, and
// whoever doesn't know it learns nothing but whether one guess was right. The names are the draft's; its test vectors are in
// testdata/cpace.json.

const (
	cpaceDSI    = "CPaceRistretto255"     // G.DSI, §8.3
	cpaceISK    = "CPaceRistretto255_ISK" // G.DSI_ISK
	cpaceBlock  = sha512.BlockSize        // H.s_in_bytes
	shareSize   = 32
	scalarBytes = 64 // uniform bytes that a scalar is made of
)

// lvCat writes each part behind its length in LEB128 (§6.3, lv_cat).
func lvCat(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p))) // LEB128 is what protocol buffers call a varint
		b = append(b, p...)
	}
	return b
}

// generatorString fills the first block of the hash with the password, so that all of it takes the same time (§6.2 and A.2).
func generatorString(prs, ci, sid []byte) []byte {
	pad := max(0, cpaceBlock-1-len(lvCat(prs))-len(lvCat([]byte(cpaceDSI))))
	return lvCat([]byte(cpaceDSI), prs, make([]byte, pad), ci, sid)
}

// generator is calculate_generator.
func generator(prs, ci, sid []byte) *ristretto255.Element {
	sum := sha512.Sum512(generatorString(prs, ci, sid))
	return ristretto255.NewElement().FromUniformBytes(sum[:])
}

// share is one end's secret scalar and public element.
type share struct {
	secret *ristretto255.Scalar
	public [shareSize]byte
}

// newShare draws a scalar; random is crypto/rand but in tests.
func newShare(g *ristretto255.Element, random io.Reader) *share {
	var b [scalarBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		panic("keys: " + err.Error()) // never: crypto/rand ends the program instead
	}
	return shareOf(g, ristretto255.NewScalar().FromUniformBytes(b[:]))
}

func shareOf(g *ristretto255.Element, secret *ristretto255.Scalar) *share {
	s := &share{secret: secret}
	ristretto255.NewElement().ScalarMult(secret, g).Encode(s.public[:0])
	return s
}

// agree is scalar_mult_vfy: false for bytes that encode no element, and for the neutral one, which would give a
// key that everybody knows.
func (s *share) agree(peer [shareSize]byte) (k [shareSize]byte, ok bool) {
	p := ristretto255.NewElement()
	if p.Decode(peer[:]) != nil {
		return k, false
	}
	q := ristretto255.NewElement().ScalarMult(s.secret, p)
	if q.Equal(ristretto255.NewElement()) == 1 {
		return k, false
	}
	q.Encode(k[:0])
	return k, true
}

// sessionKey is the ISK of the initiator-responder setting: a spoke first.
func sessionKey(sid []byte, k, ya [shareSize]byte, ada []byte, yb [shareSize]byte, adb []byte) [sha512.Size]byte {
	return sha512.Sum512(slices.Concat(lvCat([]byte(cpaceISK), sid, k[:]), lvCat(ya[:], ada), lvCat(yb[:], adb)))
}

// randomOr is crypto/rand unless a test says otherwise.
func randomOr(r io.Reader) io.Reader {
	if r != nil {
		return r
	}
	return rand.Reader
}
