package wire

import "huisclos/chat"

// KeyState asks for the generations of the shared key. Answered by Generations.
type KeyState struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
}

// GenerationInfo is what the server holds of one generation: nothing that it can open.
type GenerationInfo struct {
	_          struct{} `cbor:",toarray"`
	Generation chat.Generation
	Access     [32]byte // A_pub
	Link       []byte   // K_{g-1} sealed under K_g (keys.SealLink); empty while no member has made it
	Grant      []byte   // K_g sealed by HPKE to the asking device (keys.SealGrant); empty when there is none
}

// Generations answers KeyState.
type Generations struct {
	_           struct{} `cbor:",toarray"`
	Type        Type
	Ref         uint64
	Generations []GenerationInfo
}

// PutLink gives the server the link of a generation that lacks it. Answered by Done.
// The first one stays; members check that they can open it.
type PutLink struct {
	_          struct{} `cbor:",toarray"`
	Type       Type
	Ref        uint64
	Generation chat.Generation
	Link       []byte // at most 512 bytes
}

// Rotated tells everyone that a generation began: ask for KeyState.
type Rotated struct {
	_          struct{} `cbor:",toarray"`
	Type       Type
	Generation chat.Generation
	Access     [32]byte
}
