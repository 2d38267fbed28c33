package wire

import "huisclos/chat"

// Done answers a request that has no other answer.
type Done struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
}

// Failure answers a request (Ref), or a Send (ID; Ref is 0) that could not be done.
type Failure struct {
	_      struct{} `cbor:",toarray"`
	Type   Type
	Ref    uint64
	ID     chat.MessageID
	Code   chat.Code
	Params map[string]string
}

// Err makes the error of it.
func (f *Failure) Err() *chat.Error { return &chat.Error{Code: f.Code, Params: f.Params} }

// Notice is something that the server's admin says to everyone: not encrypted, not stored.
type Notice struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Text string // at most 1 KiB
	Time int64
}

// Bye is the last frame: why the connection ends. The client sends one to quit.
type Bye struct {
	_      struct{} `cbor:",toarray"`
	Type   Type
	Code   chat.Code // CodeGoodbye for a clean end
	Params map[string]string
}

// Err makes the error of it.
func (b *Bye) Err() *chat.Error { return &chat.Error{Code: b.Code, Params: b.Params} }
