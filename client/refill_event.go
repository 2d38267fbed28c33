package client

import (
	"time"

	"huisclos/chat"
)

// ServerRestored tells, once in a process, that the server says of itself that a backup was put back. It is the server's word: one that has thrown messages away on purpose would say so too.
type ServerRestored struct {
	Backup time.Time // of the newest entry in it; zero when it has none
	Until  time.Time // until then the server takes back what its members have kept
}

// Refilling tells that a room of a restored server is given back what it has lost. With Messages 0 we have nothing more than the server, and what is written waits
// for the others, who may.
type Refilling struct {
	Room     string
	Messages int       // entries that we have and the server hasn't
	Backup   time.Time // as in ServerRestored
}

// Refilled tells that the server has everything again that we had read there.
type Refilled struct {
	Room     string
	Messages int // that it lacked
}

// RefillConflict tells that members give back different messages from an entry on: the server, or one of them, has made something up.
type RefillConflict struct {
	Room string
	Seq  chat.Seq
}

// MessagesLost tells, when a person goes on with a room of which the server has lost something for good, what is only on this device now. Its Messages are the newest of them, at most
// MaxLostTold, oldest first; Mine says which are one's own, to be sent again if they still matter. See API.Lost.
type MessagesLost struct {
	Room     string
	Messages []Message
	Total    int
}

// MaxLostTold is how many messages MessagesLost has at most.
const MaxLostTold = 50

// Readmitted tells that members who had been put out are in the room's group again, because the server has lost the commits that put them out. Until they are put out again nothing
// is sent there by those who may do that.
type Readmitted struct {
	Room  string
	Names []string
}

func (Readmitted) event()     {}
func (MessagesLost) event()   {}
func (ServerRestored) event() {}
func (Refilling) event()      {}
func (Refilled) event()       {}
func (RefillConflict) event() {}
