package client

import "huisclos/chat"

// Vault keeps a profile's state at rest: ordered tables of small records, in transactions.
// vault.SQLite is one, encrypted and authenticated; Memory another. The conformance suite
// vaulttest says what each must do. One process has it open at a time; all methods may be called at the same time.
// Errors are *chat.Error: CodeVaultCorrupt for a record that isn't what was written, CodeStorage, CodeVaultFull.
type Vault interface {
	// View runs f on one consistent state.
	View(f func(Reader) error) error
	// Update runs f in one transaction: all of it is kept when f returns nil,
	// nothing of it otherwise. How safely is said by d.
	Update(d Durability, f func(Writer) error) error
	// Protection says what guards the key of the vault.
	Protection() Protection
	// RolledBack reports that this vault was found to be an older copy of itself.
	// It stays so until Settled.
	RolledBack() bool
	// Settled says that the client has made itself a new device after RolledBack.
	Settled() error
	// Scrub rewrites the vault's files, so that what was deleted or replaced isn't in them any more. What the file system and the disk below keep of old blocks
	// it can't reach. It takes as long as copying the vault.
	Scrub() error
	// Remember keeps the little that must be found without opening the vault.
	Remember(Facts) error
	// Close writes everything out and lets another process open the vault.
	Close() error
}

// Durability of an Update.
type Durability uint8

const (
	// Lazy survives a crash of the program, not always a power cut.
	Lazy Durability = iota
	// Durable survives a power cut.
	Durable
)

// Facts are what is known of a profile without its key. None is a secret, and
// none is trusted: the server proves its fingerprint, the vault its name.
type Facts struct {
	Server    chat.Fingerprint
	Name      string
	Address   string // where the server was last reached
	Ephemeral bool   // the server keeps nothing
}

// Table names an ordered set of records. The numbers are part of the format at rest.
type Table uint8

const (
	// TableSelf holds the device's own secrets and the session's facts, by name.
	TableSelf Table = 1
	// TableKeys holds the shared keys, by generation.
	TableKeys Table = 2
	// TableRooms holds the state of the rooms, by room.
	TableRooms Table = 3
	// TableSenders holds the counters of senders, by room and device.
	TableSenders Table = 4
	// TablePeople holds the pinned accounts, by account.
	TablePeople Table = 5
	// TableDevices holds the pinned devices, by device.
	TableDevices Table = 6
	// TableOutbox holds what waits for its acknowledgement, by room and order.
	TableOutbox Table = 7
	// TableHistory holds the entries read, by room and seq.
	TableHistory Table = 8
	// TableUnread holds the places of entries whose key is missing, by room and seq.
	TableUnread Table = 9
	// TableGroups holds the records of MLS groups, by room and key.
	TableGroups Table = 10
	// TablePackages holds the secrets of key packages that can be used, by their reference.
	TablePackages Table = 11
	// TableOffers holds the states of private rooms that were told and not yet put in force, by room and hash.
	TableOffers Table = 12
	// TablePlaces holds where messages stand, by room and ID.
	TablePlaces Table = 13
	// TableLate holds messages about others that aren't here yet, by room and the other's ID.
	TableLate Table = 14
	// TableTexts holds when members of private rooms with slow mode wrote last, by room and account.
	TableTexts Table = 19
	// TableTransfers holds the histories on their way between devices of one account, by the other device.
	TableTransfers Table = 15
	// TableMoved holds how far the rooms of one are that comes to this device, by the other device and room.
	TableMoved Table = 16
	// TableExpiry holds what will expire, by time, room and seq.
	TableExpiry Table = 17
	// TableRaw holds entries as they came, to be given back to a restored server, by room and seq.
	TableRaw Table = 20
	// TableLost holds the entries that a server has lost for good, by room and seq.
	TableLost Table = 21
)

// Tables lists them all.
func Tables() []Table {
	return []Table{
		TableSelf, TableKeys, TableRooms, TableSenders, TablePeople, TableDevices,
		TableOutbox, TableHistory, TableUnread, TableGroups, TablePackages, TableOffers, TablePlaces, TableLate, TableTexts, TableTransfers, TableMoved, TableExpiry,
		TableRaw, TableLost,
	}
}

// Reader reads inside a transaction. What it returns may be kept and changed.
type Reader interface {
	// Get returns the record, or nil when there is none.
	Get(t Table, key []byte) ([]byte, error)
	// Scan calls f for the records with from <= key < to, in the order of the bytes of
	// the keys, backwards if told so, until f returns false. A nil bound is none.
	Scan(t Table, from, to []byte, backwards bool, f func(key, value []byte) (bool, error)) error
}

// Writer also changes.
type Writer interface {
	Reader
	// Put makes or replaces the record. A record isn't empty.
	Put(t Table, key, value []byte) error
	// Delete removes it; an absent one is no error.
	Delete(t Table, key []byte) error
}
