package client

import (
	"testing"

	"huisclos/chat"
)

// One device that answers everybody counts once.
func TestProvers(t *testing.T) {
	p := new(private)
	a, b := chat.DeviceID{1}, chat.DeviceID{2}
	p.proved(3, b)
	for n := range chat.Seq(2 * maxProofsKept) {
		p.proved(10+n, a)
	}
	if got := p.provers(5); got != 1 {
		t.Errorf("%d devices", got)
	}
	p.proved(9000, b)
	if got := p.provers(5); got != 2 {
		t.Errorf("%d devices", got)
	}
	if got := p.provers(9000); got != 0 {
		t.Errorf("%d devices after it", got)
	}
	if len(p.proofs) != maxProofsKept {
		t.Errorf("%d are remembered", len(p.proofs))
	}
}
