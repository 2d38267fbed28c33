package access

import (
	"testing"

	"huisclos/wire"
)

// BenchmarkServer is what a login costs the server beside TLS and the store: the server's part of the two steps.
func BenchmarkServer(b *testing.B) {
	w := newWorld()
	for _, c := range []struct {
		name   string
		intent wire.Intent
	}{{"enrol", wire.IntentEnrol}, {"return", wire.IntentReturn}} {
		b.Run(c.name, func(b *testing.B) {
			w.body.Intent = c.intent
			key := w.access
			if c.intent == wire.IntentReturn {
				key = nil
			}
			client := w.client()
			for b.Loop() {
				s := NewServer(w.config)
				raw, err := s.Hello(client.Hello(), exporter)
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				again := &Client{server: client.server, hello: client.hello}
				if _, err := again.Challenge(raw, exporter); err != nil {
					b.Fatal(err)
				}
				auth := again.Auth(w.body, key, w.device.Key())
				b.StartTimer()
				if _, err := s.Auth(auth); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
