package client

import (
	"huisclos/chat"
)

// What the person's devices are called, for their own eyes: a name goes from device to device inside the exchange of a link code, and stays in vaults. The server
// never has it.

// namesRecord is what is known of it.
type namesRecord struct {
	Names map[chat.DeviceID]string `cbor:"40,keyasint,omitempty"`
}

// namesKey is its place in TableSelf.
var namesKey = []byte("device names")

// maxDeviceNames bounds it.
const maxDeviceNames = 256

// deviceNames are the names known of our devices, this one's among them.
func (e *engine) deviceNames() map[chat.DeviceID]string {
	var rec namesRecord
	if _, err := e.get(TableSelf, namesKey, &rec); err != nil {
		e.fail(err)
	}
	if rec.Names == nil {
		rec.Names = make(map[chat.DeviceID]string)
	}
	if rec.Names[e.id.device()] == "" && e.cfg.Label != "" {
		rec.Names[e.id.device()] = e.cfg.Label
	}
	return rec.Names
}

// nameDevice keeps what a device is called.
func (e *engine) nameDevice(d chat.DeviceID, name string) {
	names := e.deviceNames()
	if name == "" || names[d] == "" && len(names) >= maxDeviceNames {
		return
	}
	names[d] = name
	e.put(TableSelf, namesKey, &namesRecord{Names: names})
}
