package wire

import "huisclos/chat"

// Typing: that somebody is writing is told to those who are in the room now, and never stored. The server hands it on and can't read it.

// TypingSize is the size of what is told, in bytes: always the same.
const TypingSize = 160

// Typing is told by a client. It isn't answered.
type Typing struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Room chat.RoomID
	Body []byte
}

// Typed hands it on.
type Typed struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Room chat.RoomID
	Body []byte
}

func (f *Typing) fits() bool { return len(f.Body) == TypingSize }
func (f *Typed) fits() bool  { return len(f.Body) == TypingSize }

func (*Typing) kind() Type { return TypeTyping }
func (*Typed) kind() Type  { return TypeTyped }

func (f *Typing) setType() { f.Type = TypeTyping }
func (f *Typed) setType()  { f.Type = TypeTyped }

func emptyTyping(t Type) Frame {
	switch t {
	case TypeTyping:
		return new(Typing)
	case TypeTyped:
		return new(Typed)
	}
	return nil
}
