package access

import (
	"crypto/sha512"
	"slices"

	"huisclos/chat"
	"huisclos/wire"
)

// The labels of the login (PROTOCOL §4).
const (
	labelLogin  = "huisclos/1 login"  // of T0
	labelClient = "huisclos/1 client" // of T1

	labelRecover = "huisclos/1 recover" // of TR

	// LabelServer is the label of sigS, the server's signature.
	LabelServer = "server-auth"
	// LabelAccess is the label of sigA, the access key's.
	LabelAccess = "access"
	// LabelDevice is the label of sigD, the device's.
	LabelDevice = "client-auth"
	// LabelRecover is the label of sigR, the signature of an account that asks for its backup.
	LabelRecover = "recover"
)

// ExporterLabel and ExporterSize say what both ends ask of their TLS connection (RFC 9266, no context).
const (
	ExporterLabel = "EXPORTER-Channel-Binding"
	ExporterSize  = 32
)

// T0 is SHA-512 of CBOR["huisclos/1 login", raw HelloC, raw HelloS, exporter]: what the server signs.
func T0(helloC, helloS, exporter []byte) [64]byte {
	return sha512.Sum512(wire.Marshal([]any{labelLogin, helloC, helloS, exporter}))
}

// T1 is SHA-512 of CBOR["huisclos/1 client", T0, sigS, raw Body]: what the client signs.
func T1(t0, sigS [64]byte, body []byte) [64]byte {
	return sha512.Sum512(wire.Marshal([]any{labelClient, t0[:], sigS[:], body}))
}

// TR is SHA-512 of CBOR["huisclos/1 recover", T0, sigS, account]: what an account signs that asks for its backup.
func TR(t0, sigS [64]byte, account chat.AccountID) [64]byte {
	return sha512.Sum512(wire.Marshal([]any{labelRecover, t0[:], sigS[:], account[:]}))
}

// deviceSigns is T1 ‖ SHA-512(sigA, or nothing): the device vouches for what the access key signed.
func deviceSigns(t1 [64]byte, sigA []byte) []byte {
	sum := sha512.Sum512(sigA)
	return slices.Concat(t1[:], sum[:])
}
