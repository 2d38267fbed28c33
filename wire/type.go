package wire

// Type is the first element of every frame.
type Type uint8

// The types below 24 take one byte. C: sent by clients, S: by servers.
const (
	TypeHelloC    Type = 1 // C
	TypeChallenge Type = 2 // S
	TypeAuth      Type = 3 // C
	TypeWelcome   Type = 4 // S
	TypeDone      Type = 5 // S
	TypeFailure   Type = 6 // S
	TypeNotice    Type = 7 // S
	TypeBye       Type = 8 // both

	TypeSend        Type = 10 // C
	TypeAck         Type = 11 // S
	TypeEntries     Type = 12 // S
	TypeSubscribe   Type = 13 // C
	TypeUnsubscribe Type = 14 // C
	TypeRoom        Type = 15 // S
	TypeRead        Type = 16 // C
	TypePage        Type = 17 // S
	TypeRooms       Type = 18 // C
	TypeRoomList    Type = 19 // S
	TypeCreate      Type = 20 // C

	TypeWho      Type = 24 // C
	TypePeople   Type = 25 // S
	TypeList     Type = 26 // C
	TypeListing  Type = 27 // S
	TypePresence Type = 28 // S

	TypeKeyState    Type = 32 // C
	TypeGenerations Type = 33 // S
	TypePutLink     Type = 34 // C
	TypeRotated     Type = 35 // S

	TypePutPackages    Type = 40 // C
	TypePackageState   Type = 41 // S
	TypeTakePackages   Type = 42 // C
	TypePackages       Type = 43 // S
	TypeCreatePrivate  Type = 44 // C
	TypeCommit         Type = 45 // C
	TypeInvited        Type = 46 // S
	TypeInvitations    Type = 47 // C
	TypeInvitationList Type = 48 // S
	TypeWelcomed       Type = 49 // C
	TypeState          Type = 50 // C
	TypeRoomState      Type = 51 // S
	TypeWantState      Type = 52 // S
	TypePutState       Type = 53 // C
	TypePrivateRooms   Type = 54 // C
	TypeRoster         Type = 55 // C
	TypeRosterList     Type = 56 // S
	TypeExpelled       Type = 57 // S

	TypeOpenCode    Type = 60 // C
	TypeCodeOpened  Type = 61 // S
	TypeCloseCode   Type = 62 // C
	TypeUseCode     Type = 63 // C, before the login
	TypeCodeMessage Type = 64 // both
	TypeCodeLeft    Type = 65 // S

	TypeOpenLink   Type = 66 // C
	TypeUseLink    Type = 67 // C, before the login
	TypeToDevice   Type = 68 // C
	TypeFromDevice Type = 69 // S

	TypePutBackup Type = 80 // C
	TypeGetBackup Type = 81 // C
	TypeBackup    Type = 82 // S
	TypeRecover   Type = 83 // C
	TypeRecovered Type = 84 // S
	TypeDevices   Type = 85 // S
	TypePutList   Type = 86 // C

	TypeTyping Type = 87 // C
	TypeTyped  Type = 88 // S

	TypeRestored    Type = 92 // S
	TypeClaim       Type = 93 // C
	TypeRefill      Type = 94 // S
	TypeWantEntries Type = 95 // S
	TypeGive        Type = 96 // C
)
