package chat

// DefaultPort is where a server listens.
const DefaultPort = 7540

// ProtocolVersion is the version that this program speaks.
const ProtocolVersion = 1

// MaxName is the greatest length of a person's name, in bytes of UTF-8 in NFC.
const MaxName = 64

// MaxNameRunes is the greatest length of a person's name, in code points.
const MaxNameRunes = 32
