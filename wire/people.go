package wire

import "huisclos/chat"

// Who asks for people by account, device or name. Answered by People.
type Who struct {
	_        struct{} `cbor:",toarray"`
	Type     Type
	Ref      uint64
	Accounts []chat.AccountID
	Devices  []chat.DeviceID
	Names    []string
}

// Person is what the server holds of someone; clients verify every signature in it.
type Person struct {
	_            struct{} `cbor:",toarray"`
	Account      chat.AccountID
	Name         string
	NameSig      [64]byte
	Certificates [][]byte // of the devices, trust.Certificate
	List         []byte   // trust.DeviceList; empty where there is none yet
}

// People answers Who; whom the server doesn't know is absent.
type People struct {
	_      struct{} `cbor:",toarray"`
	Type   Type
	Ref    uint64
	People []Person
}

// List asks who is in a room now; with the zero RoomID, on the server. Answered by Listing.
type List struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
	Room chat.RoomID
}

// Present is one connected device.
type Present struct {
	_       struct{} `cbor:",toarray"`
	Account chat.AccountID
	Device  chat.DeviceID
	Name    string
	Since   int64 // ms since 1970
	Client  string
}

// Listing answers List.
type Listing struct {
	_       struct{} `cbor:",toarray"`
	Type    Type
	Ref     uint64
	Present []Present
}

// Arrival is a change of presence in a room: how many devices of the account are now in it.
type Arrival struct {
	_       struct{} `cbor:",toarray"`
	Account chat.AccountID
	Name    string
	Here    bool
}

// Presence tells the subscribers of a room who came and who went, gathered over
// a short while. In a large room Changes is empty and only Online is told.
type Presence struct {
	_       struct{} `cbor:",toarray"`
	Type    Type
	Room    chat.RoomID
	Online  uint32
	Changes []Arrival
}
