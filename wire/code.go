package wire

import "huisclos/chat"

// Invitation codes: the server hands messages between a member who has made a code and a newcomer who has been told it (PROTOCOL §7). It
// knows the number of the code and never its words, and can't read the messages.

// Bounds of invitation codes.
const (
	MaxCodeNumber  = 9999
	MaxCodeMessage = 7 << 10 // bytes
)

// OpenCode asks for the number of a new code. Answered by CodeOpened.
type OpenCode struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
}

// CodeOpened says which number it is, and how long it holds.
type CodeOpened struct {
	_       struct{} `cbor:",toarray"`
	Type    Type
	Ref     uint64
	Number  uint32
	Seconds uint32
}

// CloseCode ends a code: nobody can use it any more. A newcomer who is waiting is told Code. Answered by Done, also when it is over already.
type CloseCode struct {
	_      struct{} `cbor:",toarray"`
	Type   Type
	Ref    uint64
	Number uint32
	Code   chat.Code // why; empty when the member has changed his mind
}

// UseCode is sent by a newcomer in the place of Auth, with his first message.
type UseCode struct {
	_       struct{} `cbor:",toarray"`
	Type    Type
	Number  uint32
	Message []byte
}

// CodeMessage is a message from the other end, or to it.
type CodeMessage struct {
	_       struct{} `cbor:",toarray"`
	Type    Type
	Number  uint32
	Message []byte
}

// CodeLeft tells the member that the newcomer has gone before the end.
type CodeLeft struct {
	_      struct{} `cbor:",toarray"`
	Type   Type
	Number uint32
}

func isCodeNumber(n uint32) bool { return n > 0 && n <= MaxCodeNumber }

func isCodeMessage(m []byte) bool { return len(m) > 0 && len(m) <= MaxCodeMessage }

func (f *CodeOpened) fits() bool  { return isCodeNumber(f.Number) }
func (f *CloseCode) fits() bool   { return isCodeNumber(f.Number) && len(f.Code) <= 64 }
func (f *UseCode) fits() bool     { return isCodeNumber(f.Number) && isCodeMessage(f.Message) }
func (f *CodeMessage) fits() bool { return isCodeNumber(f.Number) && isCodeMessage(f.Message) }
func (f *CodeLeft) fits() bool    { return isCodeNumber(f.Number) }

func (*OpenCode) kind() Type    { return TypeOpenCode }
func (*CodeOpened) kind() Type  { return TypeCodeOpened }
func (*CloseCode) kind() Type   { return TypeCloseCode }
func (*UseCode) kind() Type     { return TypeUseCode }
func (*CodeMessage) kind() Type { return TypeCodeMessage }
func (*CodeLeft) kind() Type    { return TypeCodeLeft }

func (f *OpenCode) setType()    { f.Type = TypeOpenCode }
func (f *CodeOpened) setType()  { f.Type = TypeCodeOpened }
func (f *CloseCode) setType()   { f.Type = TypeCloseCode }
func (f *UseCode) setType()     { f.Type = TypeUseCode }
func (f *CodeMessage) setType() { f.Type = TypeCodeMessage }
func (f *CodeLeft) setType()    { f.Type = TypeCodeLeft }

func emptyCode(t Type) Frame {
	switch t {
	case TypeOpenCode:
		return new(OpenCode)
	case TypeCodeOpened:
		return new(CodeOpened)
	case TypeCloseCode:
		return new(CloseCode)
	case TypeUseCode:
		return new(UseCode)
	case TypeCodeMessage:
		return new(CodeMessage)
	case TypeCodeLeft:
		return new(CodeLeft)
	}
	return nil
}
