package wire

import (
	"strconv"

	"huisclos/chat"
)

// MaxLogin is the greatest size in bytes of a frame before the login is done.
const MaxLogin = 8 << 10

// MaxFrame is the greatest size in bytes of any frame.
const MaxFrame = 8 << 20

// Decode reads one frame strictly: deterministic CBOR, of a known type, whole, within its type's bounds. What it returns
// may share memory with raw. CodeFrame, CodeFrameType, CodeTooLarge (limit).
func Decode(raw []byte) (Frame, error) {
	t, ok := typeOf(raw)
	if !ok {
		return nil, chat.Errorf(chat.CodeFrame)
	}
	f := empty(t)
	if f == nil {
		return nil, chat.Errorf(chat.CodeFrameType)
	}
	if most := maxSize(t); len(raw) > most {
		return nil, chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(most))
	}
	if f, ok := f.(scanned); ok {
		s := scanner{rest: raw}
		if f.scan(&s); !s.ok() {
			return nil, chat.Errorf(chat.CodeFrame)
		}
		return f, nil
	}
	if err := UnmarshalStrict(raw, f); err != nil {
		return nil, err
	}
	if f, ok := f.(bounded); ok && !f.fits() {
		return nil, chat.Errorf(chat.CodeFrame)
	}
	return f, nil
}

// typeOf reads the first element of the array.
func typeOf(raw []byte) (Type, bool) {
	if len(raw) < 2 || raw[0]>>5 != 4 || raw[0]&31 > 23 { // frames have fewer than 24 elements
		return 0, false
	}
	switch {
	case raw[1] < 24:
		return Type(raw[1]), true
	case raw[1] == 24 && len(raw) > 2:
		return Type(raw[2]), true
	}
	return 0, false
}

// maxSize bounds a frame of a type. What holds envelopes is bounded by MaxFrame alone: the server announces how large they may be.
func maxSize(t Type) int {
	switch t {
	case TypeSend, TypeEntries, TypePage, TypePeople, TypeListing, TypeRoomList, TypeWelcome, TypeGenerations, TypePresence:
		return MaxFrame
	case TypeCommit, TypePutState, TypeRoomState, TypeInvitationList, TypePackages, TypeRosterList:
		return MaxFrame
	case TypeRecovered, TypeGive:
		return MaxFrame
	case TypeClaim:
		return maxClaim
	case TypePutBackup, TypeBackup:
		return MaxBackup + 1<<10
	case TypePutPackages:
		return (MaxKeyPackages + 1) * (MaxKeyPackage + 128)
	case TypePutList:
		return MaxDeviceList + 64
	case TypeToDevice, TypeFromDevice:
		return MaxDeviceData + 64
	case TypeWho, TypeTakePackages:
		return 64 << 10
	}
	return MaxLogin
}

// IsLarge reports whether a frame, of which start is the beginning, may be larger than a message: Limits.Commit bounds it instead of Limits.Frame.
func IsLarge(start []byte) bool {
	switch t, _ := typeOf(start); t {
	case TypeCommit, TypePutState, TypePutPackages, TypePutBackup, TypeToDevice, TypeGive:
		return true
	}
	return false
}

// empty makes the frame of a type; nil for an unknown one.
func empty(t Type) Frame {
	switch t {
	case TypeHelloC:
		return new(HelloC)
	case TypeChallenge:
		return new(Challenge)
	case TypeAuth:
		return new(Auth)
	case TypeWelcome:
		return new(Welcome)
	case TypeDone:
		return new(Done)
	case TypeFailure:
		return new(Failure)
	case TypeNotice:
		return new(Notice)
	case TypeBye:
		return new(Bye)
	}
	if f := emptyRoom(t); f != nil {
		return f
	}
	if f := emptyPrivate(t); f != nil {
		return f
	}
	if f := emptyCode(t); f != nil {
		return f
	}
	if f := emptyLink(t); f != nil {
		return f
	}
	if f := emptyRecovery(t); f != nil {
		return f
	}
	if f := emptyTyping(t); f != nil {
		return f
	}
	if f := emptyRefill(t); f != nil {
		return f
	}
	return emptyOther(t)
}

func emptyRoom(t Type) Frame {
	switch t {
	case TypeSend:
		return new(Send)
	case TypeAck:
		return new(Ack)
	case TypeEntries:
		return new(Entries)
	case TypeSubscribe:
		return new(Subscribe)
	case TypeUnsubscribe:
		return new(Unsubscribe)
	case TypeRoom:
		return new(Room)
	case TypeRead:
		return new(Read)
	case TypePage:
		return new(Page)
	case TypeRooms:
		return new(Rooms)
	case TypeRoomList:
		return new(RoomList)
	case TypeCreate:
		return new(Create)
	}
	return nil
}

func emptyOther(t Type) Frame {
	switch t {
	case TypeWho:
		return new(Who)
	case TypePeople:
		return new(People)
	case TypeList:
		return new(List)
	case TypeListing:
		return new(Listing)
	case TypePresence:
		return new(Presence)
	case TypeKeyState:
		return new(KeyState)
	case TypeGenerations:
		return new(Generations)
	case TypePutLink:
		return new(PutLink)
	case TypeRotated:
		return new(Rotated)
	}
	return nil
}

func emptyPrivate(t Type) Frame {
	switch t {
	case TypePutPackages:
		return new(PutPackages)
	case TypePackageState:
		return new(PackageState)
	case TypeTakePackages:
		return new(TakePackages)
	case TypePackages:
		return new(Packages)
	case TypeCreatePrivate:
		return new(CreatePrivate)
	case TypeCommit:
		return new(Commit)
	case TypeInvited:
		return new(Invited)
	case TypeInvitations:
		return new(Invitations)
	case TypeInvitationList:
		return new(InvitationList)
	case TypeWelcomed:
		return new(Welcomed)
	case TypeState:
		return new(State)
	case TypeRoomState:
		return new(RoomState)
	case TypeWantState:
		return new(WantState)
	case TypePutState:
		return new(PutState)
	case TypePrivateRooms:
		return new(PrivateRooms)
	case TypeRoster:
		return new(Roster)
	case TypeRosterList:
		return new(RosterList)
	case TypeExpelled:
		return new(Expelled)
	}
	return nil
}
