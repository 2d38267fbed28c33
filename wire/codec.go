package wire

import (
	"github.com/fxamacker/cbor/v2"

	"huisclos/chat"
)

// Frame is one of this package's frame types, by pointer.
type Frame interface{ kind() Type }

func (*HelloC) kind() Type      { return TypeHelloC }
func (*Challenge) kind() Type   { return TypeChallenge }
func (*Auth) kind() Type        { return TypeAuth }
func (*Welcome) kind() Type     { return TypeWelcome }
func (*Done) kind() Type        { return TypeDone }
func (*Failure) kind() Type     { return TypeFailure }
func (*Notice) kind() Type      { return TypeNotice }
func (*Bye) kind() Type         { return TypeBye }
func (*Send) kind() Type        { return TypeSend }
func (*Ack) kind() Type         { return TypeAck }
func (*Entries) kind() Type     { return TypeEntries }
func (*Subscribe) kind() Type   { return TypeSubscribe }
func (*Unsubscribe) kind() Type { return TypeUnsubscribe }
func (*Room) kind() Type        { return TypeRoom }
func (*Read) kind() Type        { return TypeRead }
func (*Page) kind() Type        { return TypePage }
func (*Rooms) kind() Type       { return TypeRooms }
func (*RoomList) kind() Type    { return TypeRoomList }
func (*Create) kind() Type      { return TypeCreate }
func (*Who) kind() Type         { return TypeWho }
func (*People) kind() Type      { return TypePeople }
func (*List) kind() Type        { return TypeList }
func (*Listing) kind() Type     { return TypeListing }
func (*Presence) kind() Type    { return TypePresence }
func (*KeyState) kind() Type    { return TypeKeyState }
func (*Generations) kind() Type { return TypeGenerations }
func (*PutLink) kind() Type     { return TypePutLink }
func (*Rotated) kind() Type     { return TypeRotated }

func (f *HelloC) setType()      { f.Type = TypeHelloC }
func (f *Challenge) setType()   { f.Type = TypeChallenge }
func (f *Auth) setType()        { f.Type = TypeAuth }
func (f *Welcome) setType()     { f.Type = TypeWelcome }
func (f *Done) setType()        { f.Type = TypeDone }
func (f *Failure) setType()     { f.Type = TypeFailure }
func (f *Notice) setType()      { f.Type = TypeNotice }
func (f *Bye) setType()         { f.Type = TypeBye }
func (f *Send) setType()        { f.Type = TypeSend }
func (f *Ack) setType()         { f.Type = TypeAck }
func (f *Entries) setType()     { f.Type = TypeEntries }
func (f *Subscribe) setType()   { f.Type = TypeSubscribe }
func (f *Unsubscribe) setType() { f.Type = TypeUnsubscribe }
func (f *Room) setType()        { f.Type = TypeRoom }
func (f *Read) setType()        { f.Type = TypeRead }
func (f *Page) setType()        { f.Type = TypePage }
func (f *Rooms) setType()       { f.Type = TypeRooms }
func (f *RoomList) setType()    { f.Type = TypeRoomList }
func (f *Create) setType()      { f.Type = TypeCreate }
func (f *Who) setType()         { f.Type = TypeWho }
func (f *People) setType()      { f.Type = TypePeople }
func (f *List) setType()        { f.Type = TypeList }
func (f *Listing) setType()     { f.Type = TypeListing }
func (f *Presence) setType()    { f.Type = TypePresence }
func (f *KeyState) setType()    { f.Type = TypeKeyState }
func (f *Generations) setType() { f.Type = TypeGenerations }
func (f *PutLink) setType()     { f.Type = TypePutLink }
func (f *Rotated) setType()     { f.Type = TypeRotated }

var encMode, decMode = modes()

func modes() (cbor.EncMode, cbor.DecMode) {
	eo := cbor.CoreDetEncOptions()
	eo.TagsMd = cbor.TagsForbidden
	eo.NilContainers = cbor.NilContainerAsEmpty
	enc, err := eo.EncMode()
	if err != nil {
		panic(err) // constant options
	}
	dec, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		UTF8:             cbor.UTF8RejectInvalid,
		MaxNestedLevels:  8,
		MaxArrayElements: 1 << 16,
		MaxMapPairs:      64,
	}.DecMode()
	if err != nil {
		panic(err) // constant options
	}
	return enc, dec
}

// Encode writes a frame, setting its Type.
func Encode(f interface {
	Frame
	setType()
}) []byte {
	f.setType()
	return Marshal(f)
}

// Marshal writes any value of this package deterministically. It panics on a type that CBOR can't hold.
func Marshal(v any) []byte {
	if h, ok := v.(hot); ok {
		return h.append(make([]byte, 0, h.size()))
	}
	return marshal(v)
}

// marshal is Marshal by the general encoder.
func marshal(v any) []byte {
	b, err := encMode.Marshal(v)
	if err != nil {
		panic("wire: " + err.Error())
	}
	return b
}

// Unmarshal reads what Marshal wrote; anything else is CodeFrame.
func Unmarshal(b []byte, v any) error {
	if err := decMode.Unmarshal(b, v); err != nil {
		return chat.Errorf(chat.CodeFrame).Because(err)
	}
	return nil
}
