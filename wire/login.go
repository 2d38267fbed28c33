package wire

import "huisclos/chat"

// HelloC is the client's first frame. Its raw bytes are "hello_c" of the login transcript.
type HelloC struct {
	_        struct{} `cbor:",toarray"`
	Type     Type
	Versions []uint   // protocol versions that the client speaks, best first; 1 to 8 of them
	Features []string // optional things that it understands; at most 32
	Nonce    [32]byte
	Client   string // program and version, shown by /list; at most 64 bytes
}

// Limits is what the server enforces, announced before anything is sent (DESIGN §5.6).
// It is a map, to be read by people too; under version 1 it has these keys and no others.
type Limits struct {
	Frame   uint32 `cbor:"frame"`   // bytes of one frame
	Message uint32 `cbor:"message"` // bytes of one envelope
	Rate    uint32 `cbor:"rate"`    // messages a second for each account, sustained; 0: unlimited
	Burst   uint32 `cbor:"burst"`   // messages at once
	Rooms   uint32 `cbor:"rooms"`   // rooms on this server
	Page    uint32 `cbor:"page"`    // entries of one Page
	Commit  uint32 `cbor:"commit"`  // bytes of one Commit, PutState or PutPackages frame
	Idle    uint32 `cbor:"idle"`    // seconds without a sign of life after which a connection is closed
}

// Policy says who may log in.
type Policy uint8

const (
	// Enrol: newcomers may enrol with the key of the announced generation.
	Enrol Policy = 1
	// ReturnOnly: only devices that have enrolled before.
	ReturnOnly Policy = 2
)

// HelloS is "hello_s" of the login transcript; it travels as raw bytes inside Challenge.
type HelloS struct {
	_          struct{} `cbor:",toarray"`
	Version    uint     // chosen
	Offered    []uint   // all that the server speaks: the client checks that the chosen one is the best common one
	Limits     Limits
	Nonce      [32]byte
	Server     [32]byte // S_pub, Ed25519
	Generation chat.Generation
	Access     [32]byte // A_pub(g), Ed25519
	Policy     Policy
	Prove      bool   // every device must sign with the access key ("/key rotate --all")
	Ephemeral  bool   // nothing outlives this server process
	Time       int64  // the server's clock, ms since 1970
	Software   string // program and version
}

// Challenge is the server's answer to HelloC.
type Challenge struct {
	_     struct{} `cbor:",toarray"`
	Type  Type
	Hello []byte   // a HelloS
	Sig   [64]byte // sigS
}

// Auth is the client's proof.
type Auth struct {
	_         struct{} `cbor:",toarray"`
	Type      Type
	Body      []byte // a Body
	SigAccess []byte // sigA: 64 bytes, or none when the device returns
	SigDevice [64]byte
}

// Intent of a login.
type Intent uint8

const (
	// IntentEnrol: the account or the device is new here; SigAccess is required.
	IntentEnrol Intent = 1
	// IntentReturn: the server knows this device.
	IntentReturn Intent = 2
)

// Body is the "body" of the login transcript, as raw bytes inside Auth.
type Body struct {
	_           struct{} `cbor:",toarray"`
	Role        string   // "member"
	Account     chat.AccountID
	Device      chat.DeviceID
	Certificate []byte // trust.Certificate of the device, at most 4 KiB
	ListVersion uint64 // version of the account's device list that the certificate is in
	Name        string
	NameSig     [64]byte // the account's signature over (S, name): trust.SignName
	Intent      Intent
	Generation  chat.Generation
}

// Welcome ends the login ("ok").
type Welcome struct {
	_           struct{} `cbor:",toarray"`
	Type        Type
	Session     uint64   // this session's generation of the device
	Incarnation [16]byte // of the store: changes when a backup is restored
	Time        int64    // ms since 1970
	Rooms       []RoomInfo
}
