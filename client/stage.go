package client

import "huisclos/wire"

// stage gathers what one turn of the engine changes. Nothing of it is seen from outside, neither by the server
// nor by a face, before the vault has all of it: state is written before a message leaves (PROTOCOL §8).
type stage struct {
	order   []place
	writes  map[place][]byte // nil: deleted
	durable bool             // something depends on this turn surviving a power cut
	frames  [][]byte         // to the server
	effects []func()         // afterwards, in order
}

// place is one record's.
type place struct {
	table Table
	key   string
}

func newStage() *stage { return &stage{writes: make(map[place][]byte)} }

func (s *stage) set(t Table, key, value []byte) {
	p := place{t, string(key)}
	if _, ok := s.writes[p]; !ok {
		s.order = append(s.order, p)
	}
	s.writes[p] = value
}

func (s *stage) empty() bool { return len(s.order) == 0 && len(s.effects) == 0 && len(s.frames) == 0 }

// apply writes everything in one transaction.
func (s *stage) apply(v Vault) error {
	if len(s.order) == 0 {
		return nil
	}
	d := Lazy
	if s.durable {
		d = Durable
	}
	return v.Update(d, func(w Writer) error {
		for _, p := range s.order {
			var err error
			if value := s.writes[p]; value == nil {
				err = w.Delete(p.table, []byte(p.key))
			} else {
				err = w.Put(p.table, []byte(p.key), value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// put stages a record.
func (e *engine) put(t Table, key []byte, record any) { e.stage.set(t, key, wire.Marshal(record)) }

// remove stages a deletion.
func (e *engine) remove(t Table, key []byte) { e.stage.set(t, key, nil) }

// get reads a record as it will be after this turn; false when there is none.
func (e *engine) get(t Table, key []byte, record any) (bool, error) {
	b, err := e.raw(t, key)
	if b == nil || err != nil {
		return false, err
	}
	return true, parseRecord(b, record)
}

// raw reads a record's bytes as they will be after this turn; nil when there is none.
func (e *engine) raw(t Table, key []byte) (b []byte, err error) {
	if b, staged := e.stage.writes[place{t, string(key)}]; staged {
		return b, nil
	}
	err = e.vault.View(func(r Reader) (err error) {
		b, err = r.Get(t, key)
		return err
	})
	return b, err
}

// then stages an effect.
func (e *engine) then(f func()) { e.stage.effects = append(e.stage.effects, f) }

// soon runs f before this turn ends, after what is being done now.
func (e *engine) soon(f func()) { e.todo = append(e.todo, f) }

// emit stages an event.
func (e *engine) emit(ev Event) { e.then(func() { e.c.events.publish(ev) }) }

// commit ends a turn: everything staged is kept, then told. What the telling stages is kept and told too.
func (e *engine) commit() {
	for e.commitOnce() && !e.ended {
	}
}

// commitOnce reports whether there is more.
func (e *engine) commitOnce() bool {
	for len(e.todo) > 0 && !e.ended {
		f := e.todo[0]
		e.todo = e.todo[1:]
		f()
	}
	e.watchBackup()
	for r := range e.dirty {
		if e.rooms[r.id] == r { // another one may have taken its place
			e.put(TableRooms, r.id[:], &r.rec)
		}
	}
	clear(e.dirty)
	if e.selfDirty {
		e.put(TableSelf, selfKey, &e.self)
		e.selfDirty = false
	}
	s := e.stage
	if s.empty() {
		return false
	}
	e.stage = newStage()
	if err := s.apply(e.vault); err != nil {
		e.fail(err)
		return false
	}
	if e.session != nil && len(s.frames) > 0 {
		e.session.out.add(s.frames)
	}
	for _, f := range s.effects {
		f()
	}
	return len(e.todo) > 0 || !e.stage.empty() || len(e.dirty) > 0
}
