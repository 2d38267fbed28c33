package server_test

import (
	"crypto/tls"
	"net/http"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/hub"
)

func gen(n chat.Generation, access [32]byte) hub.Generation {
	return hub.Generation{Number: n, Access: access}
}

// insecure is a web client that takes any certificate.
func insecure() *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}
}

// eventually waits for what another goroutine brings about.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatal("it didn't come about")
		case <-tick.C:
		}
	}
}
