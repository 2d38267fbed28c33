package client

import (
	"maps"
	"slices"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/seal"
	"huisclos/wire"
)

// keyset holds the shared keys of the generations that we have.
type keyset struct {
	server chat.Fingerprint
	held   map[chat.Generation]keys.Key
	rooms  map[roomGeneration]*seal.Room // their keys, derived
}

// roomGeneration names a key of one room.
type roomGeneration struct {
	room chat.RoomID
	g    chat.Generation
}

func newKeyset(server chat.Fingerprint) *keyset {
	return &keyset{server: server, held: make(map[chat.Generation]keys.Key), rooms: make(map[roomGeneration]*seal.Room)}
}

func (k *keyset) load(r Reader) error {
	return r.Scan(TableKeys, nil, nil, false, func(key, value []byte) (bool, error) {
		var rec keyRecord
		if err := parseRecord(value, &rec); err != nil {
			return false, err
		}
		secret, err := keys.FromBytes(k.server, rec.Key)
		if err != nil {
			return false, err
		}
		k.held[parseGeneration(key)] = secret
		return true, nil
	})
}

func (k *keyset) has(g chat.Generation) bool {
	_, ok := k.held[g]
	return ok
}

// holds tells whether a key is one of ours, of whatever generation.
func (k *keyset) holds(key keys.Key) bool {
	for _, held := range k.held {
		if held.Equal(key) {
			return true
		}
	}
	return false
}

func (k *keyset) copy() map[chat.Generation]keys.Key { return maps.Clone(k.held) }

// generations lists what is held, oldest first.
func (k *keyset) generations() []chat.Generation { return slices.Sorted(maps.Keys(k.held)) }

// room gives the cipher of a room under a generation. errNoKey when its key is missing.
func (k *keyset) room(r chat.RoomID, g chat.Generation) (*seal.Room, error) {
	at := roomGeneration{r, g}
	if known, ok := k.rooms[at]; ok {
		return known, nil
	}
	key, ok := k.held[g]
	if !ok {
		return nil, errNoKey
	}
	made, err := seal.NewRoom(k.server, r, g, key.Room(g, r))
	if err != nil {
		return nil, err
	}
	k.rooms[at] = made
	return made, nil
}

// seal makes the envelope of a content: env gives its header.
func (k *keyset) seal(env *wire.Envelope, id *identity, body []byte) ([]byte, error) {
	room, err := k.room(env.Room, env.Generation)
	if err != nil {
		return nil, err
	}
	return room.Seal(*env, id.deviceKey(), body), nil
}

// open checks an envelope's seal and gives what is in it. errNoKey when the generation's key is missing; any other error is a bad seal.
func (k *keyset) open(env *wire.Envelope) ([]byte, error) {
	room, err := k.room(env.Room, env.Generation)
	if err != nil {
		return nil, err
	}
	return room.Open(env)
}
