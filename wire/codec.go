package wire

import (
	"github.com/fxamacker/cbor/v2"

	"huisclos/chat"
)

// Frame is one of this package's frame types, by pointer.
type Frame interface{ kind() Type }

func (*HelloC) kind() Type         { return TypeHelloC }
func (*Challenge) kind() Type      { return TypeChallenge }
func (*Auth) kind() Type           { return TypeAuth }
func (*Welcome) kind() Type        { return TypeWelcome }
func (*Done) kind() Type           { return TypeDone }
func (*Failure) kind() Type        { return TypeFailure }
func (*Notice) kind() Type         { return TypeNotice }
func (*Bye) kind() Type            { return TypeBye }
func (*Send) kind() Type           { return TypeSend }
func (*Ack) kind() Type            { return TypeAck }
func (*Entries) kind() Type        { return TypeEntries }
func (*Subscribe) kind() Type      { return TypeSubscribe }
func (*Unsubscribe) kind() Type    { return TypeUnsubscribe }
func (*Room) kind() Type           { return TypeRoom }
func (*Read) kind() Type           { return TypeRead }
func (*Page) kind() Type           { return TypePage }
func (*Rooms) kind() Type          { return TypeRooms }
func (*RoomList) kind() Type       { return TypeRoomList }
func (*Create) kind() Type         { return TypeCreate }
func (*Who) kind() Type            { return TypeWho }
func (*People) kind() Type         { return TypePeople }
func (*List) kind() Type           { return TypeList }
func (*Listing) kind() Type        { return TypeListing }
func (*Presence) kind() Type       { return TypePresence }
func (*KeyState) kind() Type       { return TypeKeyState }
func (*Generations) kind() Type    { return TypeGenerations }
func (*PutLink) kind() Type        { return TypePutLink }
func (*Rotated) kind() Type        { return TypeRotated }
func (*PutPackages) kind() Type    { return TypePutPackages }
func (*PackageState) kind() Type   { return TypePackageState }
func (*TakePackages) kind() Type   { return TypeTakePackages }
func (*Packages) kind() Type       { return TypePackages }
func (*CreatePrivate) kind() Type  { return TypeCreatePrivate }
func (*Commit) kind() Type         { return TypeCommit }
func (*Invited) kind() Type        { return TypeInvited }
func (*Invitations) kind() Type    { return TypeInvitations }
func (*InvitationList) kind() Type { return TypeInvitationList }
func (*Welcomed) kind() Type       { return TypeWelcomed }
func (*State) kind() Type          { return TypeState }
func (*RoomState) kind() Type      { return TypeRoomState }
func (*WantState) kind() Type      { return TypeWantState }
func (*PutState) kind() Type       { return TypePutState }
func (*PrivateRooms) kind() Type   { return TypePrivateRooms }
func (*Roster) kind() Type         { return TypeRoster }
func (*RosterList) kind() Type     { return TypeRosterList }
func (*Expelled) kind() Type       { return TypeExpelled }

func (f *HelloC) setType()         { f.Type = TypeHelloC }
func (f *Challenge) setType()      { f.Type = TypeChallenge }
func (f *Auth) setType()           { f.Type = TypeAuth }
func (f *Welcome) setType()        { f.Type = TypeWelcome }
func (f *Done) setType()           { f.Type = TypeDone }
func (f *Failure) setType()        { f.Type = TypeFailure }
func (f *Notice) setType()         { f.Type = TypeNotice }
func (f *Bye) setType()            { f.Type = TypeBye }
func (f *Send) setType()           { f.Type = TypeSend }
func (f *Ack) setType()            { f.Type = TypeAck }
func (f *Entries) setType()        { f.Type = TypeEntries }
func (f *Subscribe) setType()      { f.Type = TypeSubscribe }
func (f *Unsubscribe) setType()    { f.Type = TypeUnsubscribe }
func (f *Room) setType()           { f.Type = TypeRoom }
func (f *Read) setType()           { f.Type = TypeRead }
func (f *Page) setType()           { f.Type = TypePage }
func (f *Rooms) setType()          { f.Type = TypeRooms }
func (f *RoomList) setType()       { f.Type = TypeRoomList }
func (f *Create) setType()         { f.Type = TypeCreate }
func (f *Who) setType()            { f.Type = TypeWho }
func (f *People) setType()         { f.Type = TypePeople }
func (f *List) setType()           { f.Type = TypeList }
func (f *Listing) setType()        { f.Type = TypeListing }
func (f *Presence) setType()       { f.Type = TypePresence }
func (f *KeyState) setType()       { f.Type = TypeKeyState }
func (f *Generations) setType()    { f.Type = TypeGenerations }
func (f *PutLink) setType()        { f.Type = TypePutLink }
func (f *Rotated) setType()        { f.Type = TypeRotated }
func (f *PutPackages) setType()    { f.Type = TypePutPackages }
func (f *PackageState) setType()   { f.Type = TypePackageState }
func (f *TakePackages) setType()   { f.Type = TypeTakePackages }
func (f *Packages) setType()       { f.Type = TypePackages }
func (f *CreatePrivate) setType()  { f.Type = TypeCreatePrivate }
func (f *Commit) setType()         { f.Type = TypeCommit }
func (f *Invited) setType()        { f.Type = TypeInvited }
func (f *Invitations) setType()    { f.Type = TypeInvitations }
func (f *InvitationList) setType() { f.Type = TypeInvitationList }
func (f *Welcomed) setType()       { f.Type = TypeWelcomed }
func (f *State) setType()          { f.Type = TypeState }
func (f *RoomState) setType()      { f.Type = TypeRoomState }
func (f *WantState) setType()      { f.Type = TypeWantState }
func (f *PutState) setType()       { f.Type = TypePutState }
func (f *PrivateRooms) setType()   { f.Type = TypePrivateRooms }
func (f *Roster) setType()         { f.Type = TypeRoster }
func (f *RosterList) setType()     { f.Type = TypeRosterList }
func (f *Expelled) setType()       { f.Type = TypeExpelled }

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
