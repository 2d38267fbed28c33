package main

import (
	"encoding/hex"
	"sync"
	"time"

	"huisclos/access"
	"huisclos/admin"
	"huisclos/chat"
	"huisclos/hub"
	"huisclos/keys"
	"huisclos/trust"
)

// holder is the one place beside a server that knows the shared key. It keeps it in memory and hands it to
// whoever asks the desk for it.
type holder struct {
	server chat.Fingerprint

	mu         sync.Mutex // guards what follows
	address    string     // for links
	key        keys.Key   // in force; zero when it isn't known here
	generation chat.Generation
	next       keys.Key // drawn and not in force yet
}

var _ admin.KeyHolder = (*holder)(nil)

// setAddress says where links lead.
func (h *holder) setAddress(address string) {
	h.mu.Lock()
	h.address = address
	h.mu.Unlock()
}

// Show implements admin.KeyHolder.
func (h *holder) Show() (admin.Key, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.key.IsZero() {
		return admin.Key{}, chat.Errorf(chat.CodeKeyUnknown)
	}
	id := access.KeyID(h.key.AccessPublic(h.generation))
	return admin.Key{
		Generation: h.generation, ID: hex.EncodeToString(id[:]), Key: admin.NewSecret(h.key.Reveal()),
		Link: admin.NewSecret(keys.Link{Address: h.address, Key: h.key}.Reveal()),
	}, nil
}

// Draw implements admin.KeyHolder.
func (h *holder) Draw(g chat.Generation, at time.Time) (hub.Generation, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next = keys.New(h.server)
	public := h.next.AccessPublic(g)
	made := hub.Generation{Number: g, Access: public, KeyID: access.KeyID(public), At: at}
	if !h.key.IsZero() && h.generation+1 == g {
		link, err := keys.SealLink(h.next, g, h.key)
		if err != nil {
			return hub.Generation{}, err
		}
		made.Link = link
	}
	return made, nil
}

// Take implements admin.KeyHolder.
func (h *holder) Take(g chat.Generation) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.next.IsZero() {
		return chat.Errorf(chat.CodeKeyUnknown)
	}
	h.key, h.generation, h.next = h.next, g, keys.Key{}
	return nil
}

// Seal implements admin.KeyHolder.
func (h *holder) Seal(g chat.Generation, account chat.AccountID, device chat.DeviceID, certificate []byte) ([]byte, error) {
	h.mu.Lock()
	key, generation := h.key, h.generation
	h.mu.Unlock()
	if key.IsZero() || generation != g {
		return nil, chat.Errorf(chat.CodeKeyUnknown)
	}
	cert, _, err := trust.ParseProof(h.server, certificate)
	if err != nil || cert.Account != account || cert.Device != device {
		return nil, chat.Errorf(chat.CodeAuth).Because(err)
	}
	return keys.SealGrant(key, g, account, device, cert.HPKE)
}
