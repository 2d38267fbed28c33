package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// person is somebody with one device, or two.
type person struct {
	name  string
	loses bool // its second device, on the way

	mu      sync.Mutex // guards devices
	devices []*process
}

// all are the person's devices.
func (p *person) all() []*process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*process(nil), p.devices...)
}

// any is one of them.
func (p *person) any() *process {
	all := p.all()
	return all[rand.IntN(len(all))]
}

// leaver is a device that leaves rooms: one that is to be revoked might not come to it, and then nobody else of the person is there.
func (p *person) leaver() *process {
	if p.loses {
		return p.all()[0]
	}
	return p.any()
}

// ask has one of the devices do something.
func (p *person) ask(ctx context.Context, words ...string) (string, error) {
	return p.any().ask(ctx, words...)
}

// nameOf is the person's name of a device's.
func nameOf(device string) string {
	name, _, _ := strings.Cut(device, "/")
	return name
}

// device starts one more device of a person: the first joins by the link, the second recovers the account by the first one's words.
func (s *soak) device(p *person, garbage int) error {
	number := len(p.all()) + 1
	d := &process{name: fmt.Sprintf("%s/%d", p.name, number)}
	d.o = order{Dir: filepath.Join(s.dir, fmt.Sprintf("%s-%d", p.name, number)), Link: s.link, Name: p.name, Garbage: garbage}
	d.note = func(line string) { s.note(d, line) }
	if number > 1 {
		file := filepath.Join(s.dir, p.name+".words")
		if a, err := p.all()[0].ask(s.ctx, "phrase", file); err != nil || a != "ok" {
			return fmt.Errorf("%s has no words: %s %w", p.name, a, err)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, &d.o.Words); err != nil {
			return err
		}
	}
	if err := d.start(s.self); err != nil {
		return err
	}
	if a, err := d.ask(s.ctx, "online"); err != nil || a != "ok" {
		return fmt.Errorf("%s doesn't come online: %s %w", d.name, a, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.devices = append(p.devices, d)
	return nil
}

// revoke has the first device of a person put out the second.
func (s *soak) revoke(p *person) error {
	all := p.all()
	second := all[1]
	p.mu.Lock()
	p.devices = p.devices[:1]
	p.mu.Unlock()
	second.mu.Lock()
	second.revoked = true
	second.mu.Unlock()
	a, err := all[0].ask(s.ctx, "revoke")
	if err == nil && a != "ok" {
		err = fmt.Errorf("%s can't revoke: %s", p.name, a)
	}
	second.end(true)
	return err
}
