package admin

import (
	"time"

	"huisclos/chat"
)

// Result is what a command answers: *Listing, *RoomList, *Stats, *AuditLog, *Kicked, *Banned,
// *Unbanned, *BanList, *Key, *Rotation, *Approval, *Said, *Reloaded or *Stopping. In JSON it is an
// object with these fields; times are RFC 3339, sizes bytes, accounts 64 hexadecimal digits.
type Result interface{ result() }

// Listing answers "list": every connection, by name.
type Listing struct {
	Present []Present `json:"present"`
}

// Present is one connected device.
type Present struct {
	Name      string    `json:"name"`
	Account   string    `json:"account"`
	Address   string    `json:"address"` // HOST:PORT; behind a reverse proxy, the proxy's word
	Since     time.Time `json:"since"`
	Rooms     []string  `json:"rooms"`     // key rooms, without "#"
	Private   int       `json:"private"`   // how many private rooms; which, is nobody's business
	Client    string    `json:"client"`    // program and version, as the client says
	Classical bool      `json:"classical"` // TLS without the post-quantum group
	Proxied   bool      `json:"proxied"`   // came through the reverse proxy
}

// RoomList answers "rooms": the key rooms, and what there is of the others.
type RoomList struct {
	Rooms   []Room  `json:"rooms"`
	Private Private `json:"private"`
}

// Private is all private rooms together.
type Private struct {
	Rooms    int   `json:"rooms"`
	Messages int64 `json:"messages"` // and Commits
	Bytes    int64 `json:"bytes"`
}

// Room is one key room's log.
type Room struct {
	Name    string        `json:"name"`
	Oldest  chat.Seq      `json:"oldest"` // the log begins with this one
	Head    chat.Seq      `json:"head"`
	Bytes   int64         `json:"bytes"`
	Online  int           `json:"online"` // connections that read it
	Created time.Time     `json:"created"`
	Age     time.Duration `json:"keep_age"`   // of retention, ns; 0: for ever
	Size    int64         `json:"keep_bytes"` // 0: no bound
}

// Stats answers "stats".
type Stats struct {
	Version     string          `json:"version"`
	Started     time.Time       `json:"started"`
	Connections int             `json:"connections"`
	People      int64           `json:"people"` // accounts that exist
	Devices     int64           `json:"devices"`
	Rooms       int64           `json:"rooms"`
	Messages    int64           `json:"messages"` // entries in the logs
	Bytes       int64           `json:"bytes"`    // of their envelopes
	Disk        int64           `json:"disk"`     // bytes on disk; in memory, of the database
	InMemory    bool            `json:"in_memory"`
	Memory      int64           `json:"memory"` // bytes that the process has from the system
	Goroutines  int             `json:"goroutines"`
	Generation  chat.Generation `json:"generation"`
}

// AuditLog answers "audit": the last rows, oldest first.
type AuditLog struct {
	Rows []AuditRow `json:"rows"`
}

// AuditRow is one action of an operator or of the server itself.
type AuditRow struct {
	Number uint64    `json:"number"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Action string    `json:"action"`
	Detail string    `json:"detail"`
}

// Kicked answers "kick".
type Kicked struct {
	Name        string `json:"name"`
	Connections int    `json:"connections"` // that were ended
}

// Banned answers "ban". The ban binds only once the key is rotated: until then whoever
// holds the key can come back under another account and name (PROTOCOL §3).
type Banned struct {
	Name        string `json:"name"`
	Connections int    `json:"connections"`
	KeyHeld     bool   `json:"key_held"` // the newest generation was proven by this account: rotate
}

// Unbanned answers "unban".
type Unbanned struct {
	Name string `json:"name"`
}

// BanList answers "bans".
type BanList struct {
	Bans []Ban `json:"bans"`
}

// Ban is a ban in force.
type Ban struct {
	Name    string    `json:"name"`
	Account string    `json:"account"`
	Reason  string    `json:"reason"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// Key answers "key".
type Key struct {
	Generation chat.Generation `json:"generation"`
	ID         string          `json:"id"`   // of the access public key, to tell keys apart
	Key        Secret          `json:"key"`  // hc1…
	Link       Secret          `json:"link"` // huisclos://…
}

// Rotation answers "key rotate".
type Rotation struct {
	Key
	Prove   bool      `json:"prove"`   // OptionAll: nobody stays connected without the new key
	Waiting []Account `json:"waiting"` // enrolled before, to be approved or banned
}

// Account is somebody who enrolled under an earlier generation.
type Account struct {
	Name      string          `json:"name"`
	Account   string          `json:"account"`
	Enrolled  chat.Generation `json:"enrolled"`
	Devices   int             `json:"devices"`
	LastLogin time.Time       `json:"last_login"`
}

// Approval answers "key approve".
type Approval struct {
	Generation chat.Generation `json:"generation"`
	Names      []string        `json:"names"`
	Devices    int             `json:"devices"` // that the key was sealed to
	Waiting    []Account       `json:"waiting"` // still
}

// Said answers "say".
type Said struct {
	Reached int `json:"reached"` // connections
}

// Reloaded answers "reload": the settings that are now in force and differ from before, and
// those that need a new start.
type Reloaded struct {
	Changed []string `json:"changed"`
	Restart []string `json:"restart"`
}

// Stopping answers "quit": the server says goodbye to everyone, finishes writing and ends.
type Stopping struct{}

func (*Listing) result()  {}
func (*RoomList) result() {}
func (*Stats) result()    {}
func (*AuditLog) result() {}
func (*Kicked) result()   {}
func (*Banned) result()   {}
func (*Unbanned) result() {}
func (*BanList) result()  {}
func (*Key) result()      {}
func (*Rotation) result() {}
func (*Approval) result() {}
func (*Said) result()     {}
func (*Reloaded) result() {}
func (*Stopping) result() {}
