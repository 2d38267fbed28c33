package client_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/vault"
)

// BenchmarkLinkHistory hands 50,000 messages over, between two profiles on disk and through a real server.
func BenchmarkLinkHistory(b *testing.B) {
	const many = 50_000
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b)
		dir := b.TempDir()
		open := func() *vault.SQLite {
			v, err := vault.Open(dir, vault.Options{})
			if err != nil {
				b.Fatal(err)
			}
			return v
		}
		alice := w.person("alice", open())
		alice.found("team")
		alice.say("team", "A message of about the length that messages have, so that the figure means something.")
		id := room(alice, "team")
		_ = alice.Close(w.ctx)
		v := open()
		long(b, v, id, many)
		alice = w.reopen(v)
		there, linked := alice.addDevice()
		_ = there
		disk, err := vault.Open(b.TempDir(), vault.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := linked.Restore(disk); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		begin := time.Now()
		laptop := w.reopen(disk)
		first := await(laptop, func(h client.HistoryMoved) bool { return h.Moved > 0 })
		soon := time.Since(begin)
		got := await(laptop, done)
		b.StopTimer()
		if got.Moved < many {
			b.Fatalf("%+v", got)
		}
		b.ReportMetric(float64(soon.Milliseconds()), "ms/first")
		b.ReportMetric(float64(got.Bytes)/1e6, "MB")
		b.ReportMetric(many/time.Since(begin).Seconds(), "messages/s")
		_ = first
		_ = laptop.Close(w.ctx)
		_ = alice.Close(w.ctx)
		b.StartTimer()
	}
}

func room(p *person, name string) chat.RoomID {
	s, err := p.Status(p.w.ctx)
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, r := range s.Rooms {
		if r.Name == name {
			return r.Room
		}
	}
	p.w.t.Fatal("no room")
	return chat.RoomID{}
}

// long makes a room that was left, with a long past, in the likeness of another one.
func long(t testing.TB, v client.Vault, like chat.RoomID, n int) {
	decode := func(raw []byte) map[uint64]any {
		var m map[uint64]any
		if err := cbor.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	encode := func(m any) []byte {
		raw, err := cbor.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	left := like
	left[0] ^= 1
	err := v.Update(client.Durable, func(w client.Writer) error {
		raw, err := w.Get(client.TableRooms, like[:])
		if err != nil {
			return err
		}
		rec := decode(raw)
		rec[1], rec[7] = "left", uint64(n)
		private := rec[23].(map[any]any)
		private[uint64(15)] = true // gone
		if err := w.Put(client.TableRooms, left[:], encode(rec)); err != nil {
			return err
		}
		err = w.Scan(client.TableHistory, like[:], nil, false, func(_, value []byte) (bool, error) {
			raw = value
			return decode(value)[9] == nil, nil // a text
		})
		if err != nil {
			return err
		}
		for i := range n {
			rec := decode(raw)
			id := rec[7].([]byte)
			binary.BigEndian.PutUint32(id[12:], uint32(i))
			if err := w.Put(client.TableHistory, binary.BigEndian.AppendUint64(left[:16:16], uint64(i+1)), encode(rec)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
