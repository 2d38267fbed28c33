package chat

import (
	"strings"
	"unicode/utf8"
)

// Generation counts the shared keys of a server, from 1. Each rotation begins
// the next one.
type Generation uint32

// Seq is the place of an entry in its room's log, from 1. 0 is "before the first".
type Seq uint64

// RoomKind says how a room's content is protected.
type RoomKind uint8

const (
	// KeyRoom is read by everyone who holds the server's shared key.
	KeyRoom RoomKind = 1
	// PrivateRoom is an MLS group (RFC 9420), read by its members.
	PrivateRoom RoomKind = 2
)

// EntryKind tells retention what an entry is: what a group needs to go on is
// kept longer than what people said in it.
type EntryKind uint8

const (
	// Content is a message.
	Content EntryKind = 1
	// Commit is an MLS Commit, which moves the room's last_commit_seq.
	Commit EntryKind = 2
)

// Lobby is the name of the room that exists on every server.
const Lobby = "lobby"

// MaxRoomName is the greatest length of a room's name, in bytes.
const MaxRoomName = 48

// RoomName makes the stored form of a room's name: without "#", lower case.
// It returns CodeRoomName for a name that is empty, longer than MaxRoomName
// bytes, or holds anything but letters, digits, '-', '_' and '.' of ASCII:
// room names are typed, and must not look like each other.
func RoomName(s string) (string, error) {
	name := strings.ToLower(strings.TrimPrefix(s, "#"))
	if name == "" || len(name) > MaxRoomName || !utf8.ValidString(name) {
		return "", Errorf(CodeRoomName, "name", clip(s))
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.' {
			return "", Errorf(CodeRoomName, "name", clip(s))
		}
	}
	return name, nil
}

// RoomRef is RoomName for what may also mean the direct conversation with a person: "@bob" stays as it is.
func RoomRef(s string) (string, error) {
	if strings.HasPrefix(s, "@") && len(s) > 1 && len(s) <= 1+MaxName && utf8.ValidString(s) {
		return s, nil
	}
	return RoomName(s)
}

// clip bounds foreign text that goes into an error.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	for i := most; i > 0; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i] + "…"
		}
	}
	return ""
}
