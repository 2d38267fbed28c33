package admin

import (
	"time"

	"huisclos/chat"
	"huisclos/hub"
)

// KeyHolder is the one place beside a server that may know the shared key K. It keeps K in
// memory only. A Desk without a KeyHolder is that of a server that never knows it. A Desk calls one
// method at a time.
type KeyHolder interface {
	// Show returns the key in force with its link. CodeKeyUnknown when it isn't known here: after
	// a restart, or when it was made elsewhere.
	Show() (Key, error)
	// Draw makes a key for generation g and returns what a server keeps of it: the access public
	// key and, when the key of g-1 is known, that one sealed under the new one. It isn't in force
	// before Take.
	Draw(g chat.Generation, at time.Time) (hub.Generation, error)
	// Take puts the key that Draw made for g in force and forgets the one before.
	Take(g chat.Generation) error
	// Seal seals the key in force, which the server keeps under generation g, to the device
	// of an account, whose certificate is checked, as hub.Person.Proof gives it. CodeKeyUnknown; CodeAuth for a certificate that isn't right.
	Seal(g chat.Generation, account chat.AccountID, device chat.DeviceID, certificate []byte) ([]byte, error)
}
