package hub

import "huisclos/chat"

// Wakeup tells that a room's log has grown up to Head. It carries nothing else: whoever hears it reads the log.
type Wakeup struct {
	Room chat.RoomID
	Head chat.Seq
}

// Bus tells the nodes of one server that logs have grown. fanout.Local serves one node; the conformance suite
// fanout/fanouttest says what each must do. A wake-up may come late, twice or, when a node was cut off, not at all; a later one
// makes up for it.
type Bus interface {
	// Publish tells every subscriber, this node's too. It doesn't wait for them.
	Publish(w Wakeup)
	// Subscribe calls f for each wake-up, one at a time, until the Bus is closed. Called once, before Publish.
	Subscribe(f func(Wakeup))
	// Close ends it; f isn't called any more when it returns.
	Close() error
}
