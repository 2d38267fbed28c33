package hub

import "time"

// janitorPause is the time between two rounds.
const janitorPause = time.Minute

// janitor removes what retention no longer keeps, in slices that don't hold up the messages.
func (h *Hub) janitor() {
	tick := time.NewTicker(janitorPause)
	defer tick.Stop()
	for {
		h.sweep(time.Now())
		select {
		case <-tick.C:
		case <-h.ctx.Done():
			return
		}
	}
}

// sweep is one round.
func (h *Hub) sweep(now time.Time) {
	h.rates.sweep(now)
	h.takes.sweep(now)
	h.sweepPrivate(now)
	h.sweepRefill(now)
	rows, err := h.store.Rooms(h.ctx)
	if err != nil {
		if h.ctx.Err() == nil {
			h.log.Error("rooms can't be read", "err", err)
		}
		return
	}
	pruned := false
	for _, row := range rows {
		keep := h.Retention(row)
		for h.ctx.Err() == nil && keep != (Retention{}) && row.Floor < row.Head {
			gone, err := h.store.Prune(h.ctx, row.ID, keep, now)
			if err != nil && h.ctx.Err() == nil {
				h.log.Error("retention can't remove messages", "room", row.Name, "err", err)
			}
			if err != nil || gone.Entries == 0 {
				break
			}
			pruned = true
		}
	}
	if pruned {
		h.refloor()
	}
}

// sweepPrivate removes what nobody needs any more of private rooms.
func (h *Hub) sweepPrivate(now time.Time) {
	for more := true; more && h.ctx.Err() == nil; {
		swept, err := h.store.SweepPrivate(h.ctx, now)
		if err != nil {
			if h.ctx.Err() == nil {
				h.log.Error("private rooms can't be swept", "err", err)
			}
			return
		}
		h.mu.Lock()
		for _, id := range swept.Rooms {
			delete(h.rooms, id)
		}
		h.mu.Unlock()
		more = swept.More
	}
}

// refloor takes over where the logs begin now.
func (h *Hub) refloor() {
	rows, err := h.store.Rooms(h.ctx)
	if err != nil {
		return
	}
	for _, row := range rows {
		if r, err := h.room(row.ID); err == nil {
			r.setFloor(row)
		}
	}
}

// setFloor takes over where the log begins, and lets go of what may be gone from its end: it is read again when it is
// asked for.
func (r *room) setFloor(row Room) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.floor, r.floorHash = row.Floor, row.FloorHash
	r.tail, r.tailBytes, r.before, r.cached = nil, 0, r.headHash, tailFrame{}
}

// Retention is what a room keeps: its own, or that of the configuration for its name, or the server's.
func (h *Hub) Retention(r Room) Retention {
	s := h.settings.Load()
	if r.Retention != nil {
		return *r.Retention
	}
	if keep, ok := s.byName[r.Name]; ok {
		return keep
	}
	return s.retention
}
